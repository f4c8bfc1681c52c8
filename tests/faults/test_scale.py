from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.faults.children import run_child

from runfork import Run
from runfork.index.interface import PointsRequest, RunsQuery, SeriesKey, Sort
from runfork.journal.format import Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.writer import JournalWriter
from runfork.model.attributes import AttributeType
from runfork.model.filters import Attribute, Filter
from runfork.model.steps import MICRO, NO_STEP
from runfork.reading.project import Project
from runfork.writing.problems import Problems
from runfork.writing.recorder import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.index.interface import Series

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def path_of(number: int) -> str:
    return f"layer/{number:05}/norm"


def rows_of(shape: str, series: int, calls: int) -> list[list[int]]:
    """Return the series that each log call names."""
    if shape == "all at once":
        return [list(range(series)) for _ in range(calls)]
    if shape == "in other subsets each time":
        choose = random.Random(1)
        return [choose.sample(range(series), series // 20) for _ in range(calls)]
    return [list(range((call // 10 + 1) * 10 * series // calls)) for call in range(calls)]  # ten times the same names


@pytest.mark.parametrize("shape", ["all at once", "in other subsets each time", "more and more"])
def test_thousands_of_series_in_one_run_are_read_back(rounds, tried, shape):
    series = rounds(2_000, 10_000)
    calls = rounds(100, 300)
    rows = rows_of(shape, series, calls)
    expected: dict[int, list[int]] = {}
    with Run(run_id="wide", source_tracking_config=None) as run:
        for step, numbers in enumerate(rows):
            run.log_metrics({path_of(number): float(step * series + number) for number in numbers}, step=step)
            for number in numbers:
                expected.setdefault(number, []).append(step)

    began = time.perf_counter()
    with Project.open() as project:
        project.refresh()
        seconds = time.perf_counter() - began
        found = project.index.points(PointsRequest([SeriesKey("wide", path_of(number)) for number in range(series)]))
        defined = project.index.definitions(run_ids=["wide"], types=[AttributeType.FLOAT_SERIES])

    points = sum(map(len, expected.values()))
    assert len(expected) == len(found) == len(defined)
    for number, one in zip(sorted(expected), found, strict=True):
        assert path_of(number) == one.key.path
        steps = np.array(expected[number])
        np.testing.assert_array_equal(steps * MICRO, one.steps)
        np.testing.assert_array_equal(steps * series + number, one.values)
    tried(
        f"{series:,} series in one run, logged {shape}",
        times=calls,
        outcome=f"all {points:,} points read back; indexed in {seconds:.1f} s",
    )


RUNS_PER_EXPERIMENT = 10


def write_run(directory: Path, number: int) -> None:
    """Write the journal of a run as a process would, only without its threads."""
    run_id, created = f"run-{number:05}", 1_700_000_000_000_000 + number * MICRO

    def begin() -> tuple[Path, bytes]:
        identity = {"project": "tests/project", "run_id": run_id, "writer": f"{created}-host-1-x", "created": created}
        body = {
            "run_id": run_id,
            "project": "tests/project",
            "experiment_name": f"experiment-{number // RUNS_PER_EXPERIMENT}",
            "creation_time": created,
            "inherit_configs": True,
            "fork": None,
        }
        create = encode_frame(Kind.CREATE, encode_json(body), time=created, step=NO_STEP)
        return directory / run_id / f"{identity['writer']}.journal", encode_file_header(identity) + create

    journal = JournalWriter(begin, on_trouble=pytest.fail)
    recorder = Recorder(journal, Problems(raises=True))
    recorder.record(Kind.CONFIGS, {"seed": ["int", number], "name": ["string", f"run {number}"]})
    for step in range(3):
        recorder.log_metrics({"loss": number + step / 4, "accuracy": 1.0 / (number + 1)}, step)
    recorder.record(Kind.CLOSE, {"state": "finished"})
    journal.close()


def test_thousands_of_runs_in_one_project_are_listed_sorted_and_filtered(rounds, tried, data_directory):
    runs = rounds(500, 10_000)
    for number in range(runs):
        write_run(data_directory / "tests" / "project", number)

    began = time.perf_counter()
    with Project.open() as project:
        project.refresh()
        drained = time.perf_counter() - began
        by_loss = RunsQuery(sort=Sort(Attribute("loss", "float_series"), descending=True), limit=3)
        last = [row.node.run_id for row in project.index.runs(by_loss).rows]
        few = project.index.runs(RunsQuery(filter=Filter.lt(Attribute("seed", "int"), 7)))
        heads = project.experiments()
        ids = list(project.index.nodes())
        values = project.index.values(ids, paths=["seed", "loss", "sys/state"])
        points = project.index.points(PointsRequest([SeriesKey(run_id, "loss") for run_id in ids]))
        began = time.perf_counter()
        project.refresh()
        again = time.perf_counter() - began

    assert [f"run-{number:05}" for number in range(runs)] == sorted(ids)
    assert [f"run-{number:05}" for number in range(runs - 1, runs - 4, -1)] == last
    assert {f"run-{number:05}" for number in range(7)} == {row.node.run_id for row in few.rows}
    assert {f"experiment-{n // 10}": f"run-{n:05}" for n in range(9, runs, 10)} == heads
    expected = {f"run-{n:05}": [n, n + 0.5, "finished"] for n in range(runs)}
    assert expected == {
        run_id: [found[path].value for path in ("seed", "loss", "sys/state")] for run_id, found in values.items()
    }
    assert {(one.key.run_id, *one.values) for one in points} == {
        (f"run-{n:05}", n + 0.0, n + 0.25, n + 0.5) for n in range(runs)
    }
    tried(
        f"{runs:,} runs in one project",
        times=1,
        outcome=f"all listed, sorted, filtered and read; indexed in {drained:.1f} s, looked over again in {again:.2f} s",
    )


def seen_in(series: Series) -> dict[int, float]:
    return dict(zip((series.steps // MICRO).tolist(), map(float, series.values), strict=True))


def test_a_lineage_a_hundred_deep_is_read_exactly(rounds, tried):
    depth = rounds(100, 1000)
    choose = random.Random(7)
    marks: dict[int, list[dict[str, Any]]] = {}
    expected: list[dict[int, float]] = []
    mark, parent_cut = None, -1
    for generation in range(depth):
        seen = {} if mark is None else {s: v for s, v in expected[-1].items() if s <= parent_cut}
        with Run("deep", run_id=f"g{generation}", resume_from=mark, source_tracking_config=None) as run:
            marks[generation] = []
            first = parent_cut + 1
            for step in range(first, first + 8):
                run.log_metrics({"loss": generation + step / 1000}, step=step)
                seen[step] = generation + step / 1000
                marks[generation].append(run.checkpoint_mark(step))
        expected.append(seen)
        at = choose.randrange(2, 8)  # some of what was logged after the checkpoint is pruned
        mark, parent_cut = marks[generation][at], first + at
    side = choose.randrange(depth // 4, depth // 2)
    with Run("side", run_id="side", resume_from=marks[side][0], source_tracking_config=None) as run:
        run.log_metrics({"loss": -1.0}, step=10**6)

    began = time.perf_counter()
    with Project.open() as project:
        project.refresh()
        drained = time.perf_counter() - began
        ids = [f"g{generation}" for generation in range(depth)]
        found = project.index.points(PointsRequest([SeriesKey(run_id, "loss") for run_id in ids]))
        (branch,) = project.index.points(PointsRequest([SeriesKey("side", "loss")]))
        head = project.experiments()["deep"]
        values = project.index.values([head, "side"], paths=["sys/forking/depth"])

    assert expected == [seen_in(one) for one in found]
    until = int(float(marks[side][0]["step"]))
    kept = {step: value for step, value in expected[side].items() if step <= until}
    assert {**kept, 10**6: -1.0} == seen_in(branch)
    assert (f"g{depth - 1}", depth - 1, side + 1) == (
        head,
        values[head]["sys/forking/depth"].value,
        values["side"]["sys/forking/depth"].value,
    )
    tried(
        "a chain of forks by Run(resume_from=mark), each cut before its parent's end, and a side branch",
        times=depth,
        outcome=f"every run's lineage read back exactly; indexed in {drained:.1f} s",
    )


WRITE_MANY = """
import runfork

names = [f"m/{number:04}" for number in range(1000)]
run = runfork.Run(run_id="many", source_tracking_config=None)
await_plugins(run)
row = dict.fromkeys(names, 0.0)
for step in range(ROWS):
    row["m/0000"] = step * 0.5
    row[names[step % 1000]] = float(step)
    run.log_metrics(row, step=step)
    if step == 999:
        result["before"] = megabytes()
result["after"] = megabytes()
result["status"] = [run.status.lost_records, run.status.dropped_values]
run.close()
"""

READ_MANY = """
from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.reading.project import Project
began = time.perf_counter()
with Project.open() as project:
    project.refresh()
    result["seconds"] = time.perf_counter() - began
    result["drain_peak"] = peak_megabytes()
    numbers = [0, 1, 500, 999]
    found = project.index.points(PointsRequest([SeriesKey("many", f"m/{number:04}") for number in numbers]))
    result["steps"] = [[len(one.steps), int(one.steps.sum())] for one in found]
    result["values"] = [[float(one.values.sum()), one.values[:2500].tolist()] for one in found]
    names = [f"m/{number:04}" for number in range(1000)]
    values = project.index.values(["many"], paths=names)["many"]
    result["counts"] = sum(value.statistics["count"] for value in values.values())
    path = project.store.index_path(project.name)
    result["index_bytes"] = path.stat().st_size
result["peak"] = peak_megabytes()
"""


def column_of(number: int, rows: int) -> np.ndarray:
    """Return the values of a series: what was last put into its place of the row."""
    steps = np.arange(rows)
    if number == 0:
        return np.where(steps % 1000 == 0, steps, steps * 0.5)
    return np.where(steps < number, 0.0, (steps - number) // 1000 * 1000 + number)


@linux
def test_a_hundred_million_points_are_kept_within_bounds_of_memory(rounds, tried, tmp_path):
    rows = rounds(5_000, 100_000)

    written = run_child(f"ROWS = {rows}" + WRITE_MANY, tmp_path)
    read = run_child(READ_MANY, tmp_path)

    assert [0, 0] == written["status"]
    assert rows * 1000 == read["counts"]
    assert [[rows, sum(range(rows)) * MICRO]] * 4 == read["steps"]
    for number, (total, values) in zip([0, 1, 500, 999], read["values"], strict=True):
        column = column_of(number, rows)
        np.testing.assert_array_equal(column[:2500], values)
        assert column.sum() == total
    grown = written["after"] - written["before"]
    assert grown < 8
    assert read["peak"] < 1024
    tried(
        f"{rows * 1000:,} points in a project, 1000 metrics a step",
        times=rows,
        outcome=f"all kept; memory of the training process grew by {grown:.1f} MB after the first million; indexed in "
        f"{read['seconds']:.1f} s with a peak of {read['peak']:.0f} MB",
    )
