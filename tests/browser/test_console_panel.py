"""The console of a run: lines however many, progress bars, search, and what is printed meanwhile."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.rich_runs import BAR_STATES, CONSOLE_LINES, HOSTILE, make_long_console
from tests.consoles import Printer

from runfork import Run
from runfork.settings import Settings
from runfork.testing.waits import until

LINES = 1_000_000
TOTAL = CONSOLE_LINES + 2
"""Of the rich run: a progress bar and a warning beside its lines."""


@pytest.fixture
def open_console(visit, seeded_ui):
    """Open the console of a run."""

    def open_console(project, run, more="", **options):
        page = visit(seeded_ui, f"p/{project}/run?run={run}&tab=console{more}", **options)
        page.wait_for_selector(".console-row:not(.missing)")
        return page

    return open_console


def row(page, line):
    """Return the row of a line, counted from one as people do."""
    return page.locator(f".console-row[data-line='{line - 1}']:not(.update)")


def numbers_in(text, pattern):
    """Return the numbers of a text that a pattern takes out of it."""
    return [int(number) for number in re.findall(pattern, text)]


def scrolled(page):
    """Return how far the console is scrolled, and how far it could be."""
    return page.locator(".console-scroller").evaluate("(one) => [one.scrollTop, one.scrollHeight - one.clientHeight]")


def test_it_begins_at_its_end_and_filters_by_stream(open_console, rich):
    page = open_console(rich, "child")

    expect(row(page, TOTAL)).to_contain_text("warning at the end")
    expect(row(page, TOTAL)).to_have_class(re.compile("error"))
    page.get_by_role("radio", name="stdout").click()
    expect(row(page, CONSOLE_LINES)).to_contain_text(f"line {CONSOLE_LINES - 1}")
    page.get_by_role("radio", name="stderr").click()
    expect(page.locator(".console-row")).to_have_count(2)
    expect(page.locator(".console-rank")).to_have_count(0)


def test_lines_of_several_processes_say_whose_they_are_until_one_is_chosen(open_console, rich):
    page = open_console(rich, "parent")

    expect(page.locator(".console-row", has_text="first process").locator(".console-rank")).to_have_text("0")
    expect(page.locator(".console-row", has_text="fourth process").locator(".console-rank")).to_have_text("3")
    page.get_by_role("combobox", name="Rank").select_option("rank 3")
    expect(page.locator(".console-row")).to_have_count(1)
    expect(page.locator(".console-rank")).to_have_count(0)


def test_a_progress_bar_is_one_line_that_opens(open_console, rich):
    page = open_console(rich, "child", "&find=epoch")
    search = page.get_by_role("searchbox", name="Search the console")

    expect(page.locator(".search-count")).to_have_text("1 line")
    search.press("Enter")
    bar = page.locator(".console-row.bar")
    expect(bar).to_contain_text("Epoch 0: 100%")
    expect(bar.locator("mark")).to_have_text("Epoch")
    told = bar.get_by_role("button", name=re.compile(r"show all \d+ updates"))
    (count,) = numbers_in(told.inner_text(), r"all (\d+)")
    assert 1 < count <= BAR_STATES + 1
    told.click()
    updates = page.locator(".console-row.update")
    expect(updates).to_have_count(count)
    shares = numbers_in(" ".join(updates.all_inner_texts()), r"(\d+)%")
    assert shares == sorted(shares)
    page.get_by_role("button", name="hide updates").click()
    expect(updates).to_have_count(0)


def test_a_step_leads_to_what_was_printed_when_it_was_logged(open_console, rich):
    page = open_console(rich, "child")

    page.keyboard.press("g")
    page.get_by_role("spinbutton", name="step").fill("120")
    page.keyboard.press("Enter")
    expect(row(page, 121)).to_be_in_viewport()
    expect(page.locator(".console-row.current")).to_contain_text("line 120 of the run")


def test_markup_in_a_line_stays_text(open_console, rich):
    page = open_console(rich, "child", "&at=7")

    expect(row(page, 8)).to_contain_text(HOSTILE)
    assert page.evaluate("() => window.harmed === undefined && !document.querySelector('.console-row script')")


def test_what_is_copied_has_no_numbers_and_times(open_console, rich):
    page = open_console(rich, "child", "&at=20", permissions=["clipboard-read", "clipboard-write"])

    page.evaluate(
        """() => {
          const text = (line) => document.querySelector(`.console-row[data-line='${line}'] .console-text`).firstChild;
          getSelection().setBaseAndExtent(text(20), 5, text(22), 7);
        }"""
    )
    page.keyboard.press("Control+c")
    copied = "20 of the run \nline 21 of the run \nline 22"
    until(lambda: page.evaluate("navigator.clipboard.readText()") == copied)


def test_a_million_lines_are_a_jump_away(open_console, seeds, watch):
    page = open_console(make_long_console(seeds.directory, LINES), "printed", "&at=0")
    expect(page.locator(".console-bar")).to_contain_text(re.compile(r"1.000.000 lines"))
    expect(row(page, 1)).to_contain_text("printed line 0")
    watch.settle(page)

    asked = len(watch.requests)
    page.locator(".console-scroller").press("End")
    expect(row(page, LINES)).to_contain_text(f"printed line {LINES - 1}")
    assert sum("/console?" in one for one in watch.requests[asked:]) <= 4
    assert page.evaluate("document.querySelectorAll('.console-row').length") < 200
    page.locator(".console-scroller").press("Home")
    expect(row(page, 1)).to_be_in_viewport()

    page.keyboard.press("/")
    page.keyboard.type("line 77777")
    expect(page.locator(".search-count")).to_have_text("11 lines")
    page.keyboard.press("Enter")
    expect(row(page, 77_778)).to_be_in_viewport()
    page.keyboard.press("Shift+Enter")
    expect(row(page, 777_780)).to_be_in_viewport()
    expect(page.locator(".search-count")).to_have_text("11 of 11")
    page.get_by_role("button", name="go to").click()
    page.get_by_role("spinbutton", name="line").fill("1000001")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There are lines 1 to")).to_be_visible()
    page.get_by_role("spinbutton", name="line").fill("500000")
    page.keyboard.press("Enter")
    expect(row(page, 500_000)).to_be_in_viewport()
    page.get_by_role("button", name="wrap").click()
    expect(row(page, 500_000)).to_be_in_viewport()
    expect(page).to_have_url(re.compile("(?=.*at=).*wrap=1"))


def test_what_is_printed_meanwhile_is_followed_until_one_scrolls(data_directory, start_ui, visit):
    settings = Settings(project="tests/live", directory=str(data_directory), console=False, monitoring_seconds=0)
    with Run("live", run_id="live", settings=settings, source_tracking_config=None) as run:
        printer = Printer(run)

        def say(count):
            for number in range(count):
                printer.write(f"said {number}\n", seconds=1)

        say(200)
        page = visit(start_ui(), "p/tests/live/run?run=live&tab=console")
        expect(row(page, 200)).to_be_in_viewport()
        for more in range(210, 251, 10):
            say(10)
            expect(row(page, more)).to_be_in_viewport()
        assert "at=" not in page.url
        page.mouse.move(400, 500)
        page.mouse.wheel(0, -1200)
        expect(page.get_by_role("button", name="follow")).to_have_attribute("aria-pressed", "false")
        before = scrolled(page)
        say(50)
        until(lambda: scrolled(page)[1] > before[1])
        assert scrolled(page)[0] == before[0]
        page.get_by_role("button", name="follow").click()
        expect(row(page, 300)).to_be_in_viewport()
