"""Lines of a chart: series of many runs on one grid, with all that tells where they come from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from runfork.index.interface import SeriesKey
from runfork.index.rules.grid import Grid
from runfork.query.outliers import find_outliers, span_of
from runfork_server.drawing.forks import cuts_of, read_tails, tail_ends
from runfork_server.drawing.line_reader import Line, LineReader
from runfork_server.drawing.seen import SeriesReader, places, run_of
from runfork_server.drawing.smoothed import read_curves, smoothed_at
from runfork_server.drawing.spans import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.query.smoothing import Smoothing
    from runfork_server.drawing.forks import Cut, Tail
    from runfork_server.drawing.line_reader import DrawnLine
    from runfork_server.drawing.memory import SeriesMemory
    from runfork_server.drawing.request import AxisKind, DrawingRequest
    from runfork_server.drawing.seen import Ends, Place, Seen

__all__ = ["Drawing", "Line", "draw"]


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
        self._ends: dict[SeriesKey, Ends] = {}

    def draw(self) -> Drawing:
        """Return the chart."""
        request = self._request
        cuts = self._cuts()
        extent = self._extent(cuts)
        span = self._span(extent)
        drawn = LineReader(self._reader, request, self._places).read(self._seen, span)
        self._ends = {key: one.ends for key, one in drawn.items()}
        lines = self._with_outliers([drawn[one.key] for one in self._seen if one.key in drawn], span)
        if request.smoothing is not None:
            lines = self._smoothed(lines, request.smoothing)
        lines = self._with_tails(lines, cuts, span)
        lines += [Line(one.key, one.clock_axis) for one in self._seen if one.key not in drawn]
        return Drawing(request.x, span.low, span.high, span.ranges, extent, [*lines, *self._left_out])

    def _span(self, extent: tuple[int, int]) -> Span:
        request = self._request
        if request.x_range is not None:
            return Span.within(request.x_range, request.count)
        return (Span.steady if request.grid == "steady" else Span.fitted)(extent, request.count)

    # What lies where

    def _cuts(self) -> dict[Place, dict[Cut, None]]:
        """Return beyond which cuts something may be to draw, by where it lies."""
        found: dict[Place, dict[Cut, None]] = defaultdict(dict)
        for one in self._seen if self._request.pruned else ():
            found[self._places[one.key]].update(dict.fromkeys(cuts_of(one)))
        return found

    def _extent(self, cuts: Mapping[Place, Mapping[Cut, None]]) -> tuple[int, int]:
        """Return where everything lies, on the chart's axis; nothing lies at 0."""
        found: list[tuple[int, int]] = []
        for place, keys in self._groups().items():
            some = self._reader.ranges(keys, place.axis).values()
            found += [(first - place.shift, last - place.shift) for first, last in some]
        for place, some_cuts in cuts.items():
            tails = tail_ends(self._reader, some_cuts, place.axis).values()
            found += [(ends.first_x - place.shift, ends.last_x - place.shift) for ends in tails]
        return min((first for first, _ in found), default=0), max((last for _, last in found), default=0)

    def _groups(self) -> dict[Place, list[SeriesKey]]:
        found: dict[Place, list[SeriesKey]] = defaultdict(list)
        for key, place in self._places.items():
            found[place].append(key)
        return found

    # What comes of it

    def _with_outliers(self, drawn: Sequence[DrawnLine], span: Span) -> list[Line]:
        """Return lines with the places that stand out, where entries stand for more than one point."""
        lines = {one.line.key: one.line for one in drawn}
        finite = {key: np.flatnonzero(np.isfinite(line.entries.maximum)) for key, line in lines.items()}
        minima = {key: line.entries.minimum[finite[key]] for key, line in lines.items()}
        maxima = {key: line.entries.maximum[finite[key]] for key, line in lines.items()}
        seen_of_y = span_of([*minima.values()], [*maxima.values()])

        def ask(keys: list[SeriesKey]) -> dict[SeriesKey, list[int]]:
            found = find_outliers([minima[key] for key in keys], [maxima[key] for key in keys], seen_of_y)
            return {key: finite[key][some].tolist() for key, some in zip(keys, found, strict=True)}

        kind = ("outliers", self._reader.inherit, self._request.x, span, seen_of_y)
        outliers = self._reader.memory.read(kind, [*lines], ask, run_of=run_of)
        return [line if line.is_raw else replace(line, outliers=outliers[key]) for key, line in lines.items()]

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

    def _with_tails(self, lines: list[Line], cuts: Mapping[Place, Mapping[Cut, None]], span: Span) -> list[Line]:
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
