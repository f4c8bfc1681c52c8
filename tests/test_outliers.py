"""Which ranges of a curve get a whisker: the shapes on which the rule was chosen, and its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from runfork.query.outliers import MOST, find_outliers

POINTS = 60_000
SHAPES = {
    "gaussian": lambda random, x: random.standard_normal(len(x)),
    "laplace": lambda random, x: random.laplace(size=len(x)),
    "student": lambda random, x: random.standard_t(3, len(x)),
    "lognormal": lambda random, x: random.lognormal(size=len(x)),
    "decay": lambda random, x: np.exp(-5 * x),
    "noisy decay": lambda random, x: np.exp(-5 * x) + 0.05 * random.standard_normal(len(x)),
    "random walk": lambda random, x: np.cumsum(random.standard_normal(len(x))),
    "constant": lambda random, x: np.ones(len(x)),
    "learning rate": lambda random, x: 0.1 ** np.floor(4 * x),
    "accuracy": lambda random, x: (random.random(len(x)) < 0.5 + 0.4 * x).astype(float),
    "cosine": lambda random, x: np.cos(20 * x),
}
NOISES = ("gaussian", "laplace", "student", "lognormal")
HEAVY_TAILED = ("student", "lognormal")
MISSED = {("cosine", 300)}
"""A slope as steep as the cosine's at so few ranges hides a point that lies hardly beyond its crest."""


def ranges(values, count):
    parts = values.reshape(count, -1)
    return [parts.min(axis=1)], [parts.max(axis=1)]


@pytest.mark.parametrize("count", [300, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_point_that_stands_out_is_found_wherever_it_lies(shape, count):
    random = np.random.default_rng(len(shape) + count)
    missed = []
    for place in (0, 7, POINTS // 3, POINTS - 1, *random.integers(0, POINTS, 4).tolist()):
        values = SHAPES[shape](random, np.linspace(0, 1, POINTS))
        spread = float(values.std()) or 1.0
        values[place] = values.max() + (6 if shape in NOISES else 2) * spread
        (found,) = find_outliers(*ranges(values, count))
        if place * count // POINTS not in found:
            missed.append(place)
    assert len(missed) <= ((shape, count) in MISSED)


@pytest.mark.parametrize("count", [300, 1000])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in HEAVY_TAILED])
def test_nothing_is_found_where_nothing_stands_out(shape, count):
    values = SHAPES[shape](np.random.default_rng(count), np.linspace(0, 1, POINTS))

    (found,) = find_outliers(*ranges(values, count))

    assert found.tolist() == []


def naive(minima, maxima, span):
    """Return what the rule says, one range at a time."""
    found: dict[int, float] = {}
    for curve in (maxima, -minima):
        first, last = np.median(curve[:3]), np.median(curve[-3:])
        before = [2 * first - curve[2 + at] for at in range(7, 0, -1)]
        padded = np.array([*before, *curve, *(2 * last - curve[-3 - at] for at in range(1, 8))])
        rises = np.array([curve[at] - np.median(padded[at : at + 15]) for at in range(len(curve))])
        usual = 1.4826 * np.median(np.abs(rises - np.median(rises)))
        for at in np.flatnonzero(rises > max(8 * usual, span / 50)).tolist():
            found[at] = max(found.get(at, 0.0), rises[at])
    chosen = sorted(found, key=lambda at: (-found[at], at))[:MOST]
    return sorted(chosen)


@given(st.data())
def test_several_curves_at_once_are_what_each_is_by_the_rule(data):
    curves = [
        data.draw(hnp.arrays(np.float64, (2, data.draw(st.integers(0, 60))), elements=st.integers(-50, 50).map(float)))
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    minima, maxima = [curve.min(axis=0) for curve in curves], [curve.max(axis=0) for curve in curves]
    there = [at for at, curve in enumerate(maxima) if len(curve)]
    span = max((maxima[at].max() for at in there), default=0) - min((minima[at].min() for at in there), default=0)

    found = find_outliers(minima, maxima)

    for at, places in enumerate(found):
        expected = naive(minima[at], maxima[at], span) if len(maxima[at]) >= 15 else []
        assert places.tolist() == expected


def test_no_more_than_sixteen_are_found():
    maxima = np.zeros(1000)
    maxima[::30] = np.arange(34) + 100.0

    (found,) = find_outliers([np.zeros(1000)], [maxima])

    assert found.tolist() == list(range(18 * 30, 1000, 30))


def test_values_as_large_as_floats_can_be_are_no_fault():
    maxima = np.where(np.arange(100) == 50, 1.7e308, -1.7e308)

    (found,) = find_outliers([np.full(100, -1.7e308)], [maxima])

    assert set(found.tolist()) <= {50}
