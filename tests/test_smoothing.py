"""Smoothing: each kind against its definition, written out in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runfork.errors import ArgumentError
from runfork.query.smoothing import MAX_FACTOR, Smoothing, scale_of, smooth

KINDS = ["ema", "sma", "centred", "gaussian"]


def reference(x, y, weights, smoothing, scale):
    """Return the smoothed curve, point by point as the documentation says it."""
    reach = scale / 1000 / -math.log(min(math.sqrt(smoothing.factor), 0.999))
    return [
        sum(weight * factor * value for weight, factor, value in zip(weights, factors, y, strict=True))
        / sum(weight * factor for weight, factor in zip(weights, factors, strict=True))
        for factors in (
            [_factor(smoothing.kind, at, other, reach) for other in _ordered(x, at, place)]
            for place, at in enumerate(x)
        )
    ]


def _ordered(x, at, place):
    """Return x with points of equal x that come later, beyond it: an exponential average has not seen them yet."""
    return [(other, index <= place) for index, other in enumerate(x)]


def _factor(kind, at, seen, reach):
    other, is_seen = seen
    distance = at - other
    if kind == "ema":
        return math.exp(-distance / reach) if is_seen else 0.0
    if kind == "sma":
        return 1.0 if other > at - 2 * reach and other <= at else 0.0
    if kind == "centred":
        return 1.0 if at - reach <= other <= at + reach else 0.0
    return math.exp(-(distance**2) / (2 * reach**2 / 3))


def curves(steps):
    return st.lists(steps, min_size=1, max_size=60).map(lambda gaps: np.cumsum(np.array(gaps, float)))


@settings(deadline=None, max_examples=120)
@given(
    x=curves(st.one_of(st.integers(1, 3), st.integers(1, 500), st.just(10_000))),
    factor=st.sampled_from([0.01, 0.3, 0.6, 0.9, 0.99, MAX_FACTOR]),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
)
def test_smoothing_is_what_its_definition_says(x, factor, kind, seed):
    random = np.random.default_rng(seed)
    y, weights = (
        random.standard_normal(len(x)) * 10 ** random.uniform(-3, 3),
        random.integers(1, 9, len(x)).astype(float),
    )
    smoothing, scale = Smoothing(kind, factor), scale_of(float(x[-1] - x[0]))

    found = smooth(x, y, weights, smoothing, scale)

    np.testing.assert_allclose(found, reference(x, y, weights, smoothing, scale), rtol=0, atol=1e-10 * np.abs(y).max())


@pytest.mark.parametrize("kind", KINDS)
def test_at_some_of_its_points_the_curve_is_what_it_is_among_all(kind):
    x, y = np.arange(5000.0), np.random.default_rng(1).standard_normal(5000)
    smoothing, places = Smoothing(kind, 0.9), np.array([0, 7, 2500, 4999])

    some = smooth(x, y, np.ones(5000), smoothing, 5000.0, at=x[places])

    np.testing.assert_allclose(some, smooth(x, y, np.ones(5000), smoothing, 5000.0)[places], rtol=1e-9)


@pytest.mark.parametrize("kind", ["ema", "sma", "centred"])
def test_between_two_points_the_curve_is_a_straight_line(kind):
    x, y = np.array([0.0, 4.0, 4.0, 10.0]), np.array([1.0, 2.0, 5.0, 3.0])
    curve = smooth(x, y, np.ones(4), Smoothing(kind, 0.9), 100.0)

    found = smooth(x, y, np.ones(4), Smoothing(kind, 0.9), 100.0, at=np.array([-5.0, 1.0, 4.0, 7.0, 99.0]))

    expected = [curve[0], curve[0] + (curve[1] - curve[0]) / 4, curve[2], (curve[2] + curve[3]) / 2, curve[3]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_huge_value_leaves_no_trace_beyond_the_reach_of_the_kernel(kind):
    x, y = np.arange(10_000.0), np.ones(10_000)
    y[5000] = 1e30

    found = smooth(x, y, np.ones(10_000), Smoothing(kind, 0.3), 10_000.0)

    assert found[4000] == pytest.approx(1.0, rel=1e-12)
    assert found[9000] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_floats_stay_finite_and_between_the_least_and_the_greatest(kind):
    y = np.array([1.7e308, -1.7e308, 1.7e308, 1e300])

    found = smooth(np.arange(4.0), y, np.full(4, 1e6), Smoothing(kind, 0.99), 5.0)

    assert np.isfinite(found).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_stays_what_it_is(kind):
    found = smooth(np.arange(3000.0), np.full(3000, 0.1), np.ones(3000), Smoothing(kind, MAX_FACTOR), 5000.0)

    np.testing.assert_array_equal(found, 0.1)


def test_a_factor_of_nothing_changes_nothing():
    y = np.array([3.0, 1.0, 2.0])

    np.testing.assert_array_equal(smooth(np.arange(3.0), y, np.ones(3), Smoothing("ema", 0), 5.0), y)


@pytest.mark.parametrize(
    ("extent", "scale"), [(0, 1.0), (1, 1.0), (1.01, 2.0), (99_999, 1e5), (1e5, 1e5), (100_001, 2e5), (3e-7, 5e-7)]
)
def test_the_scale_is_rounded_up_so_that_growth_seldom_changes_it(extent, scale):
    assert scale_of(extent) == pytest.approx(scale)


@pytest.mark.parametrize(("kind", "factor"), [("mean", 0.5), ("ema", -0.1), ("ema", 1.0), ("ema", math.nan)])
def test_what_cannot_be_smoothed_by_is_refused(kind, factor):
    with pytest.raises(ArgumentError, match="smoothing"):
        Smoothing(kind, factor)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [0.01, 0.9, MAX_FACTOR])
def test_curves_at_the_same_x_are_smoothed_together_as_each_alone(kind, factor):
    x, at = np.sort(np.random.default_rng(2).random(3000)) * 1000, np.linspace(-10, 1010, 97)
    curves = np.random.default_rng(1).standard_normal((40, 3000)) * np.geomspace(1e-3, 1e3, 40)[:, None]
    smoothing, weights = Smoothing(kind, factor), np.arange(1.0, 3001.0)

    together = smooth(x, curves, weights, smoothing, 1000.0, at=at)

    for one, curve in zip(together, curves, strict=True):
        np.testing.assert_allclose(one, smooth(x, curve, weights, smoothing, 1000.0, at=at), rtol=1e-9)
