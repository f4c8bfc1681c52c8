"""The braille canvas: nothing that was logged vanishes from it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import examples

from runfork.cli.drawing.canvas import Canvas, bin_columns

SPIKY = st.sampled_from([0.0, 1.0, -1.0, 100.0, 1e-9, 1e300, -1e308, math.nan, math.inf]) | st.floats()


def few_spikes(part):
    """Return a line of zeros with a spike every so often."""
    spike, every = part
    return [spike if place % every == every // 2 else 0.0 for place in range(300)]


def drawn(x, y, *, width=40, height=8, is_dashed=False):
    canvas = Canvas(width, height)
    columns = bin_columns(x, y, low=float(x[0]), high=float(x[-1]), count=canvas.dot_width)
    finite = y[np.isfinite(y)]
    canvas.draw(columns, low=float(finite.min()), high=float(finite.max()), is_dashed=is_dashed)
    return canvas


@settings(max_examples=30)
@given(
    place=st.integers(0, 999_999),
    width=st.integers(4, 120),
    is_up=st.booleans(),
    is_dashed=st.booleans(),
    noise=st.sampled_from([0.0, 0.01, 1.0]),
)
def test_one_point_in_a_million_lights_the_dot_of_its_height(place, width, is_up, is_dashed, noise):
    x = np.arange(1_000_000.0)
    y = np.random.default_rng(place).uniform(-noise, noise, len(x))
    y[place] = 100.0 if is_up else -100.0

    canvas = drawn(x, y, width=width, is_dashed=is_dashed)

    column = min(int(place * (canvas.dot_width / 999_999)), canvas.dot_width - 1)
    assert canvas.is_lit(column, 0 if is_up else canvas.dot_height - 1)


@given(
    points=st.lists(
        st.tuples(st.integers(0, 50), st.one_of(st.floats(-5, 5), st.just(math.nan), st.just(math.inf))), min_size=1
    ),
    count=st.integers(1, 20),
)
def test_columns_hold_what_a_plain_loop_finds(points, count):
    points = sorted(points, key=lambda point: point[0])
    x, y = np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)

    columns = bin_columns(x, y, low=0.0, high=50.0, count=count)

    for at in range(count):
        inside = [value for place, value in points if min(int(place * (count / 50)), count - 1) == at]
        finite = [value for value in inside if math.isfinite(value)]
        assert columns.points[at] == bool(inside)
        assert columns.nan[at] == sum(map(math.isnan, inside))
        assert columns.positive_infinity[at] == inside.count(math.inf)
        found = [columns.first[at], columns.last[at], columns.minimum[at], columns.maximum[at]]
        expected = [finite[0], finite[-1], min(finite), max(finite)] if finite else [math.nan] * 4
        np.testing.assert_array_equal(found, expected)


@pytest.mark.timeout(3600)
def test_no_spike_vanishes_from_the_canvas(tried):
    seen = []

    @examples(150)
    @given(
        values=st.lists(SPIKY, min_size=1, max_size=300) | st.tuples(SPIKY, st.integers(1, 300)).map(few_spikes),
        gaps=st.lists(st.integers(1, 50), min_size=1, max_size=9),
        width=st.integers(1, 60),
        height=st.integers(1, 12),
        is_dashed=st.booleans(),
    )
    def holds(values, gaps, width, height, is_dashed):
        y = np.array(values)
        finite = y[np.isfinite(y)]
        if not len(finite):
            return
        x = np.cumsum(np.resize(gaps, len(y))).astype(float)
        canvas = drawn(x, y, width=width, height=height, is_dashed=is_dashed)
        columns = bin_columns(x, y, low=float(x[0]), high=float(x[-1]), count=canvas.dot_width)
        low, high = float(finite.min()), float(finite.max())
        top, bottom = (canvas.rows_of(one, low=low, high=high) for one in (columns.maximum, columns.minimum))
        for row, rows in ((np.nanmin(top), top), (np.nanmax(bottom), bottom)):
            assert any(canvas.is_lit(column, int(row)) for column in np.flatnonzero(rows == row).tolist())
        if not is_dashed:
            for column in np.flatnonzero(~np.isnan(top)).tolist():
                assert canvas.is_lit(column, int(top[column]))
                assert canvas.is_lit(column, int(bottom[column]))
        seen.append(len(y))

    holds()
    tried(
        "lines of up to 300 values of any size on canvases of any size, whole and dashed",
        times=len(seen),
        outcome="the rows of the least and greatest value are lit; of whole lines those of every column",
    )


def test_a_rising_line_is_connected_from_corner_to_corner():
    canvas = drawn(np.arange(2.0), np.arange(2.0), width=10, height=4)

    lit = [[canvas.is_lit(column, row) for row in range(16)] for column in range(20)]

    assert all(any(column) for column in lit)
    assert all(any(column[row] for column in lit) for row in range(16))


def test_a_line_breaks_where_there_is_only_nan():
    y = np.array([1.0] * 40 + [math.nan] * 20 + [1.0] * 39 + [2.0])
    canvas = drawn(np.arange(100.0), y, width=10, height=1)

    assert not canvas.is_lit(10, 3)
    assert canvas.is_lit(4, 3)
    assert canvas.is_lit(15, 3)


def test_a_gap_without_points_is_bridged():
    canvas = drawn(np.array([0.0, 99.0]), np.array([1.0, 1.0]), width=10, height=1)

    assert all(any(canvas.is_lit(column, row) for row in range(4)) for column in range(20))


def test_a_dashed_line_has_gaps():
    canvas = drawn(np.arange(100.0), np.ones(100), width=20, height=1, is_dashed=True)

    lit = [any(canvas.is_lit(column, row) for row in range(4)) for column in range(40)]

    assert 0.3 < sum(lit) / len(lit) < 0.7


def test_no_height_falls_into_the_gaps_of_a_dashed_line():
    square = np.array(([0.0] * 4 + [1.0] * 4) * 10)

    for y in (square, -square, np.roll(square, 4)):
        canvas = drawn(np.arange(80.0), y, width=40, height=8, is_dashed=True)

        for row in (0, 31):
            assert any(canvas.is_lit(column, row) for column in range(80))


def test_a_single_point_is_drawn():
    canvas = drawn(np.array([7.0]), np.array([3.0]), width=5, height=2)

    assert sum(canvas.is_lit(column, row) for column in range(10) for row in range(8)) == 1


def test_lines_have_the_width_of_the_canvas():
    canvas = drawn(np.arange(50.0), np.sin(np.arange(50.0)), width=33, height=5)
    canvas.put(3, 2, "x", "red")

    lines = canvas.lines()

    assert [sum(len(text) for text, _ in line) for line in lines] == [33] * 5


def test_a_character_takes_the_place_of_dots_with_its_own_style():
    canvas = Canvas(2, 1)
    canvas.light(0, 0, 3, "green")
    canvas.put(1, 0, "x", "red")

    assert canvas.lines()[0] == [("⡇", "green"), ("x", "red")]


def test_what_was_drawn_last_gives_a_character_its_style():
    canvas = Canvas(1, 1)
    canvas.light(0, 0, 0, "green")
    canvas.light(1, 0, 0, "red")

    assert canvas.lines()[0] == [("⠉", "red")]
