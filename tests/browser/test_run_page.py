"""The page of a run: what became of it, its attributes, its files, and how it differs from its parent."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from tests.browser import accessibility
from tests.browser.rich_runs import ATTRIBUTES, FORK_STEP, GRID_STEPS, GRID_WIDTH, HOSTILE, LAST_STEP
from tests.drawn_journals import EPOCH, Rows, draw_run

import runfork
from runfork.testing.waits import until

MINUS, DASH = "\u2212", "\u2013"
FILES = ("broken", "config", "drawing", "empty", "gone", "log", "report", "table", "tone")
HARMED = "() => window.harmed === undefined"


@pytest.fixture
def open_run(visit, seeded_ui, rich):
    """Open a part of a run's page."""

    def open_run(tab="overview", run="child", **options):
        page = visit(seeded_ui, f"p/{rich}/run?run={run}&tab={tab}{options.pop('more', '')}", **options)
        expect(page.locator(".run-title")).to_contain_text(run)
        return page

    return open_run


def value_at(rich, seeds, run, step):
    """Return a run's ``val/loss`` at a step, as the query API tells it."""
    frame = runfork.fetch_metrics(
        project=rich, directory=str(seeds.directory), runs=[run], attributes=["val/loss"], step_range=(step, step)
    )
    return float(frame["val/loss"].iloc[-1])


def test_the_overview_tells_what_a_fork_changed_and_what_came_of_it(open_run, rich, seeds):
    page = open_run()

    expect(page.get_by_role("heading", level=1)).to_have_text("rich <b>gull</b>")
    expect(page.locator(".run-title")).to_contain_text("head, run 2 of 2")
    meta, best = page.locator(".run-meta").all()
    expect(meta).to_contain_text("finished")
    expect(meta).to_contain_text(f"fork of parent at step {FORK_STEP}")
    expect(meta).to_contain_text(
        f"steps {FORK_STEP + 1} {DASH} {LAST_STEP} its own, steps 0 {DASH} {FORK_STEP} inherited"
    )
    expect(best).to_contain_text(
        re.compile(rf"best of all 2 runs: val/loss [\d.]+ at step {LAST_STEP}, on this run's line")
    )
    changed = page.get_by_role("region", name="What changed")
    expect(changed.locator(".change").nth(0)).to_have_text(re.compile(r"lr\s*0\.1\s*→\s*0\.5"))
    before, after = (value_at(rich, seeds, run, 99) for run in ("parent", "child"))
    expect(changed).to_contain_text("at one step, 99")
    came = changed.locator(".change", has_text="val/loss")
    expect(came).to_have_text(
        re.compile(rf"{before:.4g}\s*→\s*{after:.4g}\s*{MINUS}{(1 - after / before) * 100:.0f}\s*%")
    )
    expect(came.locator(".percent")).to_have_class(re.compile("good"))
    expect(page.get_by_role("treeitem").filter(has_text=re.compile("^lr"))).to_have_class(re.compile("changed"))


def test_ten_thousand_attributes_are_searched_and_walked_by_keys(open_run):
    page = open_run("attributes", run="crowd")
    tree = page.get_by_role("tree")
    expect(tree).to_have_attribute("aria-label", re.compile(rf"{ATTRIBUTES // 1000}"))
    assert page.evaluate("document.querySelectorAll('*').length") < 1500

    page.keyboard.press("/")
    page.keyboard.type("k9999 4999")
    expect(tree.get_by_role("treeitem")).to_have_count(1)
    expect(tree.get_by_role("treeitem")).to_contain_text("many/n49/k9999")
    page.keyboard.press("Escape")
    tree.get_by_role("treeitem").filter(has_text=re.compile("^many")).click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary").get_by_role("heading")).to_have_text("many/n0/k0")
    page.keyboard.press("End")
    expect(tree.locator("[tabindex='0']")).to_have_attribute("data-path", "sys")
    page.go_back()
    expect(page).not_to_have_url(re.compile("attribute="))


def test_the_python_that_is_copied_fetches_the_value(open_run):
    page = open_run("attributes", more="&attribute=val%2Floss", permissions=["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy Python").click()
    expect(page.locator(".toast")).to_have_text("Python copied")
    code = page.evaluate("navigator.clipboard.readText()")
    frame = eval(code.replace("import runfork\n\n", ""), {"runfork": runfork})

    page.get_by_role("treeitem").filter(has_text="weights").click()
    detail = page.get_by_role("complementary")
    expect(page.get_by_role("treeitem").filter(has_text="weights")).to_contain_text(f"2 bins, 0 {DASH} 2")
    heights = "(bars) => bars.map((bar) => Number(bar.getAttribute('height')))"
    expect(detail.locator("output")).to_have_text(str(GRID_STEPS[-1]))
    detail.get_by_role("slider").press("Home")
    expect(detail.locator("output")).to_have_text(str(GRID_STEPS[0]))
    until(lambda: detail.locator("rect").evaluate_all(heights)[0] == 0)
    assert list(frame.columns) == ["val/loss"]
    assert len(frame) == 160


def test_files_are_shown_and_can_do_nothing(open_run, watch):
    watch.allow("Blocked script execution")
    page = open_run("files", more="&file=samples%2Fgrid")
    shown = page.get_by_role("region", name=re.compile("^File "))
    image = shown.get_by_role("img")
    width = f"(one) => one.complete && one.naturalWidth === {GRID_WIDTH + len(GRID_STEPS) - 1}"
    until(lambda: image.evaluate(width))
    shown.get_by_role("slider").press("Home")
    until(lambda: image.evaluate(f"(one) => one.complete && one.naturalWidth === {GRID_WIDTH}"))
    expect(page).to_have_url(re.compile(f"filestep={GRID_STEPS[0]}"))

    for path, told in [
        ("table", re.compile(r"a, b\s*1")),
        ("config", re.compile(r'"depth": \{\n')),
        ("log", HOSTILE),
        ("gone", "The contents are not in the run's folder"),
        ("empty", "The file is empty."),
        ("broken", "The browser cannot show this image/png"),
    ]:
        page.get_by_role("option", name=f"files/{path}").click()
        expect(shown.locator(".file-preview")).to_contain_text(told, use_inner_text=True)
    page.get_by_role("option", name="files/tone").click()
    until(lambda: shown.locator("audio").evaluate("(one) => one.duration === 1"))
    for path in ("drawing", "report"):
        page.get_by_role("option", name=f"files/{path}").click()
    inside = page.frame_locator("iframe").locator("body")
    expect(inside).to_have_text(re.compile("^hello(?!.*ran)"))
    assert page.evaluate(HARMED)
    with page.expect_download() as download:
        shown.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "report.html"


def test_the_difference_lists_what_differs_and_no_more(open_run):
    page = open_run("difference")
    rows = page.locator(".difference-rows section", has=page.get_by_role("heading", name=re.compile("^configs")))

    expect(rows.locator(".difference-row > .mono")).to_have_text([*(f"files/{name}" for name in FILES), "lr"])
    prompt = page.locator(".difference-text", has_text="prompt")
    expect(prompt.locator(".diff-line.before")).to_have_text([f"{MINUS}You are a helpful bird.", f"{MINUS}line 20"])
    expect(prompt.locator(".diff-line.after")).to_have_text(["+You are a careful bird.", "+line twenty"])
    expect(page.locator(".difference-tab")).not_to_contain_text("optimizer/name")


@pytest.mark.parametrize(("scheme", "size"), [("light", (1280, 800)), ("dark", (800, 900))])
def test_every_part_is_accessible_and_no_script_in_it_runs(open_run, watch, scheme, size):
    page = open_run(scheme=scheme, size=size)

    for name in ("Overview", "Attributes", "Console", "Files", "Difference"):
        page.get_by_role("tab", name=name).click()
        watch.settle(page)
        assert accessibility.violations(page) == [], name
    assert page.evaluate(HARMED)
    expect(page.locator(".run-meta").first).to_contain_text(HOSTILE)


def test_keys_go_through_the_parts_and_back_returns(open_run):
    page = open_run()

    for key, tab in [("a", "attributes"), ("t", "console"), ("f", "files"), ("d", "difference"), ("o", "overview")]:
        page.keyboard.press(key)
        expect(page.get_by_role("tab", selected=True)).to_have_attribute("id", f"tab-{tab}")
    page.go_back()
    expect(page.get_by_role("tab", selected=True)).to_have_text("Difference")


@pytest.mark.parametrize("run", ["nobody", HOSTILE, "a/../b"])
def test_a_run_that_is_not_there_is_told_in_words(visit, seeded_ui, rich, watch, run):
    page = visit(seeded_ui, f"p/{rich}/run?run={quote(run, safe='')}")

    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such run")
    expect(page.locator(".failed .prose").first).to_have_text(
        re.compile("^Project [^`]* has no run or experiment [^`]*$")
    )
    assert page.evaluate(HARMED)
    page.get_by_role("link", name="All runs").click()
    expect(page).to_have_url(re.compile(r"/table\b"))


def test_what_came_of_a_fork_is_read_at_one_step(data_directory, start_ui, visit):
    steps, wide = [float(at) for at in range(500)], [float(at) for at in range(120, 600, 20)]
    draw_run(data_directory, "old", project="tests/project", rows=[Rows(steps, {"val/loss": steps})])
    rows = [Rows(wide, {"val/loss": [2 * step for step in wide]})]
    draw_run(data_directory, "new", project="tests/project", fork=("old", 99), created=EPOCH + 1_000_000, rows=rows)
    page = visit(start_ui(), "p/tests/project/run?run=new")

    told = page.get_by_text("and what came of it")
    row = page.locator(".change").filter(has_text="val/loss")

    expect(told).to_have_text(re.compile("at one step, 480$"))
    assert row.inner_text().split() == ["val/loss", "480", "→", "960", "+100", "%"]
