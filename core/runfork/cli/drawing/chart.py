"""Charts in the terminal: lines on a canvas, with axes, fork marks and markers of what is not finite."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from runfork.cli.drawing.canvas import DOT_COLUMNS, Canvas, Columns, bin_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.cli.drawing.canvas import Span
    from runfork.model.arrays import Floats

FORK_MARK = "◆"
_LABEL_GAP = 2
_LARGEST = float(np.finfo(np.float64).max)
_LARGEST_EXPONENT = 308.25
_SMALLEST = 5e-324
_MULTIPLES = (1.0, 2.0, 2.5, 5.0, 10.0)
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))
_HUGE, _TINY = 1e15, 1e-4
_PRECISION = 0.01
"""Labels are as precise as this part of the distance between ticks."""


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Args:
        x: float64[n], increasing.
        y: float64[n]; NaN and infinities become markers.
        style: A rich style, or None.
        label: A letter that stands at the line's end where colours do not tell lines apart; empty for none.
        is_pruned: Drawn dashed: history that the head does not show.
    """

    x: Floats
    y: Floats
    style: str | None = None
    label: str = ""
    is_pruned: bool = False


@dataclass(frozen=True)
class Chart:
    """What to draw.

    Args:
        lines: Those in front last.
        width: Characters across, axes included.
        height: Characters down, axes left out.
        log_x: Whether the x axis is logarithmic; points at x <= 0 are left out and counted.
        log_y: Whether the y axis is logarithmic; points at y <= 0 are marked on the floor.
        forks: x of fork marks.
    """

    lines: Sequence[Line]
    width: int = 80
    height: int = 12
    log_x: bool = False
    log_y: bool = False
    forks: Sequence[float] = field(default_factory=tuple)


def draw_chart(chart: Chart) -> list[Span]:
    """Return the lines of a chart; one line in words if there is nothing to draw."""
    scaled = [_scale(line, chart) for line in chart.lines]
    x_range = _range([line.x for line in scaled])
    if x_range is None:
        return [[("no points to draw", "dim")]]
    y_range = _range([line.y for line in scaled]) or (0.0, 1.0)
    ticks, labels = _y_ticks(y_range, chart)
    margin = max(map(len, labels), default=0)
    canvas = Canvas(max(chart.width - margin - _LABEL_GAP, 4), chart.height)
    columns = [bin_columns(line.x, line.y, low=x_range[0], high=x_range[1], count=canvas.dot_width) for line in scaled]
    low, high = _padded(y_range)
    for line, one in zip(scaled, columns, strict=True):
        canvas.draw(one, low=low, high=high, style=line.style, is_dashed=line.is_pruned)
    for line, one in zip(scaled, columns, strict=True):
        _mark_non_finite(canvas, one, line)
    _put_labels(canvas, scaled, columns, low=low, high=high)
    rows = {
        int(row) // 4: label
        for row, label in zip(canvas.rows_of(np.array(ticks), low=low, high=high), labels, strict=True)
    }
    drawn = [_with_axis(line, rows.get(row), margin) for row, line in enumerate(canvas.lines())]
    return [*drawn, _x_axis(chart, canvas, x_range, margin), _x_labels(chart, canvas, x_range, margin)]


def _scale(line: Line, chart: Chart) -> Line:
    x, y = line.x, line.y
    if chart.log_x:
        kept = x > 0
        x, y = np.log10(x[kept]), y[kept]
    if chart.log_y:
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.where(y > 0, np.log10(y), np.where(np.isnan(y), np.nan, -np.inf))
    return Line(x, y, line.style, line.label, line.is_pruned)


def _range(arrays: Sequence[Floats]) -> tuple[float, float] | None:
    finite = [array[np.isfinite(array)] for array in arrays]
    filled = [array for array in finite if len(array)]
    if not filled:
        return None
    return float(min(array.min() for array in filled)), float(max(array.max() for array in filled))


def _padded(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    if high > low:
        return low, high
    margin = abs(low) * 0.1 or 1.0
    return max(low - margin, -_LARGEST), min(high + margin, _LARGEST)


def _power_of_ten(exponent: float) -> float:
    return float(np.clip(10.0 ** min(exponent, _LARGEST_EXPONENT), _SMALLEST, _LARGEST))


def _y_ticks(y_range: tuple[float, float], chart: Chart) -> tuple[list[float], list[str]]:
    low, high = _padded(y_range)
    most = max(chart.height // 3, 2)
    if not chart.log_y:
        ticks = [y_range[0]] if y_range[0] == y_range[1] else nice_ticks(low, high, most=most)
        return ticks, format_ticks(ticks)
    if y_range[0] == y_range[1]:
        return [y_range[0]], [f"{_power_of_ten(y_range[0]):.3g}"]
    values = log_ticks(_power_of_ten(low), _power_of_ten(high), most=most)
    return [float(np.log10(value)) for value in values], [format_ticks([value])[0] for value in values]


def _with_axis(line: Span, label: str | None, margin: int) -> Span:
    return [(f"{label or '':>{margin}} ", "dim"), ("┤" if label else "│", "dim"), *line]


def _column_of(x: float, canvas: Canvas, x_range: tuple[float, float]) -> int:
    low, high = x_range
    share = (x - low) / (high - low) if high > low else 0.0
    return min(int(share * canvas.width), canvas.width - 1)


def _x_value(x: float, chart: Chart) -> float | None:
    if not chart.log_x:
        return x
    return float(np.log10(x)) if x > 0 else None


def _x_axis(chart: Chart, canvas: Canvas, x_range: tuple[float, float], margin: int) -> Span:
    axis = ["─"] * canvas.width
    for fork in chart.forks:
        x = _x_value(fork, chart)
        if x is not None and x_range[0] <= x <= x_range[1]:
            axis[_column_of(x, canvas, x_range)] = FORK_MARK
    spans: Span = [(" " * (margin + 1) + "└", "dim")]
    for character in axis:
        style = "bold" if character == FORK_MARK else "dim"
        if spans[-1][1] == style:
            spans[-1] = (spans[-1][0] + character, style)
        else:
            spans.append((character, style))
    return spans


def _x_labels(chart: Chart, canvas: Canvas, x_range: tuple[float, float], margin: int) -> Span:
    low, high = x_range
    most = max(canvas.width // 12, 2)
    if chart.log_x and high > low:
        values = log_ticks(_power_of_ten(low), _power_of_ten(high), most=most)
        ticks, labels = [float(np.log10(value)) for value in values], [format_ticks([value])[0] for value in values]
    else:
        ticks = nice_ticks(low, high, most=most)
        labels = format_ticks([_power_of_ten(low)] if chart.log_x else ticks)
    line = [" "] * canvas.width
    for tick, label in zip(ticks, labels, strict=True):
        start = min(max(_column_of(tick, canvas, x_range) - len(label) // 2, 0), canvas.width - len(label))
        if start >= 0 and all(character == " " for character in line[max(start - 1, 0) : start + len(label) + 1]):
            line[start : start + len(label)] = label
    return [(" " * (margin + _LABEL_GAP) + "".join(line).rstrip(), "dim")]


def _mark_non_finite(canvas: Canvas, columns: Columns, line: Line) -> None:
    for counts, character, row in (
        (columns.nan, "\u00d7", canvas.height - 1),
        (columns.negative_infinity, "▼", canvas.height - 1),
        (columns.positive_infinity, "▲", 0),
    ):
        for column in np.flatnonzero(counts).tolist():
            canvas.put(column // DOT_COLUMNS, row, character, line.style)


def _put_labels(canvas: Canvas, lines: Sequence[Line], columns: Sequence[Columns], *, low: float, high: float) -> None:
    for line, one in zip(lines, columns, strict=True):
        ends = np.flatnonzero(~np.isnan(one.last))
        if line.label and len(ends):
            row = int(canvas.rows_of(one.last[ends[-1:]], low=low, high=high)[0]) // 4
            canvas.put(int(ends[-1]) // DOT_COLUMNS, row, line.label, line.style)


def nice_ticks(low: float, high: float, *, most: int) -> list[float]:
    """Return at most `most` round values within ``[low, high]``, increasing and evenly spaced; at least one.

    Args:
        low: Lower end, finite.
        high: Upper end, finite.
        most: At least 1.
    """
    span = high - low
    if not span > 0 or not math.isfinite(span) or most < 2:  # noqa: PLR2004
        return [low]
    size = 10.0 ** math.floor(math.log10(span / most)) if span / most > 0 else 0.0
    while size and math.isfinite(size):
        for multiple in _MULTIPLES:
            step = size * multiple
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first + 1 <= most:
                ticks = [index * step for index in range(first, last + 1)]
                return ticks or [low]
        size *= 10.0
    return [low]


def log_ticks(low: float, high: float, *, most: int) -> list[float]:
    """Return powers of ten within ``[low, high]``, both positive, thinned to at most `most`; round values where there are none."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    count = last - first + 1
    if count < 2:  # noqa: PLR2004
        return [tick for tick in nice_ticks(low, high, most=most) if tick > 0] or [low]
    stride = math.ceil(count / most)
    return [10.0**power for power in range(first, last + 1, stride)]


def format_ticks(ticks: list[float]) -> list[str]:
    """Return the labels of ticks: as many digits as tell them apart, M and G and T for large ones."""
    largest = max(map(abs, ticks), default=0.0)
    gaps = [abs(after - before) for before, after in pairwise(ticks) if after != before]
    precision = min(gaps, default=largest) * _PRECISION
    if largest and (largest >= _HUGE or largest < _TINY):
        forms = [f".{digits}g" for digits in range(1, 18)]
        return _first_precise([[format(tick, form) for tick in ticks] for form in forms], ticks, 1.0, "", precision)
    unit, sign = next((one for one in _UNITS if largest >= one[0] and precision >= one[0] * _PRECISION**2), (1.0, ""))
    fixed = [[f"{tick / unit:.{digits}f}" for tick in ticks] for digits in range(18)]
    return _first_precise(fixed, ticks, unit, sign, precision)


def _first_precise(choices: list[list[str]], ticks: list[float], unit: float, sign: str, precision: float) -> list[str]:
    def is_precise(labels: list[str]) -> bool:
        pairs = zip(labels, ticks, strict=True)
        return all(abs(float(label) - tick / unit) <= precision / unit for label, tick in pairs)

    labels = next(filter(is_precise, choices), choices[-1])
    return [label + sign if float(label) else "0" for label in labels]
