"""Where a line goes from one run of the lineage to the next, and what its forks cut off."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.index.rules.grid import Grid, bucketed
from runfork.model.steps import MAX_MICRO_STEP
from runfork_server.drawing.seen import EVERYWHERE, Ends, ends_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runfork.index.interface import Buckets, Index
    from runfork.model.arrays import Floats, Integers
    from runfork_server.drawing.seen import IndexAxis, Place, Seen, SeriesReader


class Cut(NamedTuple):
    """A series of one run up to a micro-step, or beyond it."""

    run_id: str
    path: str
    step: int


class LastPoint(NamedTuple):
    """The last point of a series at or before a cut."""

    step: int
    time: int
    value: float


class ForkPoint(NamedTuple):
    """Where a line goes from a parent's points to those of its child.

    Args:
        parent, child: The runs.
        step: The last micro-step that the child inherits of this series.
        x: Where that is, as the index counts.
        y: The value there: of the last point that is inherited.
        is_at_its_place: The child left its parent here; if not, a later fork went back behind that.
    """

    parent: str
    child: str
    step: int
    x: int
    y: float
    is_at_its_place: bool


class Part(NamedTuple):
    """The part of a line that one run logged, from one x to another, as the index counts."""

    run_id: str
    start: int
    end: int
    is_own: bool


class Tail(NamedTuple):
    """What a run logged beyond its cut, thinned out: x as the index counts, and the last value of each range."""

    run_id: str
    x: Floats
    y: Floats


def read_last_points(reader: SeriesReader, seen: Iterable[Seen]) -> dict[Cut, LastPoint]:
    """Return the last inherited point before each fork of each line; cuts before which there is none are left out."""
    cuts = [
        Cut(parent.run_id, one.key.path, parent.high)
        for one in seen
        for parent, _ in pairwise(one.segments)
        if parent.high >= 0
    ]

    def ask(missing: list[Cut]) -> dict[Cut, LastPoint | None]:
        by_step = defaultdict(list)
        for cut in missing:
            by_step[cut.step].append(SeriesKey(cut.run_id, cut.path))
        found: dict[Cut, LastPoint | None] = dict.fromkeys(missing)
        for step, keys in by_step.items():
            for one in reader.index.points(PointsRequest(keys, step_range=(None, step), tail=1)):
                if len(one.steps):
                    last = LastPoint(int(one.steps[0]), int(one.times[0]), float(one.values[0]))
                    found[Cut(one.key.run_id, one.key.path, step)] = last
        return found

    known = reader.memory.read("last point", [*dict.fromkeys(cuts)], ask, run_of=run_of_cut)
    return {cut: point for cut, point in known.items() if point is not None}


def run_of_cut(cut: Cut) -> str:
    """Return the run of a cut series."""
    return cut.run_id


def fork_points(
    reader: SeriesReader, seen: Seen, place: Place, ends: Ends, last_points: Mapping[Cut, LastPoint]
) -> list[ForkPoint]:
    """Return where a line goes from run to run, root first; what inherits nothing is left out.

    By step a fork lies at its cut, or, where nothing comes after it, at the last point. By time it lies where the last inherited
    point was logged.
    """
    found: list[ForkPoint] = []
    for parent, child in pairwise(seen.segments):
        last = last_points.get(Cut(parent.run_id, seen.key.path, parent.high))
        if last is None:
            continue
        at_step = parent.high if ends.last_x > parent.high else last.step
        x = at_step if place.axis == "step" else last.time
        x = max(x, found[-1].x) if found else x
        fork = reader.nodes[child.run_id].fork
        is_at_its_place = fork is not None and fork.cut(seen.key.path, clock_axis=seen.clock_axis) == parent.high
        found.append(ForkPoint(parent.run_id, child.run_id, parent.high, x, last.value, is_at_its_place))
    return found


def parts_of(seen: Seen, ends: Ends, forks: Sequence[ForkPoint]) -> list[Part]:
    """Return who logged which part of a line, root first; each begins where the one before ends."""
    found: list[Part] = []
    start = ends.first_x
    for fork in forks:
        if fork.x > start or not found:
            found.append(Part(fork.parent, start, max(start, fork.x), is_own=False))
        start = max(start, fork.x)
    if ends.last_x > start or not found:
        found.append(Part(seen.key.run_id, start, max(start, ends.last_x), is_own=True))
    return found


# What forks cut off


def cuts_of(seen: Seen) -> list[Cut]:
    """Return beyond which steps ancestors have points that a line does not show."""
    return [Cut(one.run_id, seen.key.path, one.high) for one in seen.segments if one.high < MAX_MICRO_STEP]


def tail_ends(reader: SeriesReader, cuts: Iterable[Cut], axis: IndexAxis) -> dict[Cut, Ends]:
    """Return where what lies beyond cuts begins and ends; cuts beyond which there is nothing are left out."""

    def ask(missing: list[Cut]) -> dict[Cut, Ends | None]:
        found: dict[Cut, Ends | None] = dict.fromkeys(missing)
        for step, keys in _by_step(missing).items():
            whole = _read_beyond(reader.index, keys, step, axis, Grid(*EVERYWHERE, 1))
            found.update({Cut(*key, step): ends for key, ends in ends_of(whole).items()})
        return found

    known = reader.memory.read(("tail ends", axis), [*dict.fromkeys(cuts)], ask, run_of=run_of_cut)
    return {cut: ends for cut, ends in known.items() if ends is not None}


def read_tails(index: Index, cuts: Iterable[Cut], axis: IndexAxis, grid: Grid) -> dict[Cut, Tail]:
    """Return what lies beyond cuts on a grid; ranges in which nothing is finite are gaps."""
    found = {}
    for step, keys in _by_step(dict.fromkeys(cuts)).items():
        buckets = _read_beyond(index, keys, step, axis, grid)
        for line, key in enumerate(buckets.keys):
            filled = np.flatnonzero(buckets.counts[line])
            last = buckets.last[line, filled]
            y = np.where(np.isfinite(last), last, buckets.mean[line, filled])
            found[Cut(*key, step)] = Tail(key.run_id, buckets.last_x[line, filled], y)
    return found


def _by_step(cuts: Iterable[Cut]) -> dict[int, list[SeriesKey]]:
    found = defaultdict(list)
    for cut in cuts:
        found[cut.step].append(SeriesKey(cut.run_id, cut.path))
    return found


def _read_beyond(index: Index, keys: Sequence[SeriesKey], step: int, axis: IndexAxis, grid: Grid) -> Buckets:
    """Return own points beyond a step, on the part of a grid where they may be."""
    if axis == "step":
        low = max(grid.low, step + 1)
        if low > grid.high:
            return bucketed(grid, [], [])
        count = max(1, grid.count * (grid.high - low) // max(grid.high - grid.low, 1)) if grid.count > 1 else 1
        return index.buckets(BucketsRequest(keys, count, x_range=(low, grid.high), inherit="own"))
    lines: list[tuple[Integers, Floats]] = []
    there = []
    for key in keys:
        for one in index.points(PointsRequest([key], inherit="own", step_range=(step + 1, None))):
            order = np.argsort(one.times, kind="stable")
            times, values = one.times[order], np.asarray(one.values)[order]
            first, end = np.searchsorted(times, grid.low), np.searchsorted(times, grid.high, side="right")
            lines.append((times[first:end], values[first:end]))
            there.append(key)
    return bucketed(grid, there, lines)
