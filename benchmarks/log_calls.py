"""Cost of a log call, beside the bare floor measured in the same run: python benchmarks/log_calls.py.

The floor packs the values with a prepared ``struct.Struct`` and appends them with one ``os.write``: no names, no checks, no
checksum. Each figure is the time of single calls in microseconds: median and 99th percentile over `CALLS` calls, best of
`ROUNDS` alternating rounds.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runfork import Run, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 5000
ROUNDS = 5


def percentiles(call: Callable[[int], None]) -> tuple[float, float]:
    """Return median and 99th percentile of `call(step)` in microseconds."""
    clock = time.perf_counter_ns
    taken = []
    for step in range(CALLS):
        start = clock()
        call(step)
        taken.append(clock() - start)
    taken.sort()
    return taken[CALLS // 2] / 1000, taken[CALLS * 99 // 100] / 1000


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


def measure(folder: Path) -> None:
    """Print one line for each number of metrics."""
    settings = Settings(directory=str(folder / "runs"), project="local/benchmark")
    print(f"{'metrics':>8} {'floor p50':>10} {'p99':>8} {'runfork p50':>12} {'p99':>8} {'ratio p50':>10}")
    with Run(settings=settings, enable_console_log_capture=False, source_tracking_config=None) as run:
        for count in (1, 10, 100, 1000):
            data = {f"metric/{number}": number / 7 for number in range(count)}
            bare = floor_call(folder, list(data.values()))
            full = runfork_call(run, data)
            rounds = [(percentiles(bare), percentiles(full)) for _ in range(ROUNDS)]
            floor = min(one[0] for one in rounds)
            ours = min(one[1] for one in rounds)
            print(
                f"{count:>8} {floor[0]:>9.1f} {floor[1]:>8.1f} {ours[0]:>12.1f} {ours[1]:>8.1f} {ours[0] / floor[0]:>9.1f}x"
            )


def bring_up(folder: Path) -> None:
    """Print what starting costs in a process of its own."""
    script = (
        "import time; a = time.perf_counter(); from runfork import Run; b = time.perf_counter(); run = Run('bring-up');"
        "run.log_metrics({'x': 1.0}, step=0); c = time.perf_counter(); run.close(); d = time.perf_counter();"
        "print(b - a, c - b, d - c)"
    )
    environment = {**os.environ, "RUNFORK_DIR": str(folder / "runs"), "RUNFORK_QUIET": "1"}
    rows = []
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        rows.append([float(number) * 1000 for number in done.stdout.split()])
    imported, first, closed = (min(row[column] for row in rows) for column in range(3))
    print(
        f"\nfrom runfork import Run {imported:.0f} ms, Run() to first returned log call {first:.0f} ms, close {closed:.0f} ms"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        measure(Path(temporary))
        bring_up(Path(temporary))
