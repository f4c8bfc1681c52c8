"""Statistics of float columns, made so that those of parts add up to those of the whole.

A summary is a row of nine float64s, see the names below. Statistics of finite values are NaN where there is none; "squares"
is the sum of squared differences from the mean, which two parts add up by Chan's formula (Chan, Golub and LeVeque, 1979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from runfork.model.arrays import Floats

COUNT, FINITE, MINIMUM, MAXIMUM, MEAN, SQUARES, NAN, POSITIVE, NEGATIVE = range(9)
WIDTH = 9


def empty_summaries(columns: int) -> Floats:
    """Return summaries of no points, one per column."""
    found = np.full((columns, WIDTH), np.nan)
    found[:, [COUNT, FINITE, SQUARES, NAN, POSITIVE, NEGATIVE]] = 0
    return found


def text_summary(count: int) -> Floats:
    """Return the summary of so many points that are no floats."""
    found: Floats = empty_summaries(1)[0]
    found[COUNT] = count
    return found


def summarise(columns: Floats) -> Floats:
    """Return one summary per row of float64[m, n], n >= 1."""
    found = np.zeros((len(columns), WIDTH))
    found[:, COUNT] = columns.shape[1]
    with np.errstate(all="ignore"):
        _summarise_finite(columns, found)
        odd = np.flatnonzero(~np.isfinite(found[:, MEAN]))
        for column in odd.tolist():
            _summarise_odd(columns[column], found[column])
        found[:, MEAN] = np.clip(found[:, MEAN], found[:, MINIMUM], found[:, MAXIMUM])  # sums are rounded
    return found


def _summarise_finite(columns: Floats, found: Floats) -> None:
    found[:, FINITE] = columns.shape[1]
    found[:, MINIMUM] = columns.min(axis=1)
    found[:, MAXIMUM] = columns.max(axis=1)
    found[:, MEAN] = columns.mean(axis=1)
    difference = columns - found[:, MEAN, None]
    found[:, SQUARES] = np.einsum("ij,ij->i", difference, difference)


def _summarise_odd(values: Floats, found: Floats) -> None:
    """Summarise a column that has values that are not finite, or so large that their sum is not."""
    finite = values[np.isfinite(values)]
    found[FINITE] = len(finite)
    found[NAN] = np.count_nonzero(np.isnan(values))
    found[POSITIVE] = np.count_nonzero(values == np.inf)
    found[NEGATIVE] = np.count_nonzero(values == -np.inf)
    found[[MINIMUM, MAXIMUM, MEAN]] = np.nan
    found[SQUARES] = 0
    if len(finite):
        found[MINIMUM], found[MAXIMUM] = finite.min(), finite.max()
        mean = (finite / len(finite)).sum()  # does not overflow, but for rounding at the very end of the range
        found[MEAN] = min(max(mean, found[MINIMUM]), found[MAXIMUM])
        found[SQUARES] = ((finite - found[MEAN]) ** 2).sum()


def merge_summaries(earlier: Floats, later: Floats) -> Floats:
    """Return the summaries of two parts together."""
    found = np.empty_like(earlier)
    for counted in (COUNT, FINITE, NAN, POSITIVE, NEGATIVE):
        found[..., counted] = earlier[..., counted] + later[..., counted]
    found[..., MINIMUM] = np.fmin(earlier[..., MINIMUM], later[..., MINIMUM])
    found[..., MAXIMUM] = np.fmax(earlier[..., MAXIMUM], later[..., MAXIMUM])
    _merge_means(earlier, later, found)
    return found


def _merge_means(earlier: Floats, later: Floats, found: Floats) -> None:
    a, b = earlier[..., FINITE], later[..., FINITE]
    mean_a = np.where(a > 0, earlier[..., MEAN], 0.0)
    mean_b = np.where(b > 0, later[..., MEAN], 0.0)
    with np.errstate(all="ignore"):
        share = np.where(a + b > 0, b / (a + b), 0.0)
        difference = np.where((a > 0) & (b > 0), mean_b - mean_a, 0.0)
        mean = np.where(a > 0, mean_a + difference * share, mean_b)
        weighed = mean_a * (1 - share) + mean_b * share  # less exact, but never beyond what it lies between
        mean = np.where(np.isfinite(difference), mean, weighed)
        mean = np.clip(mean, found[..., MINIMUM], found[..., MAXIMUM])  # products are rounded
        found[..., MEAN] = np.where(a + b > 0, mean, np.nan)
        found[..., SQUARES] = earlier[..., SQUARES] + later[..., SQUARES] + difference * difference * a * share
