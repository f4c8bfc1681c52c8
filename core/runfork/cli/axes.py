"""Axes: round values to label, and their text."""

from __future__ import annotations

import math
from itertools import pairwise

__all__ = ["format_ticks", "log_ticks", "nice_ticks"]

_MULTIPLES = (1.0, 2.0, 2.5, 5.0, 10.0)
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))
_HUGE, _TINY = 1e15, 1e-4
_PRECISION = 0.01
"""Labels are as precise as this part of the distance between ticks."""


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
