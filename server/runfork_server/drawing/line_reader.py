"""Lines, each by itself: read on a grid that all lines of a chart share, and kept until their runs read differently."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from runfork.index.interface import BucketsRequest, PointsRequest
from runfork.model.steps import MAX_MICRO_STEP
from runfork_server.drawing.cells import NO_ENTRIES, Cells, with_points
from runfork_server.drawing.forks import fork_points, parts_of, read_last_points
from runfork_server.drawing.seen import EVERYWHERE, ends_of, run_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runfork.index.interface import SeriesKey
    from runfork.model.arrays import Floats
    from runfork_server.drawing.cells import Entries, NonFinite
    from runfork_server.drawing.forks import Cut, ForkPoint, LastPoint, Part, Tail
    from runfork_server.drawing.request import DrawingRequest
    from runfork_server.drawing.seen import Ends, Place, Seen, SeriesReader
    from runfork_server.drawing.spans import Span

_MOST_POINTS_BY_TIME = 500_000
_CLOSER = 1000


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


class DrawnLine(NamedTuple):
    """A line as it is kept: not smoothed, without outliers and tails; and where its series begins and ends, as the index counts."""

    line: Line
    ends: Ends


class LineReader:
    """Reads lines of one chart.

    Args:
        reader: Asks the index, and keeps answers.
        request: What is drawn.
        places: Where each series lies on the chart's axis.
    """

    def __init__(self, reader: SeriesReader, request: DrawingRequest, places: Mapping[SeriesKey, Place]) -> None:
        self._reader = reader
        self._request = request
        self._places = places
        self._ends: dict[SeriesKey, Ends] = {}
        self._points_left = _MOST_POINTS_BY_TIME

    def read(self, seen: Sequence[Seen], span: Span) -> dict[SeriesKey, DrawnLine]:
        """Return the lines of series that have a point."""
        by_key = {one.key: one for one in seen}
        kind = ("line", self._reader.inherit, self._request.x, self._request.line, span)

        def ask(missing: list[SeriesKey]) -> dict[SeriesKey, DrawnLine]:
            return self._drawn([by_key[key] for key in missing], span)

        return self._reader.memory.read(kind, [*by_key], ask, run_of=run_of, size_of=_size)

    def _drawn(self, seen: Sequence[Seen], span: Span) -> dict[SeriesKey, DrawnLine]:
        cells = self._read_cells([one.key for one in seen], span)
        last_points = read_last_points(self._reader, seen)
        there = [one for one in seen if one.key in cells and one.key in self._ends]
        return {
            one.key: DrawnLine(self._line(one, cells[one.key], last_points, span), self._ends[one.key]) for one in there
        }

    def _read_cells(self, keys: Iterable[SeriesKey], span: Span) -> dict[SeriesKey, Cells]:
        found: dict[SeriesKey, Cells] = {}
        low, high, count = span.whole
        groups = defaultdict(list)
        for key in keys:
            groups[self._places[key]].append(key)
        for place, group in groups.items():
            x_range = (low + place.shift, high + place.shift)
            request = BucketsRequest(group, count, x=place.axis, x_range=x_range, inherit=self._reader.inherit)
            buckets = self._reader.index.buckets(request)
            cells = {key: Cells(buckets, line, span.margin, place.shift) for line, key in enumerate(buckets.keys)}
            if span.margin:
                self._ends.update(self._reader.ends(group, place.axis))
                self._look_beyond(cells, place, x_range)
            else:  # all there is, and so where that ends
                ends = ends_of(buckets)
                self._ends.update(ends)
                self._reader.keep_ends(ends, place.axis)
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

    def _line(self, seen: Seen, cells: Cells, last_points: Mapping[Cut, LastPoint], span: Span) -> Line:
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
            nonfinite=cells.nonfinite(lambda kind, low, high: self._first_in(seen.key, kind, low, high)),
            parts=[part._replace(start=part.start - shift, end=part.end - shift) for part in parts],
            forks=[fork._replace(x=fork.x - shift) for fork in marks],
            ends=ends._replace(first_x=ends.first_x - shift, last_x=ends.last_x - shift),
        )

    def _first_in(self, key: SeriesKey, kind: str, low: int, high: int) -> int:
        """Return where the first value of a kind that is no number lies between two x, in one closer look after the other."""
        axis = self._places[key].axis
        while low < high:
            request = BucketsRequest([key], _CLOSER, x=axis, x_range=(low, high), inherit=self._reader.inherit)
            buckets = self._reader.index.buckets(request)
            places: Sequence[int] = np.flatnonzero(getattr(buckets, kind)[0]).tolist() if buckets.keys else []
            if not places:
                return high  # deleted meanwhile
            low, high = int(buckets.first_x[0, places[0]]), int(buckets.last_x[0, places[0]])
        return low

    def _points_within(self, key: SeriesKey, span: Span) -> tuple[Floats, Floats] | None:
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


def _size(drawn: DrawnLine) -> int:
    entries = drawn.line.entries
    columns = {
        id(one): one.nbytes
        for one in (entries.x, entries.y, entries.minimum, entries.maximum, entries.mean, entries.counts)
    }
    return sum(columns.values())
