"""Ticks and their labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork.cli.axes import format_ticks, log_ticks, nice_ticks


@given(low=st.floats(-1e12, 1e12), span=st.floats(1e-6, 1e12), most=st.integers(2, 12))
def test_ticks_lie_within_the_range_and_are_few(low, span, most):
    ticks = nice_ticks(low, low + span, most=most)

    margin = span * 1e-6 + abs(low) * 1e-12
    assert 1 <= len(ticks) <= most
    assert all(low - margin <= tick <= low + span + margin for tick in ticks)
    assert ticks == sorted(ticks)


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6), most=st.integers(2, 12))
def test_labels_of_different_ticks_differ(low, span, most):
    ticks = nice_ticks(low, low + span, most=most)
    labels = format_ticks(ticks)

    assert len(set(labels)) == len(set(ticks))


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.5, 1.0], ["0", "0.5", "1.0"]),
        ([0.0, 250.0, 500.0], ["0", "250", "500"]),
        ([0.0, 1e6, 2e6], ["0", "1M", "2M"]),
        ([0.0, 500000.0, 1000000.0, 1500000.0], ["0", "0.5M", "1.0M", "1.5M"]),
        ([1e-7, 2e-7], ["1e-07", "2e-07"]),
        ([0.0012, 0.0013], ["0.0012", "0.0013"]),
        ([1.0, 1.001], ["1.000", "1.001"]),
        ([1e6, 1e6 + 0.5], ["1000000.0", "1000000.5"]),
        ([1e6, 1.1e6], ["1.0M", "1.1M"]),
    ],
)
def test_labels_have_as_many_digits_as_they_need(ticks, labels):
    assert format_ticks(ticks) == labels


def test_logarithmic_ticks_are_powers_of_ten():
    assert log_ticks(0.5, 2e4, most=10) == [1.0, 10.0, 100.0, 1000.0, 10000.0]


def test_logarithmic_ticks_within_a_decade_are_round():
    assert log_ticks(1.1, 4.2, most=4) == [2.0, 3.0, 4.0]


@pytest.mark.parametrize("most", [1, 2, 5])
def test_a_range_of_one_value_has_one_tick(most):
    assert nice_ticks(3.0, 3.0, most=most) == [3.0]
