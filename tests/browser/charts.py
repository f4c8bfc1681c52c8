"""What stands in the charts of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Locator, Page
    from tests.browser.watching import Watch

SEEN = """
(path) => {
  const found = window.__ui.charts()[path];
  const plain = (line) => Object.fromEntries(
    Object.entries(line).map(([name, value]) => [name, ArrayBuffer.isView(value) ? [...value].map(String) : value]));
  return found && { ...found, lines: found.lines.map((line) => ({ ...plain(line), pruned: line.pruned.map(plain) })) };
}
"""
IS_DRAWN = """
() => [...document.querySelectorAll("canvas.chart-lines")].every((one) => one.dataset.shown === one.dataset.drawn)
"""


def settle(watch: Watch, page: Page) -> None:
    """Wait until nothing is fetched any more, and all charts are drawn as they shall be."""
    for _ in range(2):
        watch.settle(page)
        page.wait_for_function(IS_DRAWN)


def chart(page: Page, path: str) -> Locator:
    """Return the chart of a metric."""
    return page.locator(f'[data-chart="{path}"]')


def plot(page: Page, path: str) -> Locator:
    """Return where the lines of a chart are."""
    return chart(page, path).locator(".chart-over")


def shown(page: Page, path: str) -> Any:
    """Return what a chart shows: view, axis, hovered run, lines (their arrays as float64)."""
    found = page.evaluate(SEEN, path)
    for line in found["lines"]:
        for part in (line, *line["pruned"]):
            for name in ("x", "y", "raw", "min", "max", "count"):
                if isinstance(part.get(name), list):
                    part[name] = np.array(part[name], dtype=np.float64)
    return found


def value_at(line: Any, x: float) -> float:
    """Return the y of the entry at an x."""
    at: NDArray[np.int64] = np.flatnonzero(line["x"] == x)
    assert len(at) == 1, f"no entry at {x}"
    return float(line["y"][at[0]])


def point_at(page: Page, path: str, x_share: float, y_share: float) -> None:
    """Move the mouse into a chart, to so much of its width and height."""
    box = plot(page, path).bounding_box()
    assert box
    page.mouse.move(box["x"] + x_share * box["width"], box["y"] + y_share * box["height"], steps=3)


def drag(page: Page, path: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of a chart to another, both as shares of its width and height."""
    point_at(page, path, *begin)
    page.mouse.down()
    point_at(page, path, *end)
    page.mouse.up()
