"""Smoothing of curves by distance in x, whatever the density of the points. Pure.

One number says how far a kernel reaches: the *reach* ``t``, the mean age of what an exponential average looks back on. For a
factor ``f`` on an axis of scale ``s`` it is ``t = s / 1000 / -ln(min(sqrt(f), 0.999))``: at 0.6 about 0.4 % of the scale, at 0.9
about 2 %, at 0.99 a fifth. The other kernels are as wide as looks alike:

- ``ema``: weights ``exp(-d / t)`` for points a distance ``d`` back, divided by their sum: the beginning is not pulled to zero.
- ``sma``: the mean of the points in ``(x - 2t, x]``, of the same mean age.
- ``centred``: the mean of the points in ``[x - t, x + t]``.
- ``gaussian``: weights ``exp(-d**2 / (2 * w**2))`` with ``w = t / sqrt(3)``, of the same variance as ``centred``.

The scale is the extent of the series rounded up to 1, 2 or 5 times a power of ten: a series that grows does not shift its whole
curve with every point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from runfork.errors import ArgumentError

if TYPE_CHECKING:
    from runfork.model.arrays import Floats, Integers

SmoothingKind = Literal["ema", "sma", "centred", "gaussian"]
MAX_FACTOR = 0.999
_VIEWPORT = 1000.0
_SMALLEST_FACTOR = 1e-9
_LARGEST_EXPONENT = 300.0
"""Beyond it, exponentials are worked out in several portions, so that none overflows."""
_FEW_PAIRS = 100_000
_ROWS_AT_ONCE = 16
_TERMS = 21
_BOXES = 9
"""Boxes of points beyond so many weigh less than the last digit of a float."""


@dataclass(frozen=True)
class Smoothing:
    """How a curve is smoothed.

    Args:
        kind: "ema", "sma", "centred" or "gaussian".
        factor: From 0, which leaves everything as it is, to 0.999.

    Raises:
        ArgumentError: It is another kind, or the factor is out of range.
    """

    kind: SmoothingKind
    factor: float

    def __post_init__(self) -> None:
        """Check both."""
        if self.kind not in get_args(SmoothingKind):
            raise ArgumentError(f"smoothing must be one of {', '.join(get_args(SmoothingKind))}, found {self.kind!r}")
        if not 0 <= self.factor <= MAX_FACTOR:
            raise ArgumentError(f"the smoothing factor must be from 0 to {MAX_FACTOR}, found {self.factor!r}")

    @property
    def looks_ahead(self) -> bool:
        """Whether points beyond x count."""
        return self.kind in ("centred", "gaussian")

    def reach(self, scale: float) -> float:
        """Return the mean age of what an exponential average looks back on, in units of x."""
        return scale / _VIEWPORT / -math.log(min(math.sqrt(max(self.factor, _SMALLEST_FACTOR)), MAX_FACTOR))


def scale_of(extent: float) -> float:
    """Return the least of 1, 2 and 5 times powers of ten that is no less than `extent`; 1 where that is nothing."""
    if not 0 < extent < math.inf:
        return 1.0
    exponent = math.floor(math.log10(extent)) - 1
    steps = (digit * 10.0**power for power in range(exponent, exponent + 4) for digit in (1.0, 2.0, 5.0))
    return next(step for step in steps if step >= extent)


def smooth(
    x: Floats, y: Floats, weights: Floats, smoothing: Smoothing, scale: float, *, at: Floats | None = None
) -> Floats:
    """Return the smoothed curve at its points, or at any x.

    Args:
        x: float64[n], not decreasing, n at least 1.
        y: float64[n], finite; or float64[k, n], several curves with points at the same x.
        weights: float64[n], how many points each stands for; positive.
        smoothing: How.
        scale: Of the axis, from `scale_of`.
        at: float64[m]; between two points, where the kernel has edges, the curve is a straight line; by a Gaussian that reaches no
            point it is the nearest one. None is all of `x`.

    Returns:
        float64[m], or float64[k, m].
    """
    if y.ndim > 1:
        if smoothing.kind == "gaussian" and smoothing.factor:
            return _gaussian(x, y, weights, x if at is None else at, smoothing.reach(scale) / math.sqrt(3))
        return np.stack([smooth(x, one, weights, smoothing, scale, at=at) for one in y])
    if smoothing.kind == "gaussian" and smoothing.factor:
        (alone,) = smooth(x, y[None], weights, smoothing, scale, at=at)
        found: Floats = alone
        return found
    return _with_edges(x, y, weights, smoothing, scale, at)


def _with_edges(x: Floats, y: Floats, weights: Floats, smoothing: Smoothing, scale: float, at: Floats | None) -> Floats:
    """Return a curve at its points or any x, by a kernel that has edges: a straight line between two points."""
    unit = float(np.abs(y).max()) or 1.0  # sums of large numbers must not overflow
    scaled = y / unit
    if at is None:
        whole: Floats = _between(_at_places(x, scaled, weights, smoothing, scale, np.arange(len(x))), scaled) * unit
        return whole
    after = np.minimum(np.searchsorted(x, at, side="left"), len(x) - 1)
    after[x[after] == at] = np.searchsorted(x, at[x[after] == at], side="right") - 1  # of points at one x the last
    before = np.where(x[after] > at, np.maximum(after - 1, 0), after)
    places, where = np.unique(np.concatenate([before, after]), return_inverse=True)
    curve = _between(_at_places(x, scaled, weights, smoothing, scale, places), scaled)
    low, high = curve[where[: len(at)]], curve[where[len(at) :]]
    distance = x[after] - x[before]
    share = np.clip((at - x[before]) / np.where(distance > 0, distance, 1.0), 0.0, 1.0)
    curve_at: Floats = (low + share * (high - low)) * unit
    return curve_at


def _gaussian(x: Floats, y: Floats, weights: Floats, at: Floats, width: float) -> Floats:
    """Return several curves around each `at`, by a Gaussian of this standard deviation."""
    unit = np.abs(y).max(axis=1, keepdims=True)
    unit[unit == 0] = 1.0
    scaled = y / unit
    starts = np.searchsorted(x, at - _BOXES * width)
    sizes = np.searchsorted(x, at + _BOXES * width, side="right") - starts
    weighed = _weighed_one_by_one if int(sizes.sum()) <= _FEW_PAIRS and sizes.all() else _weighed
    found, totals = np.empty((len(y), len(at))), np.empty(0)
    for start in range(0, len(y), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        *sums, totals = weighed(x, np.concatenate([weights * scaled[part], weights[None]]), at, width)
        with np.errstate(invalid="ignore"):
            found[part] = sums / totals
    far = np.flatnonzero(totals == 0)
    before = np.clip(np.searchsorted(x, at[far]) - 1, 0, len(x) - 1)
    after = np.minimum(before + 1, len(x) - 1)
    found[:, far] = scaled[:, np.where(at[far] - x[before] < x[after] - at[far], before, after)]
    smoothed: Floats = np.clip(found, scaled.min(axis=1, keepdims=True), scaled.max(axis=1, keepdims=True)) * unit
    return smoothed


def _weighed_one_by_one(x: Floats, rows: Floats, at: Floats, width: float) -> Floats:
    """Return, for each row, its sums around each `at`, where few points are near: each with its own weight."""
    starts = np.searchsorted(x, at - _BOXES * width)
    sizes = np.searchsorted(x, at + _BOXES * width, side="right") - starts
    ends = np.cumsum(sizes)
    places = np.arange(ends[-1]) + np.repeat(starts - (ends - sizes), sizes)
    kernel = np.exp(-0.5 * ((np.repeat(at, sizes) - x[places]) / width) ** 2)
    found: Floats = np.add.reduceat(rows[:, places] * kernel, ends - sizes, axis=1)
    return found


def _between(found: Floats, scaled: Floats) -> Floats:
    """Return what was found, no farther than the values that it is made of: sums are rounded."""
    clipped: Floats = np.clip(found, scaled.min(), scaled.max())
    return clipped


def _at_places(x: Floats, y: Floats, weights: Floats, smoothing: Smoothing, scale: float, places: Integers) -> Floats:
    """Return the curve at some of its points."""
    if not smoothing.factor:
        return y[places]
    reach = smoothing.reach(scale)
    if smoothing.kind == "ema":
        sums, totals = _decayed(x, np.stack([weights * y, weights]), reach)[:, places]
        averages: Floats = sums / totals
        return averages
    back, ahead = (2 * reach, 0.0) if smoothing.kind == "sma" else (reach, reach)
    starts = np.searchsorted(x, x[places] - back, side="left" if smoothing.looks_ahead else "right")
    ends = np.searchsorted(x, x[places] + ahead, side="right")
    means: Floats = _window_sums(weights * y, starts, ends) / _window_sums(weights, starts, ends)
    return means


def _decayed(x: Floats, rows: Floats, reach: float) -> Floats:
    """Return, for each row, its sums over all points up to each, that decay with distance."""
    sums = np.empty_like(rows)
    age = (x - x[0]) / reach
    portion = np.floor(age / _LARGEST_EXPONENT)
    starts = np.flatnonzero(np.concatenate([[True], portion[1:] != portion[:-1]]))
    carried, at = np.zeros(len(rows)), 0.0
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(x)], strict=True):
        part = slice(start, end)
        origin = float(age[start])
        carried = carried * math.exp(at - origin)
        growth = np.exp(age[part] - origin)
        sums[:, part] = (np.cumsum(rows[:, part] * growth, axis=1) + carried[:, None]) / growth
        carried, at = sums[:, end - 1], float(age[end - 1])
    return sums


def _window_sums(values: Floats, starts: Integers, ends: Integers) -> Floats:
    """Return the sums of ``values[start:end]``: of blocks of powers of two, so that no large value leaves a trace beside it."""
    found = np.zeros(len(starts))
    lengths, at = ends - starts, starts.astype(np.int64)
    blocks, size = values, 1
    while True:
        taken = np.flatnonzero(lengths & size)
        found[taken] += blocks[at[taken]]
        at[taken] += size
        if 2 * size > len(values):
            return found
        blocks = blocks[:-size] + blocks[size:]
        size *= 2


def _weighed(x: Floats, rows: Floats, at: Floats, width: float) -> Floats:
    """Return, for each row, its sums around each `at`, by a Gaussian of this standard deviation.

    The fast Gauss transform: points are gathered into boxes one deviation wide, each box into the coefficients of a power series of
    ``exp(uv)``, which is as good as exact by its twentieth term.
    """
    first = float(x[0])
    box_of_point, box_of_target = (np.round((some - first) / width).astype(np.int64) for some in (x, at))
    boxes, starts = np.unique(box_of_point, return_index=True)
    u = (x - first) / width - box_of_point
    term = rows * np.exp(-u * u / 2)
    moments = np.empty((_TERMS, len(rows), len(boxes)))
    for degree in range(_TERMS):
        moments[degree] = np.add.reduceat(term, starts, axis=1)
        term = term * (u / (degree + 1))
    position = (at - first) / width
    sums = np.zeros((len(rows), len(at)))
    for offset in range(-_BOXES, _BOXES + 1):
        wanted = box_of_target + offset
        place = np.minimum(np.searchsorted(boxes, wanted), len(boxes) - 1)
        there = np.flatnonzero(boxes[place] == wanted)
        v, chosen = position[there] - wanted[there], moments[:, :, place[there]]
        series = chosen[-1]
        for degree in range(_TERMS - 2, -1, -1):
            series *= v
            series += chosen[degree]
        sums[:, there] += series * np.exp(-v * v / 2)
    return sums
