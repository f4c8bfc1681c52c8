"""The runs table and the values of a run over HTTP."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from tests.command_line import runner
from tests.servers import P, read_json, until_read

import runfork
from runfork.cli import cli
from runfork.testing.waits import until

if TYPE_CHECKING:
    import httpx

RUNS: list[dict[str, Any]] = [
    {"run_id": "a", "experiment_name": "gull", "lr": 0.1, "loss": [3.0, 2.0, 1.0, 0.9]},
    {"run_id": "b", "experiment_name": "gull", "lr": 0.2, "loss": [0.8, 0.7], "fork_run_id": "a", "fork_step": 1},
    {"run_id": "c", "experiment_name": "gull", "lr": 0.2, "loss": [0.5], "fork_run_id": "b", "fork_step": 2},
    {"run_id": "d", "experiment_name": "tern", "lr": 0.3, "loss": [math.nan]},
    {"run_id": "e", "experiment_name": None, "lr": 0.1, "loss": []},
]


@pytest.fixture
def five(open_run, client: httpx.Client) -> httpx.Client:
    """A server of five runs: a root with two forks in a row, one whose only point is NaN, and one without any."""
    for about in RUNS:
        given = {name: about[name] for name in about if name not in ("lr", "loss")}
        run = open_run(**given)
        run.log_configs({"lr": about["lr"]})
        first = 0 if "fork_step" not in about else about["fork_step"] + 1
        for step, value in enumerate(about["loss"], start=first):
            run.log_metrics({"loss": value}, step=step)
        run.close()
    until_read(client, run_count=len(RUNS))
    return client


def search(client: httpx.Client, **body: Any) -> dict[str, Any]:
    return read_json(client.post(f"{P}/runs/search", json=body))


def ids(found: dict[str, Any]) -> list[str]:
    return [row["run_id"] for row in found["rows"]]


def test_experiments_are_heads_and_runs_are_all(five: httpx.Client) -> None:
    experiments, runs = search(five), search(five, mode="runs")

    assert (ids(experiments), experiments["total"]) == (["d", "c"], 2)
    assert (ids(runs), runs["total"]) == (["e", "d", "c", "b", "a"], 5)
    assert (runs["run_count"], runs["experiment_count"]) == (5, 2)
    assert [row["run_count"] for row in experiments["rows"]] == [1, 3]
    assert {row["run_id"]: row["number"] for row in runs["rows"]} == dict(zip("abcde", range(5), strict=True))


def test_a_row_says_what_it_shows_of_each_ancestor(five: httpx.Client) -> None:
    (row,) = search(five, run_ids=["c"], lineage=True)["rows"]

    told = [(one["run_id"], one["fork_step"], one["last"], one["kept"], one["pruned"]) for one in row["lineage"]]
    assert told == [("a", None, 3, [0, 1], [1, 3]), ("b", 1, 3, [1, 2], [2, 3]), ("c", 2, 3, [2, 3], None)]
    assert row["last_step"] == 3
    assert "changes" not in row


def test_a_row_says_what_its_fork_changed(five: httpx.Client) -> None:
    rows = search(five, mode="runs", changes=True)["rows"]

    changes = {row["run_id"]: row["changes"] for row in rows}
    before, after = {"type": "float", "value": 0.1}, {"type": "float", "value": 0.2}
    assert changes == {
        "a": [],
        "b": [{"path": "lr", "before": before, "after": after}],
        "c": [],
        "d": [],
        "e": [],
    }


def test_columns_and_values_are_those_of_the_command_line(five: httpx.Client) -> None:
    columns = ["min(loss)", "lr", "state"]
    found = search(five, mode="runs", columns=columns, archived=True)
    result = runner().invoke(cli, ["ls", "--runs", "--json", "--archived", "--columns", ",".join(columns)])
    told = {item["run_id"]: item for item in json.loads(result.stdout)["items"]}

    assert [row["values"] for row in found["rows"]] == [told[run_id]["values"] for run_id in ids(found)]
    assert [row["last_step"] for row in found["rows"]] == [told[run_id]["last_step"] for run_id in ids(found)]
    assert [(one["title"], one["type"]) for one in found["columns"]] == [
        ("min(loss)", "float_series"),
        ("lr", "float"),
        ("state", "string"),
    ]


def test_http_command_line_and_query_api_say_the_same_numbers(five: httpx.Client) -> None:
    table = runfork.fetch_runs_table(attributes=["loss", "lr"])
    http = {row["run_id"]: row["values"] for row in search(five, mode="runs", columns=["loss", "lr"])["rows"]}
    result = runner().invoke(cli, ["ls", "--runs", "--json", "--columns", "loss,lr"])
    command_line = {item["run_id"]: item["values"] for item in json.loads(result.stdout)["items"]}

    assert http == command_line
    numbers = {run_id: {name: float(values[name] or "nan") for name in values} for run_id, values in http.items()}
    frame = {run_id: {name: float(table.loc[run_id, name]) for name in ("loss", "lr")} for run_id in table.index}
    assert repr(dict(sorted(numbers.items()))) == repr(dict(sorted(frame.items())))


def test_of_several_sorts_the_first_counts_most(five: httpx.Client) -> None:
    by_lr = [{"column": "lr", "descending": True}, {"column": "run"}]

    assert ids(search(five, mode="runs", sort=by_lr)) == ["d", "b", "c", "a", "e"]
    assert ids(search(five, mode="runs", sort=by_lr, limit=2, offset=1)) == ["b", "c"]


def test_runs_are_sorted_by_their_last_step_alone_and_among_attributes(five: httpx.Client, open_run) -> None:
    def found(*order: str, **more: Any) -> list[str]:
        sort = [{"column": one.removeprefix("-"), "descending": one.startswith("-")} for one in order]
        return ids(search(five, mode="runs", sort=sort, **more))

    last = {row["run_id"]: row["last_step"] for row in search(five, mode="runs")["rows"]}
    assert last == {"a": 3, "b": 3, "c": 3, "d": 0, "e": None}
    assert found("last_step") == ["d", "c", "b", "a", "e"]
    assert found("-last_step") == ["c", "b", "a", "d", "e"]
    assert found("-last_step", "run", limit=2, offset=1) == ["b", "c"]
    assert found("-lr", "last_step", "run") == ["d", "b", "c", "a", "e"]
    assert found("-min(loss)", "last_step") == ["a", "b", "c", "d", "e"]
    assert found("lr", "-last_step", filter="lr < 0.2") == ["a", "e"]

    run = open_run(run_id="f")
    run.log_configs({"last_step": -1})
    run.close()
    until_read(five, run_count=6)
    assert found("last_step")[0] == "f"


def test_families_stay_together_and_of_several_forks_the_one_that_left_last_comes_first(
    five: httpx.Client, open_run
) -> None:
    open_run(run_id="f", experiment_name="gull", fork_run_id="a", fork_step=0).log_metrics({"loss": 1.0}, step=1)
    until_read(five, run_count=6)

    assert ids(search(five, mode="runs", sort=[{"column": "lineage"}])) == ["a", "b", "c", "f", "e", "d"]
    assert ids(search(five, mode="runs", sort=[{"column": "lineage"}], limit=2, offset=2)) == ["c", "f"]


def test_a_filter_finds_and_tells_what_it_names_that_is_not_there(five: httpx.Client) -> None:
    assert ids(search(five, mode="runs", filter="lr > 0.15 AND loss < 0.6")) == ["c"]
    found = search(five, mode="runs", filter="learning_rate > 0.15")
    assert (found["total"], len(found["notes"])) == (0, 1)
    assert "did you mean 'lr'" in found["notes"][0]


@pytest.mark.parametrize(
    ("body", "told", "position"),
    [
        ({"filter": "lr >"}, "cannot read the filter", 4),
        (
            {"sort": [{"column": "los"}]},
            "cannot sort by 'los': no run has such an attribute; did you mean 'loss'?",
            None,
        ),
        ({"mode": "trials"}, "mode must be one of experiments, runs, found 'trials'", None),
        ({"limit": 1001}, "limit must be a whole number from 0 to 1000, found 1001", None),
        ({"columns": "lr"}, "columns must be a list of texts", None),
        ({"limits": 1}, "there is no 'limits'", None),
        ([], "the body must be a JSON object, found list", None),
    ],
)
def test_what_cannot_be_used_is_told(five: httpx.Client, body: Any, told: str, position: int | None) -> None:
    answer = five.post(f"{P}/runs/search", json=body)

    assert answer.status_code == 400
    assert told in answer.json()["detail"]
    assert answer.json().get("position") == position


def test_the_values_of_a_run_are_those_of_the_command_line(five: httpx.Client) -> None:
    found = five.get(f"{P}/runs/values", params={"run": "gull"}).json()
    shown = json.loads(runner().invoke(cli, ["show", "gull", "--json"]).stdout)

    assert found["attributes"] == shown["attributes"]
    assert found["run"]["run_id"] == "c"
    assert [one["run_id"] for one in found["run"]["lineage"]] == [one["run_id"] for one in shown["lineage"]]


def test_a_run_that_is_gone_is_told_with_the_closest(five: httpx.Client) -> None:
    answer = five.get(f"{P}/runs/values", params={"run": "gul"})

    assert answer.status_code == 404
    assert "did you mean 'gull'?" in answer.json()["detail"]


def test_what_changes_is_seen_and_what_is_kept_of_it_forgotten(five: httpx.Client, open_run) -> None:
    before = search(five, mode="runs", run_ids=["a", "b"], lineage=True)
    with open_run(run_id="a") as again:
        again.log_metrics({"loss": 0.1}, step=9)

    def has_come() -> bool:
        until_read(five)
        (row,) = search(five, mode="runs", run_ids=["a"], lineage=True)["rows"]
        return (row["last_step"], row["lineage"][0]["last"], row["state"]) == (9, 9, "finished")

    until(has_come)
    after = search(five, mode="runs", run_ids=["b"], lineage=True)

    assert after["revision"] > before["revision"]
    assert after["rows"][0]["lineage"][0]["pruned"] == [1, 9]


def test_names_that_are_markup_and_halves_of_characters_come_back_as_they_are(open_run, client: httpx.Client) -> None:
    name = "<script>alert(1)</script> \u202eabc 🦆"
    run = open_run(run_id="..\\b%2F &?#", experiment_name=name)
    run.log_configs({"note": "<img src=x onerror=alert(1)>", "half": "\ud800"})
    run.close()
    until_read(client, run_count=1)

    found = client.get(f"{P}/runs/values", params={"run": "..\\b%2F &?#"}).json()

    assert found["run"]["experiment"] == name
    assert found["attributes"]["note"]["value"] == "<img src=x onerror=alert(1)>"
    assert len(found["attributes"]["half"]["value"]) >= 1


def test_the_table_as_csv_is_the_table(five: httpx.Client) -> None:
    given = {"mode": "runs", "columns": "lr,min(loss),state", "sort": "-lr,run"}
    answer = five.get(f"{P}/runs.csv", params=given)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    order = [{"column": "lr", "descending": True}, {"column": "run"}]
    found = search(five, mode="runs", columns=["lr", "min(loss)", "state"], sort=order)

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [row["run_id"] for row in rows] == ids(found)
    assert [row["min(loss)"] for row in rows] == [_text(row["values"]["min(loss)"]) for row in found["rows"]]
    assert [float(row["lr"]) for row in rows] == [row["values"]["lr"] for row in found["rows"]]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
