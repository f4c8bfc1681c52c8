"""What rows of varying names cost a reader, beside rows of the same names: experts that are chosen, losses by data set.

Run it with ``python benchmarks/varying.py [--rows N]``. What counts are the ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.reporting.figures import seconds_of
from benchmarks.reporting.sections import add_report_option, printed_section

from runfork import Run
from runfork.reading.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = 60
CHOSEN = 30
LOOKS = 5


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    add_report_option(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, printed_section("varying", arguments.report, Path(folder)):
        os.environ.update(RUNFORK_DIR=folder, RUNFORK_QUIET="1", RUNFORK_MONITORING_SECONDS="0", RUNFORK_CONSOLE="0")
        chooser = random.Random(1)
        names = [f"expert/{number}/load" for number in range(NAMES)]
        print(f"{arguments.rows:,} rows of {CHOSEN} metrics, logged and followed:")
        same = follow("same", arguments.rows, lambda: names[:CHOSEN])
        varying = follow("varying", arguments.rows, lambda: chooser.sample(names, CHOSEN))
        sizes = follow("sizes", arguments.rows, lambda: chooser.sample(names, chooser.randint(1, NAMES - 1)))
        print(
            f"names that vary take {varying / same:.1f} x as long to bring in, where their number varies too {sizes / same:.1f} x"
        )


def follow(run_id: str, rows: int, choose: Callable[[], list[str]]) -> float:
    """Log rows and bring them in; return the seconds that took, and print what a look at one new row takes at start and end."""
    run = Run(run_id=run_id, project=f"bench/{run_id}", source_tracking_config=None)
    step = 0

    def log(count: int) -> None:
        nonlocal step
        for _ in range(count):
            run.log_metrics({name: float(step) for name in choose()}, step=step)
            step += 1

    with Project.open(f"bench/{run_id}") as project:
        log(rows // 100)
        project.refresh()
        first = look(project, log)
        log(rows - step)
        seconds = seconds_of(project.refresh)
        last = look(project, log)
        run.close()
    size = sum(
        path.stat().st_size for path in Path(os.environ["RUNFORK_DIR"], ".index").rglob(f"*{run_id}*") if path.is_file()
    )
    print(
        f"{run_id:12}: brought in {seconds:6.2f} s; a look at one new row {first * 1e3:6.1f} ms after {rows // 100:,} rows, "
        f"{last * 1e3:6.1f} ms after {rows:,} ({last / first:.1f} x); index {size / 1e6:.1f} MB"
    )
    return seconds


def look(project: Project, log: Callable[[int], None]) -> float:
    """Return how long it takes to see one new row, the best of some."""
    found = []
    for _ in range(LOOKS):
        log(1)
        found.append(seconds_of(project.refresh))
    return min(found)


if __name__ == "__main__":
    main()
