"""Which ranges of a thinned-out curve stand out from those beside them: one point among many is then drawn to be seen. Pure.

A band between the least and the greatest value hides a spike: it fills one column out of hundreds. A range stands out upwards
where its maximum lies farther above the median maximum of the 15 ranges around it than eight times what is usual in that curve
(1.4826 times the median absolute deviation of these differences, which for Gaussian noise is its deviation), and farther than a
fiftieth of what is seen of the y axis. Downwards the same with minima. The ends are continued by point reflection, so that a
slope is no outlier; about the median of the last three ranges, so that the last one may be.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.model.arrays import Floats, Integers

MOST = 16
"""So many of one curve at most; there are fewer spikes than that, or they are its nature."""
_WINDOW = 15
_HALF = _WINDOW // 2
_DEVIATIONS = 8 * 1.4826
_SHARE = 0.02
_PORTION = 4096
"""So many medians at once: what is compared stays in the processor's cache."""


def find_outliers(minima: Sequence[Floats], maxima: Sequence[Floats], span: float | None = None) -> list[Integers]:
    """Return, for each curve of a chart, the places of the ranges that stand out, increasing.

    Args:
        minima: float64[n] of each curve, finite, in the order of x.
        maxima: The same, as long.
        span: What is seen of the y axis, where these are not all curves of the chart; None is `span_of` them.
    """
    found = [np.empty(0, np.int64) for _ in maxima]
    long = [at for at, curve in enumerate(maxima) if len(curve) >= _WINDOW]
    if not long:
        return found
    if span is None:
        span = span_of(minima, maxima)
    above = _rises([maxima[at] for at in long], span * _SHARE)
    below = _rises([-minima[at] for at in long], span * _SHARE)
    for at, *heights in zip(long, above, below, strict=True):
        height = np.maximum(*heights)
        places = np.flatnonzero(height > 0)
        if len(places) > MOST:
            places = np.sort(places[np.argsort(-height[places], kind="stable")[:MOST]])
        found[at] = places
    return found


def span_of(minima: Sequence[Floats], maxima: Sequence[Floats]) -> float:
    """Return what is seen of the y axis; 0 where there is nothing."""
    least = min((float(curve.min()) for curve in minima if len(curve)), default=0.0)
    return max((float(curve.max()) for curve in maxima if len(curve)), default=0.0) - least


def _rises(curves: Sequence[Floats], least: float) -> list[Floats]:
    """Return how far each place of each curve stands out upwards; 0 where it does not."""
    with np.errstate(over="ignore", invalid="ignore"):
        medians = _moving_medians(curves)
        return [_rise(curve - median, least) for curve, median in zip(curves, medians, strict=True)]


def _rise(differences: Floats, least: float) -> Floats:
    if not differences.max() > least:
        return np.zeros(len(differences))
    usual = _median(np.abs(differences - _median(differences)))
    return np.where(differences > max(_DEVIATIONS * usual, least), differences, 0.0)


def _median(values: Floats) -> float:
    """Return the median, as `numpy.median` does, which takes five times as long for some hundred values."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1].tolist()
    return float(low + high) / 2


def _moving_medians(curves: Sequence[Floats]) -> list[Floats]:
    """Return the median of the 15 values around each place, of all curves at once: they lie one behind the other."""
    padded = np.concatenate([part for curve in curves for part in (_before(curve), curve, _before(curve[::-1])[::-1])])
    medians = np.empty(len(padded) - 2 * _HALF)
    for start in range(0, len(medians), _PORTION):
        length = min(_PORTION, len(medians) - start)
        lines = [padded[at : at + length].copy() for at in range(start, start + _WINDOW)]
        spare = np.empty(length)
        for low, high in _median_network():
            np.minimum(lines[low], lines[high], out=spare)
            np.maximum(lines[low], lines[high], out=lines[high])
            lines[low], spare = spare, lines[low]
        medians[start : start + length] = lines[_HALF]
    found, start = [], 0
    for curve in curves:
        found.append(medians[start : start + len(curve)])
        start += len(curve) + 2 * _HALF
    return found


def _before(curve: Floats) -> Floats:
    """Return what a curve is continued with before its beginning: its first points, reflected about the second."""
    centre = sorted(curve[:3].tolist())[1]
    continued: Floats = 2 * centre - curve[_HALF + 2 : 2 : -1]
    return continued


@cache
def _median_network() -> tuple[tuple[int, int], ...]:
    """Return the comparisons of Batcher's odd-even merge sort that decide what comes to stand in the middle."""
    comparisons = []
    size = 1
    while size < _WINDOW:
        step = size
        while step:
            for start in range(step % size, _WINDOW - step, 2 * step):
                lows = range(start, min(start + step, _WINDOW - step))
                comparisons += [(low, low + step) for low in lows if low // (2 * size) == (low + step) // (2 * size)]
            step //= 2
        size *= 2
    needed, kept = {_HALF}, []
    for pair in reversed(comparisons):
        if not needed.isdisjoint(pair):
            needed.update(pair)
            kept.append(pair)
    return tuple(reversed(kept))
