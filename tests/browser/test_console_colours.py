"""Colours of the console: those that were printed, readable in both themes; and progress bars while they are drawn."""

import pytest
from playwright.sync_api import expect
from tests.consoles import Printer

from runfork import Run
from runfork.settings import Settings
from runfork.testing.waits import until

MEASURE = """() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const seen = (colour, below) => {
    pixel.fillStyle = below;
    pixel.fillRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b] = pixel.getImageData(0, 0, 1, 1).data;
    return { css: `rgb(${r} ${g} ${b})`, light: [r, g, b].map((one) => linear(one / 255)) };
  };
  const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const ground = (element) =>
    element === null ? { css: "white" } : seen(getComputedStyle(element).backgroundColor, ground(element.parentElement).css);
  return [...document.querySelectorAll(".console-text span")].map((one) => {
    const below = ground(one);
    const text = seen(getComputedStyle(one).color, below.css);
    const [high, low] = [luminance(text.light), luminance(below.light)].sort((a, b) => b - a);
    return { text: one.textContent, colour: text.css, ground: below.css, contrast: (high + 0.05) / (low + 0.05) };
  });
}"""


def in_style(codes, text):
    return f"\x1b[{codes}m{text}\x1b[0m"


def coloured_lines():
    """Return lines in every colour of the palette, many true colours, and pairs of them."""
    yield from ("".join(in_style(f"38;5;{at + n}", at + n) for n in range(16)) for at in range(0, 256, 16))
    for text in (31, 90, 93, 97):
        yield "".join(in_style(f"{text};{ground}", ground) for ground in (*range(40, 48), *range(100, 108)))
    for blue in (0, 85, 170, 255):
        yield "".join(in_style(f"38;2;{r};{g};{blue}", "x") for r in (0, 85, 170, 255) for g in (0, 85, 170, 255))
        yield "".join(in_style(f"48;2;{r};{g};{blue}", "x") for r in (0, 85, 170, 255) for g in (0, 85, 170, 255))
    yield "".join(in_style(codes, codes) for codes in ("1", "2", "3", "4", "7", "9", "2;31", "2;44", "7;32", "7;33;44"))


@pytest.fixture
def live(data_directory):
    """A run that goes on, in a project of its own."""
    settings = Settings(project="tests/live", directory=str(data_directory), console=False, monitoring_seconds=0)
    with Run("live", run_id="live", settings=settings, source_tracking_config=None) as run:
        yield run


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_colours_can_be_read_and_are_told_apart(live, start_ui, visit, theme):
    printer = Printer(live)
    for line in coloured_lines():
        printer.write(f"{line}\n")
    page = visit(
        start_ui(),
        "p/tests/live/run?run=live&tab=console&at=0",
        scheme=theme,
        size=(1280, 1600),
    )
    expect(page.locator(".console-row").last).to_contain_text("7;33;44")

    parts = page.evaluate(MEASURE)

    assert len(parts) > 256 + 64 + 128
    assert [part for part in parts if part["contrast"] < 4.5] == []
    assert len({part["colour"] for part in parts}) > 100
    basic = {part["text"]: part["colour"] for part in parts[:16]}
    assert len({basic[str(colour)] for colour in range(1, 7)}) == 6
    assert len({part["ground"] for part in parts}) > 20


def test_nested_bars_are_seen_as_they_are_drawn_and_keep_their_colours(live, start_ui, visit):
    printer = Printer(live)
    printer.write("\x1b[38;2;255;128;0mbegin <script>window.harmed = 1</script>\x1b[0m\n")

    def draw(outer, inner):
        outer_bar = f"outer: {in_style(32, '#' * outer)}{'-' * (4 - outer)} {outer}/4"
        inner_bar = f"inner: {in_style('38;2;255;0;128', '#' * inner)}{'-' * (9 - inner)} {inner}/9"
        printer.write(f"\r{outer_bar}\n\r{inner_bar}\x1b[A", to="stderr", seconds=1.5)

    draw(1, 3)
    draw(1, 5)
    page = visit(start_ui(), "p/tests/live/run?run=live&tab=console")
    drawn = page.locator(".console-open .console-row")
    expect(drawn).to_contain_text(["outer: #--- 1/4", "inner: #####---- 5/9"])
    assert page.evaluate("window.harmed === undefined")
    draw(2, 7)
    draw(4, 9)
    expect(drawn).to_contain_text(["outer: #### 4/4", "inner: ######### 9/9"])
    printer.write("\n\n", to="stderr", seconds=3)
    printer.write("end\n", seconds=3)

    expect(page.locator(".console-scroller .console-row")).to_contain_text(
        ["begin", "outer: #### 4/4", "inner:", "end"]
    )
    expect(drawn).to_have_count(0)
    coloured = page.locator(".console-scroller .coloured")
    expect(coloured).to_have_text(["begin <script>window.harmed = 1</script>", "####", "#########"])
    assert coloured.nth(2).evaluate("(one) => one.style.getPropertyValue('--text-colour')") == "#ff0080"
    until(lambda: page.get_by_role("link", name="in colour").is_visible())
    answer = page.request.get(page.get_by_role("link", name="in colour").evaluate("(one) => one.href"))
    assert "\x1b[38;2;255;128;0mbegin" in answer.text()
