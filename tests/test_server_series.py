"""Series over HTTP: the numbers of the query API and the command line, frames, points, texts, histograms, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.command_line import call_json
from tests.frames import decode_frame
from tests.servers import P, until_read

import runfork
from runfork import Histogram, Run
from runfork_server import points

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from tests.frames import ReadFrame


@pytest.fixture
def served(lineage: Path, client: httpx.Client) -> httpx.Client:
    """A server of a root that was forked at 80 and went on, a fork of it that is the head, and a side branch."""
    del lineage
    until_read(client, run_count=3)
    return client


def ask_frame(client: httpx.Client, *run_ids: str, **asked: Any) -> ReadFrame:
    answer = client.post(f"{P}/series/buckets", json={"run_ids": run_ids, "paths": ["train/loss"], **asked})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.runfork.frames"
    return decode_frame(answer.content)


def test_a_chart_has_the_numbers_of_the_query_api(served):
    frame = runfork.fetch_metrics(runs=["root", "head", "side"], attributes=["train/loss"])

    found = ask_frame(served, "root", "head", "side", buckets=2000)

    for run_id in ("root", "head", "side"):
        series = found.series[run_id, "train/loss"]
        expected = frame.loc[run_id]["train/loss"]
        assert series["x"].tolist() == expected.index.tolist()
        np.testing.assert_array_equal(series["y"], expected.to_numpy())
        assert series["is_raw"]


def test_a_chart_of_few_ranges_has_those_of_the_query_api(served):
    frame = runfork.fetch_metric_buckets(runs=["root", "head"], y=["train/loss"], limit=64, include_statistics=True)

    found = ask_frame(served, "root", "head", buckets=64)

    assert (frame.index[0].left, frame.index[-1].right) == (found.x["low"], found.x["high"])
    for run_id in ("root", "head"):
        series = found.series[run_id, "train/loss"]
        expected: Any = frame[run_id, "train/loss"]
        expected = expected[expected["x"].notna()]
        assert series["x"].tolist() == expected["x"].tolist()
        np.testing.assert_array_equal(series["y"], expected["y"])
        assert series["count"].tolist() == expected["count"].tolist()


def test_a_chart_shows_the_forks_and_tails_that_the_command_line_plots(served):
    (curve,) = call_json("plot", "gull", "^train/", "--pruned")["curves"]

    series = ask_frame(served, "head", pruned=True, buckets=2000).series["head", "train/loss"]

    assert [fork["x"] for fork in series["forks"]] == curve["forks"]
    assert (series["points"], series["nan"]) == (curve["points"], curve["nan"])
    assert [len(x) for _, x, _ in series.pruned] == [tail["points"] for tail in curve["pruned"]]
    assert [[x[0], x[-1]] for _, x, _ in series.pruned] == [tail["range"] for tail in curve["pruned"]]
    assert series["last"] == {"x": 140.0, "y": None}
    assert series["roles"] == [
        {"run_id": "root", "from_x": 0.0, "to_x": 80.0, "role": "inherited"},
        {"run_id": "head", "from_x": 80.0, "to_x": 140.0, "role": "own"},
    ]


def test_a_chart_without_anything_to_draw_is_one(served):
    nothing: list[dict[str, Any]] = [{"paths": ["nothing"]}, {"paths": []}, {"range": [5000, 6000]}]
    for asked in nothing:
        found = ask_frame(served, "head", **asked)
        assert sum(series["points"] for series in found.series.values()) == 0


def test_smoothing_keeps_what_was_logged_beside_it(served):
    plain = ask_frame(served, "head").series["head", "train/loss"]

    smoothed = ask_frame(served, "head", smoothing={"kind": "ema", "factor": 0.9}).series["head", "train/loss"]

    np.testing.assert_array_equal(smoothed["raw"], plain["y"])
    np.testing.assert_array_equal(smoothed["max"][:-1], plain["y"][:-1])
    assert not np.array_equal(smoothed["y"], plain["y"])


def test_what_is_drawn_can_be_had_as_csv(served):
    asked = {"run_ids": ["root", "head"], "paths": ["train/loss"], "buckets": 64}
    found = decode_frame(served.post(f"{P}/series/buckets", json=asked).content)

    answer = served.post(f"{P}/series/csv", json=asked)
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    for run_id in ("root", "head"):
        series = found.series[run_id, "train/loss"]
        own = [row for row in rows if row["run_id"] == run_id]
        assert [float(row["step"]) for row in own] == series["x"].tolist()
        np.testing.assert_array_equal([float(row["y"] or "nan") for row in own], series["y"])


def test_a_chart_follows_a_run_that_goes_on(served):
    assert ask_frame(served, "head").x["extent"] == [0, 140]
    with Run(run_id="head", source_tracking_config=None) as run:
        run.log_metrics({"train/loss": 7.0}, step=200)
    for _ in range(100):
        found = ask_frame(served, "head")
        if found.x["extent"] == [0, 200]:
            break

    assert found.series["head", "train/loss"]["last"] == {"x": 200.0, "y": 7.0}


def test_what_the_reader_has_and_is_the_same_is_not_sent_again(served):
    first = ask_frame(served, "root", "head")
    tags = {run_id: first.series[run_id, "train/loss"]["tag"] for run_id in ("root", "head")}

    again = ask_frame(served, "root", "head", known=[tags["head"], "another"])
    smoothed = ask_frame(served, "head", known=[tags["head"]], smoothing={"kind": "ema", "factor": 0.9})

    assert again.series["head", "train/loss"].about == {"run_id": "head", "path": "train/loss", "tag": tags["head"]}
    assert again.series["root", "train/loss"]["y"].tolist() == first.series["root", "train/loss"]["y"].tolist()
    assert len(smoothed.series["head", "train/loss"]["y"]) > 0


UNDRAWABLE: list[tuple[dict[str, Any], str]] = [
    ({"run_ids": "head"}, "run_ids"),
    ({"paths": [1]}, "paths"),
    ({"x": "epoch"}, "x must be one of"),
    ({"range": [1]}, "range must be a pair"),
    ({"range": [2, 1]}, "begin before it ends"),
    ({"range": ["a", 1]}, "must be a number"),
    ({"buckets": 10}, "buckets must be a whole number from 64"),
    ({"buckets": True}, "buckets"),
    ({"inherited": True}, "inherited"),
    ({"pruned": "yes"}, "pruned"),
    ({"line": "first"}, "line must be one of"),
    ({"smoothing": "ema"}, "smoothing"),
    ({"smoothing": {"kind": "median", "factor": 0.5}}, "smoothing must be one of"),
    ({"smoothing": {"kind": "ema", "factor": 1}}, "factor"),
    ({"smoothing": {"kind": "ema", "factor": "x"}}, "factor"),
    ({"grid": "even"}, "grid must be one of"),
    ({"known": "a"}, "known"),
    ({"steps": 1}, "'steps'"),
    ({"run_ids": [f"r{number}" for number in range(1001)], "paths": ["a", "b"]}, "at most 2000"),
]


def test_what_cannot_be_drawn_is_refused_in_words(served):
    for body, words in UNDRAWABLE:
        answer = served.post(f"{P}/series/buckets", json={"run_ids": ["head"], "paths": ["train/loss"], **body})

        assert answer.status_code == 400, body
        assert words in answer.json()["detail"]


def test_numbers_that_json_lacks_and_huge_ones_are_no_fault(served):
    head = '{"run_ids": ["head"], "paths": ["train/loss"], "range": '
    for text, status in ((head + "[NaN, Infinity]}", 400), ("[]", 400), ("x", 400), (head + "[-1e300, 1e300]}", 200)):
        assert served.post(f"{P}/series/buckets", content=text).status_code == status, text


# Points


@pytest.mark.parametrize("portion", [65_536, 4, 1])
def test_points_are_streamed_as_they_were_logged(served, portion, monkeypatch):
    monkeypatch.setattr(points, "POINTS_AT_ONCE", portion)
    expected = runfork.fetch_metrics(runs=["head"], attributes=["train/loss"], include_time="absolute").loc["head"]

    text = served.get(f"{P}/series/points", params={"run": "gull", "path": "train/loss"}).text
    lines = served.get(f"{P}/series/points", params={"run": "head", "path": "train/loss", "format": "ndjson"}).text

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["step"]) for row in rows] == expected.index.tolist()
    np.testing.assert_array_equal([float(row["value"]) for row in rows], expected["train/loss", "value"])
    assert [row["source_run"] for row in rows] == ["root"] * 9 + ["head"] * 6
    assert [str(row["step"]) for row in map(json.loads, lines.splitlines())] == [row["step"] for row in rows]
    assert [json.loads(line)["value"] for line in lines.splitlines()][-1] == "NaN"


def test_points_can_be_those_of_some_steps_and_of_the_run_alone(served):
    def ask(**asked):
        answer = served.get(f"{P}/series/points", params={"run": "head", "path": "train/loss", **asked})
        return [int(row["step"]) for row in csv.DictReader(io.StringIO(answer.text))]

    assert ask(**{"from": "20", "to": "40"}) == [20, 30, 40]
    assert ask(inherited="own") == [90, 100, 110, 120, 130, 140]
    assert ask(**{"from": "1000"}) == []


UNREADABLE: list[tuple[dict[str, str], int, str]] = [
    ({"path": "nothing"}, 404, "no series 'nothing'"),
    ({"path": "lr"}, 400, "single value"),
    ({"path": "grads"}, 400, "histogram_series"),
    ({"run": "nobody"}, 404, "nobody"),
    ({"format": "xml"}, 400, "format"),
    ({"from": "x"}, 400, "from"),
]


def test_points_that_cannot_be_had_are_refused_in_words(served):
    for asked, status, words in UNREADABLE:
        answer = served.get(f"{P}/series/points", params={"run": "head", "path": "train/loss", **asked})

        assert answer.status_code == status, asked
        assert words in answer.json()["detail"]


def test_the_point_at_an_x_is_the_last_one_that_was_logged_before_it(served):
    created = runfork.fetch_runs_table(runs=["root"], attributes=["sys/creation_time"])["sys/creation_time"].iloc[0]
    frame = runfork.fetch_metrics(runs=["head"], attributes=["train/loss"], include_time="absolute").loc["head"]
    times = frame["train/loss", "absolute_time"]

    def ask(kind, value):
        body = {"run_ids": ["root", "head", "nobody"], "path": "train/loss", "x": {"kind": kind, "value": value}}
        return {point["run_id"]: point for point in served.post(f"{P}/series/at", json=body).json()["points"]}

    found = ask("step", 95.5)
    assert {run_id: point["step"] for run_id, point in found.items()} == {"root": 90, "head": 90}
    assert (found["root"]["source_run"], found["head"]["source_run"]) == ("root", "head")
    assert found["root"]["value"] == 1 / 91
    assert found["head"]["value"] == 2 / 91
    assert ask("step", 85)["head"]["source_run"] == "root"
    assert ask("step", -1) == {}
    assert ask("step", 1e300)["head"]["value"] == "NaN"
    moment = times.loc[100]
    assert ask("time", moment.timestamp())["head"]["step"] == 100
    relative = (moment - created).total_seconds()
    assert ask("relative", relative)["head"]["step"] == 100
    assert ask("relative", relative)["head"]["relative"] == pytest.approx(relative, abs=1e-6)
    assert ask("time", created.timestamp() - 1) == {}


# Other series


@pytest.mark.parametrize("portion", [65_536, 3])
def test_texts_come_in_pages(served, open_run, portion, monkeypatch):
    monkeypatch.setattr(points, "POINTS_AT_ONCE", portion)
    run = open_run(run_id="talker")
    for step in range(10):
        run.log_string_series({"samples": f"<script>{step}</script>"}, step=step)
    run.close()
    until_read(served, run_count=4)

    page = served.get(f"{P}/series/texts", params={"run": "talker", "path": "samples", "offset": 7, "limit": 2}).json()

    assert page["total"] == 10
    assert [(point["step"], point["value"], point["source_run"]) for point in page["points"]] == [
        (7, "<script>7</script>", "talker"),
        (8, "<script>8</script>", "talker"),
    ]
    again = served.get(f"{P}/series/texts", params={"run": "talker", "path": "samples", "offset": 9, "limit": 5}).json()
    assert [point["step"] for point in again["points"]] == [9]
    beyond = served.get(f"{P}/series/texts", params={"run": "talker", "path": "samples", "offset": 10}).json()
    assert (beyond["total"], beyond["points"]) == (10, [])
    assert served.get(f"{P}/series/texts", params={"run": "head", "path": "train/loss"}).status_code == 400


def test_a_histogram_is_the_last_one_at_or_before_a_step(served, open_run):
    run = open_run(run_id="shapes")
    for step in (0, 10, 20):
        run.log_histograms({"grads": Histogram([0.0, 1.0, 2.0], [step, 4])}, step=step)
    run.close()
    until_read(served, run_count=4)

    def ask(**asked):
        return served.get(f"{P}/series/values", params={"run": "shapes", "path": "grads", **asked}).json()

    found = ask(step=15)
    assert (found["points_total"], found["steps"], found["step"]) == (3, [0, 10, 20], 10)
    assert found["value"] == {"type": "COUNTING", "edges": [0.0, 1.0, 2.0], "values": [10, 4]}
    assert ask()["step"] == 20
    assert (ask(step=-5)["step"], ask(step=-5)["value"]) == (None, None)


def test_hostile_names_are_names(served, open_run):
    path = "a/../b %2F <script>\u202e\U0001f600" + "x" * 700
    run = open_run(run_id="odd run\\..%2F<b>")
    run.log_metrics({path: math.inf}, step=1)
    run.close()
    until_read(served, run_count=4)

    answer = served.post(f"{P}/series/buckets", json={"run_ids": ["odd run\\..%2F<b>"], "paths": [path]})
    raw = served.get(f"{P}/series/points", params={"run": "odd run\\..%2F<b>", "path": path})

    (series,) = decode_frame(answer.content).series.values()
    assert (series["path"], series["inf"], series["nonfinite"]) == (path, 1, [{"x": 1.0, "kind": "inf", "count": 1}])
    assert raw.headers["content-disposition"].isascii()
    assert next(csv.DictReader(io.StringIO(raw.text)))["value"] == "Infinity"


def ask_extremes(client: httpx.Client, *run_ids: str, path: str = "loss") -> dict[str, Any]:
    answer = client.post(f"{P}/series/extremes", json={"run_ids": run_ids, "path": path})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_extremes_are_the_first_of_what_runs_show_and_not_of_what_was_pruned(open_run, client: httpx.Client) -> None:
    random = np.random.default_rng(0)
    values = random.integers(10, 90, 3000).astype(float)
    values[[7, 1500, 2900]] = [math.nan, 5.0, 1.0]  # the last one is beyond the fork
    values[[1700, 1701]] = 5.0
    values[40] = math.inf
    with open_run(run_id="root") as root:
        root.log_configs({"checkpoints/monitor": "loss", "checkpoints/mode": "max"})
        for step, value in enumerate(values):
            root.log_metrics({"loss": value}, step=step)
    with open_run(run_id="child", fork_run_id="root", fork_step=2000) as child:
        child.log_metrics({"loss": 99.0, "bad": math.nan}, step=2001)
    until_read(client, run_count=2)

    shown, family = ask_extremes(client, "child"), ask_extremes(client, "child", "root", "nobody")

    assert [shown["least"][name] for name in ("run_id", "source_run", "step", "value")] == ["child", "root", 1500, 5.0]
    assert [family["least"][name] for name in ("run_id", "source_run", "step", "value")] == ["root", "root", 2900, 1.0]
    assert (shown["greatest"]["value"], shown["greatest"]["source_run"], family["goal"]) == (99.0, "child", "max")
    assert ask_extremes(client, "child", path="bad") == {
        "revision": shown["revision"],
        "least": None,
        "greatest": None,
        "goal": None,
    }
