"""Lines of a chart: series of many runs on one grid, with all that tells where they come from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.index.rules.grid import Grid
from runfork.model.steps import MAX_MICRO_STEP
from runfork.query.outliers import find_outliers
from runfork_server.drawing.cells import NO_ENTRIES, Cells, with_points
from runfork_server.drawing.forks import (
    cuts_of,
    fork_points,
    parts_of,
    read_last_points,
    read_tails,
    tail_ends,
)
from runfork_server.drawing.seen import EVERYWHERE, Place, SeriesReader, ends_of, places
from runfork_server.drawing.smoothed import read_curves, smoothed_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.model.arrays import Floats
    from runfork.query.smoothing import Smoothing
    from runfork_server.drawing.cells import Entries, NonFinite
    from runfork_server.drawing.forks import Cut, ForkPoint, LastPoint, Part, Tail
    from runfork_server.drawing.memory import SeriesMemory
    from runfork_server.drawing.request import AxisKind, DrawingRequest
    from runfork_server.drawing.seen import Ends, Seen

_MOST_POINTS_BY_TIME = 500_000
_MARGIN_SHARE = 4
"""Beside what is asked for, a quarter of it is read on both sides, for the points that lines come from and go to."""


@dataclass(frozen=True)
class Line:
    """One series of a chart. All x are micro-steps or microseconds on the chart's axis.

    Args:
        key: Which series.
        clock_axis: Whether its steps are Unix time.
        entries: What to draw, with one entry on each side of what was asked for, where there is one.
        points: How many points lie in what was asked for.
        is_raw: No entry stands for more than one point.
        nonfinite: What is no number, of what was asked for.
        parts: Which run logged which part.
        forks: Where the line goes from one run to the next.
        tails: What forks cut off its ancestors.
        outliers: Places of entries that stand out.
        ends: Where the whole series begins and ends; None without a point.
    """

    key: SeriesKey
    clock_axis: bool
    entries: Entries = NO_ENTRIES
    points: int = 0
    is_raw: bool = True
    nonfinite: Sequence[NonFinite] = ()
    parts: Sequence[Part] = ()
    forks: Sequence[ForkPoint] = ()
    tails: Sequence[Tail] = ()
    outliers: Sequence[int] = ()
    ends: Ends | None = None


@dataclass(frozen=True)
class Drawing:
    """A chart.

    Args:
        kind: Its axis: the one that was asked for, or "relative" for series that all are on the clock axis.
        low, high: What it spans, in micro-steps or microseconds.
        count: Into how many ranges that is divided.
        extent: Where the first and last point of all lines lie, whatever was asked for.
        lines: The series that there are, in the order of the request.
    """

    kind: AxisKind
    low: int
    high: int
    count: int
    extent: tuple[int, int]
    lines: Sequence[Line]


class _Span(NamedTuple):
    """A grid on the chart's axis, and so many ranges more on both sides."""

    low: int
    high: int
    ranges: int
    margin: int = 0

    @classmethod
    def of(cls, x_range: tuple[int, int] | None, extent: tuple[int, int], count: int) -> _Span:
        """Return the grid for what is asked for: ranges of equal whole width, except where that is all there is."""
        if x_range is None:
            return cls(*extent, count)
        low, high = x_range
        width = (high - low) // count + 1
        return cls(low, low + width * count, count, max(1, count // _MARGIN_SHARE))

    @property
    def whole(self) -> tuple[int, int, int]:
        """From where to where the grid reaches with its margin, and of how many ranges it is."""
        more = (self.high - self.low) // self.ranges * self.margin
        return self.low - more, self.high + more, self.ranges + 2 * self.margin


def draw(memory: SeriesMemory, request: DrawingRequest) -> Drawing:
    """Return what a request asks for.

    Args:
        memory: The project's index, and what was found in it before.
        request: What to draw.
    """
    reader = SeriesReader(memory, request.inherit)
    seen = reader.see([SeriesKey(run_id, path) for path in request.paths for run_id in request.run_ids])
    if request.x == "step" and seen and all(one.clock_axis for one in seen):
        request = replace(request, x="relative", x_range=None)  # the range was given in steps
    return _Drawer(reader, request, seen).draw()


class _Drawer:
    """Draws one request."""

    def __init__(self, reader: SeriesReader, request: DrawingRequest, seen: Sequence[Seen]) -> None:
        self._reader = reader
        self._request = request
        self._places = places(reader, seen, request.x)
        self._seen = [one for one in seen if one.key in self._places]
        self._left_out = [Line(one.key, one.clock_axis) for one in seen if one.key not in self._places]
        self._groups: dict[Place, list[SeriesKey]] = defaultdict(list)
        for key, place in self._places.items():
            self._groups[place].append(key)
        self._ends: dict[SeriesKey, Ends] = {}
        self._points_left = _MOST_POINTS_BY_TIME

    def draw(self) -> Drawing:
        """Return the chart."""
        request = self._request
        cells = self._read_whole()
        if cells is None:
            for place, keys in self._groups.items():
                self._ends.update(self._reader.ends(keys, place.axis))
        cuts = self._cuts()
        extent = self._extent(cuts)
        span = _Span.of(request.x_range, extent, request.count)
        if cells is None:
            cells = self._read_cells(span)
        last_points = read_last_points(self._reader, self._seen)
        there = [one for one in self._seen if one.key in self._ends and one.key in cells]
        drawn_keys = {one.key for one in there}
        lines = [self._line(one, cells[one.key], last_points, span) for one in there]
        lines = _with_outliers(lines)
        if request.smoothing is not None:
            lines = self._smoothed(lines, request.smoothing)
        lines = self._with_tails(lines, cuts, span)
        lines += [Line(one.key, one.clock_axis) for one in self._seen if one.key not in drawn_keys]
        return Drawing(request.x, span.low, span.high, span.ranges, extent, [*lines, *self._left_out])

    # What lies where

    def _read_whole(self) -> dict[SeriesKey, Cells] | None:
        """Return all there is, found with its ends at one look; None where something else is asked for."""
        request = self._request
        if request.x_range is not None or request.pruned or len(self._groups) != 1:
            return None
        ((place, keys),) = self._groups.items()
        if place.shift or place.axis != "step":  # of times, the ends are not known without looking at all of them
            return None
        asked = BucketsRequest(keys, request.count, x=place.axis, inherit=self._reader.inherit)
        buckets = self._reader.index.buckets(asked)
        self._ends = ends_of(buckets)
        self._reader.keep_ends(self._ends, place.axis)
        return {key: Cells(buckets, line, 0, 0) for line, key in enumerate(buckets.keys)}

    def _cuts(self) -> dict[Place, dict[Cut, None]]:
        """Return beyond which cuts something may be to draw, by where it lies."""
        found: dict[Place, dict[Cut, None]] = defaultdict(dict)
        for one in self._seen if self._request.pruned else ():
            found[self._places[one.key]].update(dict.fromkeys(cuts_of(one)))
        return found

    def _extent(self, cuts: Mapping[Place, Mapping[Cut, None]]) -> tuple[int, int]:
        """Return where everything lies, on the chart's axis; nothing lies at 0."""
        found = [(ends, self._places[key].shift) for key, ends in self._ends.items()]
        for place, some in cuts.items():
            found += [(ends, place.shift) for ends in tail_ends(self._reader, some, place.axis).values()]
        low = min((ends.first_x - shift for ends, shift in found), default=0)
        return low, max((ends.last_x - shift for ends, shift in found), default=0)

    def _read_cells(self, span: _Span) -> dict[SeriesKey, Cells]:
        found: dict[SeriesKey, Cells] = {}
        low, high, count = span.whole
        for place, keys in self._groups.items():
            x_range = (low + place.shift, high + place.shift)
            request = BucketsRequest(keys, count, x=place.axis, x_range=x_range, inherit=self._reader.inherit)
            buckets = self._reader.index.buckets(request)
            cells = {key: Cells(buckets, line, span.margin, place.shift) for line, key in enumerate(buckets.keys)}
            if span.margin:
                self._look_beyond(cells, place, x_range)
            found.update(cells)
        return found

    def _look_beyond(self, cells: Mapping[SeriesKey, Cells], place: Place, x_range: tuple[int, int]) -> None:
        """Find the points before and after the grid, of lines that have none in its margin."""
        low, high = x_range
        alone = [(key, self._ends[key]) for key in cells if key in self._ends]
        before = [key for key, ends in alone if ends.first_x < low and not cells[key].has_margin(is_before=True)]
        after = [key for key, ends in alone if ends.last_x > high and not cells[key].has_margin(is_before=False)]
        for key, ends in self._ends_within(before, place, (EVERYWHERE[0], low - 1)).items():
            cells[key].beyond[True] = (ends.last_x, ends.last)
        for key, ends in self._ends_within(after, place, (high + 1, EVERYWHERE[1])).items():
            cells[key].beyond[False] = (ends.first_x, ends.first)

    def _ends_within(self, keys: Sequence[SeriesKey], place: Place, x_range: tuple[int, int]) -> dict[SeriesKey, Ends]:
        if not keys:
            return {}
        request = BucketsRequest(keys, 1, x=place.axis, x_range=x_range, inherit=self._reader.inherit)
        return ends_of(self._reader.index.buckets(request))

    # What comes of it

    def _line(self, seen: Seen, cells: Cells, last_points: Mapping[Cut, LastPoint], span: _Span) -> Line:
        ends, place = self._ends[seen.key], self._places[seen.key]
        entries, inside = cells.entries(uses_mean=self._request.line == "mean")
        counts = entries.counts[inside]
        points, is_raw = int(counts.sum()), bool(counts.max(initial=0) <= 1)
        if not is_raw and points <= span.ranges and (found := self._points_within(seen.key, span)) is not None:
            entries, is_raw = with_points(entries, inside, *found), True
        forks = fork_points(self._reader, seen, place, ends, last_points)
        parts = parts_of(seen, ends, forks)
        marks = [fork for fork in forks if fork.is_at_its_place]
        shift = place.shift
        return Line(
            seen.key,
            seen.clock_axis,
            entries,
            points=points,
            is_raw=is_raw,
            nonfinite=cells.nonfinite(),
            parts=[part._replace(start=part.start - shift, end=part.end - shift) for part in parts],
            forks=[fork._replace(x=fork.x - shift) for fork in marks],
            ends=ends._replace(first_x=ends.first_x - shift, last_x=ends.last_x - shift),
        )

    def _points_within(self, key: SeriesKey, span: _Span) -> tuple[Floats, Floats] | None:
        """Return the points of a line on the grid, where some lie so near to each other that they share a range.

        By time that means to read all of the series: None where that was done for many points already.
        """
        place = self._places[key]
        low, high = span.low + place.shift, span.high + place.shift - (1 if span.margin else 0)
        if place.axis == "step":
            steps = (max(low, 0), max(high, -1))
        else:
            self._points_left -= self._ends[key].points
            if self._points_left < 0:
                return None
            steps = (0, MAX_MICRO_STEP)
        found = self._reader.index.points(PointsRequest([key], inherit=self._reader.inherit, step_range=steps))
        if not found:
            return None  # deleted meanwhile
        (series,) = found
        x = series.steps if place.axis == "step" else series.times
        order = np.argsort(x, kind="stable")
        order = order[(x[order] >= low) & (x[order] <= high)]
        return (x[order] - place.shift).astype(np.float64), np.asarray(series.values, dtype=np.float64)[order]

    def _smoothed(self, lines: Sequence[Line], smoothing: Smoothing) -> list[Line]:
        """Return lines that go where they are smoothed to; they break where they did."""
        by_axis: dict[str, dict[SeriesKey, Ends]] = defaultdict(dict)
        for key, ends in self._ends.items():
            by_axis[self._places[key].axis][key] = ends
        curves = {
            key: curve
            for axis, ends in by_axis.items()
            for key, curve in read_curves(self._reader, ends, "step" if axis == "step" else "time").items()
        }
        smooth = [line for line in lines if line.key in curves]
        finite = [np.isfinite(line.entries.mean) for line in smooth]
        x = [line.entries.x[some] + self._places[line.key].shift for line, some in zip(smooth, finite, strict=True)]
        values = smoothed_at([curves[line.key] for line in smooth], smoothing, x)
        found = []
        for line, some, one in zip(smooth, finite, values, strict=True):
            y = np.full(len(line.entries), np.nan)
            y[some] = one
            found.append(replace(line, entries=replace(line.entries, y=y, raw=line.entries.y)))
        return found

    def _with_tails(self, lines: list[Line], cuts: Mapping[Place, Mapping[Cut, None]], span: _Span) -> list[Line]:
        """Return lines with what forks cut off their ancestors."""
        tails: dict[tuple[Place, Cut], Tail] = {}
        for place, some in cuts.items():
            there = tail_ends(self._reader, some, place.axis)
            grid = Grid(span.low + place.shift, span.high + place.shift, span.ranges)
            for cut, tail in read_tails(self._reader.index, there, place.axis, grid).items():
                if len(tail.x):
                    tails[place, cut] = tail._replace(x=tail.x - place.shift)
        if not tails:
            return lines
        seen = {one.key: one for one in self._seen}
        found = []
        for line in lines:
            place = self._places[line.key]
            own = [tails[place, cut] for cut in cuts_of(seen[line.key]) if (place, cut) in tails]
            found.append(replace(line, tails=own))
        return found


def _with_outliers(lines: Sequence[Line]) -> list[Line]:
    """Return lines with the places that stand out, where entries stand for more than one point."""
    finite = [np.flatnonzero(np.isfinite(line.entries.maximum)) for line in lines]
    places = find_outliers(
        [line.entries.minimum[some] for line, some in zip(lines, finite, strict=True)],
        [line.entries.maximum[some] for line, some in zip(lines, finite, strict=True)],
    )
    return [
        line if line.is_raw else replace(line, outliers=some[found].tolist())
        for line, some, found in zip(lines, finite, places, strict=True)
    ]
