"""A project with a bit of everything, what a right index answers about it, and ways to harm a file of it."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.answers import plain_value

from runfork import Histogram, Run
from runfork.index.interface import BucketsRequest, PointsRequest, RunsQuery, SeriesKey
from runfork.reading.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.index.interface import Index, Series

RUNS = ("root", "child", "side")
POINTS = (4, 5, 6)
"""Which of `answers` are points of series: these are stored with checksums."""


def fill(points: int = 6000) -> None:
    """Log a project of three runs in lineage, with every type, into the data directory of the environment."""
    randomness = random.Random(5)
    for number, run_id in enumerate(RUNS):
        fork: dict[str, Any] = {"fork_run_id": "root", "fork_step": points // 2} if number else {}
        with Run("exp" if number < 2 else None, run_id=run_id, source_tracking_config=None, **fork) as run:
            run.log_configs({"lr": 0.1 * number, "name": f"n{number}", "layers": {"a": [1, 2], "b": True}})
            run.add_tags([f"tag{number}", "all"])
            run.assign_files({"file": f"contents {number}".encode()})
            start = points // 2 + 1 if number else 0
            for step in range(start, start + points):
                run.log_metrics({"loss": randomness.random(), "acc": math.sin(step)}, step=step)
                if step % 500 == 0:
                    run.log_string_series({"text": f"line {step}"}, step=step)
                    run.log_histograms({"weights": Histogram((0, 1, 2), counts=(step, 1))}, step=step)
                    run.log_metrics({"rare": step}, step=step)


def answers(index: Index) -> list[Any]:
    """Return what an index says to questions of every kind, in a form that compares exactly."""
    runs = index.runs(RunsQuery())
    run_ids = sorted(index.nodes())
    values = index.values(run_ids)
    keys = [
        SeriesKey(run_id, path) for run_id in run_ids for path, value in values[run_id].items() if value.type.is_series
    ]
    floats = [key for key in keys if values[key.run_id][key.path].type.value == "float_series"]
    buckets = index.buckets(BucketsRequest(floats, count=50))
    return [
        [(row.node.run_id, row.is_head) for row in runs.rows],
        {run_id: repr(node) for run_id, node in index.nodes().items()},
        index.definitions(),
        {run_id: {path: plain_value(value) for path, value in found.items()} for run_id, found in values.items()},
        [exact(series) for series in index.points(PointsRequest(keys))],
        [exact(series) for series in index.points(PointsRequest(keys, tail=10))],
        [repr(getattr(buckets, name)) for name in ("edges", "count", "minimum", "maximum") if hasattr(buckets, name)],
    ]


def exact(series: Series) -> list[Any]:
    """Return a series in a form that compares to the last bit, and quickly."""
    values = series.values
    bits = np.asarray(values, np.float64).tobytes() if series.type.value == "float_series" else list(map(repr, values))
    columns = [series.steps.tobytes(), series.times.tobytes(), bits, list(series.sources)]
    return [series.key, series.type, series.clock_axis, *columns, list(series.segments)]


def truth() -> list[Any]:
    """Return what the journals say, by the index in memory."""
    with Project.open(index_uri="memory://") as project:
        project.refresh()
        return answers(project.index)


def flip(path: Path, randomness: random.Random) -> None:
    """Change up to eight bytes anywhere."""
    data = bytearray(path.read_bytes())
    for _ in range(randomness.randint(1, 8)):
        data[randomness.randrange(len(data))] ^= randomness.randint(1, 255)
    overwrite(path, data)


def flip_beginning(path: Path, randomness: random.Random) -> None:
    """Change a byte of the header."""
    data = bytearray(path.read_bytes())
    data[randomness.randrange(min(100, len(data)))] ^= randomness.randint(1, 255)
    overwrite(path, data)


def cut(path: Path, randomness: random.Random) -> None:
    """Cut it off anywhere."""
    with path.open("r+b") as file:
        file.truncate(randomness.randrange(path.stat().st_size))


def zero(path: Path, randomness: random.Random) -> None:
    """Zero a block."""
    data = bytearray(path.read_bytes())
    start = randomness.randrange(len(data)) // 4096 * 4096
    data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    overwrite(path, data)


def shuffle(path: Path, randomness: random.Random) -> None:
    """Put one block over another."""
    data = bytearray(path.read_bytes())
    one, other = (randomness.randrange(max(1, len(data) // 4096)) * 4096 for _ in range(2))
    data[one : one + 4096] = data[other : other + 4096]
    overwrite(path, data)


def litter(path: Path, randomness: random.Random) -> None:
    """Put garbage over a stretch."""
    data = bytearray(path.read_bytes())
    start = randomness.randrange(len(data))
    data[start : start + 10_000] = randomness.randbytes(len(data[start : start + 10_000]))
    overwrite(path, data)


def replace(path: Path, randomness: random.Random) -> None:
    """Put something else in its place."""
    del randomness
    path.write_bytes(b"this is something else entirely\n" * 1000)


def remove(path: Path, randomness: random.Random) -> None:
    """Delete it."""
    del randomness
    path.unlink()


def overwrite(path: Path, data: bytes | bytearray) -> None:
    """Write in place: whoever has the file open sees it."""
    with path.open("r+b") as file:
        file.write(data)


HARMS = (flip, flip_beginning, cut, zero, shuffle, litter, replace, remove)
