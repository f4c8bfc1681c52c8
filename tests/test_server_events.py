"""Live events: a change is told, a client that comes back is told what it missed, and nothing else is."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers import until_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

EVENTS = "/api/v1/events?project=tests/project"


def events_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yield events as they come: their kind, id and data."""
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name != "retry":
            event[name] = json.loads(value) if name == "data" else value
        elif event:
            yield event
            event = {}


def wait_for(events: Iterator[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    return next(event for event in events if wanted.items() <= event["data"].items())


def test_a_run_that_logs_is_told_with_its_id(client: httpx.Client, open_run) -> None:
    run = open_run(run_id="r")
    until_read(client, run_count=1)
    with client.stream("GET", EVENTS) as answer:
        events = events_of(answer.iter_lines())
        first = next(events)
        run.log_metrics({"loss": 1.0}, step=0)
        told = wait_for(events, run_ids=["r"])

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (first["event"], first["data"]["run_ids"], first["data"]["run_count"]) == ("project", None, 1)
    assert (first["data"]["is_reading"], first["data"]["troubles"]) == (False, [])
    assert told["data"]["revision"] > first["data"]["revision"]
    assert told["id"] == str(told["data"]["revision"])


def test_a_new_fork_and_a_deleted_run_are_told(client: httpx.Client, open_run, data_directory) -> None:
    open_run(run_id="r").close()
    until_read(client, run_count=1)
    with client.stream("GET", EVENTS) as answer:
        events = events_of(answer.iter_lines())
        open_run(run_id="s", fork_run_id="r", fork_step=0)
        forked = wait_for(events, run_count=2, run_ids=["s"])
        shutil.rmtree(data_directory / "tests" / "project" / "r")
        deleted = wait_for(events, run_count=1)

    assert forked["data"]["revision"] < deleted["data"]["revision"]
    assert deleted["data"]["run_ids"] == ["r", "s"]


def test_a_client_that_comes_back_is_told_once_what_it_missed(client: httpx.Client, open_run) -> None:
    run = open_run(run_id="r")
    until_read(client, run_count=1)
    with client.stream("GET", EVENTS) as answer:
        last = next(events_of(answer.iter_lines()))["id"]
    before = until_read(client)["revision"]
    run.log_metrics({"loss": 1.0}, step=0)
    while until_read(client)["revision"] == before:
        pass
    open_run(run_id="s")
    until_read(client, run_count=2)

    with client.stream("GET", EVENTS, headers={"Last-Event-ID": last}) as answer:
        missed = next(events_of(answer.iter_lines()))

    assert {"r", "s"} == {*missed["data"]["run_ids"]}


@pytest.mark.parametrize(
    "last", ["1700000000000", "9700000000000", "x", "1-2"], ids=["earlier", "later", "odd", "of two"]
)
def test_a_client_of_another_server_is_told_that_all_may_be_new(client: httpx.Client, open_run, last: str) -> None:
    open_run(run_id="r")
    until_read(client, run_count=1)

    with client.stream("GET", EVENTS, headers={"Last-Event-ID": last}) as answer:
        first = next(events_of(answer.iter_lines()))

    assert first["data"]["run_ids"] is None


def test_projects_must_be_named(client: httpx.Client) -> None:
    answer = client.get("/api/v1/events")

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
