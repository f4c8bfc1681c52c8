"""Series on a grid of equal ranges of x: which bucket a point falls into, and what the points of each amount to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runfork.index.interface import Buckets
from runfork.index.rules.progressions import Progression

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from runfork.index.interface import SeriesKey
    from runfork.model.arrays import Floats, Integers

    Values = npt.NDArray[np.float64] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Cut:
    """Where sorted x fall on a grid. What is said of places is said of the buckets that have a point, `filled`."""

    counts: Integers
    filled: slice | npt.NDArray[np.intp]
    begin: Integers
    last: Integers
    first_x: Integers
    last_x: Integers


class Grid:
    """Equal ranges of x between two ends, both included; see `Buckets`."""

    def __init__(self, low: int, high: int, count: int) -> None:
        self.low = low
        self.high = high
        self.count = count
        self.edges = np.linspace(low, high, count + 1)
        self._cuts: dict[Progression, _Cut] = {}
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

    def cut(self, x: Progression | Integers) -> _Cut:
        """Return where at least one sorted x fall."""
        if not isinstance(x, Progression):
            return self._cut(x)
        if x not in self._cuts:
            self._cuts[x] = self._cut(x)
        return self._cuts[x]

    def _cut(self, x: Progression | Integers) -> _Cut:
        starts = self.starts(x)
        counts = np.diff(starts)
        filled = slice(None) if counts.all() else np.flatnonzero(counts)
        begin, last = starts[:-1][filled], starts[1:][filled] - 1
        return _Cut(counts, filled, begin, last, x[begin], x[last])

    def starts(self, x: Progression | Integers) -> Integers:
        """Return, for each bucket and the end, how many of the sorted x lie before it.

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


def bucketed(grid: Grid, keys: Sequence[SeriesKey], lines: Iterable[tuple[Progression | Integers, Values]]) -> Buckets:
    """Aggregate series on a grid: for each its sorted x, all of them on the grid, and its values."""
    shape = (len(keys), grid.count)
    floats = (np.full(shape, np.nan) for _ in range(7))
    numbers = (np.zeros(shape, np.int64) for _ in range(4))
    found = Buckets(grid.edges, list(keys), next(numbers), *floats, *numbers)
    for line, (x, values) in enumerate(lines):
        if not len(x):
            continue
        cut = grid.cut(x)
        found.counts[line] = cut.counts
        found.first_x[line, cut.filled], found.last_x[line, cut.filled] = cut.first_x, cut.last_x
        found.first[line, cut.filled], found.last[line, cut.filled] = values[cut.begin], values[cut.last]
        with np.errstate(all="ignore"):
            sums = np.add.reduceat(values, cut.begin, dtype=np.float64)
            if np.isfinite(sums).all():
                found.mean[line, cut.filled] = sums / cut.counts[cut.filled]
                found.minimum[line, cut.filled] = np.minimum.reduceat(values, cut.begin)
                found.maximum[line, cut.filled] = np.maximum.reduceat(values, cut.begin)
            else:
                _aggregate_odd(found, line, cut, values.astype(np.float64))
    np.clip(found.mean, found.minimum, found.maximum, out=found.mean)  # sums are rounded
    return found


def _aggregate_odd(found: Buckets, line: int, cut: _Cut, values: Floats) -> None:
    """Aggregate values of which some are not finite, or so large that their sum is not."""
    odd = {"nan": np.isnan(values), "positive_infinity": values == np.inf, "negative_infinity": values == -np.inf}
    sizes = cut.counts[cut.filled].copy()
    for name, test in odd.items():
        some = np.add.reduceat(test, cut.begin, dtype=np.int64)
        getattr(found, name)[line, cut.filled] = some
        sizes -= some
    finite = np.isfinite(values)
    per_point = np.repeat(np.maximum(sizes, 1), cut.counts[cut.filled])
    found.mean[line, cut.filled] = np.add.reduceat(np.where(finite, values / per_point, 0.0), cut.begin)
    values = np.where(finite, values, np.nan)
    # NaN where nothing is finite.
    found.minimum[line, cut.filled] = np.fmin.reduceat(values, cut.begin)
    found.maximum[line, cut.filled] = np.fmax.reduceat(values, cut.begin)
