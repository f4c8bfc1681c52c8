"""What the server says of itself and of the projects that it reads."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

import httpx
from tests.servers import P, until_read

from runfork.testing.waits import until
from runfork_server.app import build_app, close_app
from runfork_server.settings import ServerSettings

if TYPE_CHECKING:
    from pathlib import Path


def test_the_server_says_what_it_is(client: httpx.Client, data_directory: Path) -> None:
    found = client.get("/api/v1/info").json()

    assert (found["name"], found["directory"]) == ("runfork", str(data_directory))


def test_a_data_directory_that_is_not_there_has_no_projects(client: httpx.Client, data_directory: Path) -> None:
    assert client.get("/api/v1/projects").json() == {"directory": str(data_directory), "projects": []}
    assert not data_directory.exists()


def test_a_data_directory_that_cannot_be_read_is_told_and_comes_back(
    client: httpx.Client, open_run, data_directory: Path, tmp_path: Path
) -> None:
    open_run(run_id="r").close()
    until_read(client, run_count=1)
    elsewhere = data_directory.rename(tmp_path / "elsewhere")
    data_directory.symlink_to(data_directory)  # what it leads to cannot be told, even by root

    answer = client.get("/api/v1/projects", headers={"X-Problems": "answered"})

    told = f"{data_directory} cannot be read: too many levels of symbolic links"
    assert (answer.status_code, answer.json()["status"], answer.json()["detail"]) == (200, 503, told)
    # counts are the index's, and there a moment before the look is told that found it so
    until(lambda: "is not there any more: it was deleted, renamed or unmounted" in str(until_read(client, run_count=0)))
    data_directory.unlink()
    elsewhere.rename(data_directory)
    until(lambda: until_read(client, run_count=1)["troubles"] == [])


def test_a_project_without_a_folder_has_no_runs_and_makes_none(client: httpx.Client, data_directory: Path) -> None:
    assert until_read(client)["run_count"] == 0
    assert not data_directory.exists()


def test_a_run_that_is_made_while_the_server_waits_is_seen(client: httpx.Client, open_run) -> None:
    before = until_read(client, run_count=0)
    open_run(run_id="r", experiment_name="gull").log_metrics({"loss": 1.0}, step=0)

    after = until_read(client, run_count=1)

    assert after["experiment_count"] == 1
    assert after["revision"] >= before["revision"]  # what is answered may be newer
    until(lambda: until_read(client, run_count=1)["revision"] > before["revision"])
    assert [one["name"] for one in client.get("/api/v1/projects").json()["projects"]] == ["tests/project"]


def test_a_project_is_as_recent_as_the_journals_of_its_runs(
    client: httpx.Client, open_run, data_directory: Path
) -> None:
    open_run(run_id="r").close()
    folder = data_directory / "tests" / "project" / "r"
    for path in (*folder.iterdir(), folder):
        os.utime(path, (1, 1))
    assert modified_of(client) == "1970-01-01T00:00:01.000000Z"

    os.utime(next(folder.glob("*.journal")), (2, 2))  # as a log call does; the folder stays as it is

    assert modified_of(client) == "1970-01-01T00:00:02.000000Z"


def modified_of(client: httpx.Client) -> str:
    modified: str = client.get("/api/v1/projects").json()["projects"][0]["modified"]
    return modified


def test_a_project_whose_folder_is_deleted_has_no_runs_and_gets_new_ones(
    client: httpx.Client, open_run, data_directory: Path
) -> None:
    open_run(run_id="r").close()
    until_read(client, run_count=1)

    shutil.rmtree(data_directory)
    until_read(client, run_count=0)
    assert not data_directory.exists()

    open_run(run_id="s")
    open_run(run_id="t")
    until_read(client, run_count=2)


def test_the_index_may_be_deleted_while_it_is_read(client: httpx.Client, open_run, data_directory: Path) -> None:
    open_run(run_id="r").close()
    until_read(client, run_count=1)

    shutil.rmtree(data_directory / ".index")
    open_run(run_id="s").close()

    until_read(client, run_count=2)


def test_what_did_not_change_is_not_sent_again(client: httpx.Client, open_run) -> None:
    open_run(run_id="r").close()
    until_read(client, run_count=1)
    tag = client.get(P).headers["etag"]

    again = client.get(P, headers={"If-None-Match": tag})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_errors_are_problem_json_with_a_sentence(client: httpx.Client) -> None:
    name = client.get("/api/v1/projects/tests/%20")
    nothing = client.get("/api/v1/nothing")
    method = client.delete("/api/v1/info")

    assert [400, 404, 405] == [name.status_code, nothing.status_code, method.status_code]
    for answer in (name, nothing, method):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    assert "there is nothing at this address" in nothing.json()["detail"]


def test_the_application_answers_without_a_socket(open_run, data_directory: Path) -> None:
    open_run(run_id="r").close()

    async def ask() -> int:
        app = build_app(ServerSettings(data_directory))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            while (found := (await client.get(P)).json())["is_reading"]:
                continue  # it is asked on this very loop, which goes on meanwhile
        await close_app(app)
        return int(found["run_count"])

    assert asyncio.run(ask()) == 1
