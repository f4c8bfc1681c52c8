"""That pages follow trainings: a process of its own that logs, is killed, and is resumed while they are open."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.browser.charts import chart, drag, settle
from tests.drawn_journals import draw_run

from runfork.testing.waits import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page
    from tests.browser.ui_servers import UiServer
    from tests.browser.visits import Visit
    from tests.browser.watching import Watch

PROJECT = "tests/project"
TRAINING = """
import sys, time
from runfork import Run

directory, run_id, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
parent = sys.argv[4] if len(sys.argv) > 4 else None
run = Run("gull", project="tests/project", run_id=run_id, fork_run_id=parent, fork_step=first if parent else None)
run.log_configs({"lr": 0.1 if parent is None else 0.01})
print("begun", flush=True)
for step in range(first + 1, 10**6):
    run.log_metrics({"train/loss": 1 / step, "val/loss": 2 / step}, step=step)
    time.sleep(0.01)
"""


class Trainings:
    """Trainings in processes of their own.

    Args:
        directory: The data directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._begun: list[subprocess.Popen[str]] = []

    def begin(self, run_id: str, first: int = 0, *parent: str) -> subprocess.Popen[str]:
        """Begin one, and return when it logs."""
        script = [sys.executable, "-c", TRAINING, str(self._directory), run_id, str(first), *parent]
        process = subprocess.Popen(script, stdout=subprocess.PIPE, text=True)
        self._begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    def end(self) -> None:
        """Kill all that are left."""
        for process in self._begun:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def trainings(data_directory: Path) -> Iterator[Trainings]:
    found = Trainings(data_directory)
    yield found
    found.end()


@pytest.fixture
def open_page(data_directory: Path, start_ui: Callable[..., UiServer], visit: Visit) -> Callable[..., Page]:
    """Open a page of a project with forty old experiments."""
    for at in range(40):
        draw_run(data_directory, f"old-{at}", project=PROJECT, experiment=f"old-{at}")
    server = start_ui()
    return lambda path: visit(server, f"p/{PROJECT}/{path}")


def row_of(page: Page, name: str) -> Locator:
    """Return the row of a run or an experiment."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def last_step(page: Page, name: str) -> int:
    """Return the greatest whole number in a row: the last step; 0 as long as there is none."""
    cells = row_of(page, name).inner_text().replace("\u202f", "").split()
    return max((int(cell) for cell in cells if cell.isdigit()), default=0)


def test_a_training_moves_and_what_is_looked_at_stays(trainings: Trainings, open_page: Callable[..., Page]) -> None:
    trainings.begin("live")
    page = open_page("table")
    before = last_step(page, "gull")
    until(lambda: last_step(page, "gull") > before + 50)

    page.evaluate("() => { document.querySelector('.runs-table').scrollTop = 300; }")
    row_of(page, "old-20").hover()
    place = row_of(page, "old-20").bounding_box()
    trainings.begin("second")

    expect(page.get_by_role("radio", name="Runs")).to_contain_text("42")
    assert row_of(page, "old-20").bounding_box() == place


def test_a_killed_training_is_lost_and_its_resume_a_fork(trainings: Trainings, open_page: Callable[..., Page]) -> None:
    first = trainings.begin("first")
    page = open_page("table?open=gull")
    expect(row_of(page, "gull")).to_contain_text("running")
    until(lambda: last_step(page, "gull") > 20)

    first.kill()
    expect(row_of(page, "gull")).to_contain_text("lost")
    trainings.begin("resumed", 20, "first")

    expect(row_of(page, "gull")).to_contain_text("running")
    expect(row_of(page, "gull")).to_contain_text("2")


def test_a_zoom_stays_while_points_come(trainings: Trainings, open_page: Callable[..., Page], watch: Watch) -> None:
    trainings.begin("live")
    page = open_page("charts?eyes=live")
    settle(watch, page)
    drag(page, "train/loss", (0.2, 0.5), (0.6, 0.5))
    zoomed = page.evaluate("() => new URLSearchParams(location.search).get('range')")
    assert zoomed is not None

    before = last_step(page, "gull")
    until(lambda: last_step(page, "gull") > before + 100)

    assert page.evaluate("() => new URLSearchParams(location.search).get('range')") == zoomed
    expect(chart(page, "train/loss")).to_be_visible()
