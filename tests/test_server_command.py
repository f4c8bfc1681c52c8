"""``runfork ui`` as a process: it answers, says where, waits for runs, and ends at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.command_line import runner

from runfork.cli import cli
from runfork.disk.web_ui import find_page
from runfork.testing.waits import HANG_SECONDS, until
from runfork_server.command import bind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start(tmp_path: Path, data_directory: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "runfork", "ui", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=HANG_SECONDS)


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.endswith("\n"), process.communicate(timeout=HANG_SECONDS)
    return line.strip()


def test_it_prints_where_it_is_waits_for_runs_and_ends_at_once_with_streams_open(
    start, open_run, data_directory
) -> None:
    process = start("--port", "0")
    url = url_of(process)
    token = url.partition("?token=")[2]
    with httpx.Client(
        base_url=httpx.URL(url).join("/"), headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as client:
        assert client.get("/api/v1/projects").json()["projects"] == []
        assert not data_directory.exists()
        open_run(run_id="r").close()
        with client.stream("GET", "/api/v1/events?project=tests/project", timeout=HANG_SECONDS) as events:
            assert next(line for line in events.iter_lines() if '"run_count": 1' in line)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANG_SECONDS)

    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
    assert token not in err


def test_json_says_where_it_is(start, data_directory) -> None:
    process = start("--port", "0", "--json", "--no-token", "--project", "tests/project", "--root-path", "/x/")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())

    assert told["directory"] == str(data_directory)
    assert told["url"].endswith("/x/p/tests/project")
    assert httpx.get(told["url"].replace("/p/tests/project", "/api/v1/info"), trust_env=False).status_code == 200


def test_a_page_goes_on_when_the_server_is_started_again(start) -> None:
    process = start("--port", "0", "--no-open")
    url = httpx.URL(url_of(process))
    with httpx.Client(trust_env=False) as browser:
        browser.get(url, follow_redirects=True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANG_SECONDS)
        again = httpx.URL(url_of(start("--port", str(url.port), "--no-open")))
        info = browser.get(again.copy_with(raw_path=b"/api/v1/info"))

    assert again.query != url.query
    assert info.status_code == 200


def test_a_second_start_tells_where_the_first_one_answers(start) -> None:
    url = httpx.URL(url_of(start("--port", "0", "--no-open")))
    port = str(url.port)
    second = start("--port", port, "--no-open", "--project", "a/b")
    out, err = second.communicate(timeout=HANG_SECONDS)
    other = start("--port", port, "--no-open", "--allow-host", "hub.test")
    _, refusal = other.communicate(timeout=HANG_SECONDS)

    assert second.returncode == 0
    assert "is served already, at this address" in err
    again = httpx.URL(out.strip())
    assert (again.port, again.path) == (url.port, "/p/a/b")
    assert again.query != url.query
    with httpx.Client(trust_env=False) as browser:
        assert browser.get(again, follow_redirects=True).status_code != 401
        assert browser.get(again.copy_with(raw_path=b"/api/v1/info")).status_code == 200
    assert f"port {port} is taken" in refusal


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_everywhere_by_ipv6_is_everywhere_by_ipv4_too() -> None:
    with bind("::", 0) as listening, socket.create_connection(("127.0.0.1", listening.getsockname()[1]), timeout=60):
        pass


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = runner().invoke(cli, ["ui", "--port", port])

    assert result.exit_code == 1
    assert result.stderr == (
        f"runfork: port {port} is taken, by another 'runfork ui' perhaps; name another one with --port, or --port 0 picks one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--no-token", "--host", "0.0.0.0"],
            "--no-token needs a host that only this machine reaches, found '0.0.0.0'",
        ),
        (["--no-token", "--host", "::"], "--no-token needs a host"),
        (["--no-token", "--host", "example.org"], "--no-token needs a host"),
        (["--port", "0", "--root-path", "proxy"], "--root-path must be a path such as /proxy/7355, found 'proxy'"),
        (["--port", "0", "--root-path", "//evil.test"], "--root-path must be a path"),
        (
            ["--port", "0", "--allow-host", "https://hub.example.org/"],
            "--allow-host must be a name such as hub.example.org",
        ),
        (["--port", "70000"], "70000 is not in the range"),
        (["--host", "no-such-host.invalid", "--port", "0"], "cannot listen on 'no-such-host.invalid'"),
        (["--port", "0", "--project", "a/b/c"], "a/b/c"),
    ],
)
def test_what_cannot_be_served_is_told(arguments: list[str], told: str) -> None:
    result = runner().invoke(cli, ["ui", *arguments])

    assert result.exit_code in (1, 2)
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_help_and_the_list_of_commands_load_neither_starlette_nor_uvicorn() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from runfork.cli import cli;"
        "assert 'Open the web UI' in CliRunner().invoke(cli, ['--help']).output;"
        "assert CliRunner().invoke(cli, ['ui', '--help']).exit_code == 0;"
        "print([name for name in ('starlette', 'uvicorn', 'anyio', 'asyncio') if name in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"


def test_a_run_names_its_page_while_a_server_runs_and_no_dead_one(
    start, open_run, data_directory, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("RUNFORK_QUIET")
    first = start("--port", "0", "--no-token", "--no-open")
    address = url_of(first).partition("p/tests")[0]
    until(lambda: find_page(data_directory, "tests/project", "a b"))
    run = open_run(run_id="a b")
    until(lambda: run._journal.said_as)

    assert run.url == f"{address}p/tests/project/run?run=a%20b"
    assert f"run a b is written to {run.directory}; see it at {run.url}\n" in capsys.readouterr().err
    assert httpx.get(run.url, trust_env=False).status_code in (200, 503)  # 503: the UI is not built
    second = start("--port", "0", "--no-open", "--project", "tests/project", "--root-path", "/proxy/1")
    below = url_of(second).partition("p/tests")[0]
    until(lambda: run.url == f"{below}p/tests/project/run?run=a%20b")
    second.kill()
    second.wait(HANG_SECONDS)
    assert str(run.url).startswith(address)
    first.send_signal(signal.SIGTERM)
    first.wait(HANG_SECONDS)
    assert run.url is None
    assert len([*(tmp_path / "state/runfork/ui").iterdir()]) == 1  # what the killed one left


def test_a_data_directory_that_is_a_file_is_refused(tmp_path) -> None:
    (tmp_path / "file").touch()

    done = runner().invoke(cli, ["ui", "--no-open", "--port", "0", "--dir", str(tmp_path / "file")])

    assert done.exit_code != 0
    assert "is a file, and no folder" in done.output + done.stderr
