"""Runs side by side."""

import csv
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser import accessibility
from tests.drawn_journals import EPOCH, draw_run

ALL = "root,first,second"
MINUS = "\u2212"


@pytest.fixture
def open_compare(visit, seeded_ui, seeds):
    """Open the page on the runs of the lineage."""

    def open_compare(runs=ALL, **options):
        page = visit(seeded_ui, f"p/{seeds.lineage}/compare?mode=runs&with={runs}", **options)
        page.wait_for_selector(".compare-note" if runs == "root" else ".comparison-row.row")
        return page

    return open_compare


def differences(page, project, **body):
    """Return what the server says of differences."""
    return page.evaluate(
        """async ([path, body]) => (await fetch(path, { method: "POST", body,
          headers: { "Content-Type": "application/json" } })).json()""",
        [f"api/v1/projects/{project}/differences", json.dumps(body)],
    )


def cells(page, path):
    """Return the texts of a row, the reference first."""
    row = page.locator(".comparison-row.row", has=page.locator(f"[role=rowheader][title='{path}']")).first
    told = "(found) => found.map((one) => Array.from(one.children, (part) => part.textContent).join(' '))"
    texts: list[str] = row.locator(".compared-cell").evaluate_all(told)
    return [re.sub(r"\s+", " ", text).strip() for text in texts]


def test_only_what_differs_is_listed_and_counted(open_compare, seeds):
    page = open_compare()
    found = differences(page, seeds.lineage, run_ids=ALL.split(","), reference="root")

    count = page.locator(".differ-count")
    own = {row["path"] for row in found["rows"] if not re.match("(sys|runtime|source_code)/", row["path"])}
    expect(count).to_have_text(f"{len(own)} attributes differ")
    assert cells(page, "lr") == ["0.1", f"0.05 {MINUS}0.05 {MINUS}50 %", f"0.01 {MINUS}0.09 {MINUS}90 %"]
    expect(page.get_by_role("rowheader", name="batch_size")).to_have_count(0)
    page.get_by_role("checkbox", name="only differences").uncheck()
    expect(page.locator("[role=rowheader][title='batch_size']")).to_have_count(1)
    assert cells(page, "batch_size") == ["64", "64 same", "64 same"]
    page.go_back()
    expect(page.get_by_role("checkbox", name="only differences")).to_be_checked()
    expect(page.locator("[role=rowheader][title='sys/creation_time']")).to_have_count(0)
    page.get_by_role("checkbox", name="sys/, runtime/").check()
    expect(page.locator("[role=rowheader][title='sys/creation_time']")).to_have_count(1)
    expect(count).to_have_text(f"{found['differing_count']} attributes differ")


def test_another_reference_is_chosen_by_a_click_and_goals_colour_what_is_better(open_compare):
    page = open_compare()

    loss = page.locator(".comparison-row.row", has=page.locator("[title='train/loss']")).first
    expect(loss.locator(".compared-percent").first).to_have_class(re.compile("good"))
    expect(page.locator("[title=lr] ~ .compared-cell .compared-percent").first).not_to_have_class(
        re.compile("good|bad")
    )
    page.get_by_role("button", name="second", exact=True).click()
    expect(page.locator(".comparison-head .reference")).to_contain_text("second")
    expect(page).to_have_url(re.compile("reference=second"))
    assert cells(page, "lr")[0] == "0.01"
    expect(loss.locator(".compared-percent").first).to_have_class(re.compile("bad"))
    page.get_by_role("button", name="train/loss min").click()
    expect(loss.locator(".compared-percent").first).to_have_class(re.compile("good"))


def test_a_run_has_one_colour_wherever_it_stands(open_compare, visit, seeded_ui, seeds):
    page = open_compare()
    name = page.get_by_role("button", name="first", exact=True)
    before = name.evaluate("(one) => getComputedStyle(one).color")

    page.reload()
    expect(name).to_have_css("color", before)
    page.get_by_role("button", name="Take away root").click()
    expect(page.get_by_role("button", name="root", exact=True)).to_have_count(0)
    expect(name).to_have_css("color", before)
    page.get_by_role("link", name="Open first").click()
    expect(page.locator(".run-title")).to_contain_text("run 2 of 3")
    expect(page.get_by_role("heading", level=1)).to_have_text("digits")
    expect(page.get_by_role("heading", level=1)).to_have_css("color", before)

    page.get_by_label("Colour", exact=True).select_option("magenta")
    expect(page.get_by_role("heading", level=1)).not_to_have_css("color", before)
    chosen = page.get_by_role("heading", level=1).evaluate("(one) => getComputedStyle(one).color")
    page.go_back()
    expect(name).to_have_css("color", chosen)
    page.reload()
    expect(name).to_have_css("color", chosen)
    page.get_by_role("link", name="Open first").click()
    page.get_by_label("Colour", exact=True).select_option("own colour")
    expect(page.get_by_role("heading", level=1)).to_have_css("color", before)


def test_runs_are_added_and_attributes_found_by_typing(open_compare):
    page = open_compare("root")

    page.get_by_role("button", name="Runs 1").click()
    page.get_by_role("searchbox", name="Search runs").fill("SEC")
    page.get_by_role("button", name=re.compile("^second")).click()
    expect(page.get_by_role("columnheader")).to_have_count(3)
    page.get_by_role("button", name="remove all but the reference").click()
    expect(page.locator(".compare-note")).to_contain_text("Only one run is shown")
    page.get_by_role("button", name=re.compile("^second")).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader")).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("loss !train")
    expect(page.locator(".compare-note")).to_contain_text("has “loss !train” in its path")
    page.get_by_role("searchbox", name="Filter attributes").fill("acc")
    expect(page.locator(".comparison-row.row [role=rowheader]").first).to_have_attribute("title", "val/acc")


def test_what_is_shown_is_saved_as_csv(open_compare):
    page = open_compare()

    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as saved:
        rows = list(csv.DictReader(saved))

    lr = next(row for row in rows if row["attribute"] == "lr")
    assert [float(lr[run]) for run in ALL.split(",")] == [0.1, 0.05, 0.01]
    shown = page.locator(".comparison-row.row").count()
    assert len(rows) >= shown > 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(open_compare, scheme):
    page = open_compare(scheme=scheme, size=(1280, 800) if scheme == "light" else (800, 900))

    assert accessibility.violations(page) == []


def test_fifty_runs_of_two_thousand_attributes_draw_what_is_seen(data_directory, start_ui, visit):
    for number in range(50):
        configs = {f"c/{place:04}": number * 3 + place for place in range(2000)}
        draw_run(
            data_directory,
            f"w{number:02}",
            project="tests/wide",
            created=EPOCH + number,
            configs=configs,
            experiment="w",
        )
    ids = ",".join(f"w{number:02}" for number in range(50))
    page = visit(start_ui(), f"p/tests/wide/compare?with={ids}&mode=runs")
    page.wait_for_selector(".comparison-row.row")

    assert page.evaluate("document.querySelectorAll('*').length") < 3000
    table = page.locator(".comparison")
    table.evaluate("(one) => { one.scrollTop = 28 * 1500; one.scrollLeft = 1e6; }")
    expect(page.get_by_role("button", name="w49", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("button", name="w00", exact=True)).to_be_in_viewport()
    expect(page.locator("[role=rowheader][title='c/1500']")).to_be_in_viewport()
    assert cells(page, "c/1500")[-1] == "1647 +147 +9.8 %"
