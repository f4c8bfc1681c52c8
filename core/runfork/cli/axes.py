"""Axes: round values to label, and their text."""

from __future__ import annotations

import math

__all__ = ["format_ticks", "log_ticks", "nice_ticks"]

_MULTIPLES = (1.0, 2.0, 2.5, 5.0, 10.0)
_WHOLE = 1e6


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
    """Return the labels of ticks: as many digits as tell them apart, k and M and G for large ones."""
    largest = max(map(abs, ticks), default=0.0)
    if largest and (largest >= 1e15 or largest < 1e-4):  # noqa: PLR2004
        return [f"{tick:.3g}" for tick in ticks]
    unit, sign = _unit(largest)
    scaled = [tick / unit for tick in ticks]
    for digits in range(7):
        labels = [f"{tick:.{digits}f}" for tick in scaled]
        if all(
            math.isclose(float(label), tick, rel_tol=1e-3, abs_tol=1e-12)
            for label, tick in zip(labels, scaled, strict=True)
        ):
            return [label + sign if float(label) else "0" for label in labels]
    return [f"{tick:.4g}" for tick in ticks]


def _unit(largest: float) -> tuple[float, str]:
    if largest < _WHOLE:
        return 1.0, ""
    if largest < 1e9:  # noqa: PLR2004
        return 1e6, "M"
    return (1e9, "G") if largest < 1e12 else (1e12, "T")  # noqa: PLR2004
