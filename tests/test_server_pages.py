"""The page and its files: one page for every address, and the way back to where the server's paths begin."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from tests.servers import serving

from runfork_server import pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

PAGE = (
    '<!doctype html>\n<html lang="en">\n  <head>\n    <meta charset="utf-8" />\n  </head>\n  <body></body>\n</html>\n'
)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_directory: Path) -> Iterator[httpx.Client]:
    """A client of a server whose UI is three files."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text(PAGE)
    (static / "icon.svg").write_text("<svg/>")
    (static / ".built-from").write_text("secret")
    (static / "assets/main-abcdefgh.js").write_text("1;")
    (tmp_path / "outside.js").write_text("outside")
    monkeypatch.setattr(pages, "STATIC", static)
    with serving(data_directory) as found:
        yield found


@pytest.mark.parametrize("path", ["/", "/p/a/b", "/p/a/b/", "/p/a%2Fb/c", "/p/a/b?x=/y", "/index.html"])
def test_every_address_is_the_page_with_the_way_back(built: httpx.Client, path: str) -> None:
    answer = built.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    base = answer.text.partition('<base href="')[2].partition('"')[0]
    for prefix in ("", "/user/x/proxy/7355"):
        seen = f"http://host{prefix}{answer.url.raw_path.decode()}"
        assert urljoin(seen, base) == f"http://host{prefix}/"


def test_files_have_the_right_types_and_those_named_by_content_are_kept_for_ever(built: httpx.Client) -> None:
    script, icon = built.get("/assets/main-abcdefgh.js"), built.get("/icon.svg")

    assert (script.text, script.headers["content-type"]) == ("1;", "text/javascript; charset=utf-8")
    assert "immutable" in script.headers["cache-control"]
    assert (icon.headers["content-type"], icon.headers["cache-control"]) == ("image/svg+xml", "no-cache")


@pytest.mark.parametrize(
    "path",
    ["/.built-from", "/..%2Foutside.js", "/assets/..%2F..%2Foutside.js", "/assets%5C..%5C..%5Coutside.js", "/%00.js"],
)
def test_nothing_else_is_served(built: httpx.Client, path: str) -> None:
    answer = built.get(path)

    assert answer.text not in ("outside", "secret")


@pytest.mark.parametrize("path", ["/nothing", "/p", "/p/a", "/p/a/b/charts/x", "/r/a/b"])
def test_an_address_of_no_page_is_told_with_the_way_to_all_projects(built: httpx.Client, path: str) -> None:
    page, program = built.get(path, headers={"Accept": "text/html"}), built.get(path)

    assert (page.status_code, program.status_code) == (404, 404)
    assert "There is no such page" in page.text
    way = page.text.partition('<a href="')[2].partition('"')[0]
    assert urljoin(f"http://host/proxy{path}", way) == "http://host/proxy/"
    assert program.headers["content-type"] == "application/problem+json"


def test_a_file_of_an_earlier_build_is_told_as_gone(built: httpx.Client) -> None:
    answer = built.get("/assets/main-zzzzzzzz.js")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_address_of_the_api_is_never_the_page(built: httpx.Client) -> None:
    for path in ("/api", "/api/v2/info", "/api/v1/nothing"):
        answer = built.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_where_the_ui_is_not_built_the_page_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_directory: Path
) -> None:
    monkeypatch.setattr(pages, "STATIC", tmp_path / "nothing")
    with serving(data_directory) as client:
        answer = client.get("/p/a/b")

    assert answer.status_code == 503
    assert "python3 recipes.py ui" in answer.text
    assert 'href="../../api/v1/openapi.json"' in answer.text


def test_the_way_back_is_as_long_as_the_address_is_deep() -> None:
    assert [pages.base_of(path) for path in (b"/", b"/p", b"/p/", b"/p/a/b")] == ["./", "./", "../", "../../"]
