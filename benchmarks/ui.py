"""What one waits for in the web UI's charts, in a real browser: a click, frames of a zoom, a run that trains, what stays behind.

Run it with ``python benchmarks/ui.py [--only PART]``. It needs Chromium, and the bundle (``python3 recipes.py ui``). Times are of
the browser's own clock, without a GPU; what the server does for them is in ``benchmarks/drawing.py``. The main thread's work is
what its processor spent on it, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.reporting.figures import median_and_least, print_line
from benchmarks.reporting.processes import processor_seconds
from benchmarks.reporting.sections import add_report_option, printed_section
from playwright.sync_api import sync_playwright
from tests.browser import chromium
from tests.browser.charts import settle
from tests.browser.contexts import Contexts
from tests.browser.frames import times_between
from tests.browser.seeds import Seeds
from tests.browser.ui_servers import UiServer
from tests.browser.visits import Visit
from tests.browser.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import CDPSession, Page

METRIC = "noise"

DRAWN = """
async ([lines, act]) => {
  const began = performance.now();
  if (act) document.querySelector(act).click();
  for (;;) {
    const chart = window.__ui?.charts().noise;
    const canvas = document.querySelector("[data-chart=noise] canvas.chart-lines");
    const isDrawn = canvas?.dataset.shown === canvas?.dataset.drawn;
    if (chart?.lines.filter((line) => line.x.length > 0).length === lines && isDrawn)
      return [performance.now() - began, performance.now()];
    await new Promise(requestAnimationFrame);
  }
}
"""
"""Waits until so many lines are drawn, after a click if it is told where; milliseconds since then, and since navigation."""

ZOOM = """
async (frames) => {
  const times = [], work = [];
  const plot = document.querySelector("[data-chart=noise] .chart-over");
  const { left, top, width } = plot.getBoundingClientRect();
  const { port1, port2 } = new MessageChannel();
  let began = 0;
  port1.onmessage = () => work.push(performance.now() - began);
  for (let frame = 0; frame < frames; frame++) {
    times.push(await new Promise(requestAnimationFrame));
    began = performance.now();
    port2.postMessage(null);
    const options = { bubbles: true, cancelable: true, ctrlKey: true, clientX: left + 0.4 * width, clientY: top + 40 };
    plot.dispatchEvent(new WheelEvent("wheel", { ...options, deltaY: frame % 40 < 20 ? -20 : 20 }));
  }
  return [times, work];
}
"""
"""Turns the wheel once a frame; when frames began, and how long after that the main thread was free again, in milliseconds."""

CYCLES = """
async (cycles) => {
  const frame = () => new Promise(requestAnimationFrame);
  const section = () => document.querySelector(".charts-section");
  const click = () => section().querySelector(".charts-section-head").click();
  for (let cycle = 0; cycle < cycles; cycle++) {
    click();
    while (section().querySelector("canvas.chart-lines")) await frame();
    click();
    while (!section().querySelector("canvas.chart-lines[data-drawn]")) await frame();
  }
}
"""


TRAINING = """
import sys, time
from itertools import count
from runfork import Run
with Run(run_id=sys.argv[1], source_tracking_config=None) as run:
    for step in count(int(sys.argv[2])):
        run.log_metrics({"noise": step % 7 / 7}, step=step)
        time.sleep(0.01)
"""
"""Logs a point a hundred times a second, from some step on, until it is killed."""

SENT = """
() => {
  const found = performance.getEntriesByType("resource").filter((one) => one.name.endsWith("/series/buckets"));
  return [found.length, found.reduce((sum, one) => sum + one.transferSize, 0)];
}
"""
"""How often lines were asked for, and how many bytes came."""


class Place(NamedTuple):
    """Where it is measured."""

    seeds: Seeds
    server: UiServer
    visit: Visit
    watch: Watch


def session_of(page: Page) -> CDPSession:
    """Return what asks Chromium for its own figures."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    return session


def busy_seconds(session: CDPSession) -> float:
    """Return how long the main thread has worked, as its processor counts it."""
    found: dict[str, float] = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return found["TaskDuration"]


def charts(place: Place, runs: int, points: int, rounds: int) -> None:
    """Measure one chart of many long lines: opened, clicked, and zoomed."""
    project = place.seeds.curves(runs, points)
    title = f"{runs} lines of {points} points"
    ids = [f"c{number:03}" for number in range(runs)]
    clicks, first_paints = [], []
    for _ in range(rounds):
        page = place.visit(place.server, f"p/{project}/charts?eyes={ids[0]}")
        page.evaluate(DRAWN, [1, None])
        settle(place.watch, page)
        page.get_by_role("button", name="Which runs are drawn").click()
        page.get_by_text("all that were loaded").evaluate("(item) => item.setAttribute('data-bench', '')")
        clicks.append(page.evaluate(DRAWN, [runs, "[data-bench]"])[0])
        page.goto(place.server.url_of(f"p/{project}/charts?eyes={','.join(ids)}"))
        first_paints.append(page.evaluate(DRAWN, [runs, None])[1])
        settle(place.watch, page)
    print_line(f"{title}: a click draws them all, ms", median_and_least(clicks))
    print_line(f"{title}: from navigation to all of them, ms", median_and_least(first_paints))
    zooms, work = [], []
    for _ in range(rounds):
        began, busy = page.evaluate(ZOOM, 120)
        zooms.append(times_between(began))
        work.append(np.percentile(busy, (50, 95)))
        settle(place.watch, page)
    best, least = min(zooms, key=lambda one: one.p95), min(work, key=lambda one: float(one[1]))
    print_line(f"{title}, zoomed: main thread at work in a frame, p50 / p95 ms", f"{least[0]:.1f} / {least[1]:.1f}")
    print_line(f"{title}, zoomed: between frames, p50 / p95 ms", f"{best.p50:.1f} / {best.p95:.1f}")
    place.visit.close()


def live(place: Place, runs: int, points: int, seconds: float) -> None:
    """Measure what it costs that one line of a chart trains, beside others that are over."""
    project = place.seeds.curves(runs, points)
    run_id = f"live{time.time_ns()}"
    settings = {"RUNFORK_DIR": str(place.seeds.directory), "RUNFORK_PROJECT": project, "RUNFORK_QUIET": "1"}
    training = subprocess.Popen(
        [sys.executable, "-c", TRAINING, run_id, str(points // 2)], env={**os.environ, **settings}
    )
    try:
        ids = [run_id, *(f"c{number:03}" for number in range(runs - 1))]
        page = place.visit(place.server, f"p/{project}/charts?eyes={','.join(ids)}")
        page.evaluate(DRAWN, [runs, None])
        session = session_of(page)
        page.evaluate("() => performance.clearResourceTimings()")
        busy, served, began = busy_seconds(session), processor_seconds(place.server.pid), time.monotonic()
        page.wait_for_timeout(seconds * 1000)
        took = time.monotonic() - began
        busy, served = busy_seconds(session) - busy, processor_seconds(place.server.pid) - served
        asked, sent = page.evaluate(SENT)
    finally:
        training.kill()
        training.wait()
    title = f"one of {runs} lines of {points} points trains"
    print_line(f"{title}: asked for, times a second", f"{asked / took:.1f}")
    print_line(f"{title}: sent, kB each time", f"{sent / 1000 / max(asked, 1):.0f}")
    print_line(f"{title}: CPU of the server, ms a second", f"{served * 1000 / took:.0f}")
    print_line(f"{title}: main thread at work, ms a second", f"{busy * 1000 / took:.0f}")
    place.visit.close()


def cycles(place: Place, count: int) -> None:
    """Measure what stays behind after charts were opened and closed."""
    page = place.visit(place.server, f"p/{place.seeds.sweep}/charts?eyes=auto:10")
    settle(place.watch, page)
    session = session_of(page)

    def heap() -> float:
        settle(place.watch, page)
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    page.locator(".charts-section canvas.chart-lines[data-drawn]").first.wait_for()
    page.evaluate(CYCLES, 20)
    before = heap()
    page.evaluate(CYCLES, count)
    print_line(f"{count} times charts closed and opened: left behind, MB", f"{heap() - before:.1f}")
    place.visit.close()


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charted", type=int, default=100, help="lines of a chart")
    parser.add_argument("--points", type=int, default=100_000, help="points of each of them")
    parser.add_argument("--seconds", type=float, default=10.0, help="for how long a run is followed that trains")
    parser.add_argument("--cycles", type=int, default=200, help="how often charts are closed and opened")
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each is measured; the median is told, and the least"
    )
    parser.add_argument("--only", default="", help="part of the name of the benchmarks to run: charts, live, cycles")
    parser.add_argument("--data", type=Path, help="keep what is measured in this folder, and find it again")
    add_report_option(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        seeds = Seeds(asked.data or Path(name, "data"))
        parts: dict[str, Callable[[Place], None]] = {
            "cycles": lambda place: cycles(place, asked.cycles),
            "charts": lambda place: charts(place, asked.charted, asked.points, asked.rounds),
            "live": lambda place: live(place, asked.charted, max(2, asked.points // 10), asked.seconds),
        }
        browser = chromium.launch(playwright)
        watch = Watch()
        seeds.curves(asked.charted, asked.points)
        server = UiServer(seeds.directory, Path(name, "printed"))
        try:
            with printed_section("ui", asked.report, Path(name)):
                for part, run in parts.items():
                    if asked.only in part:
                        run(Place(seeds, server, Visit(Contexts(browser), watch), watch))
        finally:
            server.stop()
            browser.close()


if __name__ == "__main__":
    main()
