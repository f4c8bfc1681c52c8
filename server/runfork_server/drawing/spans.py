"""Into which ranges a chart's axis is divided."""

from __future__ import annotations

from typing import NamedTuple

_MARGIN_SHARE = 4
"""Beside what is asked for, a quarter of it is read on both sides, for the points that lines come from and go to."""
_STEADY_SHARE = 4
"""A steady grid has room for a quarter more ranges than are asked for: until that is filled it stays as it is."""
_KEPT_BITS = 3
"""Of a steady grid's width: it is 4, 5, 6 or 7 times a power of two."""


class Span(NamedTuple):
    """A grid on the chart's axis, in micro-steps or microseconds, and so many ranges more on both sides."""

    low: int
    high: int
    ranges: int
    margin: int = 0

    @classmethod
    def fitted(cls, extent: tuple[int, int], count: int) -> Span:
        """Return the grid that begins and ends with all there is."""
        return cls(*extent, count)

    @classmethod
    def steady(cls, extent: tuple[int, int], count: int) -> Span:
        """Return a grid for all there is that is the same when a little more is there.

        So many ranges or some more are filled. Their width is a round number, and they begin at a multiple of it.
        """
        low, high = extent
        ranges = count + count // _STEADY_SHARE + 1
        least = (high - low) // (ranges - 1) + 1
        unit = 1 << max(0, least.bit_length() - _KEPT_BITS)
        width = -(-least // unit) * unit
        start = low // width * width
        return cls(start, start + width * ranges, ranges)

    @classmethod
    def within(cls, x_range: tuple[int, int], count: int) -> Span:
        """Return the grid for what is asked for: ranges of equal whole width."""
        low, high = x_range
        width = (high - low) // count + 1
        return cls(low, low + width * count, count, max(1, count // _MARGIN_SHARE))

    @property
    def whole(self) -> tuple[int, int, int]:
        """From where to where the grid reaches with its margin, and of how many ranges it is."""
        more = (self.high - self.low) // self.ranges * self.margin
        return self.low - more, self.high + more, self.ranges + 2 * self.margin
