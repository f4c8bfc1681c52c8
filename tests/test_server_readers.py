"""Readers that live as long as somebody asks: their threads, what they do where the index is lost or cannot be, and their end."""

from __future__ import annotations

import asyncio
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers import P, until_read

from runfork.errors import NotFoundError
from runfork.testing.waits import HANG_SECONDS, until
from runfork_server import projects, readers
from runfork_server.projects import Projects

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx

NAME = "tests/project"


def with_projects(directory: Path, use: Callable[[Projects], Awaitable[Any]]) -> Any:
    """Use the projects of a data directory on an event loop, and close them."""

    async def run() -> Any:
        found = Projects(directory)
        try:
            return await asyncio.wait_for(use(found), HANG_SECONDS)
        finally:
            await found.close()

    return asyncio.run(run())


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("runfork-")}


def test_a_long_question_keeps_no_other_one_waiting(data_directory: Path, open_run) -> None:
    open_run(run_id="r").close()
    is_let_go = threading.Event()

    async def use(found: Projects) -> list[Any]:
        reader = found.reader(NAME)
        long = asyncio.ensure_future(reader.read(lambda _: is_let_go.wait(HANG_SECONDS), is_long=True))
        await reader.wait_for_look(HANG_SECONDS)
        short = await reader.read(lambda project: sorted(project.index.nodes()))
        is_let_go.set()
        return [short.value, (await long).value]

    assert with_projects(data_directory, use) == [["r"], True]


def test_what_a_question_raises_comes_to_whoever_asked(data_directory: Path, open_run) -> None:
    open_run(run_id="r").close()

    async def use(found: Projects) -> str:
        reader = found.reader(NAME)
        await reader.wait_for_look(HANG_SECONDS)
        with pytest.raises(NotFoundError, match="no run or experiment 'x'"):
            await reader.read(lambda project: project.find_run("x"))
        with pytest.raises(ZeroDivisionError):
            await reader.read(lambda _: 1 // 0)
        return (await reader.read(lambda project: project.find_run("r"))).value

    assert with_projects(data_directory, use) == "r"


def test_a_question_that_nobody_waits_for_is_not_asked(data_directory: Path, open_run) -> None:
    open_run(run_id="r").close()
    is_let_go, asked = threading.Event(), []

    async def use(found: Projects) -> None:
        reader = found.reader(NAME)
        first = asyncio.ensure_future(reader.read(lambda _: is_let_go.wait(HANG_SECONDS)))
        second = asyncio.ensure_future(reader.read(lambda _: asked.append("second")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        is_let_go.set()
        await first
        await reader.read(lambda _: asked.append("third"))

    with_projects(data_directory, use)
    assert asked == ["third"]


def test_revisions_grow_from_one_reader_to_the_next(data_directory: Path, open_run) -> None:
    open_run(run_id="r").close()

    async def use(found: Projects) -> int:
        reader = found.reader(NAME)
        await reader.wait_for_look(HANG_SECONDS)
        return reader.revision

    assert with_projects(data_directory, use) < with_projects(data_directory, use)


def test_threads_end_with_the_readers(data_directory: Path, open_run) -> None:
    open_run(run_id="r").close()
    before = threads()

    async def use(found: Projects) -> int:
        await found.reader(NAME).read(lambda _: None, is_long=True)
        return len(threads() - before)

    assert with_projects(data_directory, use) == 3
    assert threads() == before


def test_what_charts_need_is_ready_before_somebody_asks_for_one(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch, open_run
) -> None:
    run = open_run(run_id="r")
    run.log_metrics({"loss": 1.0}, step=0)
    run.close()
    monkeypatch.setattr(readers, "_WARM_UP_SECONDS", 0.0)

    async def use(found: Projects) -> int:
        reader = found.reader(NAME)
        await reader.wait_until_recent()
        await asyncio.to_thread(until, lambda: reader._answerer_of_long is not None)
        return (await reader.read(lambda project: project.series.bytes_kept, is_long=True)).value

    assert with_projects(data_directory, use) > 0


def test_few_readers_are_open_however_many_projects_are_asked_for(data_directory: Path) -> None:
    async def use(found: Projects) -> tuple[int, int]:
        watched = found.reader("tests/watched")
        watched.watchers += 1
        for number in range(projects._MOST_OPEN * 3):
            reader = found.reader(f"tests/p{number}")
            await reader.read(lambda project: project.name)
        return len(found._readers), len([one for one in found._readers.values() if one is watched])

    assert with_projects(data_directory, use) == (projects._MOST_OPEN, 1)


def test_a_reader_that_nobody_asks_any_more_is_closed(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch, open_run
) -> None:
    open_run(run_id="r").close()
    monkeypatch.setattr(projects, "_IDLE_SECONDS", 0.0)
    monkeypatch.setattr(projects, "_SWEEP_SECONDS", 0.01)
    before = threads()

    async def use(found: Projects) -> list[str]:
        await found.reader(NAME).read(lambda _: None)
        await asyncio.to_thread(until, lambda: threads() == before)
        return (await found.reader(NAME).read(lambda project: sorted(project.index.nodes()))).value

    assert with_projects(data_directory, use) == ["r"]


def test_a_project_whose_folder_alone_is_deleted_has_no_runs(
    client: httpx.Client, open_run, data_directory: Path
) -> None:
    open_run(run_id="r").close()
    until_read(client, run_count=1)

    shutil.rmtree(data_directory / "tests")
    until_read(client, run_count=0)

    answer = client.post(f"{P}/runs/search", json={"mode": "runs"})
    assert (answer.json()["total"], answer.json()["rows"]) == (0, [])


@pytest.mark.filterwarnings("ignore::runfork.errors.RunforkWarning")
def test_where_the_index_cannot_be_kept_it_is_made_in_memory_and_follows_runs(
    client: httpx.Client, open_run, data_directory: Path
) -> None:
    run = open_run(run_id="r")
    (data_directory / ".index").write_bytes(b"a file where a folder should be")

    assert until_read(client, run_count=1)["is_reading"] is False
    run.log_metrics({"loss": 0.5}, step=3)
    until(lambda: client.get(f"{P}/runs/values?run=r").json()["run"]["last_step"] == 3)


def test_damage_is_told_and_everything_else_is_read(client: httpx.Client, open_run, data_directory: Path) -> None:
    for run_id in ("r", "s"):
        run = open_run(run_id=run_id)
        for step in range(50):
            run.log_metrics({"loss": 1.0}, step=step)
        run.close()
    (journal,) = (data_directory / "tests" / "project" / "r").glob("*.journal")
    data = bytearray(journal.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    journal.write_bytes(data)

    found = until_read(client, run_count=2)

    assert len(found["troubles"]) == 1
    assert "'runfork fsck' tells more" in found["troubles"][0]
    assert client.get(f"{P}/runs/values?run=s").json()["run"]["last_step"] == 49


def test_a_run_that_is_killed_is_seen_as_lost(client: httpx.Client, start_script, data_directory: Path) -> None:
    process = start_script(
        """
        import sys
        from runfork import Run
        run = Run(run_id="r", source_tracking_config=None)
        run.log_metrics({"loss": 1.0}, step=0)
        print("logged", flush=True)
        sys.stdin.read()
        """
    )
    assert process.stdout.readline() == "logged\n"
    until_read(client, run_count=1)

    def state() -> Any:
        return client.get(f"{P}/runs/values?run=r").json()["run"]["state"]

    assert state() == "running"
    process.kill()
    process.wait(HANG_SECONDS)
    until(lambda: state() == "lost")
