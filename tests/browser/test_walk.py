"""One user's walk through what ``runfork demo`` made, from its last line on the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import expect
from tests.browser import charts
from tests.browser.accessibility import violations

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.browser.demos import Demo
    from tests.browser.ui_servers import UiServer
    from tests.browser.visits import Visit
    from tests.browser.watching import Watch

MOST_STEPS = 30


def name_of(run_id: str) -> str:
    """Return what a generated id is called where no other begins so."""
    return "-".join(run_id.split("-")[:2])


def row_of(page: Page, name: str) -> Locator:
    """Return the row of a run or an experiment."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def lane(page: Page, run_id: str) -> Locator:
    """Return the lane of a run on the Lineage page."""
    return page.locator(f'.lane[data-run="{run_id}"]')


def go_to(page: Page, name: str) -> None:
    """Take a link of the bar above."""
    page.get_by_role("banner").get_by_role("link", name=name).click()


def test_the_demo_ends_with_the_web_ui_open_until_ctrl_c(demo: Demo) -> None:
    ending = re.sub(r"\x1b\[[\d;]*m", "", demo.printed).partition("Look further:")[2].splitlines()

    assert ending[1] == "In the browser, until Ctrl-C:"
    assert ending[2] == f"runfork: reading {demo.directory}; Ctrl-C ends it"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/p/demo/digits\?token=\S+", ending[3])
    assert (demo.answered, demo.exit_code) == (200, 0)
    assert "Traceback" not in demo.printed


def test_a_walk_through_the_demos_lineage(demo: Demo, demo_ui: UiServer, visit: Visit, watch: Watch) -> None:
    killed, resumed, slower, head = map(name_of, demo.runs)
    page = visit(demo_ui)

    def look_at(heading: str | re.Pattern[str]) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        watch.settle(page)
        found = violations(page)
        assert found == [], found

    # What was made
    look_at("Projects")
    begun_at = page.url
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="demo / digits"))
    expect(row.get_by_role("cell").nth(1)).to_have_text("4")
    page.get_by_role("link", name="demo / digits").click()

    # Charts: one clean line, with what was pruned behind it
    look_at("Charts")
    charts.settle(watch, page)
    (line,) = charts.shown(page, "train/loss")["lines"]
    assert [(role["role"], role["run_id"]) for role in line["roles"]] == [
        ("inherited", demo.runs[0]),
        ("own", demo.runs[3]),
    ]
    assert [(fork["parent"], fork["step"]) for fork in line["forks"]] == [(demo.runs[0], 45)]
    assert [tail["run_id"] for tail in line["pruned"]] == [demo.runs[0]]
    assert line["pruned"][0]["x"][-1] > 120

    # Table: the experiment is one row, and opens to the runs that it is made of
    go_to(page, "Table")
    expect(row_of(page, "digits")).to_contain_text("275")
    page.get_by_role("button", name="Show the 4 runs of digits").click()
    for name in (killed, resumed, slower, head):
        expect(row_of(page, name)).to_be_visible()
    expect(row_of(page, killed)).to_contain_text("lost")
    look_at("Table of runs")

    # The head: what changed against the parent, and what came of it
    row_of(page, head).get_by_role("link", name=head).click()
    look_at(head)
    changed = page.get_by_role("region", name="What changed")
    expect(changed).to_contain_text(re.compile(r"hparams/lr\s*0\.1\s*→\s*0\.5"))
    expect(changed).to_contain_text(re.compile(r"val/loss.*−\d+"))

    # Its console: hundreds of states of a progress bar are one line
    page.get_by_role("tab", name="Console").click()
    lines = page.locator(".console-row")
    expect(lines.filter(has_text="Epoch 11/11")).to_have_count(1)
    expect(lines.filter(has_text="Epoch")).to_have_count(1)
    expect(lines.filter(has_text='"fork_step": 45')).to_have_count(1)
    look_at(head)

    # Side by side with the run that was killed
    go_to(page, "Side by side")
    page.get_by_role("button", name="Add runs").click()
    page.locator(".run-choice").get_by_role("button").filter(has_text=killed).click()
    page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has=page.get_by_title("hparams/lr", exact=True))
    expect(row.get_by_role("cell").nth(0)).to_contain_text("0.5")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("0.1")
    look_at("Side by side")

    # Lineage: the tree, with what each fork changed; and how to fork from where the head did
    go_to(page, "Lineage")
    page.locator("a.family-row").click()
    expect(page.locator(".lane")).to_have_count(4)
    expect(lane(page, demo.runs[3]).locator(".edge-changes")).to_contain_text("hparams/lr 0.1 → 0.5")
    expect(lane(page, demo.runs[2]).locator(".edge-changes")).to_contain_text("hparams/lr 0.1 → 0.02")
    look_at("digits")
    lane(page, demo.runs[0]).locator(f'[data-fork="{demo.runs[3]}"]').hover()
    page.locator(".lane-card").get_by_role("button", name="Fork from here").click()
    code = page.get_by_role("dialog").locator("pre")
    expect(code).to_have_text(re.compile(r"trainer\.fit\(.*ckpt_path='.*/checkpoints/first/epoch=1\.ckpt'\)"))
    look_at("digits")
    page.keyboard.press("Escape")

    # Back, step by step, to where it began
    seen = [page.url]
    while page.url != begun_at and len(seen) < MOST_STEPS:
        page.go_back()
        watch.settle(page)
        seen.append(page.url)
    assert seen[-1] == begun_at
    look_at("Projects")
    pages = dict.fromkeys(urlsplit(url).path.rpartition("/")[2] for url in seen)
    assert list(pages) == ["lineage", "compare", "run", "table", "charts", ""]
