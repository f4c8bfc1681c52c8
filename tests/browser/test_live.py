"""That pages follow their server: live, through its end and its return, in many tabs, and behind what holds back events."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from playwright.sync_api import expect
from tests.browser.proxies import proxied
from tests.drawn_journals import draw_run

from runfork.testing.waits import until

PAGE = "p/tests/project/table"
AWAY = "The server has not answered since"


@pytest.fixture
def directory(data_directory):
    """A data directory with one run."""
    draw_run(data_directory, "r1", project="tests/project", experiment="gull")
    return data_directory


def liveness(page):
    return page.locator("button.liveness")


def run_count(page):
    """Return what the server says now, asked by the page."""
    return page.evaluate(
        "() => fetch('api/v1/projects/tests/project').then((one) => one.json()).then((one) => one.run_count)"
    )


def test_a_server_that_ends_is_told_and_one_that_comes_back_is_followed(directory, start_ui, visit, watch):
    watch.allow("net::ERR_")
    server = start_ui()
    page = visit(server, PAGE)
    expect(liveness(page)).to_have_text("live")

    server.kill()
    expect(page.get_by_role("alert")).to_contain_text(AWAY)
    expect(liveness(page)).to_have_text("no server")
    draw_run(directory, "r2", project="tests/project")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("link", name="gull", exact=True).click()
    expect(page.get_by_text("this page comes when it does")).to_be_visible()
    assert [url for url in asked if "run=" in url] == []  # it is known that nobody would answer
    server.start_again()

    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("gull")
    expect(liveness(page)).to_have_text("live")
    until(lambda: run_count(page) == 2)  # the server that is back may still be reading


def test_a_tab_that_stays_open_for_a_day_goes_on(directory, start_ui, visit, watch):
    watch.allow("net::ERR_")
    server = start_ui()
    page = visit(server)
    page.clock.install()
    page.goto(server.url_of(f"{PAGE}?mode=runs"))
    expect(page.get_by_role("link", name="r1", exact=True)).to_be_visible()

    page.clock.set_system_time(datetime.now(tz=timezone.utc) - timedelta(hours=1))  # somebody sets the clock back
    draw_run(directory, "r2", project="tests/project")
    expect(page.get_by_role("link", name="r2", exact=True)).to_be_visible()

    server.kill()
    expect(page.get_by_role("alert")).to_contain_text(AWAY)
    page.clock.fast_forward(24 * 3_600_000)  # asleep overnight
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"since \d+ \w+ \d{4}, "))
    draw_run(directory, "r3", project="tests/project")
    server.start_again()
    page.clock.fast_forward(30_000)

    expect(page.get_by_role("link", name="r3", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_eight_tabs_are_all_live_each_on_a_project_of_its_own(directory, start_ui, visit, watch):
    for number in range(7):
        draw_run(directory, "r1", project=f"tests/project-{number}")
    server = start_ui()
    pages = [visit(server, PAGE)]
    for number in range(7):
        pages.append(pages[0].context.new_page())
        pages[-1].goto(server.url_of(f"p/tests/project-{number}/table"))

    for page in pages:
        expect(liveness(page)).to_have_text("live")
        assert run_count(page) == 1  # browsers open six connections at most
    draw_run(directory, "r2", project="tests/project", experiment="heron")
    expect(pages[0].get_by_role("link", name="heron", exact=True)).to_be_visible()


def test_a_proxy_whose_server_ends_and_returns_is_told_from_the_server(directory, start_ui, visit, watch):
    watch.allow("502 ")
    server = start_ui()
    with proxied(server) as seen:
        page = visit(seen, PAGE)
        expect(liveness(page)).to_have_text("live")

        server.kill()
        expect(page.get_by_role("alert")).to_contain_text("a proxy answers in its place (HTTP 502)")
        server.start_again()

        expect(page.get_by_role("alert")).to_have_count(0)
        expect(liveness(page)).to_have_text("live")
        page.context.close()


def test_a_server_that_asks_for_its_token_anew_says_so(directory, start_ui, visit, watch, tmp_path):
    watch.allow("net::ERR_")
    watch.allow("401 ")
    nowhere = tmp_path / "a-file"
    nowhere.touch()
    server = start_ui(XDG_STATE_HOME=str(nowhere))  # what cookies are made from cannot be kept
    page = visit(server, PAGE)
    expect(liveness(page)).to_have_text("live")

    server.kill()
    server.start_again()

    expect(page.get_by_role("alert")).to_contain_text(
        "it asks for its token again, open the address that it prints now"
    )
    page.context.new_page().goto(server.url)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(liveness(page)).to_have_text("live")


def test_where_events_are_held_back_the_page_asks(directory, start_ui, visit):
    server = start_ui()
    with proxied(server, holds="/events") as seen:
        page = visit(seen)
        page.clock.install()
        page.goto(seen.url_of(PAGE))

        until(lambda: page.clock.fast_forward(30_000) or liveness(page).inner_text().strip() == "every 2 s")
        draw_run(directory, "r2", project="tests/project")
        until(lambda: run_count(page) == 2)
        page.context.close()


def test_a_pause_stops_updates_until_it_ends(directory, start_ui, visit):
    page = visit(start_ui(), PAGE)
    expect(liveness(page)).to_have_text("live")

    page.keyboard.press("p")
    expect(liveness(page)).to_have_text("paused")
    page.keyboard.press("p")
    expect(liveness(page)).to_have_text("live")


def test_a_project_that_begins_later_is_found(data_directory, start_ui, visit):
    page = visit(start_ui(), PAGE)
    expect(liveness(page)).to_have_text("live")
    before = page.locator("main").inner_text()

    draw_run(data_directory, "r1", project="tests/project", experiment="gull")

    expect(page.locator("main")).not_to_have_text(re.compile(f"^{re.escape(before)}$"))


def test_the_only_project_is_gone_to_whether_it_is_there_or_comes(data_directory, start_ui, visit):
    server = start_ui()
    page = visit(server, "")
    expect(page.get_by_role("heading", name="No projects yet")).to_be_visible()

    draw_run(data_directory, "r1", project="tests/project", experiment="gull")
    page.wait_for_url("**/p/tests/project/charts")
    page.goto(server.url_of(""))
    page.wait_for_url("**/p/tests/project/charts")

    page.get_by_role("button", name="tests / project").click()
    page.get_by_role("menuitem", name="All projects").click()
    expect(page.get_by_role("link", name="tests / project")).to_be_visible()
