"""Float series cut into buckets: aggregates of sorted points on a grid of equal ranges.

Where each series begins and ends is asked first, for the grid that all share. Points are read when their turn comes, and again if
their ends were asked for: one series fits into memory, a thousand may not.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.interface import Buckets
from runfork.index.sqlite.progressions import Progression, joined, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from runfork.index.interface import SeriesKey
    from runfork.index.sqlite.point_reader import SeriesPoints

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64] | npt.NDArray[np.float32]

__all__ = ["Grid", "StepLine", "TimeLine", "bucketed"]


class StepLine:
    """A series by step, between two of them."""

    def __init__(self, points: SeriesPoints, low: int, high: int) -> None:
        self._points = points
        self._low = low
        self._clusters = points.clusters(low, high)

    @cached_property
    def ends(self) -> tuple[int, int] | None:
        """The first and the last step, None without points."""
        places = range(len(self._clusters))
        first = next(filter(None, map(self._ends_of, places)), None)
        last = next(filter(None, map(self._ends_of, reversed(places))), None)
        return (first[0], last[1]) if first and last else None

    def _ends_of(self, place: int) -> tuple[int, int] | None:
        piece, *others = self._clusters[place]
        if piece.is_whole and not others:
            return piece.low, piece.high
        steps = numbers(self._load(place)[0])
        return (int(steps[0]), int(steps[-1])) if len(steps) else None

    def _load(self, place: int) -> tuple[Progression | Integers, npt.NDArray[Any]]:
        piece, *others = self._clusters[place]
        if piece.is_increasing and not others:
            return self._points.load_short(piece)
        points = self._points.merged(self._clusters[place], self._low)
        return points.steps, points.values

    def load(self) -> tuple[Progression | Integers, npt.NDArray[Any]]:
        """Return the steps and the values, both in as little space as holds them exactly."""
        steps: list[Progression | Integers] = []
        values = []
        for place in range(len(self._clusters)):
            some_steps, some_values = self._load(place)
            if len(some_steps):
                steps.append(some_steps)
                values.append(some_values)
        return joined(steps), np.concatenate(values) if values else np.empty(0)


class TimeLine:
    """A series by the time that its points were logged, between two times where they are given; at equal times by step."""

    def __init__(self, points: SeriesPoints, low: int | None, high: int | None) -> None:
        self._points = points
        self._low = low
        self._high = high

    @cached_property
    def ends(self) -> tuple[int, int] | None:
        """The first and the last time, None without points."""
        times, _ = self.load()
        return (int(times[0]), int(times[-1])) if len(times) else None

    def load(self) -> tuple[Integers, npt.NDArray[Any]]:
        """Return the times and the values."""
        points = self._points.points()
        times, values = points.times, points.values
        assert times is not None
        if not (times[1:] >= times[:-1]).all():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        first = 0 if self._low is None else int(np.searchsorted(times, self._low, side="left"))
        end = len(times) if self._high is None else int(np.searchsorted(times, self._high, side="right"))
        return times[first:end], values[first:end]


class Grid:
    """Equal ranges of x between two ends, both included."""

    def __init__(self, low: int, high: int, count: int) -> None:
        self.low = low
        self.high = high
        self.count = count
        self.edges = np.linspace(low, high, count + 1)
        self._starts: dict[Progression, Integers] = {}
        """Of progressions: many series are logged at the same steps."""

    def cells(self, x: Integers) -> Integers:
        """Return the bucket of each x, which must lie on the grid."""
        span = float(self.high - self.low)
        if not span:
            return np.zeros(len(x), np.int64)
        offset = (x - self.low).astype(np.float64)
        offset *= self.count
        offset /= span
        found = offset.astype(np.int64)
        return np.minimum(found, self.count - 1)

    def starts(self, x: Progression | Integers) -> Integers:
        """Return, for each bucket and the end, how many of the sorted x lie before it."""
        if not isinstance(x, Progression):
            return self._find_starts(x)
        if x not in self._starts:
            self._starts[x] = self._find_starts(x)
        return self._starts[x]

    def _find_starts(self, x: Progression | Integers) -> Integers:
        """Search where buckets begin.

        The bucket of x never decreases with x, so a binary search finds where each begins; it goes by the edges and is then set
        right by the exact rule for the few x beside it.
        """
        wanted = np.arange(1, self.count)
        if self.high == self.low:
            return np.concatenate([[0], np.full(self.count, len(x))])
        found = x.searchsorted(self.edges[1:-1], side="left")
        for _ in range(len(x)):
            late = np.zeros(len(found), np.bool_)
            some = np.flatnonzero(found < len(x))
            late[some] = self.cells(x[found[some]]) < wanted[some]
            early = np.zeros(len(found), np.bool_)
            some = np.flatnonzero(found > 0)
            early[some] = self.cells(x[found[some] - 1]) >= wanted[some]
            if not (late.any() or early.any()):
                break
            found[late] = x.searchsorted(x[found[late]], side="right")
            found[early] = x.searchsorted(x[found[early] - 1], side="left")
        return np.concatenate([[0], found, [len(x)]])


def bucketed(grid: Grid, keys: Sequence[SeriesKey], lines: Iterable[tuple[Progression | Integers, Floats]]) -> Buckets:
    """Aggregate series on a grid: for each its sorted x, all of them on the grid, and its values."""
    shape = (len(keys), grid.count)
    first, last, first_x, last_x, minimum, maximum, mean = (np.full(shape, np.nan) for _ in range(7))
    counts, nan, positive, negative = (np.zeros(shape, np.int64) for _ in range(4))
    for line, (x, values) in enumerate(lines):
        if not len(x):
            continue
        starts = grid.starts(x)
        sizes = np.diff(starts)
        counts[line] = sizes
        filled: Any = slice(None) if sizes.all() else np.flatnonzero(sizes)
        begin, end, sizes = starts[:-1][filled], starts[1:][filled] - 1, sizes[filled]
        first[line, filled], last[line, filled] = values[begin], values[end]
        first_x[line, filled], last_x[line, filled] = x[begin], x[end]
        with np.errstate(all="ignore"):
            sums = np.add.reduceat(values, begin, dtype=np.float64)
            if not np.isfinite(sums).all():
                odd = [nan, positive, negative]
                tests = [np.isnan(values), values == np.inf, values == -np.inf]
                for out, test in zip(odd, tests, strict=True):
                    out[line, filled] = np.add.reduceat(test, begin, dtype=np.int64)
                sizes = sizes - nan[line, filled] - positive[line, filled] - negative[line, filled]
                values = values.astype(np.float64)  # noqa: PLW2901
                finite = np.isfinite(values)
                per_point = np.repeat(np.maximum(sizes, 1), counts[line, filled])
                mean[line, filled] = np.add.reduceat(np.where(finite, values / per_point, 0.0), begin)
                values = np.where(finite, values, np.nan)  # noqa: PLW2901
            else:
                mean[line, filled] = sums / sizes
            minimum[line, filled] = np.fmin.reduceat(values, begin)
            maximum[line, filled] = np.fmax.reduceat(values, begin)
            # Sums are rounded. NaN where nothing is finite.
            mean[line] = np.clip(mean[line], minimum[line], maximum[line])
    return Buckets(
        grid.edges,
        list(keys),
        counts,
        first,
        last,
        first_x,
        last_x,
        minimum,
        maximum,
        mean,
        nan,
        positive,
        negative,
    )
