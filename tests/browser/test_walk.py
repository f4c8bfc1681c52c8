"""One user's walk through what ``runfork demo`` made, from its last line on the terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Walk:
    """Who walks: the page that is open, the demo's runs, and what they are called."""

    page: Page
    watch: Watch
    runs: list[str]

    @property
    def names(self) -> list[str]:
        """What the runs are called: generated ids without their ends."""
        return ["-".join(run_id.split("-")[:2]) for run_id in self.runs]

    def go_to(self, name: str) -> None:
        """Take a link of the bar above."""
        self.page.get_by_role("banner").get_by_role("link", name=name).click()

    def row(self, name: str) -> Locator:
        """Return the row of a run or an experiment."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("link", name=name, exact=True))

    def lane(self, run_id: str) -> Locator:
        """Return the lane of a run on the Lineage page."""
        return self.page.locator(f'.lane[data-run="{run_id}"]')

    def look_at(self, heading: str) -> None:
        """Wait for a page to settle; its names, roles and contrast are sound."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.watch.settle(self.page)
        found = violations(self.page)
        assert found == [], found


def test_the_demo_ends_with_the_web_ui_open_until_ctrl_c(demo: Demo) -> None:
    ending = re.sub(r"\x1b\[[\d;]*m", "", demo.printed).partition("Look further:")[2].splitlines()

    assert ending[1] == "In the browser, until Ctrl-C:"
    assert ending[2] == f"runfork: reading {demo.directory}; Ctrl-C ends it"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/p/demo/digits\?token=\S+", ending[3])
    assert (demo.answered, demo.exit_code) == (200, 0)
    assert "Traceback" not in demo.printed


def begin(walk: Walk) -> None:
    """What was made: the only project, to which one comes without choosing it."""
    page = walk.page
    walk.look_at("Charts")
    page.get_by_role("banner").get_by_role("link", name="runfork").click()
    walk.look_at("Projects")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="demo / digits"))
    expect(row.get_by_role("cell").nth(1)).to_have_text("4")
    page.get_by_role("link", name="demo / digits").click()


def see_charts(walk: Walk) -> None:
    """Charts: one clean line, with what was pruned behind it."""
    page = walk.page
    walk.look_at("Charts")
    charts.chart(page, "train/loss").wait_for()  # once the server has read the project
    charts.settle(walk.watch, page)
    (line,) = charts.shown(page, "train/loss")["lines"]
    assert [(role["role"], role["run_id"]) for role in line["roles"]] == [
        ("inherited", walk.runs[0]),
        ("own", walk.runs[3]),
    ]
    assert [(fork["parent"], fork["step"]) for fork in line["forks"]] == [(walk.runs[0], 45)]
    assert [tail["run_id"] for tail in line["pruned"]] == [walk.runs[0]]
    assert line["pruned"][0]["x"][-1] > 120


def open_the_experiment(walk: Walk) -> None:
    """Table: the experiment is one row, and opens to the runs that it is made of."""
    page = walk.page
    walk.go_to("Table")
    expect(walk.row("digits")).to_contain_text("275")
    page.get_by_role("button", name="Show the 4 runs of digits").click()
    for name in walk.names:
        expect(walk.row(name)).to_be_visible()
    expect(walk.row(walk.names[0])).to_contain_text("lost")
    walk.look_at("Table of runs")


def see_what_changed(walk: Walk) -> None:
    """The head: what changed against the parent, and what came of it."""
    page = walk.page
    head = walk.names[3]
    walk.row(head).get_by_role("link", name=head).click()
    walk.look_at("digits")
    expect(page.locator(".run-title")).to_contain_text(f"head, run 4 of 4{head}")
    changed = page.get_by_role("region", name="What changed")
    expect(changed).to_contain_text(re.compile(r"hparams/lr\s*0\.1\s*→\s*0\.5"))
    expect(changed).to_contain_text(re.compile("val/loss.*\u2212\\d+"))


def read_the_console(walk: Walk) -> None:
    """Its console: hundreds of states of a progress bar are one line."""
    page = walk.page
    page.get_by_role("tab", name="Console").click()
    lines = page.locator(".console-row")
    expect(lines.filter(has_text="Epoch 11/11")).to_have_count(1)
    expect(lines.filter(has_text="Epoch")).to_have_count(1)
    expect(lines.filter(has_text='"fork_step": 45')).to_have_count(1)
    walk.look_at("digits")


def put_side_by_side(walk: Walk) -> None:
    """Side by side with the run that was killed."""
    page = walk.page
    walk.go_to("Side by side")
    page.get_by_role("button", name=re.compile(r"^Runs \d+$")).click()
    page.locator(".run-choice").get_by_role("button").filter(has_text=walk.names[0]).click()
    page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has=page.get_by_title("hparams/lr", exact=True))
    expect(row.get_by_role("cell").nth(0)).to_contain_text("0.5")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("0.1")
    walk.look_at("Side by side")


def see_where_to_fork(walk: Walk) -> None:
    """Lineage: the tree, with what each fork changed; and how to fork from where the head did."""
    page = walk.page
    walk.go_to("Lineage")
    expect(page.locator(".lane")).to_have_count(4)
    expect(walk.lane(walk.runs[3]).locator(".edge-changes")).to_contain_text("hparams/lr 0.1 → 0.5")
    expect(walk.lane(walk.runs[2]).locator(".edge-changes")).to_contain_text("hparams/lr 0.1 → 0.02")
    walk.look_at("digits")
    box = walk.lane(walk.runs[0]).locator(f'[data-fork="{walk.runs[3]}"]').bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".lane-card").get_by_role("button", name="Fork from here").click()
    code = page.get_by_role("dialog").locator("pre")
    expect(code).to_have_text(re.compile(r"trainer\.fit\(.*ckpt_path='.*/checkpoints/first/epoch=1\.ckpt'\)"))
    walk.look_at("digits")
    page.keyboard.press("Escape")


def go_back(walk: Walk) -> None:
    """Back, step by step, to where it began."""
    page = walk.page
    seen = [page.url]
    while urlsplit(page.url).path != "/" and len(seen) < MOST_STEPS:
        page.go_back()
        walk.watch.settle(page)
        seen.append(page.url)
    walk.look_at("Projects")
    pages = dict.fromkeys(urlsplit(url).path.rpartition("/")[2] for url in seen)
    assert list(pages) == ["lineage", "compare", "run", "table", "charts", ""]


def test_a_walk_through_the_demos_lineage(demo: Demo, demo_ui: UiServer, visit: Visit, watch: Watch) -> None:
    walk = Walk(visit(demo_ui), watch, demo.runs)

    begin(walk)
    see_charts(walk)
    open_the_experiment(walk)
    see_what_changed(walk)
    read_the_console(walk)
    put_side_by_side(walk)
    see_where_to_fork(walk)
    go_back(walk)
