"""Charts in a real browser: what is drawn, zoom, hover, smoothing, axes, search, files."""

import io
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.browser.accessibility import violations
from tests.browser.charts import chart, drag, plot, point_at, settle, shown, value_at
from tests.browser.screens import column_saturation, difference, pixels_of
from tests.drawn_journals import EPOCH, Rows, draw_run

LOSS, ACCURACY = "train/loss", "val/acc"
BED = np.array((148, 142, 133))
"""About the colour of what was pruned, light."""


@pytest.fixture
def open_charts(seeded_ui, visit, watch):
    """Open the charts of a seed, drawn."""

    def opened(project, query="", **options):
        page = visit(seeded_ui, f"p/{project}/charts{query and '?'}{query}", **options)
        page.locator(".charts-note" if query == "eyes=" else "[data-chart]").first.wait_for()
        settle(watch, page)
        return page

    return opened


def test_an_experiment_is_one_line_and_its_runs_are_three(open_charts, seeds, watch):
    page = open_charts(seeds.lineage)
    (line,) = shown(page, LOSS)["lines"]
    assert line["title"] == "digits"
    assert [(role["run_id"], role["role"]) for role in line["roles"]] == [
        ("root", "inherited"),
        ("first", "inherited"),
        ("second", "own"),
    ]
    assert [(fork["child"], fork["step"]) for fork in line["forks"]] == [("first", 800), ("second", 900)]
    assert len(line["pruned"]) == 2
    assert (line["first"]["x"], line["last"]["x"]) == (0, 1000)
    with_pruned = pixels_of(chart(page, LOSS))
    view, fork = shown(page, LOSS)["view"], line["forks"][0]
    (left, right), (bottom, top) = view["x"], view["y"]
    point_at(page, LOSS, (fork["x"] - left) / (right - left), (top - fork["y"]) / (top - bottom))
    expect(page.locator(".chart-tooltip:not([hidden])")).to_contain_text("first forked from root at step 800")
    page.mouse.move(2, 2)
    settle(watch, page)

    page.get_by_role("radio", name="on", exact=True).click()
    settle(watch, page)
    assert shown(page, LOSS)["lines"][0]["pruned"] == []
    without = pixels_of(chart(page, LOSS))
    assert _bed(with_pruned) > _bed(without) + 20

    page.get_by_role("radio", name="off", exact=True).click()
    settle(watch, page)
    assert shown(page, LOSS)["lines"][0]["first"]["x"] == 901

    page.get_by_role("radio", name="on", exact=True).click()
    page.get_by_role("radio", name="Runs").click()
    settle(watch, page)
    lines = shown(page, LOSS)["lines"]
    assert sorted(line["title"] for line in lines) == ["first", "root", "second"]
    assert len({line["colour"]["line"] for line in lines}) == 3


def _bed(pixels):
    """Return how many pixels have the colour of what was pruned."""
    return int((np.abs(pixels - BED).max(axis=2) < 26).sum())


def test_one_point_among_many_stands_out(open_charts, seeds, watch):
    page = open_charts(seeds.curves(5, 100_000), "eyes=c000,c001,c002,c003,c004")
    found = shown(page, "noise")
    spiked = next(line for line in found["lines"] if line["run_id"] == "c000")
    assert not spiked["is_raw"]
    assert len(spiked["whiskers"]) == 1
    view = found["view"]
    pixel = (50_000 - view["x"][0]) / (view["x"][1] - view["x"][0]) * view["plot"]["width"]
    pixels = pixels_of(plot(page, "noise"))
    upper = pixels[: pixels.shape[0] * 2 // 3]
    saturation = column_saturation(upper)
    around = saturation[int(pixel) - 2 : int(pixel) + 4]
    assert around.max() > 100
    assert np.delete(saturation, range(int(pixel) - 3, int(pixel) + 5)).max() < 60

    page.goto(page.url.split("?")[0] + "?eyes=c000&range=49985~50015")
    settle(watch, page)
    point_at(page, "noise", 0.5, 0.05)
    expect(page.locator(".chart-tooltip-value")).to_have_text("5")
    expect(chart(page, "noise").locator(".chart-tags")).to_contain_text("raw points")


def test_zooming_one_chart_zooms_all_and_moves_no_value(open_charts, seeds, watch):
    page = open_charts(seeds.lineage, "smooth=ema:0.7")
    before = {path: shown(page, path) for path in (LOSS, ACCURACY)}
    assert before[LOSS]["view"]["x"] == before[ACCURACY]["view"]["x"] == [0, 1000]

    drag(page, LOSS, (0.25, 0.5), (0.5, 0.5))
    settle(watch, page)
    expect(page.locator(".chart-tooltip:not([hidden])")).to_have_count(0)
    after = {path: shown(page, path) for path in (LOSS, ACCURACY)}
    low, high = after[LOSS]["view"]["x"]
    assert after[ACCURACY]["view"]["x"] == [low, high]
    assert low == pytest.approx(250, abs=10)
    assert high == pytest.approx(500, abs=10)
    expect(page).to_have_url(re.compile(rf"range={re.escape(f'{low:.12g}')}"))
    line = after[LOSS]["lines"][0]
    coarse = before[LOSS]["lines"][0]
    common = np.intersect1d(line["x"], coarse["x"])
    common = common[(common >= low) & (common <= high)]
    assert len(common) > 20
    for x in common:
        assert value_at(line, x) == pytest.approx(value_at(coarse, x), rel=1e-9)

    page.keyboard.press("z")
    settle(watch, page)
    assert shown(page, LOSS)["view"]["x"] == [0, 1000]
    page.keyboard.press("Shift+Z")
    settle(watch, page)
    assert shown(page, LOSS)["view"]["x"] == [low, high]
    plot(page, LOSS).dblclick()
    settle(watch, page)
    assert shown(page, ACCURACY)["view"]["x"] == [0, 1000]
    expect(page).not_to_have_url(re.compile("range="))


def test_a_box_zooms_both_axes_and_the_wheel_zooms_at_the_cursor(open_charts, seeds, watch):
    page = open_charts(seeds.lineage)
    page.keyboard.down("Shift")
    drag(page, LOSS, (0.2, 0.2), (0.6, 0.8))
    page.keyboard.up("Shift")
    settle(watch, page)
    boxed, other = shown(page, LOSS)["view"], shown(page, ACCURACY)["view"]
    assert boxed["x"] == other["x"]
    expect(page).to_have_url(re.compile("yranges="))
    page.keyboard.press("z")
    expect(page).not_to_have_url(re.compile("yranges="))
    page.keyboard.press("Shift+Z")
    expect(page).to_have_url(re.compile("yranges="))
    page.reload()
    settle(watch, page)
    assert shown(page, LOSS)["view"]["y"] == pytest.approx(boxed["y"], rel=1e-6)

    point_at(page, ACCURACY, 0.25, 0.5)
    low, high = boxed["x"]
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    settle(watch, page)
    now = shown(page, ACCURACY)["view"]["x"]
    assert now[1] - now[0] < (high - low) * 0.8
    centre = low + 0.25 * (high - low)
    assert (centre - now[0]) / (now[1] - now[0]) == pytest.approx(0.25, abs=0.02)


def test_times_are_those_that_were_stored(open_charts, seeds, watch):
    page = open_charts(seeds.sweep, "eyes=s01")
    (steps,) = shown(page, LOSS)["lines"]
    page.keyboard.press("x")
    settle(watch, page)
    relative = shown(page, LOSS)
    page.keyboard.press("x")
    settle(watch, page)
    moments = shown(page, LOSS)
    assert (relative["axis"], moments["axis"]) == ("relative", "time")
    began = (EPOCH + 7 * 60_000_000) / 1e6
    line = moments["lines"][0]
    assert steps["last"]["x"] == 1000
    assert began < line["first"]["x"] <= line["last"]["x"] <= began + 61
    assert relative["lines"][0]["last"]["x"] == pytest.approx(line["last"]["x"] - began, abs=1e-3)


def test_a_zoom_goes_along_to_another_axis(open_charts, seeds, watch):
    page = open_charts(seeds.sweep, "eyes=s01&range=200~600")
    page.keyboard.press("x")
    settle(watch, page)
    low, high = shown(page, LOSS)["view"]["x"]
    page.keyboard.press("x")
    page.keyboard.press("x")  # at once: the first is still asking the server
    page.wait_for_function("() => window.__ui.charts()['train/loss']?.axis === 'step'")
    settle(watch, page)
    assert 0 < low < high < 60
    assert shown(page, LOSS)["view"]["x"] == pytest.approx([200, 600], abs=1.5)


def test_pointing_tells_the_nearest_and_only_there(open_charts, seeds, watch):
    page = open_charts(seeds.sweep, "eyes=auto:8")
    expect(page.locator(".drawn-note")).to_contain_text("The first 8 rows are drawn")
    expect(chart(page, ACCURACY).locator(".chart-tags")).to_contain_text("best pruned")
    best = next(line["best"] for line in shown(page, ACCURACY)["lines"] if line["run_id"] == "s28-b")
    (left, right), (bottom, top) = (shown(page, ACCURACY)["view"][axis] for axis in "xy")
    point_at(page, ACCURACY, (best["x"] - left) / (right - left), (top - best["y"]) / (top - bottom))
    expect(page.locator(".chart-tooltip-note")).to_contain_text(
        "The best of sweep-28 was pruned: 0.928 at step 800, by s28"
    )
    loss, accuracy = (chart(page, path).evaluate("(one) => one.getBoundingClientRect().y") for path in (LOSS, ACCURACY))
    assert loss == accuracy, "sections of one chart share a row"
    found = shown(page, LOSS)
    point_at(page, LOSS, 0.35, 0.4)
    settle(watch, page)
    expect(page.locator(".chart-tooltip:not([hidden])")).to_have_count(1)
    rows = page.locator(".chart-tooltip:not([hidden]) .chart-tooltip-row")
    assert rows.count() == 5
    view = found["view"]
    (low, high), (bottom, top), box = view["x"], view["y"], view["plot"]

    def distance(line):
        across = (line["x"] - low) / (high - low) * box["width"] - 0.35 * box["width"]
        down = (top - line["y"]) / (top - bottom) * box["height"] - 0.4 * box["height"]
        return np.nanmin(np.hypot(across, down))

    distances = {line["run_id"]: distance(line) for line in found["lines"]}
    listed = [row.get_attribute("data-run") for row in rows.all()]
    assert max(distances[run] for run in listed) <= min(distances[run] for run in distances if run not in listed) + 3

    hovered = shown(page, LOSS)["hovered"]
    assert hovered == listed[0] == shown(page, ACCURACY)["hovered"]
    expect(page.locator(f'[data-run="{hovered}"][data-hovered="true"]').first).to_be_attached()
    for path in (LOSS, ACCURACY):
        expect(chart(page, path).locator(".chart-cursor")).to_be_visible()
    bare = pixels_of(chart(page, ACCURACY))
    page.mouse.move(2, 2)
    settle(watch, page)
    expect(chart(page, LOSS).locator(".chart-cursor")).to_be_hidden()
    assert shown(page, ACCURACY)["hovered"] is None
    assert difference(bare, pixels_of(chart(page, ACCURACY))) > 0.01


def test_a_pinned_tooltip_stays_and_is_copied(open_charts, seeds, watch):
    page = open_charts(seeds.lineage)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    point_at(page, LOSS, 0.5, 0.6)
    expect(page.locator(".chart-tooltip:not([hidden])")).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    expect(page.locator(".chart-tooltip[data-pinned]")).to_be_visible()
    page.mouse.move(2, 2)
    expect(page.locator(".chart-tooltip[data-pinned]")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator(".toast")).to_contain_text("Values copied")
    head, row = page.evaluate("() => navigator.clipboard.readText()").split("\n")
    assert head.split("\t")[:5] == ["run", "name", "metric", "step", "value"]
    run, name, metric, step, value, *_ = row.split("\t")
    assert (run, name, metric) == ("second", "digits", LOSS)
    assert value_at(shown(page, LOSS)["lines"][0], float(step)) == float(value)

    chart(page, ACCURACY).locator(".chart-plot").focus()
    page.keyboard.press("+")
    settle(watch, page)
    assert shown(page, LOSS)["view"]["x"] == [250, 750]
    where = page.locator(".chart-tooltip[data-pinned] b").inner_text()
    assert float(where.removeprefix("step ")) == pytest.approx(float(step), abs=4)
    page.mouse.move(2, 2)
    page.keyboard.press("Escape")
    expect(page.locator(".chart-tooltip[data-pinned]")).to_have_count(0)


def test_fingers_scroll_the_page_tap_for_values_and_pinch_to_zoom(open_charts, seeds, watch):
    page = open_charts(seeds.lineage, size=(480, 700), has_touch=True)
    box = plot(page, LOSS).bounding_box()
    assert box
    middle, height = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.touchscreen.tap(middle, height)
    expect(page.locator(".chart-tooltip[data-pinned]")).to_contain_text("digits")
    page.locator(".charts-count").tap()
    expect(page.locator(".chart-tooltip[data-pinned]")).to_have_count(0)

    hand = page.context.new_cdp_session(page)

    def touch(kind, *places, up=0):
        points = [{"x": x, "y": height - up, "id": at} for at, x in enumerate(places)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    quarter = box["width"] / 4
    touch("touchStart", middle - quarter / 2, middle + quarter / 2)
    for share in (0.7, 0.9, 1):
        touch("touchMove", middle - quarter * share, middle + quarter * share)
    touch("touchEnd")
    expect(page).to_have_url(re.compile("range="))
    settle(watch, page)
    assert shown(page, LOSS)["view"]["x"] == pytest.approx([250, 750], abs=12)

    for kind, up in (("touchStart", 0), ("touchMove", 20), ("touchMove", 60), ("touchMove", 100), ("touchEnd", None)):
        touch(kind, *([] if up is None else [middle]), up=up or 0)
    page.wait_for_function("() => document.querySelector('.charts-scroll').scrollTop > 20")
    assert shown(page, LOSS)["view"]["x"] == pytest.approx([250, 750], abs=12)


def test_a_run_keeps_its_colour(open_charts, seeds, watch):
    page = open_charts(seeds.sweep, "eyes=s04-b,s08-b")
    colours = {line["run_id"]: line["colour"]["line"] for line in shown(page, LOSS)["lines"]}
    page.goto(page.url.replace("eyes=s04-b%2Cs08-b", "eyes=s08-b").replace("eyes=s04-b,s08-b", "eyes=s08-b"))
    settle(watch, page)
    (line,) = shown(page, LOSS)["lines"]
    assert line["colour"]["line"] == colours["s08-b"] != colours["s04-b"]


def test_what_is_no_number_is_counted_and_marked(open_charts, seeds, watch):
    page = open_charts(seeds.hostile, "charts=mixed|nan_alone|tiny")
    expect(chart(page, "nan_alone").locator(".chart-tags")).to_contain_text("NaN")
    counts = shown(page, "mixed")["lines"][0]
    assert (counts["inf"], counts["nan"]) == (6, 7)
    red = (pixels_of(plot(page, "nan_alone"))[:, :, 0] - pixels_of(plot(page, "nan_alone"))[:, :, 1]) > 90
    assert red[-10:, :8].any()
    assert red[-10:, -8:].any()
    assert not red[: red.shape[0] // 2].any()

    page.get_by_role("button", name="y: auto").click()
    page.get_by_role("menuitemradio", name="log", exact=True).click()
    settle(watch, page)
    expect(chart(page, "mixed").locator(".chart-tags")).to_contain_text("log")
    assert page.evaluate("() => window.harmed") is None

    page = open_charts(seeds.sweep, "eyes=s38")
    view = shown(page, LOSS)["view"]
    floor = 1 - 4 / view["plot"]["height"]
    point_at(page, LOSS, (905 - view["x"][0]) / (view["x"][1] - view["x"][0]), floor)
    expect(page.locator(".chart-tooltip-note")).to_contain_text("Click to zoom there")
    page.mouse.down()
    page.mouse.up()
    settle(watch, page)
    assert shown(page, LOSS)["view"]["x"] == pytest.approx([855, 955], abs=8)
    expect(chart(page, LOSS).locator(".chart-tags .bad").first).to_contain_text("NaN from step 901")

    page.goto(page.url.split("/charts")[0] + "/run?run=s38")
    page.get_by_role("button", name=re.compile("^100 NaN from step 901$")).click()
    settle(watch, page)
    low, high = shown(page, LOSS)["view"]["x"]
    assert low < 901 < high < low + 100


def test_values_at_or_below_zero_are_counted_on_logarithmic_axes(data_directory, start_ui, visit, watch):
    values = [float(number - 3) for number in range(20)]
    draw_run(data_directory, "r1", project="tests/zeros", experiment="e", rows=[Rows(range(20), {"a/m": values})])
    page = visit(start_ui(), "p/tests/zeros/charts?y=log")
    settle(watch, page)
    expect(chart(page, "a/m").locator(".chart-tags")).to_contain_text("4 at or below 0")


def test_metrics_are_searched_and_a_bad_expression_is_told(open_charts, seeds, watch):
    page = open_charts(seeds.lineage)
    expect(page.locator(".charts-count")).to_have_text("2 of 2")
    page.keyboard.press("/")
    page.keyboard.type("loss")
    expect(page.locator(".charts-count")).to_have_text("1 of 2")
    page.keyboard.type(" [")
    expect(page.get_by_role("alert")).to_contain_text("is no regular expression")
    expect(page.locator(".charts-count")).to_have_text("1 of 2")
    page.keyboard.press("Escape")
    page.keyboard.type("!loss")
    expect(page.locator(".charts-count")).to_have_text("1 of 2")
    expect(chart(page, ACCURACY)).to_be_visible()
    expect(page).to_have_url(re.compile(r"charts=(!|%21)loss$"))


def test_of_two_thousand_metrics_only_those_in_view_are_fetched(data_directory, start_ui, visit, watch):
    metrics = {f"part{number % 10}/layer{number}": [1.0, 2.0] for number in range(2000)}
    draw_run(data_directory, "r1", project="tests/wide", experiment="e", rows=[Rows(range(2), metrics)])
    page = visit(start_ui(), "p/tests/wide/charts")
    settle(watch, page)
    expect(page.locator(".charts-count")).to_have_text("2000 of 2000")
    settle(watch, page)
    fetched = sum("series/buckets" in request for request in watch.requests)
    assert 0 < fetched < 40
    assert page.locator(".chart").count() < 40
    page.locator(".charts-scroll").evaluate("(element) => { element.scrollTop = element.scrollHeight; }")
    settle(watch, page)
    expect(chart(page, "part9/layer1999")).to_be_visible()
    assert page.locator(".chart").count() < 40


def test_charts_are_taken_along_as_files(open_charts, seeds, watch):
    page = open_charts(seeds.lineage)
    line = shown(page, LOSS)["lines"][0]

    def saved(item):
        chart(page, LOSS).hover()
        chart(page, LOSS).get_by_role("button", name="More for train/loss").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=item, exact=True).click()
        return download.value.path().read_bytes()

    image = Image.open(io.BytesIO(saved("PNG")))
    assert image.width >= 1600
    assert len(image.convert("RGB").getcolors(1_000_000) or []) > 20
    svg = ET.fromstring(saved("SVG"))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"digits", "digits, run second", "step"} <= set(texts)
    colours = {value for element in svg.iter() for name in ("fill", "stroke") if (value := element.get(name))}
    assert "#ffffff" in colours
    assert [one for one in colours if not re.fullmatch(r"#[0-9a-f]{6}|none", one)] == []
    assert any(text.startswith("seeds/lineage · 1 experiment") for text in texts if text)
    assert any(text.startswith("train/loss") for text in texts if text)
    rows = saved("CSV of what is drawn").decode().split()
    assert len(rows) == len(line["x"]) + 1
    values = [float(row.split(",")[3]) for row in rows[1:]]
    assert values == line["y"].tolist()
    points = saved("CSV of all points").decode().split()
    assert len(points) == 1002
    assert points[0].startswith("run,")


def test_new_points_appear_and_leave_zoom_and_hover(data_directory, start_ui, visit, watch):
    def draw(points):
        for run_id in ("r1", "r2"):
            draw_run(
                data_directory,
                f"{run_id}-{points}",
                project="tests/growing",
                experiment=run_id,
                rows=[Rows(range(points), {"a/m": [float(number) for number in range(points)]})],
            )

    draw(100)
    page = visit(start_ui(), "p/tests/growing/charts?range=10~40")
    settle(watch, page)
    point_at(page, "a/m", 0.5, 0.5)
    settle(watch, page)
    expect(page.locator(".chart-tooltip:not([hidden])")).to_be_visible()
    draw(200)
    page.wait_for_function("() => window.__ui.charts()['a/m'].lines.some((line) => line.last.x === 199)")
    assert shown(page, "a/m")["view"]["x"] == [10, 40]
    expect(page.locator(".chart-tooltip:not([hidden])")).to_be_visible()


def test_a_link_shows_the_same_to_others_and_to_browsers_without_canvases_for_workers(open_charts, seeds, visit, watch):
    query = "eyes=auto:7&smooth=gaussian:0.5&y=log&range=100~800&inherited=on"
    pictures = []
    for without in (False, True):
        visit.close()
        page = open_charts(seeds.sweep, "eyes=")
        if without:
            page.add_init_script("delete HTMLCanvasElement.prototype.transferControlToOffscreen")
        page.goto(page.url.split("?")[0] + "?" + query)
        page.locator("[data-chart]").first.wait_for()
        settle(watch, page)
        pictures.append(pixels_of(page.locator(".charts-scroll")))
    assert difference(*pictures) < 0.005


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_accessible(open_charts, seeds, watch, scheme):
    page = open_charts(seeds.sweep, scheme=scheme)
    assert [one for one in violations(page) if "empty-table-header" not in one] == []
    plotted = chart(page, LOSS).locator(".chart-plot")
    assert "last" in (plotted.get_attribute("aria-label") or "")
    plotted.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    settle(watch, page)
    expect(page.locator(".chart-tooltip:not([hidden])")).to_be_visible()
    expect(chart(page, LOSS).locator("[aria-live]")).to_contain_text("step")
    page.keyboard.press("f")
    settle(watch, page)
    expect(page.locator(".charts-page")).to_have_attribute("data-full", "true")
    assert violations(page) == []
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".charts-page")).to_have_attribute("data-full", "true")
    page.keyboard.press("l")
    expect(chart(page, LOSS).locator(".chart-tags")).to_contain_text("log")
    page.keyboard.press("s")
    expect(page.get_by_label("Smoothing", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".charts-page")).to_have_attribute("data-full", "false")
