"""What the index costs, beside what NumPy alone costs for the same points in the same run.

Run it with ``python benchmarks/index.py [--points N]``. Times are the best of several; what counts are the ratios.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.reporting.figures import seconds_of
from benchmarks.reporting.sections import add_report_option, printed_section

from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.index.sqlite import SqliteIndex
from runfork.journal.records import Batch, MetricRows
from runfork.model.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter

if TYPE_CHECKING:
    from collections.abc import Callable


def best(function: Callable[[], object], repeat: int = 5) -> float:
    """Return the shortest of several durations, in seconds."""
    return min(seconds_of(function) for _ in range(repeat))


def tell(what: str, seconds: float, floor: float | None = None, note: str = "") -> None:
    """Print one line: milliseconds, and how many times the floor that is."""
    ratio = "" if floor is None else f"{seconds / floor:9.1f} x floor ({floor * 1e3:.2f} ms)"
    print(f"{what:44}{seconds * 1e3:10.2f} ms{ratio}  {note}")


def noise(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Return values as a model logs them: noise in single precision."""
    found = np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)
    return found.astype(np.float64)


def aggregates(column: np.ndarray) -> list[np.ndarray]:
    """Return sums, minima and maxima of a thousand equal parts of what is in memory."""
    starts = np.arange(0, len(column), max(1, len(column) // 1000))
    return [how.reduceat(column, starts) for how in (np.add, np.minimum, np.maximum)]


def packed(values: np.ndarray) -> bytes:
    """Return the columns of `values` one after another, as the index keeps them at the least."""
    return np.ascontiguousarray(values.T).astype(np.float32).tobytes()


def batches_of(run_id: str, values: np.ndarray, size: int) -> list[Batch]:
    """Return the batches of a journal with one row per step, of a run that is closed."""
    writer = HistoryWriter(run_id).create()
    head = writer.batch()
    closing = writer.close().batch()
    rows, columns = values.shape
    stride = 32 + 8 * columns
    paths = tuple(f"train/metric-{column:05}" for column in range(columns))
    jitter = np.random.default_rng(1).integers(0, 3000, (rows,))
    found = [head]
    for first in range(0, rows, size):
        part = np.arange(first, min(first + size, rows))
        offsets = head.end + part * stride
        block = MetricRows(
            paths,
            part * MICRO,
            EPOCH + part * 10_000 + jitter[part],
            values[part],
            None,
            False,
            offsets,
        )
        end = head.end + (int(part[-1]) + 1) * stride
        found.append(Batch(head.key, head.identity, int(offsets[0]), end, rows=[block]))
    return [*found, replace(closing, start=found[-1].end, end=found[-1].end + closing.end - closing.start)]


def drain(directory: Path, points: int) -> None:
    """Measure bringing journals in, by the width of rows, and what the folder of the index takes when it is closed.

    The times of the points are random to 3 ms, which takes 1.5 bytes a row: that bounds the size where rows are narrow.
    """
    for columns in (1, 10, 100, 1000, 10_000):
        rows = max(100, points // columns)
        values = noise(rows, columns)
        read = max(1, 64 * 1024 * 1024 // (32 + 8 * columns))
        batches = batches_of("a", values, read)
        folder = directory / f"drain-{columns}"
        folder.mkdir()
        index = SqliteIndex(folder / "index.db")
        start = time.perf_counter()
        for batch in batches:
            index.apply(batch)
        seconds = time.perf_counter() - start
        index.close()
        floor = best(partial(packed, values), 3)
        speed = values.size / seconds / 1e6
        size = sum(path.stat().st_size for path in folder.iterdir()) / values.size
        tell(f"drain {columns} metrics", seconds, floor, f"{speed:.1f} Mpt/s, {size:.2f} B/pt")


def follow(directory: Path) -> None:
    """Measure one refresh of a live run: a few new rows."""
    for columns in (10, 1000, 10_000):
        index = SqliteIndex(directory / f"follow-{columns}.db")
        batches = batches_of("a", noise(60, columns), 2)
        durations = [seconds_of(partial(index.apply, batch)) for batch in batches]
        index.close()
        tell(f"refresh with 2 rows of {columns} metrics", float(np.median(durations[5:])))


def read(directory: Path, points: int) -> None:
    """Measure reading one long series, its end, and buckets of it."""
    index = SqliteIndex(directory / "read.db")
    values = noise(points, 1)
    for batch in batches_of("a", values, 1_000_000):
        index.apply(batch)
    key = SeriesKey("a", "train/metric-00000")
    floor = best(lambda: (np.arange(points) * MICRO, values[:, 0].astype(np.float32).astype(np.float64)))
    tell(f"read {points} points", best(lambda: index.points(PointsRequest([key]))), floor)
    tell("read the last 10 of them", best(lambda: index.points(PointsRequest([key], tail=10))))
    middle = (points // 2 * MICRO, (points // 2 + 20_000) * MICRO)
    tell("read 20,000 in the middle", best(lambda: index.points(PointsRequest([key], step_range=middle))))
    column = values[:, 0].copy()
    floor = best(lambda: aggregates(column))
    tell("1000 buckets of them", best(lambda: index.buckets(BucketsRequest([key], 1000))), floor)
    tell("statistics of them", best(lambda: index.values(["a"], paths=[key.path])))
    index.close()


def read_wide(directory: Path) -> None:
    """Measure reading one of ten thousand metrics, of a closed run and of one whose rows fill no chunk yet."""
    key = SeriesKey("a", "train/metric-05000")
    for what, rows, batches in (("closed", 1000, slice(None)), ("live", 100, slice(-1))):
        index = SqliteIndex(directory / f"wide-{what}.db")
        for batch in batches_of("a", noise(rows, 10_000), 50)[batches]:
            index.apply(batch)
        tell(f"read 1 of 10,000 metrics, {rows} rows, {what}", best(lambda: index.points(PointsRequest([key]))))  # noqa: B023
        index.close()


def lineage(directory: Path, points: int) -> None:
    """Measure a series over twenty forks, beside the same points in one run."""
    index = SqliteIndex(directory / "lineage.db")
    share = points // 20
    values = noise(points, 1)
    for batch in batches_of("whole", values, 1_000_000):
        index.apply(batch)
    for part in range(20):
        writer = HistoryWriter(f"part-{part}", now=EPOCH + part * 1_000_000)
        writer.create(fork=(f"part-{part - 1}", part * share - 1) if part else None)
        head = writer.batch()
        index.apply(head)
        steps = np.arange(part * share, (part + 1) * share)
        offsets = head.end + np.arange(share) * 40
        block = MetricRows(
            ("train/metric-00000",),
            steps * MICRO,
            EPOCH + steps,
            values[steps],
            None,
            False,
            offsets,
        )
        index.apply(Batch(head.key, head.identity, head.end, head.end + share * 40, rows=[block]))
    whole = best(lambda: index.points(PointsRequest([SeriesKey("whole", "train/metric-00000")])))
    forked = best(lambda: index.points(PointsRequest([SeriesKey("part-19", "train/metric-00000")])))
    tell("read over 20 forks", forked, whole, "(floor: the same points in one run)")
    index.close()


def chain(directory: Path, runs: int) -> None:
    """Measure bringing in a long chain of forks, each cut before its parent's end, beside as many runs without a parent."""
    durations = []
    for is_forked in (False, True):
        index = SqliteIndex(directory / f"chain-{is_forked}.db")
        histories = [_resumed(number, is_forked=is_forked) for number in range(runs)]
        start = time.perf_counter()
        with index.together():
            for writer in histories:
                index.apply(writer.batch())
        durations.append(time.perf_counter() - start)
        index.close()
    tell(f"bring in a chain of {runs} runs", durations[1], durations[0], "(floor: runs without a parent)")


def _resumed(number: int, *, is_forked: bool) -> HistoryWriter:
    writer = HistoryWriter(f"run-{number}", now=EPOCH + number * 1_000_000_000)
    writer.create(fork=(f"run-{number - 1}", number * 10 - 4) if is_forked and number else None)
    writer.configs({f"config-{config}": config * number for config in range(20)})
    for step in range(number * 10, number * 10 + 10):
        writer.metrics({f"metric-{metric}": float(step) for metric in range(10)}, step)
    return writer


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000, help="points of the long series")
    add_report_option(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, printed_section("index", arguments.report, Path(name)):
        directory = Path(name)
        drain(directory, 4 * arguments.points)
        follow(directory)
        read(directory, arguments.points)
        read_wide(directory)
        lineage(directory, arguments.points)
        chain(directory, 300)


if __name__ == "__main__":
    main()
