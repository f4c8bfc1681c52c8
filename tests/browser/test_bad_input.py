"""What users do not mean to ask for: said in words, on a page that stays whole."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from tests.browser.accessibility import violations
from tests.drawn_journals import Rows, draw_run

from runfork.testing.waits import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page
    from tests.browser.seeds import Seeds
    from tests.browser.ui_servers import UiServer
    from tests.browser.visits import Visit
    from tests.browser.watching import Watch

METRICS = 10_000


def asked_for_charts(page: Page, watch: Watch) -> int:
    page.evaluate("0")  # so that what happened is told
    return sum("/series/buckets" in one for one in watch.requests)


def test_a_chart_of_what_is_no_series_gives_way_to_those_that_there_are(
    seeds: Seeds, seeded_ui: UiServer, visit: Visit
) -> None:
    page = visit(seeded_ui, f"p/{seeds.lineage}/charts?full=lr")

    expect(page.locator('[data-chart="train/loss"]')).to_be_visible()
    assert violations(page) == []


def test_ten_thousand_metrics_are_charts_that_are_made_when_they_come_near(
    data_directory: Path, start_ui: Callable[..., UiServer], visit: Visit, watch: Watch
) -> None:
    values = {f"layer{number // 100:03}/unit{number % 100:02}": [0.0, 1.0] for number in range(METRICS)}
    draw_run(data_directory, "r", project="tests/project", experiment="e", rows=[Rows([0, 1], values)])
    page = visit(start_ui(), "p/tests/project/charts")

    expect(page.locator("main")).to_contain_text(re.compile(r"10.000 of 10.000"))
    expect(page.locator("[data-chart]").first).to_be_visible()
    until(lambda: asked_for_charts(page, watch) > 0)
    watch.settle(page)
    assert asked_for_charts(page, watch) < 40
    assert page.locator("canvas").count() < 100


def test_a_page_that_does_not_start_says_what_it_needs(seeded_ui: UiServer, visit: Visit, watch: Watch) -> None:
    watch.allow("net::ERR_FAILED")
    page = visit(seeded_ui)
    needs = page.get_by_text("It needs JavaScript, and Chrome or Edge")
    expect(needs).to_be_hidden()

    page.route("**/*.js", lambda route: route.abort())
    page.reload()

    expect(needs).to_be_visible()


def test_a_data_directory_that_disappears_is_waited_for(
    data_directory: Path, start_ui: Callable[..., UiServer], visit: Visit, watch: Watch
) -> None:
    draw_run(data_directory, "r", project="tests/project", experiment="e", rows=[Rows([0, 1], {"loss": [1.0, 0.5]})])
    page = visit(start_ui(), "p/tests/project/table")
    expect(page.get_by_role("link", name="e", exact=True)).to_be_visible()

    shutil.rmtree(data_directory)

    expect(page.locator("#app")).to_contain_text(f"This page watches {data_directory}")
    gone = f"the folder {data_directory / 'tests' / 'project'} is not there any more"
    expect(page.locator(".strip")).to_contain_text(gone)
    assert violations(page) == []
    draw_run(
        data_directory, "later", project="tests/project", experiment="later", rows=[Rows([0, 1], {"loss": [1.0, 0.5]})]
    )
    expect(page.get_by_role("link", name="later", exact=True)).to_be_visible()
    expect(page.locator(".strip")).to_have_count(0)
