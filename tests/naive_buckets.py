"""Buckets as one finds them who looks at point after point, by the rule that the documents state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from runfork.index.interface import Buckets


def naive_buckets(
    points: list[tuple[int, float]], low: int, high: int, count: int
) -> dict[int, list[tuple[int, float]]]:
    """Gather points by bucket."""
    found: dict[int, list[tuple[int, float]]] = {}
    for x, value in points:
        place = 0 if low == high else min(math.floor(float(x - low) * count / float(high - low)), count - 1)
        found.setdefault(place, []).append((x, value))
    return found


def assert_nothing_is_hidden(buckets: Buckets, lines: list[list[tuple[int, float]]]) -> None:
    """Compare every number of every bucket with what falls into it."""
    xs = [x for points in lines for x, _ in points]
    low, high = min(xs, default=0), max(xs, default=0)
    assert (float(low), float(high)) == (buckets.edges[0], buckets.edges[-1])
    for row, points in enumerate(lines):
        inside = naive_buckets(points, low, high, len(buckets.edges) - 1)
        assert {place: len(part) for place, part in inside.items()} == {
            place: count for place, count in enumerate(buckets.counts[row].tolist()) if count
        }
        assert len(points) == buckets.counts[row].sum()
        for place, part in inside.items():
            assert_bucket_is(buckets, (row, place), part)
        finite = [value for _, value in points if math.isfinite(value)]
        if finite:
            assert (min(finite), max(finite)) == (np.nanmin(buckets.minimum[row]), np.nanmax(buckets.maximum[row]))


def assert_bucket_is(buckets: Buckets, at: tuple[int, int], part: list[tuple[int, float]]) -> None:
    values = [value for _, value in part]
    ends = [repr(float(number)) for number in (*part[0], *part[-1])]
    found = (buckets.first_x, buckets.first, buckets.last_x, buckets.last)
    assert ends == [repr(float(plane[at])) for plane in found]
    not_finite = [sum(map(math.isnan, values)), values.count(math.inf), values.count(-math.inf)]
    assert not_finite == [plane[at] for plane in (buckets.nan, buckets.positive_infinity, buckets.negative_infinity)]
    finite = list(filter(math.isfinite, values))
    if not finite:
        assert np.isnan([plane[at] for plane in (buckets.minimum, buckets.maximum, buckets.mean)]).all()
        return
    assert (min(finite), max(finite)) == (buckets.minimum[at], buckets.maximum[at])
    size = max(map(abs, finite))
    halves = math.fsum(value / len(finite) / 2 for value in finite)
    assert buckets.mean[at] / 2 == pytest.approx(halves, rel=1e-12, abs=size * 1e-12)
    assert min(finite) <= buckets.mean[at] <= max(finite)
