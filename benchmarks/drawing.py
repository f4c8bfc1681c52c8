"""What the web UI's charts and consoles wait for in the server: from a question to the bytes of its answer, without the network.

Run it with ``python benchmarks/drawing.py [--only PART]``. The floor of a chart is the answer of the index, buckets without forks,
outliers and frames, in the same run; of a console, reading all its lines once. Times are the least of several. What a reader keeps
between two questions is forgotten before each, but where it says "again".
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.index import batches_of, noise
from benchmarks.projects import Journals
from benchmarks.reporting.sections import add_report_option, printed_section

from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.index.sqlite import SqliteIndex
from runfork.journal.format import Kind
from runfork.model.clock import now_us
from runfork.model.steps import MAX_MICRO_STEP, MICRO
from runfork.query.smoothing import Smoothing
from runfork_server.console.view import ConsoleQuestion, Consoles
from runfork_server.drawing.frames import encode_frame
from runfork_server.drawing.lines import draw
from runfork_server.drawing.memory import SeriesMemory
from runfork_server.drawing.request import DrawingRequest
from runfork_server.points import StepRange, read_portion, split, write_points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATH = "train/metric-00000"
BUCKETS = 600
_LINES_A_RECORD = 1000


def least(function: Callable[[], object], rounds: int, *, before: Callable[[], object] | None = None) -> float:
    """Return the least of several times of a call, in seconds; what is done before each is not counted."""
    times = []
    for _ in range(max(1, rounds)):
        if before is not None:
            before()
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def tell(what: str, seconds: float, floor: float | None = None, note: str = "") -> None:
    """Print one line."""
    ratio = "" if floor is None else f"{seconds / floor:8.2f} x floor ({floor * 1e3:.1f})"
    print(f"{what:58}{seconds * 1e3:10.1f} ms{ratio}  {note}".rstrip(), flush=True)


def charts(folder: Path, runs: int, points: int, rounds: int) -> None:
    """Measure charts of one metric of many runs, and many charts of some runs."""
    index = SqliteIndex(folder / "charts.db")
    for run in range(runs):
        for batch in batches_of(f"r{run}", noise(points, 1, run), 1_000_000):
            index.apply(batch)
    run_ids = tuple(f"r{run}" for run in range(runs))
    keys = [SeriesKey(run_id, PATH) for run_id in run_ids]
    memory = SeriesMemory(index)
    third, half = points // 3 * MICRO, points // 2 * MICRO
    few = (points // 2 * MICRO, (points // 2 + 50) * MICRO)

    def measure(what: str, request: DrawingRequest, bare: BucketsRequest, *, zoomed: bool = False) -> None:
        def ask() -> int:
            return len(encode_frame(draw(memory, request), 1))

        def forget() -> None:
            memory.forget(None)
            if zoomed:  # where all of it was seen before
                draw(memory, whole)

        floor = least(lambda: index.buckets(bare), rounds)
        tell(what, least(ask, rounds, before=forget), floor)
        tell(f"{what}, again", least(ask, rounds), floor)

    whole = DrawingRequest(run_ids, (PATH,), buckets=BUCKETS)
    title = f"{runs} runs x {points}, {BUCKETS} buckets"
    measure(title, whole, BucketsRequest(keys, BUCKETS))
    grown(memory, run_ids, rounds)
    part = DrawingRequest(run_ids, (PATH,), x_range=(third, half), buckets=BUCKETS)
    measure("a sixth of it", part, BucketsRequest(keys, BUCKETS, x_range=(third, half)), zoomed=True)
    measure(
        "50 steps of it",
        DrawingRequest(run_ids, (PATH,), x_range=few),
        BucketsRequest(keys, BUCKETS, x_range=few),
        zoomed=True,
    )
    for kind in ("ema", "centred", "gaussian"):
        smoothing = Smoothing(kind, 0.6)
        smoothed = DrawingRequest(run_ids, (PATH,), buckets=BUCKETS, smoothing=smoothing)
        measure(f"smoothed: {kind}", smoothed, BucketsRequest(keys, BUCKETS))
    by_time = DrawingRequest(run_ids, (PATH,), "relative", buckets=BUCKETS)
    measure("by relative time", by_time, BucketsRequest(keys, BUCKETS, x="time"))
    shown = [DrawingRequest(run_ids[:10], (PATH,), buckets=BUCKETS)] * 12
    taken = least(lambda: [encode_frame(draw(memory, one), 1) for one in shown], rounds)
    tell(f"12 charts of {len(run_ids[:10])} runs", taken)
    index.close()


def grown(memory: SeriesMemory, run_ids: Sequence[str], rounds: int) -> None:
    """Measure what a chart costs that is asked for again since one of its lines has grown."""
    request = DrawingRequest(tuple(run_ids), (PATH,), buckets=BUCKETS, grid="steady")
    one = DrawingRequest((run_ids[0],), (PATH,), buckets=BUCKETS, grid="steady")

    def ask(asked: DrawingRequest, known: Sequence[str] = ()) -> bytes:
        memory.forget(run_ids[:1])
        return encode_frame(draw(memory, asked), 1, known)

    whole = ask(request)
    tags = [series["tag"] for series in header_of(whole)["series"] if series["run_id"] != run_ids[0]]
    floor = least(lambda: ask(one), rounds)
    note = f"{len(ask(request, tags)) / 1e3:.0f} of {len(whole) / 1e3:.0f} kB"
    tell("one of the lines has grown; floor: it alone", least(lambda: ask(request, tags), rounds), floor, note)


def header_of(frame: bytes) -> Any:
    """Return the header of a frame."""
    return json.loads(frame[4 : 4 + int.from_bytes(frame[:4], "little")])


def console(folder: Path, lines: int, rounds: int) -> None:
    """Measure a console of many lines in two streams."""
    journals, start = Journals(folder, "local/console"), now_us()
    with journals.run("talk", start=0) as recorder:
        for first in range(0, lines, _LINES_A_RECORD):
            for place, name in enumerate(("stdout", "stderr")):
                texts = [
                    f"{name} {number} loss 0.{number % 997}" for number in range(first, first + _LINES_A_RECORD, 2)
                ]
                body, at = {f"runtime/{name}": texts}, start + 2 * first + place
                recorder.record_points(Kind.STRINGS, body, step=at, time_us=at, clock_axis=True)
    with journals.open() as project:
        project.refresh()
        keys = [SeriesKey("talk", f"runtime/{name}") for name in ("stdout", "stderr")]
        floor = least(lambda: project.index.points(PointsRequest(keys, inherit="own")), rounds)
        question, consoles = ConsoleQuestion("talk"), Consoles(project.index)

        def end() -> object:
            view = consoles.view(question)
            return view.page(view.total - 1000, 1000)

        tell(f"the end of {lines} lines, the first time", least(end, 1), floor)
        tell("the end again", least(end, rounds), floor)
        tell("a page in the middle", least(lambda: consoles.view(question).page(lines // 2, 1000), rounds), floor)

        def search() -> int:
            view = consoles.view(question)
            return sum(len(view.matches(stretch, "loss 0.99")) for stretch in view.stretches())

        tell("a search through all of them", least(search, rounds), floor)


def stream(folder: Path, points: int) -> None:
    """Measure all points of a long series as CSV, and the memory that it takes."""
    index = SqliteIndex(folder / "stream.db")
    for batch in batches_of("r", noise(points, 1), 1_000_000):
        index.apply(batch)
    key = SeriesKey("r", PATH)
    floor = least(lambda: index.points(PointsRequest([key])), 1)

    def ask(most: int | None = None) -> None:
        for steps in split(index, key, "lineage", StepRange(0, MAX_MICRO_STEP))[:most]:
            series = read_portion(index, key, "lineage", steps)
            assert series is not None
            write_points(series, "csv")

    tell(f"{points} points as CSV", least(ask, 1), floor)
    tracemalloc.start()
    ask(3)
    print(f"{'memory of that, at most':58}{tracemalloc.get_traced_memory()[1] / 1e6:10.1f} MB", flush=True)
    tracemalloc.stop()
    index.close()


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charted", type=int, default=100, help="runs of a chart")
    parser.add_argument("--points", type=int, default=100_000, help="points of each of them")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of a console")
    parser.add_argument("--streamed", type=int, default=10_000_000, help="points that are streamed")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--only", default="", help="part of the name of the benchmarks to run: charts, console, stream")
    add_report_option(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, printed_section("drawing", asked.report, Path(name)):
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "charts": lambda: charts(folder, asked.charted, asked.points, asked.rounds),
            "console": lambda: console(folder, asked.lines, asked.rounds),
            "stream": lambda: stream(folder, asked.streamed),
        }
        for part, run in parts.items():
            if asked.only in part:
                run()


if __name__ == "__main__":
    main()
