"""A canvas of braille dots: two columns and four rows of dots in each character.

What is drawn is never thinned out: every column of dots spans from the least to the greatest value that falls into it, so
one point among a million is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from runfork.model.arrays import Bools, Floats

DOT_COLUMNS = 2
DOT_ROWS = 4
_BLANK = 0x2800
_WEIGHTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_DASH = 4
_SPIKE = 4.0
"""A dashed column is drawn in full when it spans so many times the median column."""

Span = list[tuple[str, str | None]]
"""One line of output: stretches of text, each with the style it has."""


@dataclass(frozen=True)
class Columns:
    """Points of one line, gathered into columns of equal width.

    Args:
        first, last, minimum, maximum: float64[n] over finite values; NaN where there is none.
        points: bool[n]: any point at all falls into the column.
        nan, positive_infinity, negative_infinity: int64[n], how many of each.
    """

    first: Floats
    last: Floats
    minimum: Floats
    maximum: Floats
    points: Bools
    nan: npt.NDArray[np.int64]
    positive_infinity: npt.NDArray[np.int64]
    negative_infinity: npt.NDArray[np.int64]


def bin_columns(x: Floats, y: Floats, *, low: float, high: float, count: int) -> Columns:
    """Gather points into `count` columns over ``[low, high]``.

    Args:
        x: Increasing, all within the range.
        y: As long as `x`; may hold NaN and infinities.
        low: Left edge of the first column.
        high: Right edge of the last one.
        count: At least 1.
    """
    position = np.zeros(len(x)) if high <= low else (x - low) * (count / (high - low))
    column = np.clip(position.astype(np.int64), 0, count - 1)
    finite = np.isfinite(y)
    first, last, minimum, maximum = (np.full(count, np.nan) for _ in range(4))
    if finite.any():
        where, values = column[finite], y[finite]
        starts = np.flatnonzero(np.r_[True, where[1:] != where[:-1]])
        ends = np.r_[starts[1:], len(where)] - 1
        first[where[starts]], last[where[starts]] = values[starts], values[ends]
        minimum[where[starts]] = np.minimum.reduceat(values, starts)
        maximum[where[starts]] = np.maximum.reduceat(values, starts)
    return Columns(
        first=first,
        last=last,
        minimum=minimum,
        maximum=maximum,
        points=np.bincount(column, minlength=count) > 0,
        nan=np.bincount(column[np.isnan(y)], minlength=count),
        positive_infinity=np.bincount(column[np.isposinf(y)], minlength=count),
        negative_infinity=np.bincount(column[np.isneginf(y)], minlength=count),
    )


class Canvas:
    """Dots and characters in a rectangle; each character has one style, that of what was drawn on it last.

    Args:
        width: Characters across.
        height: Characters down.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._dots = np.zeros((height * DOT_ROWS, width * DOT_COLUMNS), dtype=bool)
        self._styles: dict[tuple[int, int], str | None] = {}
        self._characters: dict[tuple[int, int], str] = {}

    @property
    def dot_width(self) -> int:
        """Columns of dots."""
        return self.width * DOT_COLUMNS

    @property
    def dot_height(self) -> int:
        """Rows of dots."""
        return self.height * DOT_ROWS

    def is_lit(self, column: int, row: int) -> bool:
        """Return whether a dot is lit; row 0 is on top."""
        return bool(self._dots[row, column])

    def light(self, column: int, top: int, bottom: int, style: str | None = None) -> None:
        """Light the dots of one column from row `top` down to row `bottom`, both inclusive."""
        self._dots[top : bottom + 1, column] = True
        for row in range(top // DOT_ROWS, bottom // DOT_ROWS + 1):
            self._styles[row, column // DOT_COLUMNS] = style

    def put(self, column: int, row: int, character: str, style: str | None = None) -> None:
        """Put a character in place of dots; coordinates are those of characters."""
        if 0 <= column < self.width and 0 <= row < self.height:
            self._characters[row, column] = character
            self._styles[row, column] = style

    def rows_of(self, values: Floats, *, low: float, high: float) -> Floats:
        """Return the row of dots of each value, where `high` is the top row and `low` the bottom one; NaN stays NaN."""
        if high <= low:
            return np.where(np.isnan(values), np.nan, float(self.dot_height // 2))
        scale = 1.0 if np.isfinite(high - low) else 0.25  # the span of huge values may overflow
        scaled = (high * scale - values * scale) / (high * scale - low * scale) * (self.dot_height - 1)
        return np.clip(np.round(scaled), 0, self.dot_height - 1)

    def draw(
        self, columns: Columns, *, low: float, high: float, style: str | None = None, is_dashed: bool = False
    ) -> None:
        """Draw a line.

        Args:
            columns: As many as the canvas has columns of dots, in the units of `low` and `high`.
            low: Value of the bottom row.
            high: Value of the top row.
            style: What the line's characters get.
            is_dashed: Leave gaps, but never in a column that stands out.
        """
        top, bottom = (self.rows_of(one, low=low, high=high) for one in (columns.maximum, columns.minimum))
        first, last = (self.rows_of(one, low=low, high=high) for one in (columns.first, columns.last))
        shown = _dashes(top, bottom) if is_dashed else np.ones(self.dot_width, dtype=bool)
        previous: int | None = None
        for column in np.flatnonzero(columns.points).tolist():
            if np.isnan(top[column]):
                previous = None  # nothing but NaN or infinities: the line breaks
                continue
            if previous is not None:
                for between, upper, lower in _connecting_dots(
                    previous, int(last[previous]), column, int(first[column])
                ):
                    if shown[between]:
                        self.light(between, upper, lower, style)
            if shown[column]:
                self.light(column, int(top[column]), int(bottom[column]), style)
            previous = column

    def lines(self) -> list[Span]:
        """Return the lines from the top, each as stretches of one style."""
        blocks = self._dots.reshape(self.height, DOT_ROWS, self.width, DOT_COLUMNS)
        codes = (blocks * _WEIGHTS[None, :, None, :]).sum(axis=(1, 3))
        return [list(self._line(row, codes[row])) for row in range(self.height)]

    def _line(self, row: int, codes: npt.NDArray[np.int64]) -> Iterable[tuple[str, str | None]]:
        text, style = "", None
        for column, code in enumerate(codes.tolist()):
            character = self._characters.get((row, column)) or (chr(_BLANK + code) if code else " ")
            here = self._styles.get((row, column)) if character != " " else style
            if here != style and text:
                yield text, style
                text = ""
            text, style = text + character, here
        yield text, style


def _connecting_dots(from_column: int, from_row: int, to_column: int, to_row: int) -> Iterable[tuple[int, int, int]]:
    """Yield column, top and bottom row of a straight line that ends beside its start, without the ends' own dots."""
    steps = to_column - from_column
    at = [round(from_row + (to_row - from_row) * part / (2 * steps)) for part in range(2 * steps + 1)]
    for column in range(from_column, to_column + 1):
        reach = at[max(2 * (column - from_column) - 1, 0) : 2 * (column - from_column) + 2]
        yield column, min(reach), max(reach)


def _dashes(top: Floats, bottom: Floats) -> Bools:
    """Return which columns of a dashed line are drawn: every other few, and each that stands out."""
    shown: Bools = np.arange(len(top)) // _DASH % 2 == 0
    there = ~np.isnan(top)
    if there.any():
        span = bottom - top
        shown |= there & (span > max(_SPIKE * float(np.median(span[there])), 1.0))
        for extreme in (top == np.min(top[there]), bottom == np.max(bottom[there])):
            if extreme.sum() <= _DASH or not (shown & extreme).any():
                shown |= extreme
    return shown
