"""The table of runs, as its readers use it."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect
from tests.browser.accessibility import violations
from tests.browser.frames import scroll
from tests.browser.seeds import HOSTILE_NAMES
from tests.servers import until_read

import runfork
from runfork import Run
from runfork.testing.waits import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Page
    from tests.browser.seeds import Seeds
    from tests.browser.ui_servers import UiServer
    from tests.browser.visits import Visit
    from tests.browser.watching import Watch

MOST_NODES = 1500

NAMES = "() => [...document.querySelectorAll('.table-row .run-name')].map((name) => name.textContent)"
COVERED = """
([frames, pixels]) => new Promise((done) => {
  const table = document.querySelector('.runs-table');
  const uncovered = [];
  const look = (left) => {
    const box = table.getBoundingClientRect();
    for (let y = box.top + 60; y < box.bottom - 20; y += 60)
      if (!document.elementFromPoint(box.left + 100, y)?.closest('.table-row')) uncovered.push([table.scrollTop, y]);
    if (left === 0) return done(uncovered);
    table.scrollTop += pixels;
    requestAnimationFrame(() => requestAnimationFrame(() => look(left - 1)));
  };
  look(frames);
})
"""


def read_whole(server: UiServer, project: str, runs: int) -> str:
    """Wait until the server has read a project, and return it."""
    with httpx.Client(base_url=server.address, headers={"Authorization": f"Bearer {server.token}"}) as client:
        until_read(client, project, run_count=runs)
    return project


@pytest.fixture
def sweep(seeded_ui: UiServer, seeds: Seeds) -> str:
    """The project `sweep`, read by the server."""
    return read_whole(seeded_ui, seeds.sweep, 50)


def names_in(page: Page) -> list[str]:
    """Return what the rows are called, from top to bottom."""
    found: list[str] = page.evaluate(NAMES)
    return found


def row_of(page: Page, name: str) -> Locator:
    """Return the row of a run or an experiment."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def wait_for_names(page: Page, names: list[str]) -> None:
    """Wait until the rows are called so."""
    page.wait_for_function(f"(wanted) => JSON.stringify(({NAMES})()) === JSON.stringify(wanted)", arg=names)


def filter_by(page: Page, text: str) -> None:
    """Type a filter, key by key."""
    page.keyboard.press("/")
    page.keyboard.type(text)


def test_ten_thousand_runs_are_a_few_rows(visit: Visit, seeded_ui: UiServer, seeds: Seeds) -> None:
    project = read_whole(seeded_ui, seeds.ten_thousand, 10_000)
    page = visit(seeded_ui, f"p/{project}/table?mode=runs&sort=run", size=(1440, 900))
    page.get_by_role("link", name="r00000", exact=True).wait_for()
    assert page.get_by_role("treegrid").get_attribute("aria-rowcount") == "10001"

    uncovered = page.evaluate(COVERED, [40, 700])
    times = scroll(page, ".runs-table", frames=60, pixels=300)
    nodes = page.evaluate("() => document.querySelectorAll('*').length")
    page.evaluate(
        "() => { const table = document.querySelector('.runs-table'); table.scrollTop = table.scrollHeight; }"
    )

    page.get_by_role("link", name="r09999", exact=True).wait_for()
    assert uncovered == []
    assert nodes < MOST_NODES
    assert page.evaluate("() => document.querySelectorAll('*').length") < MOST_NODES
    assert times.frames == 60


@pytest.mark.parametrize("direction", [1, -1])
def test_rows_are_sorted_by_the_least_value_of_a_metric(
    visit: Visit, seeded_ui: UiServer, seeds: Seeds, sweep: str, direction: int
) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?mode=runs&columns=min(val/acc)", size=(1280, 1800))
    head = page.get_by_role("columnheader").filter(has_text="acc").get_by_role("button", name=re.compile("acc"))
    head.first.click()
    if direction < 0:
        head.first.click()
    page.locator(f'[aria-sort="{"ascending" if direction > 0 else "descending"}"]').wait_for()

    points = runfork.fetch_metrics(runs=".*", attributes=["val/acc"], project=sweep, directory=seeds.directory)
    least = points["val/acc"].groupby("run").min().dropna()
    expected = sorted((float(one) for one in least), reverse=direction < 0)
    page.wait_for_function("() => document.querySelectorAll('.table-row .run-name').length > 40")
    expect(row_of(page, "s00").locator(".run-aside")).to_have_text("sweep-00")  # no head, but not below it either

    until(lambda: [float(least[name]) for name in names_in(page) if name in least.index] == expected)
    page.get_by_role("button", name="last step").click()
    page.wait_for_url("**sort=last_step*")
    expect(page.get_by_role("columnheader", name="last step")).to_have_attribute("aria-sort", "ascending")


def test_a_filter_is_the_url_and_the_url_the_filter(
    visit: Visit, seeded_ui: UiServer, seeds: Seeds, sweep: str, watch: Watch
) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table")
    text = 'lr <= 3e-3 and optimizer == "adam"'
    filter_by(page, text)
    page.keyboard.press("Escape")
    expected = runfork.list_experiments(
        experiments=runfork.Filter.parse(text), project=sweep, directory=seeds.directory
    )
    assert 2 < len(expected) < 20
    wait_for_names(page, expected)

    page.wait_for_function("(text) => new URLSearchParams(location.search).get('filter') === text", arg=text)
    address = str(page.evaluate("() => location.href"))
    other = visit(seeded_ui, address.removeprefix(seeded_ui.url_of("")))

    wait_for_names(other, expected)
    assert other.get_by_role("combobox", name="Filter").input_value() == text
    assert f"{len(expected)} of 40" in other.locator(".filter-field").inner_text()


def test_what_was_chosen_goes_along_to_other_pages(visit: Visit, seeded_ui: UiServer, sweep: str) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table")
    filter_by(page, "lr <= 3e-3")
    page.keyboard.press("Escape")
    page.locator(".value-head .head-button").first.click()
    page.wait_for_function("() => ['filter', 'sort'].every((one) => new URLSearchParams(location.search).has(one))")
    chosen = page.evaluate("() => location.search")

    for name in ("Charts", "Side by side", "Table"):
        page.get_by_role("link", name=name).click()
        page.wait_for_function("(chosen) => location.search === chosen", arg=chosen)


def test_a_filter_by_what_no_run_has_says_so(visit: Visit, seeded_ui: UiServer, sweep: str) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?filter=los+%3C+1")

    page.get_by_text("The filter names 'los', which doesn't exist in the project").wait_for()


def test_a_filter_that_cannot_be_read_leaves_the_last_one(
    visit: Visit, seeded_ui: UiServer, sweep: str, watch: Watch
) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?filter=lr+%3C%3D+3e-3")
    before = names_in(page)

    filter_by(page, " and and")
    page.keyboard.press("Enter")

    page.get_by_text(re.compile(r"\. The table shows the last valid filter\.")).wait_for()
    expect(page.get_by_role("combobox", name="Filter")).to_be_focused()
    assert page.locator(".token.wrong").inner_text() == "and"
    assert names_in(page) == before


def test_completion_writes_the_language(visit: Visit, seeded_ui: UiServer, sweep: str, watch: Watch) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table")
    filter_by(page, "optim")
    page.get_by_role("option", name=re.compile("^optimizer")).wait_for()
    page.keyboard.press("Tab")
    page.keyboard.type("== ")
    page.get_by_role("option", name="sgd").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.get_by_role("option", selected=True).inner_text().strip()
    page.keyboard.press("Enter")

    assert page.get_by_role("combobox", name="Filter").input_value() == f'optimizer == "{chosen}" '
    page.get_by_text("20 of 40").first.wait_for()


def test_the_builder_and_the_text_are_the_same_filter(visit: Visit, seeded_ui: UiServer, sweep: str) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?filter=seed+%3C+10")
    page.get_by_role("button", name="Build a filter").click()
    builder = page.get_by_role("dialog", name="Build a filter")
    assert builder.get_by_label("Attribute").input_value() == "seed"

    builder.get_by_role("button", name="another condition").click()
    second = builder.get_by_role("group", name="Condition 2")
    second.get_by_label("Attribute").fill("optimizer")
    second.get_by_label("Value").fill("sgd")

    page.get_by_text("5 of 40").first.wait_for()
    assert page.get_by_role("combobox", name="Filter").input_value() == 'seed < 10 and optimizer == "sgd"'


def test_a_column_is_found_by_a_regular_expression_and_added(visit: Visit, seeded_ui: UiServer, seeds: Seeds) -> None:
    page = visit(seeded_ui, f"p/{seeds.lineage}/table?columns=lr,state")
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Search attributes").fill("^train/.*ss$")
    page.get_by_role("checkbox", name="train/loss").check()
    page.get_by_label("Search attributes").fill("running")
    page.get_by_role("checkbox", name="duration").check()
    page.keyboard.press("Escape")

    head = page.get_by_role("columnheader").filter(has_text="train/loss")
    head.wait_for()
    page.wait_for_function(
        "() => new URLSearchParams(location.search).get('columns') === 'lr,state,last(train/loss),duration'"
    )
    value = runfork.fetch_experiments_table(
        attributes=["train/loss"], project=seeds.lineage, directory=seeds.directory
    )["train/loss"].iloc[0]
    page.get_by_role("gridcell", name=f"{value:.4f}").wait_for()

    head.hover()
    page.get_by_role("button", name="More for last(train/loss)").click()
    page.get_by_role("menuitem", name="Show min instead").click()
    page.wait_for_function(
        "() => new URLSearchParams(location.search).get('columns') === 'lr,state,min(train/loss),duration'"
    )
    expect(head).to_contain_text("min")


def test_columns_change_places_by_keyboard_and_by_dragging(visit: Visit, seeded_ui: UiServer, sweep: str) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?columns=lr,seed,optimizer", size=(1440, 800))
    columns = """(wanted) => new URLSearchParams(location.search).get('columns') === wanted
        && [...document.querySelectorAll('.value-head')].map((head) => head.dataset.column).join() === wanted"""
    lr, optimizer = (page.locator(f'[data-column="{name}"] .head-button') for name in ("lr", "optimizer"))
    lr.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function(columns, arg="seed,lr,optimizer")

    box = page.locator('[data-column="seed"]').bounding_box()
    assert box
    optimizer.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + 4, box["y"] + 30, steps=5)
    page.mouse.up()

    page.wait_for_function(columns, arg="optimizer,seed,lr")
    assert page.locator("[aria-sort]").count() == 0  # a drag is no click

    head = page.locator('[data-column="lr"]')
    resizer = head.get_by_role("separator")
    width, handle = (one.bounding_box() for one in (head, resizer))
    assert width
    assert handle
    assert handle["x"] + handle["width"] <= 1440
    for part in (1, handle["width"] - 1):
        middle = handle["y"] + handle["height"] / 2
        page.mouse.move(handle["x"] + part, middle)
        page.mouse.down()
        page.mouse.move(handle["x"] + part + 60, middle, steps=3)
        page.mouse.move(handle["x"] + part + 30, middle, steps=3)
        page.mouse.up()
        expect(resizer).to_have_attribute("aria-valuenow", str(round(width["width"]) + 30))
        resizer.dblclick()
        expect(resizer).to_have_attribute("aria-valuenow", str(round(width["width"])))
    page.wait_for_function(columns, arg="optimizer,seed,lr")


def test_a_pinned_column_stays_while_the_table_scrolls(visit: Visit, seeded_ui: UiServer, seeds: Seeds) -> None:
    wide = ",".join(f"config/{one:02}" for one in range(10))
    project = read_whole(seeded_ui, seeds.thousand, 1000)
    page = visit(seeded_ui, f"p/{project}/table?columns=seed,{wide}", size=(900, 600))
    page.locator('[data-column="config/03"]').hover()
    page.get_by_role("button", name="More for config/03").click()
    page.get_by_role("menuitem", name="Pin to the left").click()
    pinned = page.locator('.head-cell.pinned[data-column="config/03"]')
    pinned.wait_for()
    before = pinned.bounding_box()

    page.evaluate("() => { document.querySelector('.runs-table').scrollLeft = 500; }")

    assert pinned.bounding_box() == before


def test_a_range_of_runs_is_drawn_with_shift(visit: Visit, seeded_ui: UiServer, sweep: str) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?eyes=")
    eyes = page.get_by_role("button", name=re.compile("^Draw sweep-"))
    eyes.nth(1).click()
    eyes.nth(4).click(modifiers=["Shift"])

    drawn = page.locator(".table-row .eye[aria-pressed=true]")
    page.wait_for_function("() => document.querySelectorAll('.table-row .eye[aria-pressed=true]').length === 4")
    assert [one.get_attribute("aria-label") for one in drawn.all()] == [f"Draw {name}" for name in names_in(page)[1:5]]


def test_the_keyboard_goes_over_rows(visit: Visit, seeded_ui: UiServer, sweep: str) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?eyes=")
    for key in ("j", "j", "k", "j", " "):
        page.keyboard.press(key)
    page.wait_for_function("() => document.querySelectorAll('.table-row .eye[aria-pressed=true]').length === 1")
    second = names_in(page)[1]
    assert row_of(page, second).get_by_role("button").first.get_attribute("aria-pressed") == "true"

    page.keyboard.press("Enter")

    page.wait_for_url("**/run?*")
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('.table-row .eye[aria-pressed=true]').length === 1")
    assert names_in(page)[1] == second

    page.keyboard.press("/")
    page.keyboard.type("seed < 20 ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("treegrid")).to_be_focused()


def test_who_comes_back_to_the_table_goes_on_reading(visit: Visit, seeded_ui: UiServer, seeds: Seeds) -> None:
    project = read_whole(seeded_ui, seeds.thousand, 1000)
    page = visit(seeded_ui, f"p/{project}/table?mode=runs&sort=run")
    page.get_by_role("link", name="r00000", exact=True).wait_for()
    page.evaluate("() => { document.querySelector('.runs-table').scrollTop = 13_000; }")
    page.get_by_role("link", name="r00510", exact=True).click()
    page.wait_for_url("**/run?*")

    page.go_back()

    page.get_by_role("link", name="r00510", exact=True).wait_for()
    assert page.evaluate("() => document.querySelector('.runs-table').scrollTop") == 13_000


def test_an_experiment_opens_to_its_lineage(visit: Visit, seeded_ui: UiServer, seeds: Seeds) -> None:
    page = visit(seeded_ui, f"p/{seeds.lineage}/table")
    assert names_in(page) == ["digits"]

    page.get_by_role("button", name="Show the 3 runs of digits").click()

    wait_for_names(page, ["digits", "root", "first", "second"])
    assert row_of(page, "second").locator(".run-aside").inner_text() == "head"
    assert page.locator(".table-row.child .tree-slice .diamond").count() == 2
    page.reload()
    wait_for_names(page, ["digits", "root", "first", "second"])


def test_csv_is_what_the_query_api_answers(visit: Visit, seeded_ui: UiServer, seeds: Seeds, sweep: str) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?mode=runs&sort=-lr&columns=lr,optimizer,val/acc&filter=seed+%3C+20")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))

    table = runfork.fetch_runs_table(
        runs=runfork.Filter.lt("seed", 20),
        attributes=["lr", "optimizer", "val/acc"],
        sort_by="lr",
        sort_direction="desc",
        project=sweep,
        directory=seeds.directory,
    )
    assert [row["run_id"] for row in rows] == list(table.index)
    np.testing.assert_array_equal([float(row["val/acc"]) for row in rows], table["val/acc"])
    assert [(float(row["lr"]), row["optimizer"]) for row in rows] == list(
        zip(table["lr"], table["optimizer"], strict=True)
    )


def test_new_runs_and_forks_come_to_their_places_while_one_reads(
    start_ui: Callable[..., UiServer], visit: Visit, open_run: Callable[..., Run]
) -> None:
    for number in range(40):
        open_run(f"e{number:02}", run_id=f"r{number:02}").log_metrics({"loss": 1.0}, step=number)
    page = visit(start_ui(), "p/tests/project/table", size=(1280, 500))
    page.get_by_role("row", name=re.compile("e39")).wait_for()
    until(lambda: drawn_in(page) == ["e39", "e38", "e37", "e36", "e35"])
    page.evaluate("() => { document.querySelector('.runs-table').scrollTop = 400; }")
    reading = page.locator(".table-row", has_text="e20")
    before = reading.bounding_box()

    open_run("new", run_id="new").log_metrics({"loss": 0.5}, step=1)
    open_run("e39", run_id="fork", fork_run_id="r39", fork_step=39).log_metrics({"loss": 0.25}, step=45)

    page.get_by_text("41 of 41").wait_for()
    assert reading.bounding_box() == before
    page.evaluate("() => { document.querySelector('.runs-table').scrollTop = 0; }")
    page.get_by_role("button", name="Show the 2 runs of e39").wait_for()
    until(lambda: set(drawn_in(page)) == {"new", "e39", "e38", "e37", "e36"})


def drawn_in(page: Page) -> list[str]:
    """Return the names of rows whose runs are drawn."""
    labels: list[str] = page.locator(".table-row .eye[aria-pressed=true]").evaluate_all(
        "(eyes) => eyes.map((one) => one.getAttribute('aria-label'))"
    )
    return [label.removeprefix("Draw ") for label in labels]


def test_numbers_change_where_they_stand(
    start_ui: Callable[..., UiServer], visit: Visit, open_run: Callable[..., Run]
) -> None:
    run = open_run("gull", run_id="r")
    run.log_metrics({"loss": 0.5}, step=1)
    page = visit(start_ui(), "p/tests/project/table")
    page.get_by_role("gridcell", name="0.5", exact=True).wait_for()
    page.evaluate("() => { window.row = document.querySelector('.table-row'); }")

    run.log_metrics({"loss": 0.25}, step=2)

    page.get_by_role("gridcell", name="0.25", exact=True).wait_for()
    assert page.evaluate("() => window.row === document.querySelector('.table-row')")


def test_the_empty_page_becomes_the_table_with_the_first_run(
    start_ui: Callable[..., UiServer], visit: Visit, open_run: Callable[..., Run], data_directory: Path
) -> None:
    page = visit(start_ui(), "p/tests/project/table")
    page.get_by_role("heading", name="No runs yet").wait_for()
    assert str(data_directory) in page.locator(".empty-page").inner_text()
    assert violations(page) == []

    open_run("gull", run_id="r").log_metrics({"loss": 0.5}, step=1)

    page.get_by_role("link", name="gull", exact=True).wait_for()


def test_projects_are_found_by_name(visit: Visit, seeded_ui: UiServer, seeds: Seeds) -> None:
    lineage, _ = seeds.lineage, seeds.sweep
    page = visit(seeded_ui, "p/seeds/nobody/nothing")
    page.get_by_text("There is no project seeds/nobody yet").wait_for()
    page.wait_for_url("**/p/seeds/nobody/charts")
    page.locator("main").get_by_role("link", name="seeds/sweep", exact=True).click()
    page.wait_for_url("**/p/seeds/sweep/charts")
    page = visit(seeded_ui, "")
    page.get_by_role("link", name="seeds / sweep").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("linea")

    page.get_by_text("1 of", exact=False).wait_for()
    assert violations(page) == []
    page.get_by_role("link", name="seeds / lineage").click()
    page.wait_for_url(f"**/p/{lineage}/*")


def test_names_of_any_kind_are_text(visit: Visit, seeded_ui: UiServer, seeds: Seeds) -> None:
    page = visit(seeded_ui, f"p/{seeds.hostile}/table?mode=runs", size=(1280, 900))
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Search attributes").fill("script|img|metrics")
    page.locator(".picker-row").first.wait_for()
    page.keyboard.press("Escape")

    shown = {*names_in(page), *(one.inner_text() for one in page.locator(".run-aside").all())}
    assert page.evaluate("() => window.harmed") is None
    assert {name for name in HOSTILE_NAMES if name in shown} >= {"a/../b", "a%2Fb%00", "constructor"}
    assert page.locator(".table-row script, .table-row img").count() == 0


@pytest.mark.parametrize(("scheme", "mode"), [("light", "experiments"), ("dark", "runs")])
def test_the_table_has_names_roles_and_contrast(
    visit: Visit, seeded_ui: UiServer, sweep: str, scheme: Any, mode: str
) -> None:
    page = visit(seeded_ui, f"p/{sweep}/table?mode={mode}&filter=lr+%3C+1", scheme=scheme)
    found = {"table": violations(page)}
    for name in ("Columns", "Build a filter", "Which runs are drawn"):
        page.get_by_role("button", name=name, exact=True).click()
        page.locator(".popup").wait_for()
        found[name] = violations(page)
        page.keyboard.press("Escape")
        page.locator(".popup").wait_for(state="detached")
    page.locator(".value-head").first.click(button="right")
    page.get_by_role("menu").wait_for()
    found["menu"] = violations(page)

    assert {name: troubles for name, troubles in found.items() if troubles} == {}
