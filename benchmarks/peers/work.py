"""The work of one process: what every tracker is put through. Each function returns figures, in seconds and microseconds."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from benchmarks.peers.workload import best_of, count_right, metric_names, table_rows, values_at
from benchmarks.reporting.figures import folder_bytes, percentile, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.peers.tracker import TableTracker, Tracker

RUN = "r0"
WARM_UP = 10

Figures = dict[str, Any]
clock = time.perf_counter


def start_up(tracker: Tracker, *, metrics: int) -> Figures:
    """Open a new store, log once, close."""
    values = values_at(0, metric_names(metrics))
    began = clock()
    tracker.open(RUN)
    opened = clock()
    tracker.log(0, values)
    logged = clock()
    tracker.close()
    return {"open": opened - began, "first_log": logged - opened, "close": clock() - logged}


def calls(tracker: Tracker, *, metrics: int, count: int, seconds: float) -> Figures:
    """Time single calls, one after another; leave without closing."""
    names = metric_names(metrics)
    tracker.open(RUN)
    taken = []
    end = clock() + seconds
    for step in range(count):
        values = values_at(step, names)
        before = time.perf_counter_ns()
        tracker.log(step, values)
        taken.append((time.perf_counter_ns() - before) / 1000)
        if len(taken) > 2 * WARM_UP and clock() > end:
            break
    ordered = sorted(taken[WARM_UP:])
    return {
        "p50": percentile(ordered, 0.5),
        "p99": percentile(ordered, 0.99),
        "max": ordered[-1],
        "calls": len(ordered),
        "leaves": "exit",
    }


def write(tracker: Tracker, *, metrics: int, count: int, seconds: float) -> Figures:
    """Log steps without a pause, close, sync to disk; as many as the seconds allow, none of them for closing."""
    names = metric_names(metrics)
    tracker.open(RUN)
    began = clock()
    steps = 0
    for step in range(count):
        tracker.log(step, values_at(step, names))
        steps += 1
        if clock() - began > seconds:
            break
    looped = clock()
    tracker.close()
    closed = clock()
    sync_folder(tracker.folder)
    ended = clock()
    return {
        "steps": steps,
        "points": steps * metrics,
        "loop": looped - began,
        "close": closed - looped,
        "sync": ended - closed,
        "total": ended - began,
        "bytes": folder_bytes(tracker.folder),
    }


def die(tracker: Tracker, *, metrics: int, count: int, seconds: float, pause: float) -> Figures:
    """Log steps, and be killed as soon as the last call has returned."""
    names = metric_names(metrics)
    prepared = [values_at(step, names) for step in range(count)]
    tracker.open(RUN)
    began = clock()
    steps = 0
    for values in prepared:
        if pause and steps:
            time.sleep(pause)
        tracker.log(steps, values)
        steps += 1
        if clock() - began > seconds:
            break
    return {"steps": steps, "loop": clock() - began, "leaves": "kill"}


def read(tracker: Tracker, *, metrics: int, column: int) -> Figures:
    """Read a series twice, and compare what came back with what was logged, bit for bit."""
    name = metric_names(metrics)[column]
    began = clock()
    points = tracker.read(RUN, name)
    first = clock() - began
    found = {"steps": len(set(points.steps)), "right": count_right(points, column), "first": first}
    began = clock()
    tracker.read(RUN, name)
    return {**found, "second": clock() - began, "bytes": folder_bytes(tracker.folder)}


def write_table(tracker: TableTracker, *, count: int, seconds: float) -> Figures:
    """Make many small runs, as many as the seconds allow."""
    rows = list(table_rows(count))
    began = clock()
    runs = 0
    for row in rows:
        tracker.add(row)
        runs += 1
        if clock() - began > seconds:
            break
    return {"runs": runs, "total": clock() - began, "bytes": folder_bytes(tracker.folder)}


def read_table(tracker: TableTracker, *, runs: int) -> Figures:
    """List all runs, twice, then filter and sort; compare with what was logged."""
    began = clock()
    rows = tracker.rows()
    first = clock() - began
    began = clock()
    tracker.rows()
    second = clock() - began
    began = clock()
    best = tracker.best()
    return {
        "runs": len(rows),
        "columns": min((len(row.configs) for row in rows), default=0),
        "first": first,
        "second": second,
        "filter": clock() - began,
        "is_right": best == best_of(table_rows(runs)),
        "bytes": folder_bytes(tracker.folder),
    }


WORK: Mapping[str, Callable[..., Figures]] = {
    function.__name__: function for function in (start_up, calls, write, die, read, write_table, read_table)
}


def leave(how: str) -> None:
    """End this process the way the work wants it: at once, by SIGKILL, or by returning."""
    if how == "exit":
        os._exit(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
