"""Series on a grid, made into what lines consist of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from runfork.index.interface import Buckets
    from runfork.model.arrays import Floats, Integers

_NONFINITE = (("nan", "nan"), ("inf", "positive_infinity"), ("-inf", "negative_infinity"))


@dataclass(frozen=True)
class Entries:
    """What a line consists of: an entry for each range that has a point, by increasing x.

    Args:
        x: float64[n], micro-steps or microseconds on the chart's axis: where the last point of each range lies.
        y: float64[n], where the line goes; NaN where it breaks.
        minimum, maximum, mean: float64[n], of finite values; NaN where there is none.
        counts: float64[n], how many points.
        raw: float64[n], where the line went before it was smoothed; None unless it was.
    """

    x: Floats
    y: Floats
    minimum: Floats
    maximum: Floats
    mean: Floats
    counts: Floats
    raw: Floats | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.x)


_NOTHING = np.empty(0)
NO_ENTRIES = Entries(_NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING)


class NonFinite(NamedTuple):
    """How many points of one range are no numbers.

    Args:
        x: Where the first of its kind lies, if it is the first range that has one; else where the range's last point lies.
        kind: "nan", "inf" or "-inf".
        points: How many.
    """

    x: float
    kind: str
    points: int


@dataclass(frozen=True)
class Cells:
    """One series on a grid that is wider than what is asked for.

    Args:
        buckets: The grid.
        line: The series' place in it.
        margin: So many ranges on both sides are not asked for.
        shift: What x on the chart's axis is less than in the index.
        beyond: The nearest point before (True) and after (False) the grid, where its margin has none: x as in the index, and value.
    """

    buckets: Buckets
    line: int
    margin: int
    shift: int
    beyond: dict[bool, tuple[int, float]] = field(default_factory=dict)

    @property
    def _end(self) -> int:
        return len(self.buckets.edges) - 1 - self.margin

    def has_margin(self, *, is_before: bool) -> bool:
        """Return whether a point lies in the margin."""
        counts = self.buckets.counts[self.line]
        return bool((counts[: self.margin] if is_before else counts[self._end :]).any())

    def entries(self, *, uses_mean: bool) -> tuple[Entries, slice]:
        """Return what the line consists of, with a neighbour on each side where there is one, and which of it is asked for.

        A range whose last value is not finite goes by the mean of those that are.
        """
        counts = self.buckets.counts[self.line]
        inside = np.flatnonzero(counts[self.margin : self._end]) + self.margin
        before = np.flatnonzero(counts[: self.margin])[-1:]
        after = np.flatnonzero(counts[self._end :])[:1] + self._end
        columns = np.concatenate([before, inside, after])
        last, mean = self.buckets.last[self.line, columns], self.buckets.mean[self.line, columns]
        found = Entries(
            self.buckets.last_x[self.line, columns] - self.shift,
            mean if uses_mean else np.where(np.isfinite(last), last, mean),
            self.buckets.minimum[self.line, columns],
            self.buckets.maximum[self.line, columns],
            mean,
            counts[columns].astype(np.float64),
        )
        start = len(before)
        if not len(before) and True in self.beyond:
            found, start = _joined(self._neighbour(is_before=True), found), 1
        if not len(after) and False in self.beyond:
            found = _joined(found, self._neighbour(is_before=False))
        return found, slice(start, start + len(inside))

    def _neighbour(self, *, is_before: bool) -> Entries:
        x, value = self.beyond[is_before]
        y = np.array([value if np.isfinite(value) else np.nan])
        return Entries(np.array([float(x - self.shift)]), y, y, y, y, np.ones(1))

    def nonfinite(self, first_in: Callable[[str, int, int], int]) -> list[NonFinite]:
        """Return what is no number of what is asked for.

        Args:
            first_in: Finds where the first of a kind (as `Buckets` names it) lies, of the points between two x.
        """
        found = []
        for kind, name in _NONFINITE:
            column: Integers = getattr(self.buckets, name)[self.line, self.margin : self._end]
            places = np.flatnonzero(column).tolist()
            for at in places:
                x = self.buckets.last_x[self.line, self.margin + at]
                first_x = self.buckets.first_x[self.line, self.margin + at]
                if at == places[0] and first_x < x:
                    x = first_in(name, int(first_x), int(x))
                found.append(NonFinite(float(x) - self.shift, kind, int(column[at])))
        return sorted(found)


def _joined(*parts: Entries) -> Entries:
    names = ("x", "y", "minimum", "maximum", "mean", "counts")
    return Entries(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def with_points(entries: Entries, inside: slice, x: Floats, values: Floats) -> Entries:
    """Return entries of which those that are asked for are single points.

    Args:
        entries: With neighbours.
        inside: Which of them are asked for.
        x: float64[n], increasing.
        values: float64[n].
    """
    y = np.where(np.isfinite(values), values, np.nan)
    names = ("x", "y", "minimum", "maximum", "mean", "counts")
    before = Entries(*(getattr(entries, name)[: inside.start] for name in names))
    after = Entries(*(getattr(entries, name)[inside.stop :] for name in names))
    return _joined(before, Entries(x, y, y, y, y, np.ones(len(x))), after)
