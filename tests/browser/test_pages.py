"""What holds for every page: it is silent, harmless and whole, whatever runs are called; names, roles and contrast are there."""

import pytest
from tests.browser import accessibility
from tests.browser.places import TABS, VIEWS, places

PAGES = [*VIEWS, *(f"run-{tab}" for tab in TABS)]
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_stands_hostile_names(seeds, seeded_ui, visit, page):
    shown = visit(seeded_ui, places(seeds, "hostile")[page], size=(800, 1100), scheme="dark")

    assert shown.evaluate("() => window.harmed === undefined && document.images.length === 0")
    assert not shown.evaluate(TOO_WIDE)
    assert len(shown.locator("#app").inner_text()) > 100
    assert accessibility.violations(shown) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_many_runs_is_whole(seeds, seeded_ui, visit, page):
    shown = visit(seeded_ui, places(seeds, "sweep")[page])

    assert not shown.evaluate(TOO_WIDE)
    assert accessibility.violations(shown) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "p/seeds/nothing-yet/charts", "p/seeds/nothing-yet/table", "p/nowhere"])
def test_a_page_of_nothing_says_so(seeded_ui, visit, path, scheme):
    shown = visit(seeded_ui, path, scheme=scheme)

    assert len(shown.locator("main").inner_text()) > 10
    assert accessibility.violations(shown) == []


def test_a_run_that_is_gone_is_told(seeds, seeded_ui, visit, watch):
    watch.allow("^404 GET .*/api/v1/")
    shown = visit(seeded_ui, f"p/{seeds.lineage}/run?run=long-gone")

    assert "long-gone" in shown.locator("main").inner_text()
