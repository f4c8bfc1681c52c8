"""Statistics of parts add up to those of the whole."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runfork.index.sqlite.points.summaries import WIDTH, empty_summaries, merge_summaries, summarise

VALUES = st.floats(-1e6, 1e6) | st.sampled_from([0.0, math.nan, math.inf, -math.inf])


def summary(values):
    return summarise(np.array([values], np.float64)) if values else empty_summaries(1)


@given(st.lists(VALUES, max_size=20), st.lists(VALUES, max_size=20))
def test_two_parts_add_up(earlier, later):
    merged = merge_summaries(summary(earlier), summary(later))

    np.testing.assert_allclose(merged, summary(earlier + later), rtol=1e-9, atol=1e-3)


@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=9))
def test_columns_do_not_touch_each_other(rows):
    columns = np.ascontiguousarray(np.array(rows).T)

    np.testing.assert_array_equal(summarise(columns), np.concatenate([summarise(column[None]) for column in columns]))


@given(VALUES, st.integers(1, 50), st.integers(1, 50))
def test_a_constant_keeps_its_mean_exactly(value, earlier, later):
    merged = merge_summaries(summary([value] * earlier), summary([value] * later))[0]
    single = summary([value])[0]

    np.testing.assert_equal(merged[4], single[4])


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20), st.integers(0, 20))
@example([0.0, 0.0, -1.7e308, -1.7e308], 1)
def test_a_mean_is_right_and_lies_between_the_extremes(values, place):
    _, _, minimum, maximum, mean, *_ = merge_summaries(summary(values[:place]), summary(values[place:]))[0]

    finite = [value for value in values if math.isfinite(value)]
    assert minimum <= mean <= maximum or not finite
    if finite:
        assert mean == pytest.approx(
            float(sum(map(Fraction, finite)) / len(finite)), rel=1e-9, abs=1e-9 * max(map(abs, finite))
        )


def test_means_of_the_largest_numbers_stay_finite():
    largest = np.finfo(np.float64).max

    assert summary([largest] * 7)[0][4] == pytest.approx(largest)
    assert merge_summaries(summary([largest] * 3), summary([-largest] * 3))[0][4] == 0.0


def test_an_empty_summary_changes_nothing():
    some = summary([1.0, math.nan, 3.0])

    np.testing.assert_array_equal(merge_summaries(some, empty_summaries(1)), some)
    np.testing.assert_array_equal(merge_summaries(empty_summaries(1), some), some)
    assert some.shape == (1, WIDTH)
