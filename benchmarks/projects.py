"""What bringing a project's journals into its index costs, end to end: files, reader, checksums, index, commit.

Run it with ``python benchmarks/projects.py [--points N]``. Journals are written by the real writer, and brought in by
`Project.refresh`. Beside the rows of metrics stands what parsing alone costs, in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from benchmarks.reporting.figures import seconds_of
from benchmarks.reporting.profiles import profiled
from benchmarks.reporting.sections import add_report_option, printed_section

from runfork.disk.layout import JOURNAL_SUFFIX, Store
from runfork.journal.format import Kind, encode_file_header
from runfork.journal.reader import JournalReader
from runfork.journal.writer import JournalWriter
from runfork.model.clock import now_us
from runfork.model.steps import MICRO
from runfork.reading.project import Project
from runfork.writing.problems import Problems
from runfork.writing.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def tell(what: str, seconds: float, note: str = "") -> None:
    """Print one line."""
    print(f"{what:52}{seconds * 1e3:11.2f} ms  {note}", flush=True)


@dataclass(frozen=True)
class Journals:
    """A data directory that fills with journals."""

    directory: Path
    project: str = "local/benchmark"
    profile: ClassVar[int] = 0
    """So many functions are told of whenever journals are brought in."""

    @contextmanager
    def run(self, run_id: str, *, start: int, fork: tuple[str, int] | None = None) -> Iterator[Recorder]:
        """Write one run's journal; `start` orders the journals, `fork` is parent and step."""
        created = now_us()
        writer = f"{start:012}"
        path = Store(self.directory).run_directory(self.project, run_id) / f"{writer}{JOURNAL_SUFFIX}"
        identity = {
            "project": self.project,
            "run_id": run_id,
            "writer": writer,
            "host": "h",
            "pid": 1,
            "created": created,
        }
        journal = JournalWriter(lambda: (path, encode_file_header(identity)), on_trouble=print)
        recorder = Recorder(journal, Problems(raises=True))
        body = {
            "run_id": run_id,
            "project": self.project,
            "experiment_name": f"experiment-{start % 500}",
            "creation_time": created,
            "inherit_configs": True,
            "fork": None if fork is None else {"parent": fork[0], "step": fork[1] * MICRO},
        }
        recorder.record(Kind.CREATE, body, time_us=created)
        yield recorder
        recorder.record(Kind.CLOSE, {"state": "finished"})
        journal.close()

    def open(self) -> Project:
        """Open the project as a reader does."""
        return Project.open(self.project, directory=self.directory)

    def bring_in(self) -> float:
        """Return the seconds of a first refresh."""
        with self.open() as project:
            with profiled(self.profile):
                seconds = seconds_of(project.refresh)
            assert not project.unreadable
        return seconds

    def parse(self) -> float:
        """Return the seconds of reading all journals, and nothing else."""
        store = Store(self.directory)
        start = time.perf_counter()
        for path in store.journals(self.project):
            reader, position = JournalReader(path), 0
            while (batch := reader.read(position)) is not None and batch.end > position:
                position = batch.end
        return time.perf_counter() - start


def configs(number: int, count: int) -> dict[str, object]:
    """Return the body of a CONFIGS record: three in four are floats, the others texts."""
    random = np.random.default_rng(number)
    numbers, texts = random.standard_normal(count), random.integers(100, size=count)
    return {
        f"config/{config}": ["float", float(numbers[config])] if config % 4 else ["string", f"value {texts[config]}"]
        for config in range(count)
    }


def chain(directory: Path, runs: int, *, reverse: bool) -> None:
    """Measure a chain of forks, each cut before its parent's end; reversed, children are brought in before their parents."""
    seconds = []
    for length in (runs // 2, runs):
        journals = Journals(directory / str(length))
        for number in range(length):
            fork = (f"run-{number - 1}", number * 10 - 4) if number else None
            start = length - number if reverse else number
            with journals.run(f"run-{number}", start=start, fork=fork) as recorder:
                recorder.record_values(Kind.CONFIGS, configs(number, 20))
                for step in range(number * 10, number * 10 + 10):
                    recorder.log_metrics({f"metric/{metric}": float(step) for metric in range(10)}, step)
        seconds.append(journals.bring_in())
    each = seconds[1] / runs * 1e3
    name = "reversed chain" if reverse else "chain"
    tell(f"{name} of {runs} forks", seconds[1], f"{each:.2f} ms each; {seconds[1] / seconds[0]:.1f} x half as many")


def rows(directory: Path, points: int) -> None:
    """Measure rows of metrics, by their width."""
    for columns in (1, 10, 100, 1000, 10_000):
        count = max(100, points // columns)
        values = np.random.default_rng(0).standard_normal((count, columns)).astype(np.float32).astype(np.float64)
        journals = Journals(directory / str(columns))
        names = [f"train/metric-{column:05}" for column in range(columns)]
        with journals.run("one", start=0) as recorder:
            for step, row in enumerate(values.tolist()):
                recorder.log_metrics(dict(zip(names, row, strict=True)), step)
        floor = journals.parse()
        seconds = journals.bring_in()
        speed, limit = (values.size / one / 1e6 for one in (seconds, floor))
        tell(f"{count} rows of {columns} metrics", seconds, f"{speed:.1f} Mpt/s (parse only {limit:.1f})")


def sparse(directory: Path, series: int) -> None:
    """Measure series that are logged one at a time, each with names of its own."""
    journals = Journals(directory)
    with journals.run("one", start=0) as recorder:
        for step in range(5):
            for number in range(series):
                recorder.log_metrics({f"layer/{number}": float(step)}, step)
    seconds = journals.bring_in()
    tell(
        f"{series} series, each in rows of its own, 5 points each", seconds, f"{seconds / series * 1e6:.0f} us a series"
    )


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=4_000_000, help="points of rows of metrics")
    parser.add_argument("--only", default="", help="part of the name of the benchmarks to run")
    parser.add_argument(
        "--profile",
        type=int,
        default=0,
        metavar="N",
        help="name the N functions that take most of bringing journals in",
    )
    add_report_option(parser)
    arguments = parser.parse_args()
    Journals.profile = arguments.profile
    with tempfile.TemporaryDirectory() as name, printed_section("projects", arguments.report, Path(name)):
        directory = Path(name)
        benchmarks: dict[str, Callable[[], object]] = {
            "chain": lambda: chain(directory / "chain", 300, reverse=False),
            "reversed": lambda: chain(directory / "reversed", 300, reverse=True),
            "rows": lambda: rows(directory / "rows", arguments.points),
            "sparse": lambda: sparse(directory / "sparse", 10_000),
        }
        for benchmark, run in benchmarks.items():
            if arguments.only in benchmark:
                run()


if __name__ == "__main__":
    main()
