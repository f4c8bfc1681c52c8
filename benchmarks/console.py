"""Cost of print() with the console captured, beside print() without: python benchmarks/console.py.

Both write to a file with line buffering, as to a terminal. Figures are CPU microseconds per call, best of `ROUNDS` alternating
rounds of `CALLS` calls.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.reporting.documents import markdown_table
from benchmarks.reporting.figures import short
from benchmarks.reporting.sections import run_command

from runfork import Run, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALLS = 10_000
ROUNDS = 5


def print_line(number: int) -> None:
    """Print what a training loop prints."""
    print(f"step {number} loss 0.1234 accuracy 0.9876")


def draw_bar(number: int) -> None:
    """Draw a progress bar anew."""
    sys.stdout.write(f"\r{number // 100:3}%|##########          | {number}/10000 [00:12<00:34, 123.45it/s]")
    sys.stdout.flush()


def print_in_colour(number: int) -> None:
    """Print a line with control sequences in it."""
    print(f"\x1b[32mINFO\x1b[0m step {number} loss \x1b[1m0.1234\x1b[0m")


WAYS: dict[str, Callable[[int], None]] = {
    "a line": print_line,
    "a line in colour": print_in_colour,
    "a bar drawn anew": draw_bar,
}


def microseconds(call: Callable[[int], None]) -> float:
    """Return what one call costs, without what other threads of the process do."""
    began = time.thread_time()
    for number in range(CALLS):
        call(number)
    return (time.thread_time() - began) / CALLS * 1e6


def measure(folder: Path) -> str:
    """Return the table of what each way of printing costs without and with the console captured."""
    os.environ["RUNFORK_QUIET"] = "1"
    settings = Settings(directory=str(folder / "runs"), project="local/benchmark")
    floors: dict[str, list[float]] = {name: [] for name in WAYS}
    ours: dict[str, list[float]] = {name: [] for name in WAYS}
    with (folder / "console.txt").open("w", buffering=1) as file, contextlib.redirect_stdout(file):
        for _ in range(ROUNDS):
            for name, call in WAYS.items():
                floors[name].append(microseconds(call))
                with Run(settings=settings, source_tracking_config=None):
                    ours[name].append(microseconds(call))
    found = [(name, min(floors[name]), min(ours[name])) for name in WAYS]
    rows = [[name, short(bare), short(captured), short(captured / bare)] for name, bare, captured in found]
    return markdown_table(["print, us of CPU", "bare", "captured", "times"], rows)


if __name__ == "__main__":
    run_command("console", __doc__, measure)
