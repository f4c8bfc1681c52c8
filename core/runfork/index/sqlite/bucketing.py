"""Aggregates of sorted points on a grid of equal ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.interface import Buckets
from runfork.index.sqlite.progressions import Progression

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from runfork.index.interface import SeriesKey

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64] | npt.NDArray[np.float32]

__all__ = ["Grid", "bucketed"]


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
