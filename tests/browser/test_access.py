"""Who gets in, and from where: the token, the host, the path of a proxy; and that no page asks for anything beyond the server."""

import http.client
import re
from contextlib import nullcontext

import pytest
from playwright.sync_api import expect
from tests.browser.accessibility import violations
from tests.browser.proxies import proxied

from runfork.testing.waits import HANG_SECONDS

ASSET = re.compile(r"/(?:assets/|icon\.svg)")


def ask(server, path, **headers):
    """Return the status and the headers of an answer to a plain client."""
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=HANG_SECONDS)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers


def test_a_page_without_a_token_is_refused(seeded_ui, visit, watch):
    watch.allow("401 GET")

    page = visit(seeded_ui, logs_in=False)

    assert ask(seeded_ui, "/")[0] == 401
    assert ask(seeded_ui, "/api/v1/info")[0] == 401
    assert "token" in page.locator("body").inner_text()
    assert violations(page) == []


def test_the_token_becomes_a_cookie_and_leaves_the_address(seeded_ui, browser, watch):
    context = browser.new_context()
    watch.follow(context)
    page = context.new_page()
    page.goto(seeded_ui.url)
    watch.settle(page)

    (cookie,) = context.cookies()
    assert seeded_ui.token
    assert seeded_ui.token not in page.url
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("() => fetch('api/v1/info').then((answer) => answer.status)") == 200
    context.close()


def test_a_link_that_is_copied_shows_the_same_in_another_browser(seeded_ui, seeds, visit):
    page = visit(seeded_ui, f"p/{seeds.lineage}/table?mode=runs", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Share what you see").click()
    assert violations(page) == []
    page.get_by_role("menuitem", name="Copy link").click()
    expect(page.locator(".toast")).to_have_text("Link copied")
    link = page.evaluate("() => navigator.clipboard.readText()")

    assert link.startswith(f"{page.url}&token=")
    assert seeded_ui.token not in link
    other = visit(seeded_ui, link.removeprefix(seeded_ui.address).lstrip("/"), logs_in=False)
    assert other.url == page.url
    expect(other.get_by_role("radio", name="Runs")).to_be_checked()


def test_a_wrong_token_is_refused(seeded_ui):
    assert ask(seeded_ui, "/?token=wrong")[0] == 401
    assert ask(seeded_ui, "/api/v1/info", Authorization="Bearer wrong")[0] == 401
    assert ask(seeded_ui, "/api/v1/info", Authorization=f"Bearer {seeded_ui.token}")[0] == 200


@pytest.mark.parametrize("host", ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "localhost.evil.test", ""])
def test_another_host_is_refused(seeded_ui, host):
    status, _ = ask(seeded_ui, "/api/v1/info", Host=host, Authorization=f"Bearer {seeded_ui.token}")

    assert 400 <= status < 500


def test_pages_let_nothing_in_from_elsewhere(seeded_ui):
    _, headers = ask(seeded_ui, "/", Authorization=f"Bearer {seeded_ui.token}")

    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in policy.get("script-src", "")


@pytest.mark.parametrize("takes_its_path_off", [True, False])
def test_the_app_works_below_the_path_of_a_proxy(start_ui, visit, watch, takes_its_path_off):
    server = start_ui("--root-path", "/proxy/1234")
    with proxied(server) if takes_its_path_off else nullcontext(server) as seen:
        page = visit(seen, "p/tests/project/charts")
        page.get_by_role("link", name="Table").click()
        watch.settle(page)
        page.context.close()

    assert page.url == seen.url_of("p/tests/project/table")
    loaded = [one for one in watch.requests if ASSET.search(one)]
    assert loaded
    assert [one for one in loaded if not one.startswith("GET /proxy/1234/")] == []


def test_the_app_is_drawn_and_asks_for_nothing_elsewhere(seeded_ui, visit, watch):
    page = visit(seeded_ui)

    assert page.locator("#app > *").count() > 0
    assert [one for one in watch.requests if ASSET.search(one)]


def test_what_is_built_is_kept_by_browsers_and_the_page_is_not(seeded_ui, visit, watch):
    visit(seeded_ui)
    script = next(one.partition(" ")[2] for one in watch.requests if ".js" in one)
    bearer = f"Bearer {seeded_ui.token}"

    _, of_script = ask(seeded_ui, script, Authorization=bearer)
    _, of_page = ask(seeded_ui, "/", Authorization=bearer)

    assert "immutable" in of_script["Cache-Control"]
    assert of_page["Cache-Control"] in {"no-cache", "no-store"}
