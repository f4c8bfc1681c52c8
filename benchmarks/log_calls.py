"""What a log call costs, beside the bare floor of the same run; what starting costs; and the memory of a process that logs.

``python3 recipes.py bench log_calls [--report FILE]``. The floor packs the values with a prepared ``struct.Struct`` and appends
them with one ``os.write``: no names, no checks, no checksum. Calls are timed one by one, in rounds that alternate with the
floor's; figures are medians over the rounds.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.reporting.documents import markdown_table
from benchmarks.reporting.figures import percentile, short
from benchmarks.reporting.sections import run_command

from runfork import Run, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

METRICS = (1, 10, 100, 1000)
CALLS = 5000
ROUNDS = 7
STARTS = 11

START = """
import time
a = time.perf_counter()
import runfork
b = time.perf_counter()
from runfork import Run
c = time.perf_counter()
run = Run("bring-up")
run.log_metrics({"x": 1.0}, step=0)
d = time.perf_counter()
run.close()
e = time.perf_counter()
print(b - a, c - a, d - c, e - d)
"""
STARTED = ("`import runfork`", "`from runfork import Run`", "`Run()` to the first returned log call", "`close()`")

GROWTH = """
import psutil
from runfork import Run
metrics = {f"metric/{number}": number / 7 for number in range(100)}
resident = psutil.Process().memory_info
with Run("memory", source_tracking_config=None) as run:
    for step in range(400_001):
        run.log_metrics(metrics, step=step)
        if step in (25_000, 100_000, 400_000):
            print(step * 100, resident().rss)
"""


class Taken(NamedTuple):
    """How long calls took, in microseconds."""

    p50: float
    p99: float
    longest: float


def timed(call: Callable[[int], None]) -> Taken:
    """Time single calls of `call(step)`."""
    clock = time.perf_counter_ns
    taken = []
    for step in range(CALLS):
        start = clock()
        call(step)
        taken.append((clock() - start) / 1000)
    taken.sort()
    return Taken(percentile(taken, 0.5), percentile(taken, 0.99), taken[-1])


def floor_call(folder: Path, values: list[float]) -> Callable[[int], None]:
    """Return the bare append of `values`."""
    file = os.open(folder / "floor", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    pack = struct.Struct(f"<qq{len(values)}d").pack

    def call(step: int) -> None:
        os.write(file, pack(step, time.time_ns(), *values))

    return call


def runfork_call(run: Run, data: dict[str, float]) -> Callable[[int], None]:
    """Return the log call that is measured."""

    def call(step: int) -> None:
        run.log_metrics(data, step=step)

    return call


def log_calls(folder: Path) -> str:
    """Return the table of log calls."""
    settings = Settings(directory=str(folder / "runs"), project="local/benchmark")
    rows = []
    with Run(settings=settings, enable_console_log_capture=False, source_tracking_config=None) as run:
        for count in METRICS:
            data = {f"metric/{number}": number / 7 for number in range(count)}
            bare, full = floor_call(folder, list(data.values())), runfork_call(run, data)
            rounds = [(timed(bare), timed(full)) for _ in range(ROUNDS)]
            floor, ours = [Taken(*map(median, zip(*side, strict=True))) for side in zip(*rounds, strict=True)]
            ratio = median(full.p50 / bare.p50 for bare, full in rounds)
            rows.append(
                [f"{count:,}", *map(short, (floor.p50, floor.p99, *ours)), f"{ratio:.1f}", f"{ours.p99 / ours.p50:.1f}"]
            )
    head = [
        "metrics",
        "floor p50",
        "floor p99",
        "runfork p50",
        "runfork p99",
        "longest",
        "times the floor",
        "p99 / p50",
    ]
    return markdown_table(head, rows)


def starting(environment: dict[str, str]) -> str:
    """Return the table of what starting and closing cost, each in a process of its own."""
    found = [list(map(float, _output(START, environment).split())) for _ in range(STARTS)]
    columns = zip(*found, strict=True)
    return markdown_table(
        ["starting, ms", "median", "least"],
        [[name, *map(short, (median(one) * 1e3, min(one) * 1e3))] for name, one in zip(STARTED, columns, strict=True)],
    )


def growth(environment: dict[str, str]) -> str:
    """Return the table of the memory of a process that logs rows of 100 metrics."""
    found = [line.split() for line in _output(GROWTH, environment).splitlines()]
    return markdown_table(
        ["points logged", "memory of the process, MiB"],
        [[f"{int(points):,}", f"{int(size) / 2**20:.1f}"] for points, size in found],
    )


def _output(script: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def measure(folder: Path) -> str:
    """Return the three tables."""
    os.environ["RUNFORK_QUIET"] = "1"
    environment = {**os.environ, "RUNFORK_DIR": str(folder / "runs")}
    return "\n\n".join(["Calls in microseconds.", log_calls(folder), starting(environment), growth(environment)])


if __name__ == "__main__":
    run_command("log_calls", __doc__, measure)
