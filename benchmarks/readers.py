"""What a reader of many runs waits for: the first listing, the next ones, filters, charts, and news of runs that go on.

Run it with ``python benchmarks/readers.py [--only PART] [--data FOLDER]``. Everything is written by real runs or by the real writer
of journals, and each line has in the same run a floor: the least that any reader of the same bytes would do. Times are the least of
several, on the clock and, beside it, of processors; in a new process they count from its start to its end, imports included. With
``--data`` the journals are kept, and found again by the next call with the same sizes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.index import aggregates, batches_of, noise
from benchmarks.projects import Journals, configs
from benchmarks.reporting.figures import folder_bytes
from benchmarks.reporting.profiles import profiled
from benchmarks.reporting.sections import add_report_option, printed_section

from runfork.disk.layout import Store
from runfork.index.interface import BucketsRequest, PointsRequest, RunsQuery, SeriesKey, Sort
from runfork.index.sqlite import SqliteIndex
from runfork.journal.format import Kind
from runfork.journal.reader import JournalReader
from runfork.model.filters import Attribute, Filter
from runfork.model.patterns import compile_pattern
from runfork.reading.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHOWN = r"^(p\d\d|m\d)$"
QUIET = {"RUNFORK_QUIET": "1", "RUNFORK_MONITORING_SECONDS": "0", "RUNFORK_CONSOLE": "0"}

RUNS = """
import sys
from runfork import Run
first, end, steps = map(int, sys.argv[1:])
for number in range(first, end):
    with Run(run_id=f"run-{number:05}", source_tracking_config=None) as run:
        if steps:
            run.log_configs({f"p{place:02}": (number * 31 + place * 17) % 1009 / 1009 for place in range(50)})
        for step in range(steps):
            run.log_metrics({f"m{place}": (number * 13 + place) % 997 / (step + 1) for place in range(10)}, step=step)
"""
"""Makes small runs; without steps, runs that log nothing."""

LISTING = """
import sys
from runfork.reading.project import Project
from runfork.index.interface import RunsQuery
from runfork.model.patterns import compile_pattern
with Project.open() as project:
    project.refresh()
    page = project.index.runs(RunsQuery(limit=int(sys.argv[3]) or None))
    values = project.index.values([row.node.run_id for row in page.rows], pattern=compile_pattern(sys.argv[1]))
    assert page.total == int(sys.argv[2]) and len(values) == (int(sys.argv[3]) or page.total)
"""
TABLE = "import sys, runfork; assert len(runfork.fetch_runs_table(attributes=sys.argv[1])) == int(sys.argv[2])"
COMMAND = ["-m", "runfork", "ls", "--runs", "--limit", "0"]

CHECKED = """
import os, sys, zlib
for folder in os.scandir(sys.argv[1]):
    for file in os.scandir(folder):
        zlib.crc32(open(file, "rb").read())
"""
STATED = """
import os, sys, sqlite3, numpy
for folder in os.scandir(sys.argv[1]):
    os.stat(folder)
    for file in os.scandir(folder):
        os.stat(file)
"""
"""What is needed to see that nothing has changed, with the imports that no reader does without."""

NOISY = """
import sys, numpy
from runfork import Run
rows, width = map(int, sys.argv[1:])
values = numpy.random.default_rng(0).standard_normal((rows, width)).astype("f4").astype("f8").tolist()
with Run(run_id="noise", source_tracking_config=None) as run:
    for step, row in enumerate(values):
        run.log_metrics({f"metric/{place}": value for place, value in enumerate(row)}, step=step)
"""

LIVE = """
import sys
from runfork import Run
width, step = int(sys.argv[1]), 0
run = Run(run_id="live", source_tracking_config=None)
for line in sys.stdin:
    for step in range(step, step + int(line)):
        run.log_metrics({f"metric/{place}": float(step + place) for place in range(width)}, step=step)
    step += 1
    print(step, flush=True)
run.close()
"""
"""Logs as many rows as each line of its input says, and tells how many there are."""


class Time(NamedTuple):
    """How long something takes, in seconds.

    Args:
        wall: On the clock.
        cpu: Of processors, all threads and the system's part counted.
    """

    wall: float
    cpu: float


def least(measure: Callable[[], Time], rounds: int) -> Time:
    """Return the least of several times, clock and processors each for itself."""
    return Time(*map(min, zip(*(measure() for _ in range(max(1, rounds))), strict=True)))


def timed(function: Callable[[], object]) -> Time:
    """Time a call in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return Time(time.perf_counter() - wall, time.process_time() - cpu)


@dataclass(frozen=True)
class Bench:
    """What all benchmarks here have in common.

    Args:
        data: A data directory.
        rounds: How often each is measured.
        profile: So many functions are told of whenever journals are brought in.
    """

    data: Path
    rounds: int
    profile: int

    def tell(self, what: str, found: Time, floor: Time | None = None, note: str = "") -> None:
        """Print one line."""
        ratio = "" if floor is None else f"  {found.cpu / floor.cpu:8.1f} x floor ({floor.cpu * 1e3:.1f})"
        print(f"{what:50}{found.wall * 1e3:10.1f} ms{found.cpu * 1e3:10.1f} ms CPU{ratio}  {note}".rstrip(), flush=True)

    def least(self, function: Callable[[], object]) -> Time:
        """Return the least of several times of a call in this process."""
        return least(lambda: timed(function), self.rounds)

    def environment(self, project: str) -> dict[str, str]:
        """Return the variables of a process that works on a project."""
        compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**compiled, **QUIET, "RUNFORK_DIR": str(self.data), "RUNFORK_PROJECT": project}

    def process(self, project: str, *arguments: str) -> Time:
        """Time a Python process from its start to its end."""
        before, start = getrusage(RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments], env=self.environment(project), check=True, stdout=subprocess.DEVNULL
        )
        wall, after = time.perf_counter() - start, getrusage(RUSAGE_CHILDREN)
        return Time(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    def open(self, project: str) -> Project:
        """Open a project as a reader does."""
        return Project.open(project, directory=self.data)

    def index_folder(self, project: str) -> Path:
        """Return the folder that holds the project's index, and those of others in its workspace."""
        path = Store(self.data).index_path(project)
        assert path is not None
        return path.parent

    def forget_index(self, project: str) -> None:
        """Delete what is derived from the journals."""
        shutil.rmtree(self.index_folder(project), ignore_errors=True)

    def bring_in(self, project: str) -> Time:
        """Time a first refresh in this process."""
        self.forget_index(project)
        with self.open(project) as found:
            with profiled(self.profile):
                taken = timed(found.refresh)
            assert not found.unreadable
        return taken

    def parse(self, project: str) -> Time:
        """Time reading and checking all journals of a project in this process, and nothing else."""
        return timed(lambda: _parse_all(Store(self.data).journals(project)))

    def is_made(self, project: str) -> bool:
        """Return whether an earlier call left the journals of a project."""
        return Store(self.data).project_directory(project).is_dir()


def _parse_all(paths: list[Path]) -> None:
    for path in paths:
        reader, position = JournalReader(path), 0
        while (batch := reader.read(position)) is not None and batch.end > position:
            position = batch.end


# Small runs


def small_runs(bench: Bench, runs: int) -> None:
    """Measure listing many small runs, the first time and again."""
    project = f"small/{runs}"
    folder = str(Store(bench.data).project_directory(project))
    if not bench.is_made(project):
        writing = bench.process(project, "-c", RUNS, "0", str(runs), "10")
        bench.tell("writing them", writing, note=f"{writing.cpu / runs * 1e3:.2f} ms of CPU a run")
    parsing = bench.parse(project)
    bringing = bench.bring_in(project)
    bench.tell("bringing them in", bringing, parsing, f"{bringing.cpu / runs * 1e3:.2f} ms a run")
    listing, page = (("-c", LISTING, SHOWN, str(runs), limit) for limit in ("0", str(min(50, runs))))

    def first() -> Time:
        bench.forget_index(project)
        return bench.process(project, *listing)

    found = least(first, min(2, bench.rounds))
    floor = least(lambda: bench.process(project, "-c", CHECKED, folder), bench.rounds)
    bench.tell("first listing, new process", found, floor, f"{found.cpu / runs * 1e3:.2f} ms a run")
    size = folder_bytes(bench.index_folder(project)) / runs / 1e3
    journals = folder_bytes(Path(folder)) / runs / 1e3
    print(f"{'index beside the journals':50}{size:10.1f} kB a run ({journals:.1f} of journals)")
    floor = least(lambda: bench.process(project, "-c", STATED, folder), bench.rounds)
    bench.tell("again, a page of 50, new process", least(lambda: bench.process(project, *page), bench.rounds), floor)
    bench.tell("again, new process", least(lambda: bench.process(project, *listing), bench.rounds), floor)
    bench.tell("again, `runfork ls --runs`", least(lambda: bench.process(project, *COMMAND), bench.rounds), floor)
    floor = least(lambda: bench.process(project, "-c", "import pandas, sqlite3"), bench.rounds)
    table = least(lambda: bench.process(project, "-c", TABLE, SHOWN, str(runs)), bench.rounds)
    bench.tell("again, `fetch_runs_table`, new process", table, floor)
    _long_lived(bench, project)


def _long_lived(bench: Bench, name: str) -> None:
    """Measure a reader that is there for long: looking again, listing, filtering and sorting."""
    floor = bench.least(lambda: _stat_all(Store(bench.data).project_directory(name)))
    with bench.open(name) as project:
        project.refresh()
        bench.tell("again, long-lived reader: refresh", bench.least(project.refresh), floor)

        def listed(limit: int | None) -> None:
            project.refresh()
            page = [row.node.run_id for row in project.index.runs(RunsQuery(limit=limit)).rows]
            assert len(project.index.values(page, pattern=compile_pattern(SHOWN))) == len(page)

        bench.tell("again, long-lived reader: and a page of 50", bench.least(lambda: listed(50)), floor)
        bench.tell("again, long-lived reader: and the whole table", bench.least(lambda: listed(None)), floor)
        condition = Filter.gt(Attribute("p03", "float"), 0.5) & Filter.lt(Attribute("m5", "float_series"), 90.0)
        query = RunsQuery(filter=condition, sort=Sort(Attribute("m0", "float_series")), limit=20)
        bench.tell("filter and sort them, 20 shown", bench.least(lambda: _shown(project, query)))


def _stat_all(folder: Path) -> None:
    for run in os.scandir(folder):
        os.stat(run)  # noqa: PTH116  as a fast reader does
        for file in os.scandir(run):
            os.stat(file)  # noqa: PTH116


def _shown(project: Project, query: RunsQuery) -> None:
    page = [row.node.run_id for row in project.index.runs(query).rows]
    project.index.values(page, pattern=compile_pattern(SHOWN))


def sessions(bench: Bench, runs: int) -> None:
    """Measure opening and closing runs that log nothing."""
    bench.process("sessions/bench", "-c", RUNS, "0", "1", "0")
    one = least(lambda: bench.process("sessions/bench", "-c", RUNS, "0", "1", "0"), bench.rounds)
    many = bench.process("sessions/bench", "-c", RUNS, "1", str(runs + 1), "0")
    taken = Time((many.wall - one.wall) / runs, (many.cpu - one.cpu) / runs)
    bench.tell("`Run()` opened and closed, all threads", taken, note=f"first in its process {one.cpu * 1e3:.0f} ms CPU")


# A large project


def large_project(bench: Bench, runs: int, width: int) -> None:
    """Measure a project of many runs with many configs: bringing it in, its pages, and following it."""
    name, what = f"large/{runs}x{width}", f"{runs} runs x {width} configs"
    if not bench.is_made(name):
        for number in range(runs):
            with Journals(bench.data, name).run(f"run-{number}", start=number) as recorder:
                recorder.record_values(Kind.CONFIGS, configs(number, width))
    floor, taken = bench.parse(name), bench.bring_in(name)
    bench.tell(f"{what}, brought in", taken, floor, f"{taken.cpu / runs * 1e3:.2f} ms a run")
    size = folder_bytes(bench.index_folder(name)) / runs / 1e3
    print(f"{'index beside the journals':50}{size:10.1f} kB a run")
    with bench.open(name) as project:
        bench.tell(f"first refresh of a reader, {runs} runs", timed(project.refresh))
        bench.tell(f"refresh, {runs} runs, nothing new", bench.least(project.refresh))
        _pages(bench, project, runs)
        _one_live(bench, project, runs)


def _pages(bench: Bench, project: Project, runs: int) -> None:
    """Measure pages of the runs table, and what stands in one."""
    index = project.index
    condition = Filter.gt(Attribute("config/3", "float"), 0.5) & Filter.lt(Attribute("config/5", "float"), 1.0)
    by_config = Sort(Attribute("config/7", "float"))
    asked = {
        "page": RunsQuery(limit=50),
        "page: filter, sort": RunsQuery(filter=condition, sort=by_config, limit=50),
        "page: sort": RunsQuery(sort=by_config, limit=50),
        "page: sort, far down": RunsQuery(sort=by_config, limit=50, offset=runs * 9 // 10),
        "page: pattern": RunsQuery(filter=Filter.matches(Attribute("config/4", "string"), "7$"), limit=50),
        "page: heads": RunsQuery(heads_only=True, limit=50),
    }
    columns = np.random.default_rng(0).standard_normal((3, runs))
    floors = {"page: filter, sort": bench.least(lambda: _first_of(columns))}
    for what, query in asked.items():
        bench.tell(f"{what}, {runs} runs", bench.least(lambda: index.runs(query)), floors.get(what))  # noqa: B023
    page = [row.node.run_id for row in index.runs(RunsQuery(limit=50)).rows]
    paths = [f"config/{number}" for number in range(10)]
    bench.tell("values of 50 runs x 10 columns", bench.least(lambda: index.values(page, paths=paths)))
    bench.tell("all definitions", bench.least(index.definitions))


def _first_of(columns: np.ndarray) -> np.ndarray:
    """Return the first 50 of runs that are filtered and sorted by columns in memory."""
    chosen = np.flatnonzero((columns[0] > 0.5) & (columns[1] < 1.0))
    return chosen[np.argsort(columns[2, chosen])[:50]]


def _one_live(bench: Bench, project: Project, runs: int) -> None:
    """Measure following a project where one of many runs goes on."""
    live = Journals(bench.data, project.name).run("live", start=runs)
    with live as recorder:
        project.refresh()
        steps = iter(range(1000))

        def look() -> Time:
            recorder.log_metrics({f"metric/{metric}": 1.0 for metric in range(10)}, next(steps))
            return timed(project.refresh)

        bench.tell(f"refresh, {runs} runs, one of them live", least(look, bench.rounds))
    shutil.rmtree(Store(bench.data).run_directory(project.name, "live"))


# Charts, and news


def chart(bench: Bench, runs: int, points: int) -> None:
    """Measure buckets of a chart with many runs."""
    path = bench.data / f"chart-{runs}-{points}.db"
    columns = [noise(points, 1, run) for run in range(runs)]
    is_made = path.exists()
    index = SqliteIndex(path)
    for run, values in enumerate(columns if not is_made else ()):
        for batch in batches_of(f"r{run}", values, 1_000_000):
            index.apply(batch)
    keys = [SeriesKey(f"r{run}", "train/metric-00000") for run in range(runs)]
    floor = bench.least(lambda: [aggregates(column[:, 0]) for column in columns])
    taken = bench.least(lambda: index.buckets(BucketsRequest(keys, 1000)))
    bench.tell(f"1000 buckets of {runs} runs x {points}", taken, floor)
    part = (points // 3 * 10**6, points // 2 * 10**6 + 1)
    bench.tell(
        "the same of a sixth", bench.least(lambda: index.buckets(BucketsRequest(keys, 1000, x_range=part))), floor
    )
    index.close()


def news(bench: Bench, width: int) -> None:
    """Measure how long a new row of many metrics, written by another process, takes to be seen by a long-lived reader."""
    name = f"news/{width}"
    shutil.rmtree(Store(bench.data).project_directory(name), ignore_errors=True)
    bench.forget_index(name)
    arguments = [sys.executable, "-c", LIVE, str(width)]
    with subprocess.Popen(
        arguments, env=bench.environment(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None

        def write(rows: int) -> int:
            assert writer.stdin is not None
            assert writer.stdout is not None
            print(rows, file=writer.stdin, flush=True)
            return int(writer.stdout.readline())

        write(100)
        (path,) = Store(bench.data).journals(name)
        with bench.open(name) as project:
            project.refresh()
            floors: list[Time] = []

            def look() -> Time:
                size = path.stat().st_size
                step = write(1) - 1
                floors.append(timed(lambda: zlib.crc32(path.read_bytes()[size:])))
                return timed(lambda: _see(project, width, step))

            taken = least(look, 3 * bench.rounds)
        writer.stdin.close()
    floor = Time(*map(min, zip(*floors, strict=True)))
    bench.tell(f"a row of {width} metrics seen, long-lived reader", taken, floor)


def _see(project: Project, width: int, step: int) -> None:
    project.refresh()
    key = SeriesKey("live", f"metric/{width // 2}")
    (series,) = project.index.points(PointsRequest([key], tail=1))
    assert series.values[0] == float(step + width // 2)


def noise_size(bench: Bench, points: int) -> None:
    """Measure what the index takes beside the journal where values are noise of single precision, in rows of 1,000 metrics."""
    width = min(1000, points)
    rows = points // width
    name = f"noise/{rows}x{width}"
    if not bench.is_made(name):
        bench.process(name, "-c", NOISY, str(rows), str(width))
    bench.forget_index(name)
    bench.bring_in(name)
    size = folder_bytes(bench.index_folder(name)) / (rows * width)
    print(f"{f'index of {rows} rows of {width} metrics of noise':50}{size:10.2f} B a point")


def _benchmarks(bench: Bench, asked: argparse.Namespace) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "small", lambda: small_runs(bench, asked.runs)
    yield "sessions", lambda: sessions(bench, asked.sessions)
    yield "large", lambda: large_project(bench, asked.large, asked.configs)
    yield "chart", lambda: chart(bench, asked.charted, asked.points)
    yield "news", lambda: news(bench, asked.metrics)
    yield "noise", lambda: noise_size(bench, asked.noise)


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="small runs")
    parser.add_argument("--sessions", type=int, default=200, help="runs that are opened and closed")
    parser.add_argument("--large", type=int, default=10_000, help="runs of the large project")
    parser.add_argument("--configs", type=int, default=200, help="configs of each of them")
    parser.add_argument("--charted", type=int, default=100, help="runs of the chart")
    parser.add_argument("--points", type=int, default=100_000, help="points of each of them")
    parser.add_argument("--metrics", type=int, default=10_000, help="metrics of the row that is to be seen")
    parser.add_argument("--noise", type=int, default=2_000_000, help="points of noise")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--only", default="", help="part of the name of the benchmarks to run")
    parser.add_argument("--data", type=Path, help="folder that keeps the journals for the next call")
    parser.add_argument(
        "--profile", type=int, default=0, metavar="N", help="name the N functions that take most of bringing in"
    )
    add_report_option(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, printed_section("readers", asked.report, asked.data or Path(name)):
        for part, run in _benchmarks(Bench(asked.data or Path(name), asked.rounds, asked.profile), asked):
            if asked.only in part:
                run()


if __name__ == "__main__":
    main()
