"""Who may ask, and what browsers are told: tokens, cookies, names, origins, headers, and prefixes of proxies."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx
import pytest
from tests.servers import serving

from runfork_server.tokens import new_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = new_token()
INFO = "/api/v1/info"
VIEWS = "/api/v1/views"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server that asks for a token, and answers to one more name."""
    with serving(tmp_path_factory.mktemp("data"), token=TOKEN, allowed_hosts=("hub.example.org",)) as found:
        yield found


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server that a proxy serves below a path."""
    with serving(tmp_path_factory.mktemp("data"), token=TOKEN, root_path="/user/a b/proxy/7355") as found:
        yield found


def a_browser(client: httpx.Client) -> httpx.Client:
    """Return a client without cookies that keeps those it gets."""
    return httpx.Client(base_url=client.base_url, trust_env=False)


def test_without_the_token_nothing_is_told(guarded: httpx.Client) -> None:
    page, api = guarded.get("/p/a/b"), guarded.get(INFO)

    assert (page.status_code, api.status_code) == (401, 401)
    assert "needs its token" in page.text
    assert api.headers["www-authenticate"] == "Bearer"
    assert api.json()["detail"].startswith("this server asks for its token")
    assert guarded.get("/healthz").status_code == 200


def test_the_token_in_an_address_becomes_a_cookie_and_is_dropped(guarded: httpx.Client) -> None:
    with a_browser(guarded) as browser:
        first = browser.get(f"/?token={TOKEN}")
        second = browser.get(urljoin(str(first.url), first.headers["location"]))
        info = browser.get(INFO)

    assert (first.status_code, first.headers["location"], first.content) == (303, "./", b"")
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"runfork-{guarded.base_url.port}=")
    assert cookie.endswith("; HttpOnly; SameSite=Strict")
    assert TOKEN not in cookie
    assert second.status_code != 401
    assert info.status_code == 200


def test_the_token_at_a_deeper_address_leads_there(guarded: httpx.Client) -> None:
    with a_browser(guarded) as browser:
        answer = browser.get(f"/p/a%20b/c%2Fd?x=1&token={TOKEN}&y=%26", follow_redirects=True)

    assert str(answer.url) == f"{guarded.base_url}/p/a%20b/c%2Fd?x=1&y=%26".replace(":80/", "/")
    assert TOKEN not in str(answer.url)
    assert [one.status_code for one in answer.history] == [303, 303]


@pytest.mark.parametrize(
    "there", ["//evil.test/x", "https://evil.test", "\\\\evil.test", "%0d%0aSet-Cookie: a=b", "/\t/evil.test"]
)
def test_an_exchange_leads_nowhere_else(guarded: httpx.Client, there: str) -> None:
    with a_browser(guarded) as browser:
        answer = browser.get("/", params={"token": TOKEN, "next": there})

    assert answer.status_code == 303
    location = answer.headers["location"]
    assert urljoin(f"{guarded.base_url}/", location).startswith(f"{guarded.base_url}/")
    assert location.startswith("./")
    assert not {"\\", "\r", "\n", "\t"} & set(location)
    assert answer.headers.get_list("set-cookie") == [answer.headers["set-cookie"]]


@pytest.mark.parametrize("given", ["x", TOKEN[:-1], TOKEN + "x", "ü" * 32, "%ff%fe"])
def test_another_token_lets_nobody_in(guarded: httpx.Client, given: str) -> None:
    assert guarded.get(f"/?token={given}").status_code == 401
    assert guarded.get(INFO, headers={b"Authorization": f"Bearer {given}".encode()}).status_code == 401
    assert (
        guarded.get(INFO, headers={b"Cookie": f"runfork-{guarded.base_url.port}={given}".encode()}).status_code == 401
    )
    assert guarded.get(f"{INFO}?token={TOKEN}").status_code == 401


def test_a_link_lets_another_browser_in_and_does_not_tell_the_token_of_the_terminal(guarded: httpx.Client) -> None:
    with a_browser(guarded) as browser, a_browser(guarded) as other:
        browser.get(f"/?token={TOKEN}")
        made = browser.post("/api/v1/links", json={})
        token = made.json()["token"]
        refused = other.post("/api/v1/links", json={})
        other.get(f"/?token={token}")
        known = other.get(INFO)

    assert token != TOKEN
    assert made.headers["cache-control"] == "no-store"
    assert (refused.status_code, known.status_code) == (401, 200)


def test_a_token_that_is_good_once_lets_in_once(guarded: httpx.Client) -> None:
    token = guarded.post("/api/v1/links", json={"once": True}, headers={"Authorization": f"Bearer {TOKEN}"}).json()[
        "token"
    ]
    for status in (303, 401):
        with a_browser(guarded) as browser:
            assert browser.get(f"/?token={token}").status_code == status


def test_who_is_in_already_is_let_in_by_a_link_of_a_server_that_ended(guarded: httpx.Client) -> None:
    with a_browser(guarded) as browser:
        browser.get(f"/?token={TOKEN}")
        again = browser.get("/p/a/b?x=1&token=of-yesterday", follow_redirects=True)

    assert [one.status_code for one in again.history] == [303, 303]
    assert again.url.raw_path == b"/p/a/b?x=1"


def test_without_a_token_links_need_none(data_directory: Path) -> None:
    with serving(data_directory, token=None) as client:
        assert client.post("/api/v1/links", json={"once": True}).json() == {"token": None}


PAGE = {"Accept": "text/html,*/*;q=0.8"}


def test_who_is_not_let_in_is_told_what_to_do(guarded: httpx.Client) -> None:
    never, old = (
        guarded.get("/p/a/b", headers=PAGE),
        guarded.get("/p/a/b?token=old", headers=PAGE, follow_redirects=True),
    )
    elsewhere = guarded.get("/", headers={**PAGE, "Host": "<b>evil.test"})

    assert (never.status_code, old.status_code, elsewhere.status_code) == (401, 401, 403)
    assert "has not told it yet" in never.text
    assert "no longer, one of this server" in old.text
    assert "runfork ui --allow-host &lt;b&gt;evil.test" in elsewhere.text
    for answer in (never, old, elsewhere):
        style = answer.text.partition("<style>")[2].partition("</style>")[0]
        hashed = b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{hashed}'" in answer.headers["content-security-policy"]


def test_programs_send_the_token_in_a_header(guarded: httpx.Client) -> None:
    assert guarded.get(INFO, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.test", 403),
        ("evil.test:7355", 403),
        ("localhost.evil.test", 403),
        ("", 403),
        ("LOCALHOST:1", 200),
        ("hub.example.org", 200),
        ("[::1]:7355", 200),
        ("10.0.0.7", 200),
    ],
)
def test_names_that_are_not_on_the_list_are_not_answered(guarded: httpx.Client, host: str, status: int) -> None:
    answer = guarded.get(INFO, headers={"Authorization": f"Bearer {TOKEN}", "Host": host})

    assert answer.status_code == status
    if status == 403:
        assert "--allow-host" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://hub"}, 200),
        ({"Origin": "https://hub.example.org"}, 200),
        ({}, 200),
    ],
)
def test_what_changes_something_must_come_from_a_page_of_ours(
    guarded: httpx.Client, headers: dict[str, str], status: int
) -> None:
    given = {"Authorization": f"Bearer {TOKEN}", **headers}

    assert guarded.post(VIEWS, json={"query": "?"}, headers=given).status_code == status


def test_a_page_of_ours_may_ask(guarded: httpx.Client) -> None:
    origin = str(guarded.base_url).rstrip("/")
    given = {"Authorization": f"Bearer {TOKEN}", "Origin": origin}

    assert guarded.post(VIEWS, json={"query": "?"}, headers=given).status_code == 200


@pytest.mark.parametrize("path", ["/", "/p/a/b", INFO, "/api/v1/nothing", "/healthz", "/icon.svg"])
def test_every_answer_carries_what_browsers_are_to_keep_to(guarded: httpx.Client, path: str) -> None:
    for given in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        headers = guarded.get(path, headers=given).headers

        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("prefix", ["/user/a%20b/proxy/7355", ""], ids=["kept", "taken off"])
def test_below_a_proxy_everything_is_relative_to_its_prefix(below: httpx.Client, prefix: str) -> None:
    given = {"Authorization": f"Bearer {TOKEN}"}
    with a_browser(below) as browser:
        signed_in = browser.get(f"{prefix}/?token={TOKEN}")

    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "./")
    assert "path" not in signed_in.headers["set-cookie"].lower()
    assert below.get(f"{prefix}{INFO}", headers=given).json()["name"] == "runfork"


def test_the_prefix_without_a_slash_is_one_with_it(below: httpx.Client) -> None:
    answer = below.get("/user/a%20b/proxy/7355", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 307
    assert urljoin(str(answer.url), answer.headers["location"]).endswith("/user/a%20b/proxy/7355/")


def test_a_proxy_that_says_where_it_is_needs_no_slash_at_the_end(guarded: httpx.Client) -> None:
    at = {"X-Forwarded-Prefix": "/user/me/proxy/7355"}
    with a_browser(guarded) as browser:
        first = browser.get(f"/?token={TOKEN}&x=1", headers=at)
        cookie = first.headers["set-cookie"]
        page = browser.get("/", headers={**at, "Cookie": cookie.partition(";")[0]})
        deeper = browser.get("/p/a/b", headers={**at, "Cookie": cookie.partition(";")[0]})

    assert first.status_code == 200
    assert 'content="0; url=/user/me/proxy/7355/?x=1"' in first.text
    assert cookie.endswith("; Path=/user/me/proxy/7355")
    assert '<base href="/user/me/proxy/7355/" />' in page.text
    assert '<base href="../../" />' in deeper.text


@pytest.mark.parametrize("said", ["//evil.test", "https://evil.test", "relative", '/a"><b', ""])
def test_what_a_proxy_says_of_itself_is_a_path_or_passed_over(guarded: httpx.Client, said: str) -> None:
    with a_browser(guarded) as browser:
        answer = browser.get("/", params={"token": TOKEN}, headers={"X-Forwarded-Prefix": said})

    assert (answer.status_code, answer.headers["location"]) == (303, "./")


def test_a_server_that_is_started_again_knows_the_cookies_of_the_one_before(tmp_path: Path) -> None:
    cookies: dict[str, Any] = {}
    for token in ("first", "second"):
        with serving(tmp_path, token=token, cookie_key=b"k" * 32) as client, a_browser(client) as browser:
            name, _, value = browser.get(f"/?token={token}").headers["set-cookie"].partition(";")[0].partition("=")
            cookies[token] = value
            assert name == f"runfork-{client.base_url.port}"
            assert browser.get(INFO).status_code == 200

    assert len(set(cookies.values())) == 2  # of different ports; below, of one


def test_cookies_hang_on_key_and_port_and_not_on_the_token(tmp_path: Path) -> None:
    from runfork_server.access import cookie_of
    from runfork_server.settings import ServerSettings

    def cookie(**settings: Any) -> str:
        return "=".join(cookie_of(ServerSettings(tmp_path, **settings)))

    assert cookie(token="a", port=1, cookie_key=b"k") == cookie(token="b", port=1, cookie_key=b"k")
    assert cookie(token="a", port=1, cookie_key=b"k") != cookie(token="a", port=2, cookie_key=b"k")
    assert cookie(token="a", port=1) != cookie(token="b", port=1)
