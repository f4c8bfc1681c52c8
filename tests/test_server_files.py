"""Logged files over HTTP: the list, contents with ranges, headers that keep them harmless, and what is missing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers import P, until_read

import runfork
from runfork import File, Run
from runfork.errors import NotFoundError
from runfork.journal.format import Kind
from runfork.types import FileReference
from runfork_server.files import FoundFile, Stretch, disposition, is_there, media_type, open_contents, read_range

if TYPE_CHECKING:
    import httpx

HTML = b"<script>fetch('/api/v1/info')</script>"
DATA = bytes(range(256)) * 40


@pytest.fixture
def served(data_directory: Path, client: httpx.Client) -> httpx.Client:
    """A server of a run with files of all kinds, and a fork of it."""
    with Run("gull", run_id="root", source_tracking_config=None) as run:
        run.assign_files(
            {
                "page": File(HTML, name="page.html"),
                "data": File(DATA, name="data.bin"),
                "empty": b"",
                "table.csv": b"a,b",
            }
        )
        for step in (0, 10, 20):
            run.log_files({"images": File(f"image {step}".encode(), mime_type="image/png")}, step=step)
        run.log_metrics({"loss": 1.0}, step=20)
    with Run("gull", run_id="head", fork_run_id="root", fork_step=10, source_tracking_config=None) as run:
        run.log_files({"images": File(b"mine", mime_type="image/png")}, step=15)
    until_read(client, run_count=2)
    return client


def content(
    client: httpx.Client, path: str = "data", method: str = "GET", run: str = "root", headers: Any = None, **asked: Any
) -> httpx.Response:
    return client.request(method, f"{P}/files/content", params={"run": run, "path": path, **asked}, headers=headers)


def test_the_files_of_a_run_are_listed_inherited_ones_too(served):
    found = served.get(f"{P}/files", params={"run": "gull"}).json()

    assert [(file["path"], file["step"], file["source_run"], file["is_there"]) for file in found["files"]] == [
        ("data", None, "root", True),
        ("empty", None, "root", True),
        ("images", 0, "root", True),
        ("images", 10, "root", True),
        ("images", 15, "head", True),
        ("page", None, "root", True),
        ("table.csv", None, "root", True),
    ]
    assert found["files"][-1]["mime_type"] == "text/csv"  # bytes have no name: their path says it
    assert found["files"][0]["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert (found["files"][0]["size_bytes"], found["files"][0]["name"]) == (len(DATA), "data.bin")
    page = served.get(f"{P}/files", params={"run": "gull", "offset": 4, "limit": 1}).json()
    assert (page["total"], page["files"]) == (7, [found["files"][4]])


def test_contents_are_what_was_logged(served):
    answer = content(served)

    assert answer.content == DATA
    assert answer.headers["etag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert content(served, "empty").content == b""
    assert content(served, "data", run="head").content == DATA


def test_of_a_series_the_last_file_at_or_before_the_step_is_given(served):
    assert content(served, "images", step="10").content == b"image 10"
    assert content(served, "images", step="19.5").content == b"image 10"
    assert content(served, "images").content == b"image 20"
    assert content(served, "images", run="head").content == b"mine"
    assert content(served, "images", run="head", step="14").content == b"image 10"
    assert content(served, "images", step="-1").status_code == 404


def test_what_was_logged_cannot_do_anything_in_our_origin(served):
    headers = content(served, "page").headers

    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    policy = [part.strip() for part in headers["content-security-policy"].split(";")]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert not any("allow" in part or "script" in part for part in policy)
    assert headers["content-disposition"].startswith('inline; filename="page.html"')
    assert content(served, "page", download="1").headers["content-disposition"].startswith("attachment")


RANGES: list[tuple[str, int, slice]] = [
    ("bytes=0-0", 206, slice(0, 1)),
    ("bytes=10-19", 206, slice(10, 20)),
    ("bytes=10000-", 206, slice(10_000, None)),
    ("bytes=-5", 206, slice(-5, None)),
    ("bytes=-999999", 206, slice(None)),
    ("bytes=0-999999", 206, slice(None)),
    ("bytes=0-1,5-6", 200, slice(None)),
    ("bytes=5-1", 200, slice(None)),
    ("bytes=-", 200, slice(None)),
    ("lines=0-1", 200, slice(None)),
    ("bytes=" + "9" * 30 + "-", 200, slice(None)),
    ("bytes=10240-", 416, slice(0)),
    ("bytes=-0", 416, slice(0)),
]


def test_a_range_is_a_part_of_the_contents(served):
    for asked, status, part in RANGES:
        answer = content(served, headers={"Range": asked})
        head = content(served, method="HEAD", headers={"Range": asked})

        assert (answer.status_code, head.status_code) == (status, status), asked
        if status == 416:
            assert answer.headers["content-range"] == f"bytes */{len(DATA)}"
            continue
        assert answer.content == DATA[part], asked
        assert head.headers["content-length"] == str(len(DATA[part]))
        if status == 206:
            first = len(DATA) - len(DATA[part]) if part.stop is None else part.start or 0
            last = first + len(DATA[part]) - 1
            assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(DATA)}"


def test_who_has_the_contents_is_not_sent_them_again(served):
    tag = content(served).headers["etag"]

    assert content(served, headers={"If-None-Match": tag}).status_code == 304
    assert content(served, headers={"If-None-Match": f'"x", W/{tag}'}).status_code == 304
    assert content(served, headers={"If-None-Match": '"x"'}).status_code == 200
    assert content(served, headers={"Range": "bytes=0-1", "If-Range": tag}).status_code == 206
    assert content(served, headers={"Range": "bytes=0-1", "If-Range": '"x"'}).status_code == 200


def test_the_head_of_a_file_is_its_length(served):
    answer = content(served, method="HEAD")

    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(DATA)))


def contents_of(directory: Path, data: bytes) -> Path:
    return directory / "tests" / "project" / "root" / "files" / hashlib.sha256(data).hexdigest()


def test_contents_that_are_not_there_are_told_in_words(served, data_directory, tmp_path):
    elsewhere = tmp_path / "secret"
    elsewhere.write_bytes(DATA)
    place = contents_of(data_directory, DATA)

    place.write_bytes(DATA[:-1])
    assert "10239 bytes of 10240" in content(served).json()["detail"]
    place.unlink()
    assert "No such file" in content(served).json()["detail"]
    place.symlink_to(elsewhere)
    assert content(served).status_code == 404
    place.unlink()
    os.mkfifo(place)
    assert "but no file" in content(served).json()["detail"]
    place.unlink()
    place.mkdir()
    assert content(served).status_code == 404
    place.rmdir()
    folder = place.parent
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    elsewhere.replace(tmp_path / "moved" / place.name)
    assert "behind a link" in content(served).json()["detail"]
    listed = served.get(f"{P}/files", params={"run": "root"}).json()["files"]
    assert not any(file["is_there"] for file in listed)
    assert content(served).headers["content-type"] == "application/problem+json"


def test_what_is_no_file_is_told_in_words(served):
    for run, path, words in (
        ("root", "nothing", "no file 'nothing'"),
        ("root", "loss", "float_series"),
        ("root", "../../../etc/passwd", "no file"),
        ("nobody", "data", "nobody"),
    ):
        answer = content(served, path, run=run)
        assert answer.status_code == 404
        assert words in answer.json()["detail"]
    assert served.get(f"{P}/files/content", params={"run": "root"}).status_code == 400
    assert served.get(f"{P}/files/content/..%2F..%2Fetc%2Fpasswd").status_code == 404


def test_contents_that_a_journal_names_by_a_path_are_not_looked_for(open_run, client, tmp_path):
    run = open_run(run_id="root")
    run.assign_files({"data": DATA})
    path = "../" * 9 + "etc/passwd"
    size = Path("/etc/passwd").stat().st_size
    run.recorder.record_values(Kind.FILES, {"evil": {"sha256": path, "size": size, "mime": "text/plain", "name": "p"}})
    run.close()
    until_read(client, run_count=1)
    reference = FileReference(path, size, "text/plain", "p")

    listed = client.get(f"{P}/files", params={"run": "root"}).json()["files"]

    assert [file["path"] for file in listed if file["is_there"]] == ["data"]
    assert content(client, "evil").status_code == 404
    assert not is_there(tmp_path, reference)
    with pytest.raises(NotFoundError, match="is no SHA-256"):
        open_contents(tmp_path, FoundFile("evil", None, reference, "root"))


NAMES = [
    'a"b.txt',
    "a\\b\r\nSet-Cookie: x=1.txt",
    "../../etc/passwd",
    "\u202egnp.exe",
    "Übung \U0001f600.png",
    "\ud800.bin",
    "x" * 700 + ".png",
    "",
    "...",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_sent_so_that_no_browser_takes_it_for_something_else(name):
    header = disposition(FileReference("0" * 64, 1, "text/plain", name), is_download=True)

    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert len(header) < 700
    plain = header.split('"')[1]
    assert plain
    assert not {"/", "\\"} & set(plain)
    if name.endswith(".png"):
        assert plain.endswith(".png")


def test_media_types_are_sent_only_if_they_are_some():
    def of(kind: str) -> str:
        return media_type(FileReference("0" * 64, 1, kind, "x"))

    assert of("image/svg+xml") == "image/svg+xml"
    assert of("text/plain") == "text/plain; charset=utf-8"
    assert of("text/plain; charset=latin-1") == "text/plain; charset=latin-1"
    for odd in ("", "html", "text/html\r\nX: y", "a/b/c", "text/html; x", "\u00fc/x"):
        assert of(odd) == "application/octet-stream"


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_within_what_there_is(size, first, last):
    for header in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}"):
        try:
            found = read_range(header, size)
        except ValueError:
            continue
        assert found is None or (found.size > 0 and 0 <= found.first <= found.first + found.size <= size)
        if found is not None and header == f"bytes={first}-{last}":
            assert found == Stretch(first, min(last, size - 1) - first + 1)


def test_what_is_downloaded_is_what_the_query_api_copies(served, tmp_path):
    frame = runfork.fetch_runs_table(runs=["head"], attributes=["data", "page"])
    paths = runfork.download_files(files=frame, destination=tmp_path)

    for path in ("data", "page"):
        assert content(served, path, run="head").content == Path(paths[path].iloc[0]).read_bytes()
