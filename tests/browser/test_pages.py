"""What holds for every page: it is silent, harmless and whole, whatever runs are called; names, roles and contrast are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from tests.browser.accessibility import violations
from tests.browser.places import places

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.browser.seeds import Seeds
    from tests.browser.ui_servers import UiServer
    from tests.browser.visits import Visit
    from tests.browser.watching import Watch

IS_HARMED = "() => window.harmed !== undefined || document.images.length > 0"
IS_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


def faults_of(page: Page) -> list[str]:
    """Return what is wrong with the page that is shown."""
    found = violations(page)
    if page.evaluate(IS_HARMED):
        found.append("a name became markup")
    if page.evaluate(IS_TOO_WIDE):
        found.append("it is wider than the window")
    if len(page.locator("#app").inner_text()) < 100:
        found.append("it shows next to nothing")
    return found


@pytest.mark.parametrize(
    ("project", "size", "scheme"), [("hostile", (800, 1100), "dark"), ("sweep", (1280, 800), "light")]
)
def test_every_page_is_sound(
    seeds: Seeds,
    seeded_ui: UiServer,
    visit: Visit,
    watch: Watch,
    project: str,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
) -> None:
    paths = places(seeds, project)
    page = visit(seeded_ui, "", size=size, scheme=scheme)
    faults = {}
    for name, path in paths.items():
        page.goto(seeded_ui.url_of(path))
        watch.settle(page)
        faults[name] = faults_of(page) + [f"it is not silent: {one}" for one in watch.troubles()]

    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_nothing_says_so(
    seeded_ui: UiServer, visit: Visit, watch: Watch, scheme: Literal["light", "dark"]
) -> None:
    watch.allow("404 GET .*/p/nowhere$")
    page = visit(seeded_ui, "", scheme=scheme)
    faults = {}
    for path in ("p/seeds/nothing-yet/charts", "p/seeds/nothing-yet/table", "p/nowhere"):
        page.goto(seeded_ui.url_of(path))
        watch.settle(page)
        faults[path] = violations(page)
        assert len(page.locator("main").inner_text()) > 10

    assert {path: found for path, found in faults.items() if found} == {}


def test_a_run_that_is_gone_is_told(seeds: Seeds, seeded_ui: UiServer, visit: Visit, watch: Watch) -> None:
    page = visit(seeded_ui, f"p/{seeds.lineage}/run?run=long-gone")

    assert "long-gone" in page.locator("main").inner_text()
    assert violations(page) == []
