"""What a run costs that is opened, logged to and closed, one after the other in a process, beside a bare file.

``python3 recipes.py bench runs [--report FILE]``. The floor opens a file in a folder of its own, writes a header and ten rows, has
the disk keep it, and closes it. CPU is that of all threads; the first run of a process pays for what is found out once. Each pair
is measured in turns, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.reporting.documents import markdown_table
from benchmarks.reporting.figures import short
from benchmarks.reporting.sections import run_command

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES = 3

SCRIPT = """
import json, os, sys, time
from pathlib import Path
from runfork import Run

folder = Path(os.environ["RUNFORK_DIR"])

def floor(number):
    home = folder / f"floor-{number}"
    home.mkdir(parents=True)
    file = os.open(home / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, bytes(4096))
    for _ in range(10):
        os.write(file, bytes(100))
    os.fdatasync(file)
    os.close(file)

def ours(number):
    run = Run("benchmark")
    for step in range(10):
        run.log_metrics({"loss": 1.0, "accuracy": 0.5}, step=step)
    before = time.perf_counter()
    run.close()
    return time.perf_counter() - before

def cpu(call, number):
    start = time.process_time()
    closing = call(number)
    return time.process_time() - start, closing

rounds = [(cpu(floor, number), cpu(ours, number)) for number in range(41)]
print(json.dumps([[floor, *run] for (floor, _), run in rounds]))
"""


def measured(folder: Path) -> list[list[float]]:
    """Return CPU of the floor, CPU of a run, and seconds of its close, for each round of one process."""
    environment = {**os.environ, "RUNFORK_DIR": str(folder), "RUNFORK_PROJECT": "local/benchmark"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what runs say of themselves, which is part of what they cost
        check=True,
    )
    rounds: list[list[float]] = json.loads(done.stdout)
    return rounds


def table(processes: list[list[list[float]]]) -> str:
    """Return the table of the first and of further runs, in milliseconds."""
    rows = []
    for name, kept in (("the first of a process", slice(1)), ("each further one", slice(1, None))):
        rounds = [one for rounds in processes for one in rounds[kept]]
        floor, ours, closing = ([one[place] * 1e3 for one in rounds] for place in range(3))
        ratio = median(ours) / median(floor)
        rows.append([name, *map(short, (median(floor), median(ours), min(ours), ratio, median(closing), max(closing)))])
    head = ["a run, ms", "floor, CPU", "runfork, CPU", "least", "times the floor", "`close()`, time", "longest"]
    return markdown_table(head, rows)


def measure(folder: Path) -> str:
    """Return the table of so many processes."""
    return table([measured(folder / str(number)) for number in range(PROCESSES)])


if __name__ == "__main__":
    run_command("runs", __doc__, measure)
