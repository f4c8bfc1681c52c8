"""The Lineage page and the rivers: forks where they were, what they changed and what came of it, as it was, and how to fork."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser import accessibility
from tests.drawn_journals import EPOCH, Rows, draw_run

import runfork

MINUTE = 60_000_000
WATCH = """
() => {
  window.seen = { curves: Infinity, metrics: new Set() };
  const look = () => {
    window.seen.curves = Math.min(window.seen.curves, document.querySelectorAll(".curve").length);
    window.seen.metrics.add(document.querySelector(".lineage-controls .chooser .mono").textContent);
    requestAnimationFrame(look);
  };
  look();
}
"""


def lineage_of(seeds, **query):
    parameters = "&".join(f"{name}={value}" for name, value in {"family": "digits", **query}.items())
    return f"p/{seeds.lineage}/lineage?{parameters}"


def lane(page, run_id):
    return page.locator(f'.lane[data-run="{run_id}"]')


def names_in_lanes(page):
    return page.locator(".lane").evaluate_all("lanes => lanes.map((one) => one.dataset.run)")


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def hover_diamond(page, child):
    page.mouse.move(*middle(page.locator(f'.lane [data-fork="{child}"]')))
    return page.locator(".lane-card")


def value_at(seeds, run_id, step):
    points = runfork.fetch_metrics(
        runs=[run_id], attributes=["train/loss"], project=seeds.lineage, directory=seeds.directory
    )
    return points.loc[(run_id, step), "train/loss"]


def test_lanes_and_forks_are_those_of_the_family(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds))
    family = page.evaluate(
        f"() => fetch('api/v1/projects/{seeds.lineage}/lineage?experiment=digits').then((one) => one.json())"
    )

    assert names_in_lanes(page) == [run["run_id"] for run in family["runs"]] == ["root", "first", "second"]
    forks = {run["run_id"]: run["fork"] for run in family["runs"] if run["fork"]}
    end = middle(lane(page, "second").locator(".tree-slice circle"))[0]
    left = lane(page, "root").locator(".tree-slice").bounding_box()["x"] + 8  # the first step
    for child, fork in forks.items():
        diamond = lane(page, fork["parent"]).locator(f'[data-fork="{child}"]')
        assert middle(diamond)[0] == pytest.approx(left + (end - left) * fork["step"] / 1000, abs=1)
    assert page.locator(".lane [data-fork]").count() == len(forks)


def test_an_edge_tells_what_the_fork_changed_and_nothing_else(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds))

    expect(lane(page, "first").locator(".edge-changes")).to_have_text("lr 0.1 → 0.05")
    expect(lane(page, "root").locator(".edge-changes")).to_have_count(0)


def test_pointing_at_a_fork_tells_who_left_and_at_the_same_step_what_both_have(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds, metric="train/loss"))

    card = hover_diamond(page, "first")
    expect(card).to_contain_text("first forked from root at step 800")
    page.mouse.move(0, 0)
    expect(card).to_have_count(0)
    hover_diamond(page, "second")
    expect(card).to_contain_text("step 900")
    row = card.locator("tr", has_text="train/loss").locator("td")
    expect(row.nth(1)).to_have_text(re.compile(r"\d"))
    before, after = map(float, row.all_inner_texts()[:2])
    assert before == pytest.approx(value_at(seeds, "root", 900), rel=1e-3)
    assert after == pytest.approx(value_at(seeds, "first", 900), rel=1e-3)


def test_the_code_that_forks_from_a_checkpoint_and_from_any_other_step_is_shown(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds), permissions=["clipboard-read", "clipboard-write"])

    hover_diamond(page, "first").get_by_role("button", name="Fork from here").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Step 800 was written by root itself, which will be the fork's parent.")
    expect(dialog.locator("pre")).to_contain_text("Run(resume_from=checkpoint)")
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".toast")).to_have_text("Code copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == dialog.locator("pre").inner_text()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.mouse.move(640, 320)  # a pointer that jumps from where the dialog was has left nothing
    page.mouse.move(0, 0)
    expect(page.locator(".lane-card")).to_have_count(0)

    hover_diamond(page, "second").get_by_role("button", name="Fork from here").click()
    dialog, field = page.get_by_role("dialog"), page.get_by_role("textbox", name="Step to fork from")
    expect(dialog.locator("pre")).to_contain_text("\nrun = Run(fork_run_id='first', fork_step=900)")
    field.press("ArrowDown")
    expect(field).to_have_value("800")
    expect(dialog).to_contain_text("was written by root, from which first inherits it: the fork's parent will be root.")
    expect(dialog.locator("pre")).to_contain_text("checkpoint-of-step-800")
    field.fill("1200")
    expect(dialog).to_contain_text("There is no step 1200: the run has steps 0 to 1000.")
    field.fill("soon")
    expect(dialog).to_contain_text("“soon” is no step")
    dialog.get_by_role("button", name="checkpoint before").click()
    expect(field).to_have_value("1000")
    expect(dialog.locator("pre")).to_contain_text("checkpoint-of-step-1000")


def test_branches_are_selected_and_compared(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds))

    lane(page, "first").locator(".lane-name").click()
    expect(lane(page, "first")).to_have_attribute("aria-selected", "true")
    expect(lane(page, "second")).to_have_attribute("data-away", "true")
    expect(lane(page, "root")).to_have_attribute("data-away", "false")
    page.reload()
    expect(lane(page, "first")).to_have_attribute("aria-selected", "true")
    lane(page, "second").locator(".lane-name").click()
    page.get_by_role("button", name="Compare 2 selected").click()

    expect(page).to_have_url(re.compile("/compare.*with=first%2Csecond"))
    page.go_back()
    expect(lane(page, "second")).to_have_attribute("aria-selected", "true")


def test_a_family_is_drawn_as_it_was_before_a_fork(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds))
    head = page.locator(".family-facts")
    expect(head).to_contain_text("head second")
    best = page.locator(".family-best")
    expect(best).to_contain_text(re.compile(r"best of all 3 runs: train/loss [\d.]+ at step \d+, on the head's line"))

    page.get_by_role("slider", name="As of when").focus()
    page.keyboard.press("ArrowLeft")

    expect(page.locator(".time-strip-label")).to_contain_text("before second")
    expect(lane(page, "second")).to_have_attribute("data-later", "true")
    expect(head).to_contain_text("head first")
    expect(best).to_contain_text("best on its line so far train/loss")
    expect(lane(page, "first").locator(".lane-label")).to_contain_text("801 \u2013 1000, kept")
    expect(page.locator('.lane [data-fork="second"]')).to_have_count(0)
    page.reload()
    expect(head).to_contain_text("head first")
    page.get_by_role("button", name="back to now").click()
    expect(head).to_contain_text("head second")
    expect(lane(page, "first").locator(".lane-label")).to_contain_text("kept 801 \u2013 900, pruned to 1000")


def test_dragging_zooms_steps_and_a_double_click_shows_all_again(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds))
    box = lane(page, "root").bounding_box()
    ticks = page.locator(".lane-axis text")
    expect(ticks.first).to_have_text("0")

    page.mouse.move(box["x"] + 700, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 900, box["y"] + 110)
    page.mouse.up()

    expect(page).to_have_url(re.compile("steps="))
    expect(page.get_by_role("button", name="show all")).to_be_visible()
    expect(ticks.first).not_to_have_text("0")
    page.mouse.dblclick(box["x"] + 500, box["y"] + 110)
    expect(ticks.first).to_have_text("0")


def test_the_keyboard_reaches_everything(seeds, seeded_ui, visit):
    page = visit(seeded_ui, lineage_of(seeds))
    page.keyboard.press("j")
    page.keyboard.press("j")

    expect(lane(page, "first")).to_have_attribute("data-active", "true")
    expect(page.locator(".lane-card")).to_contain_text("step 1000")
    page.keyboard.press("k")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator(".lane-card")).to_contain_text("checkpoint at step 600")
    page.keyboard.press(" ")
    expect(lane(page, "root")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Fork from here")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/run.*run=root"))


def test_a_fork_appears_where_it_belongs_and_disturbs_nothing(data_directory, start_ui, visit):
    loss = Rows(range(100), {"loss": [1 - step / 100 for step in range(100)]})
    draw_run(data_directory, "root", project="tests/p", experiment="gull", rows=[loss])
    for number in range(1, 12):
        draw_run(
            data_directory,
            f"r{number:02}",
            project="tests/p",
            experiment="gull",
            fork=("root", 5 * number),
            rows=[loss],
            created=EPOCH + number * MINUTE,
        )
    page = visit(start_ui(), "p/tests/p/lineage?family=gull")
    lane(page, "r03").locator(".lane-name").click()
    page.locator(".lane-list").evaluate("(list) => { list.scrollTop = 400; }")
    expect(page.locator(".lane")).not_to_have_count(0)
    seen = lane(page, "r04").bounding_box()["y"]
    page.evaluate(WATCH)

    draw_run(data_directory, "new", project="tests/p", experiment="gull", fork=("r10", 80), created=EPOCH + 99 * MINUTE)

    expect(page.locator(".family-facts")).to_contain_text("13 runs")
    expect(lane(page, "r03")).to_have_attribute("aria-selected", "true")
    assert lane(page, "r04").bounding_box()["y"] == seen
    assert page.evaluate("() => window.seen.curves") > 0
    assert page.evaluate("() => [...window.seen.metrics]") == ["loss"]
    page.locator(".lane-list").evaluate("(list) => { list.scrollTop = 0; }")
    expect(lane(page, "root")).to_be_visible()
    assert names_in_lanes(page)[:4] == ["root", "r11", "r10", "new"]


def test_two_hundred_runs_are_few_elements_and_long_chains_one_lane(data_directory, start_ui, visit):
    row = {"loss": [1.0, 0.5]}
    draw_run(data_directory, "r000", project="tests/p", experiment="gull", rows=[Rows([0, 1000], row)])
    for number in range(1, 200):
        parent = number - 1 if number < 60 else number // 4
        begin = 1000 + 10 * number
        draw_run(
            data_directory,
            f"r{number:03}",
            project="tests/p",
            experiment=f"gull {number}" if number >= 60 else "gull",
            fork=(f"r{parent:03}", begin),
            rows=[Rows([begin + 1, begin + 600], row)],
            created=EPOCH + number * MINUTE,
        )
    page = visit(start_ui(), "p/tests/p/lineage?family=r199")

    expect(page.locator(".family-facts")).to_contain_text("200 runs")
    assert page.locator("*").count() < 2500
    page.locator(".lane-list").evaluate("(list) => { list.scrollTop = 1e6; }")
    folded = page.locator(".lane", has_text="more runs").last
    count = int(folded.inner_text().split()[0])
    folded.locator(".lane-name").click()
    expect(page).to_have_url(re.compile("unfold="))
    assert count >= 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_roles_and_contrast_are_sound(seeds, seeded_ui, visit, scheme):
    page = visit(seeded_ui, lineage_of(seeds), scheme=scheme)
    page.keyboard.press("j")
    expect(page.locator(".lane-card")).to_be_visible()
    assert accessibility.violations(page) == []

    page.get_by_role("button", name="Fork from here").click()
    expect(page.locator(".fork-popup pre")).to_be_visible()
    assert accessibility.violations(page) == []

    page.goto(seeded_ui.url_of(f"p/{seeds.sweep}/lineage"))
    expect(page.locator("a.family-row")).to_have_count(40)
    assert accessibility.violations(page) == []

    page.goto(seeded_ui.url_of(f"p/{seeds.lineage}/run?run=second"))
    page.get_by_role("slider", name="Checkpoints").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".mark-card")).to_contain_text("checkpoint at step 800")
    assert accessibility.violations(page) == []


def test_all_families_are_small_rivers_to_choose_from(seeds, seeded_ui, visit):
    page = visit(seeded_ui, f"p/{seeds.sweep}/lineage")
    row = page.locator("a.family-row", has_text="sweep-36")

    expect(page.locator("a.family-row")).to_have_count(40)
    expect(row.locator(".family-count")).to_have_text("2")
    expect(row).not_to_contain_text("of no experiment")
    assert row.locator(".diamond").count() == 1
    assert row.locator(".water.own").count() == 1
    row.click()

    expect(page.locator(".lane")).to_have_count(2)
    page.go_back()
    expect(row).to_have_count(1)


def test_the_only_family_is_drawn_without_a_list_to_choose_from(seeds, seeded_ui, visit):
    page = visit(seeded_ui, f"p/{seeds.lineage}/table")
    page.get_by_role("link", name="Lineage").click()

    expect(page.locator(".lane")).to_have_count(3)
    expect(page).to_have_url(re.compile("family=digits"))
    page.go_back()
    expect(page).to_have_url(re.compile("/table"))


def test_hostile_names_are_text_and_what_has_no_parent_or_no_points_is_told(seeds, seeded_ui, visit):
    page = visit(seeded_ui, f"p/{seeds.hostile}/lineage?family=pending")

    expect(lane(page, "pending").locator(".lane-label")).to_contain_text("its parent is not here yet")
    page.goto(seeded_ui.url_of(f"p/{seeds.hostile}/lineage?family=constructor&metric=mixed"))
    best = page.locator(".family-best")
    expect(best).to_have_text("Which mixed is better, low or high?")
    best.get_by_role("button", name="high").click()
    expect(best).to_contain_text("best mixed 48 at step 48")
    page.locator(".family-title button").click()
    page.get_by_role("combobox").fill("script")
    page.get_by_role("option").filter(has_text="<script>").first.click()
    expect(page.locator("h1")).to_have_text("<script>window.harmed = 1</script>")
    page.goto(seeded_ui.url_of(f"p/{seeds.hostile}/lineage"))
    expect(page.locator("a.family-row", has_text="pending of no experiment")).to_be_visible()
    assert page.evaluate("() => window.harmed") is None


def test_the_river_of_a_run_has_its_checkpoints_and_what_left_it(seeds, seeded_ui, visit):
    page = visit(seeded_ui, f"p/{seeds.lineage}/run?run=first&metric=train/loss")
    river = page.locator(".run-river")
    expect(river.locator(".tick")).to_have_count(6)  # 0 to 800 of the root, and its own of 1000
    expect(river.locator("a", has_text="second")).to_have_count(1)

    page.mouse.move(*middle(river.locator(".tick").nth(3)))
    card = river.locator(".mark-card")
    expect(card).to_contain_text("checkpoint at step 600")
    expect(card).to_contain_text(re.compile(r"train/loss \d"))
    value = float(card.locator(".dim").inner_text().split()[-1])
    assert value == pytest.approx(value_at(seeds, "root", 600), rel=1e-3)
    card.get_by_role("button", name="Fork here").click()

    expect(page.get_by_role("dialog").locator("pre")).to_contain_text("checkpoint-of-step-600")
    page.keyboard.press("Escape")
    best = page.locator(".best-fact", has_text="best of all 3 runs: ")
    expect(best).to_contain_text(re.compile(r"[\d.]+ at step \d+ in second, head of digits"))
    best.get_by_role("button", name="fork there").click()
    expect(page.get_by_role("dialog").locator("pre")).to_contain_text("fork_run_id='second'")


def test_the_tables_glyphs_show_one_experiment_and_three_runs(seeds, seeded_ui, visit):
    page = visit(seeded_ui, f"p/{seeds.lineage}/table")
    rows = page.locator(".table-row")

    expect(rows).to_have_count(1)
    assert (rows.locator(".diamond").count(), rows.locator(".water.own").count()) == (2, 1)
    page.goto(seeded_ui.url_of(f"p/{seeds.lineage}/table?mode=runs&sort=lineage"))
    expect(rows).to_have_count(3)
    expect(rows.locator(".diamond")).to_have_count(2)
    assert rows.locator("line.water.own").count() == 1
