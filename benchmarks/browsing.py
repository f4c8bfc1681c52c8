"""What one waits for in the web UI's tables, in a real browser, and what a server of many runs takes.

Run it with ``python benchmarks/browsing.py``. It needs Chromium, and the bundle (``python3 recipes.py ui``). Times are
of the browser's own clock, without a GPU; those of the server are CPU time where it says so. What charts wait for is in
``benchmarks/ui.py``.

- open: from ``runfork ui``, typed, to its first page; the floor is Python with the modules of the same web server. Then from
  navigation to the rows of the table, each time in a browser that knows nothing; the floor is that of a page of text.
- many: of many runs and a thousand metrics, the time between frames while their table is scrolled as fast as a wheel goes; what
  their server takes that nobody asks anything, while a page is open; and how its memory grows while all rows, orders, filters,
  searches and charts are asked for, again and again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
from benchmarks.reporting.figures import median_and_least, print_line
from benchmarks.reporting.processes import memory_of, processor_seconds
from benchmarks.reporting.sections import add_report_option, printed_section
from playwright.sync_api import sync_playwright
from tests.browser import chromium
from tests.browser.contexts import Contexts
from tests.browser.frames import scroll
from tests.browser.seeds import Seeds
from tests.browser.ui_servers import UiServer
from tests.browser.visits import Visit
from tests.browser.watching import Watch

from runfork.disk.layout import Store
from runfork.testing.waits import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

FLOOR_OF_START = "import starlette.applications, starlette.routing, uvicorn, numpy"
ROWS = """
async () => {
  while (!document.querySelector('.runs-table [role=row][aria-rowindex="5"]')) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now();
}
"""
"""Waits for rows, and for the frame in which they are drawn; milliseconds since navigation."""
TEXT_DRAWN = "async () => { await new Promise(requestAnimationFrame); return performance.now(); }"
_PAGE_ROWS = 200


class Place(NamedTuple):
    """Where it is measured."""

    folder: Path
    browser: Browser
    seeds: Seeds
    visit: Visit
    watch: Watch
    rounds: int


def project_of(place: Place, kind: str, runs: int) -> str:
    """Return a project of many runs, which is drawn unless it is there."""
    project = f"seeds/{kind}-{runs}"
    if not Store(place.seeds.directory).project_directory(project).exists():
        place.seeds.many(project, runs)
    return project


def opened(place: Place, runs: int) -> None:
    """Measure how soon a server answers that was just started, and how soon a table of many runs is there."""
    project = project_of(place, "painted", runs)
    server = UiServer(place.seeds.directory, place.folder / "printed")
    with client_of(server) as client:
        wait_until_read(client, project)
    server.stop()
    starts, floors, anew, again, texts = [], [], [], [], []
    for _ in range(place.rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", FLOOR_OF_START], check=True)
        floors.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        server = UiServer(place.seeds.directory, place.folder / "printed")
        assert httpx.get(server.url, follow_redirects=True).status_code == 200
        starts.append((time.perf_counter() - began) * 1000)
        rows, text = rows_drawn(place, server, project)
        anew.append(rows)
        texts.append(text)
        again.append(rows_drawn(place, server, project)[0])
        server.stop()
    print_line("`runfork ui`, from its command to its first page, ms", median_and_least(starts))
    print_line("floor: Python and the modules of a web server, ms", median_and_least(floors))
    print_line(f"{runs} runs: from navigation to the rows, of a server just started, ms", median_and_least(anew))
    print_line(f"{runs} runs: the same again, in another browser, ms", median_and_least(again))
    print_line("floor: from navigation to a page of text, ms", median_and_least(texts))


def rows_drawn(place: Place, server: UiServer, project: str) -> tuple[float, float]:
    """Return how long after navigation the rows of a table are drawn, and how long after it a page of text is."""
    context = place.browser.new_context(viewport={"width": 1280, "height": 800})
    assert context.request.get(server.url).ok
    page = context.new_page()
    page.goto(server.url_of(f"p/{project}/table"))
    found = float(page.evaluate(ROWS))
    page.goto(server.url_of("api/v1/info"))
    floor = float(page.evaluate(TEXT_DRAWN))
    context.close()
    return found, floor


def many(place: Place, runs: int, asked: argparse.Namespace) -> None:
    """Measure the frames of a table of many runs and a thousand metrics, and what their server takes."""
    project = project_of(place, "browsed", runs)
    elsewhere = {"RUNFORK_INDEX_DIR": str(place.folder / "index")}  # where nothing has been read
    server = UiServer(place.seeds.directory, place.folder / "printed", environment=elsewhere)
    with client_of(server) as client:
        began = time.monotonic()
        wait_until_read(client, project)
        print_line(f"{runs} runs: all journals read for the first time, s", f"{time.monotonic() - began:.1f}")
        read_anew = memory_of(server.pid)
    page = place.visit(server, f"p/{project}/table")
    page.evaluate(ROWS)
    place.watch.settle(page)
    found = [scroll(page, ".runs-table", frames=asked.frames, pixels=300) for _ in range(place.rounds)]
    best = min(found, key=lambda one: one.p95)
    print_line(f"{runs} runs, scrolled: between frames, p50 / p95 ms", f"{best.p50:.1f} / {best.p95:.1f}")
    place.visit.close()
    server.stop()
    print_line("memory of the server that has read all journals, MB", f"{read_anew:.0f}")
    server = UiServer(place.seeds.directory, place.folder / "printed", environment=elsewhere)
    with client_of(server) as client:
        wait_until_read(client, project)
        print_line("memory of one that finds them read, MB", f"{memory_of(server.pid):.0f}")
        passes = browsed(client, server, project, runs, asked.minutes)
        idle = idle_share(client, server, project, asked.seconds)  # by now nothing has changed for a minute
    print_line(
        f"memory after everything was asked for once, MB; {len(passes)} times, MB", f"{passes[0]:.0f}; {passes[-1]:.0f}"
    )
    print_line("grown since the second time, MB", f"{passes[-1] - passes[1]:.1f}")
    print_line("a page is open, nothing happens: CPU of the server, ms a second", f"{idle * 1000:.0f}")
    server.stop()


def browsed(client: httpx.Client, server: UiServer, project: str, runs: int, minutes: float) -> list[float]:
    """Ask for everything again and again; return the memory of the server after each time, at least three."""
    passes, ends = [], time.monotonic() + 60 * minutes
    for number in count():
        browse(client, project, runs, number)
        passes.append(memory_of(server.pid))
        if number > 1 and time.monotonic() > ends:  # the first two fill what is kept
            break
    return passes


def client_of(server: UiServer) -> httpx.Client:
    """Return a client that is logged in."""
    return httpx.Client(
        base_url=f"{server.address}/api/v1/",
        headers={"Authorization": f"Bearer {server.token}"},
        timeout=120,
    )


def wait_until_read(client: httpx.Client, project: str) -> None:
    """Wait until all journals of a project are in the index."""
    until(lambda: not client.get(f"projects/{project}").json()["is_reading"], seconds=600)


def idle_share(client: httpx.Client, server: UiServer, project: str, seconds: float) -> float:
    """Return how much of a processor a server uses while somebody listens and nothing happens."""
    with client.stream("GET", "events", params={"project": project}) as events:
        told = events.iter_text()
        next(told)
        time.sleep(seconds / 3)
        before, began = processor_seconds(server.pid), time.monotonic()
        time.sleep(seconds)
        return (processor_seconds(server.pid) - before) / (time.monotonic() - began)


def browse(client: httpx.Client, project: str, runs: int, number: int) -> None:
    """Ask for all that a project has, as somebody would who looks at everything."""

    def ask(path: str, **body: object) -> httpx.Response:
        answer = client.post(f"projects/{project}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer

    for mode in ("runs", "experiments"):
        for offset in range(0, runs, _PAGE_ROWS):
            ask("runs/search", mode=mode, limit=_PAGE_ROWS, offset=offset, lineage=True, changes=mode == "runs")
    for place in range(10):
        column, text = f"config/{place:02}", f"config/{place:02} > 0.{number % 10}"
        ask("runs/search", sort=[{"column": column, "descending": True}], filter=text, limit=_PAGE_ROWS, lineage=True)
        ask("attributes/search", q=f"layers/{place}{number % 10}", limit=200)
    for first in range(0, runs, 500):
        ids = [f"r{run:05}" for run in range(first, min(runs, first + 50))]
        for path in ("train/loss", "val/acc"):
            ask("series/buckets", run_ids=ids, paths=[path], buckets=600, grid="steady")


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--painted", type=int, default=1000, help="runs of the table that is opened")
    parser.add_argument("--browsed", type=int, default=10_000, help="runs of the table that is scrolled, and browsed")
    parser.add_argument("--minutes", type=float, default=2.0, help="for how long the server's memory is watched")
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each is measured; the median is told, and the least"
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="for how long the server is watched that nobody asks"
    )
    parser.add_argument("--frames", type=int, default=90, help="for how many frames the table is scrolled")
    parser.add_argument("--only", default="", help="part of the name of what to run: open, many")
    parser.add_argument("--data", type=Path, help="keep what is measured in this folder, and find it again")
    add_report_option(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        seeds = Seeds(asked.data or Path(name, "data"))
        seeds.directory.mkdir(parents=True, exist_ok=True)
        parts: dict[str, Callable[[Place], None]] = {
            "open": lambda place: opened(place, asked.painted),
            "many": lambda place: many(place, asked.browsed, asked),
        }
        browser, watch = chromium.launch(playwright), Watch()
        try:
            with printed_section("browsing", asked.report, Path(name)):
                for part, run in parts.items():
                    if asked.only in part:
                        run(Place(Path(name), browser, seeds, Visit(Contexts(browser), watch), watch, asked.rounds))
        finally:
            browser.close()


if __name__ == "__main__":
    main()
