"""Attributes of a project, runs side by side, and views that are kept, over HTTP."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from tests.command_line import runner
from tests.servers import P, read_json, until_read

from runfork.cli import cli
from runfork.testing.waits import until

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


@pytest.fixture
def two(open_run, client: httpx.Client) -> httpx.Client:
    """A server of two runs that differ in some of what they have."""
    for run_id, lr, losses in (("a", 0.1, [3.0, 1.0]), ("b", 0.2, [2.0, math.nan])):
        run = open_run(run_id=run_id)
        run.log_configs(
            {"lr": lr, "seed": 1, "text": f"one\n{run_id}", "only": 1} if run_id == "a" else {"lr": lr, "seed": 1}
        )
        run.log_configs({"checkpoints/monitor": "loss", "checkpoints/mode": "min"})
        for step, loss in enumerate(losses):
            run.log_metrics({"loss": loss}, step=step)
        run.close()
    until_read(client, run_count=2)
    return client


def post(client: httpx.Client, what: str, **body: Any) -> dict[str, Any]:
    return read_json(client.post(f"{P}/{what}", json=body))


def test_attributes_are_found_by_a_pattern_and_by_type(two: httpx.Client) -> None:
    found = post(two, "attributes/search", q="^l | only")
    metrics = post(two, "attributes/search", types=["float_series"])
    of_one = post(two, "attributes/search", q="only", run_ids=["b"])

    assert found["attributes"] == [
        {"path": "loss", "type": "float_series", "run_count": 2},
        {"path": "lr", "type": "float", "run_count": 2},
        {"path": "only", "type": "int", "run_count": 1},
    ]
    assert [one["path"] for one in metrics["attributes"]] == ["loss"]
    assert (of_one["total"], of_one["attributes"]) == (0, [])


def test_attributes_come_in_pages(two: httpx.Client) -> None:
    whole = post(two, "attributes/search")
    page = post(two, "attributes/search", limit=2, offset=1)

    assert (page["total"], page["attributes"]) == (whole["total"], whole["attributes"][1:3])


def test_differences_are_told_with_those_from_the_reference(two: httpx.Client) -> None:
    found = post(two, "differences", run_ids=["a", "b"], q="!^sys")
    rows = {(row["path"], row["aggregate"]): row for row in found["rows"]}

    assert sorted(rows, key=str) == sorted(
        [("loss", "last"), ("loss", "max"), ("loss", "min"), ("lr", None), ("only", None), ("text", None)], key=str
    )
    assert (rows["lr", None]["delta"], rows["lr", None]["percent"]) == ([0.0, 0.1], [0.0, 100.0])
    assert (rows["loss", "min"]["values"], rows["loss", "min"]["goal"]) == ([1.0, 2.0], "min")
    assert (rows["loss", "last"]["values"], rows["loss", "last"]["delta"]) == ([1.0, "NaN"], [0.0, None])
    assert (rows["only", None]["values"], rows["only", None]["delta"]) == ([1, None], [0, None])
    assert {row["path"]: row["group"] for row in found["rows"]} == {
        "loss": "series",
        "lr": "configs",
        "only": "configs",
        "text": "text",
    }


def test_pages_of_differences_are_of_what_is_there_now(open_run, client: httpx.Client) -> None:
    runs = [open_run(run_id=run_id) for run_id in ("a", "b")]
    for number, run in enumerate(runs):
        run.log_configs({f"key{place}": number for place in range(5)})
    asked = {"run_ids": ["a", "b"], "q": "^key"}
    until(lambda: post(client, "differences", **asked)["total"] == 5)

    first = post(client, "differences", **asked, limit=3)
    second = post(client, "differences", **asked, limit=3, offset=3)
    runs[1].log_configs({"key9": 1})
    until(lambda: post(client, "differences", **asked, limit=3, offset=3)["total"] == 6)
    third = post(client, "differences", **asked, limit=3, offset=3)

    assert [row["path"] for row in (*first["rows"], *second["rows"])] == [f"key{place}" for place in range(5)]
    assert [row["path"] for row in third["rows"]] == ["key3", "key4", "key9"]


def test_another_reference_changes_the_differences_alone(two: httpx.Client) -> None:
    found = post(two, "differences", run_ids=["a", "b"], reference="b", q="^lr$")

    (row,) = found["rows"]
    assert (row["values"], row["delta"], row["percent"]) == ([0.1, 0.2], [-0.1, 0.0], [-50.0, 0.0])


def test_what_is_the_same_is_told_where_it_is_asked_for(two: httpx.Client) -> None:
    found = post(two, "differences", run_ids=["a", "b"], only_differences=False, q="!^sys | ^sys/state$")
    told = json.loads(runner().invoke(cli, ["compare", "a", "b", "--json"]).stdout)["attributes"]

    by_path = {row["path"]: row for row in found["rows"] if row["aggregate"] in (None, "last")}
    assert {one["path"]: one["values"] for one in told}.items() <= {
        path: row["values"] for path, row in by_path.items()
    }.items()
    assert by_path["seed"]["differs"] is False
    assert by_path["sys/state"]["group"] == "system"


def test_attributes_that_differ_are_counted_among_all(two: httpx.Client) -> None:
    found = post(two, "differences", run_ids=["a", "b"], q="^(loss|lr|only|seed|text)$")

    assert (found["attribute_count"], found["differing_count"]) == (5, 4)
    assert {row["path"] for row in found["rows"]} == {"loss", "lr", "only", "text"}


@pytest.mark.parametrize(
    ("what", "body", "status", "told"),
    [
        ("attributes/search", {"q": "("}, 400, "("),
        ("attributes/search", {"types": ["number"]}, 400, "types must be some of"),
        ("differences", {"run_ids": []}, 400, "run_ids must name a run at least"),
        ("differences", {"run_ids": ["a"], "reference": "b"}, 400, "reference must be one of run_ids, found 'b'"),
        ("differences", {"run_ids": ["a", "zz"]}, 404, "has no run 'zz'"),
        ("differences", {"run_ids": ["a"], "q": "["}, 400, "["),
    ],
)
def test_what_cannot_be_answered_is_told(
    two: httpx.Client, what: str, body: dict[str, Any], status: int, told: str
) -> None:
    answer = two.post(f"{P}/{what}", json=body)

    assert answer.status_code == status
    assert told in answer.json()["detail"]


def test_a_view_is_kept_by_what_it_says(client: httpx.Client, open_run, data_directory: Path) -> None:
    open_run(run_id="r").close()
    query = "?filter=" + "x" * 5000 + "🦆"
    first = client.post("/api/v1/views", json={"query": query}).json()["id"]
    second = client.post("/api/v1/views", json={"query": query}).json()["id"]

    assert first == second
    assert client.get(f"/api/v1/views/{first}").json() == {"query": query}
    assert [path.name for path in (data_directory / ".views").iterdir()] == [first]


def test_a_view_is_kept_where_there_is_no_data_directory(client: httpx.Client, data_directory: Path) -> None:
    view = client.post("/api/v1/views", json={"query": "?x=1"}).json()["id"]

    assert client.get(f"/api/v1/views/{view}").json() == {"query": "?x=1"}
    assert not data_directory.exists()


@pytest.mark.parametrize("view", ["0" * 24, "..%2F..%2Fetc%2Fpasswd", "x"])
def test_a_view_that_is_not_there_is_told(client: httpx.Client, view: str) -> None:
    assert client.get(f"/api/v1/views/{view}").status_code == 404


def test_a_view_that_is_too_long_is_refused(client: httpx.Client) -> None:
    assert client.post("/api/v1/views", json={"query": "x" * 70_000}).status_code == 400


@pytest.mark.parametrize(("filter_text", "status"), [("lr <", 400), ("lr < 1", None)])
def test_who_asks_for_it_gets_problems_as_answers(two: httpx.Client, filter_text: str, status: int | None) -> None:
    question = {"mode": "runs", "filter": filter_text}

    told = two.post(f"{P}/runs/search", json=question, headers={"X-Problems": "answered"})
    plain = two.post(f"{P}/runs/search", json=question)

    assert told.status_code == 200
    assert plain.status_code == (status or 200)
    assert told.headers["content-type"] == plain.headers["content-type"]
    assert told.json().get("status") == status
