"""Charts: lines, axes, fork marks, markers."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.command_line import runner
from tests.strategies import examples

from runfork import Run
from runfork.cli import cli
from runfork.cli.drawing.chart import FORK_MARK, Chart, Line, draw_chart, format_ticks, log_ticks, nice_ticks

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


def text_of(chart):
    return ["".join(text for text, _ in line) for line in draw_chart(chart)]


def ramp(count=100):
    x = np.arange(float(count))
    return Line(x, x / count)


@given(
    values=st.lists(FLOATS, min_size=1, max_size=40),
    width=st.integers(20, 120),
    height=st.integers(3, 20),
    log_x=st.booleans(),
    log_y=st.booleans(),
)
def test_any_values_are_drawn_within_the_width(values, width, height, log_x, log_y):
    y = np.array(values)
    lines = text_of(Chart([Line(np.arange(float(len(y))), y)], width, height, log_x=log_x, log_y=log_y))

    assert all(len(line) <= width for line in lines)
    assert len(lines) in (1, height + 2)


def test_a_chart_has_its_height_and_two_lines_for_the_x_axis():
    assert len(text_of(Chart([ramp()], 60, 7))) == 9


def test_no_points_are_told_in_words():
    assert text_of(Chart([Line(np.array([]), np.array([]))])) == ["no points to draw"]


def test_fork_marks_stand_on_the_x_axis_where_they_belong():
    axis = text_of(Chart([ramp()], 60, 5, forks=[0.0, 49.5]))[-2]

    line = axis[axis.index("└") + 1 :]
    assert [at for at, character in enumerate(line) if character == FORK_MARK] == [0, len(line) // 2]


def test_forks_outside_the_range_are_left_out():
    assert FORK_MARK not in text_of(Chart([ramp()], 60, 5, forks=[-5.0, 1000.0]))[-2]


def test_values_that_are_not_finite_are_marked_at_the_edges():
    x = np.arange(90.0)
    y = np.ones(90)
    y[10], y[50], y[80] = math.nan, math.inf, -math.inf

    lines = text_of(Chart([Line(x, y)], 60, 6))

    assert "▲" in lines[0]
    assert "\u00d7" in lines[5]
    assert "▼" in lines[5]


def test_a_line_of_nothing_but_nan_is_marked():
    lines = text_of(Chart([Line(np.arange(3.0), np.full(3, math.nan))], 40, 4))

    assert lines[3].count("\u00d7") == 3


def test_a_logarithmic_axis_marks_what_it_cannot_show_on_the_floor():
    lines = text_of(Chart([Line(np.arange(4.0), np.array([1.0, 0.0, 100.0, -5.0]))], 40, 4, log_y=True))

    assert lines[3].count("▼") == 2
    assert "100" in lines[0]


def test_lines_are_told_apart_by_letters():
    x = np.arange(10.0)
    lines = text_of(Chart([Line(x, x * 0, label="a"), Line(x, x * 0 + 1, label="b")], 40, 5))

    assert lines[0].endswith("b")
    assert "a" in lines[4]


def test_labels_of_the_y_axis_stand_beside_their_rows():
    lines = text_of(Chart([Line(np.array([0.0, 1.0]), np.array([0.0, 10.0]))], 40, 12))

    assert lines[0].startswith("10 ┤")
    assert lines[11].startswith(" 0 ┤")


def test_a_spike_of_one_point_reaches_the_top_of_the_chart():
    y = np.zeros(1_000_000)
    y[123_456] = 1.0

    top = text_of(Chart([Line(np.arange(1e6), y)], 80, 8))[0]

    assert sum(0x2800 < ord(character) < 0x2900 for character in top) == 1


def test_labels_of_a_logarithmic_axis_are_exact():
    x = np.array([0.1, 1.0, 1e5])

    labels = text_of(Chart([Line(x, x)], 120, 5, log_x=True))[-1].split()

    assert labels == ["0.1", "1", "10", "100", "1000", "10000", "100000"]


@pytest.mark.timeout(3600)
def test_a_spike_of_one_point_is_in_the_plot_of_its_run(tried, data_directory):
    seen: list[int] = []

    @examples(10, long=300)
    @given(st.integers(2, 300), st.data(), st.integers(30, 150), st.integers(3, 20), st.booleans(), st.booleans())
    def holds(length, data, width, height, is_up, is_pruned):
        place = data.draw(st.integers(1, length - 1))
        project = f"tests/number-{len(seen)}"
        with Run(run_id="r", project=project) as run:
            for step in range(length):
                spike = 50.0 if is_up else -50.0
                run.log_metrics({"loss": spike if step == place else math.sin(step)}, step=step)
        shown = ["r"]
        if is_pruned:
            with Run(run_id="child", project=project, fork_run_id="r", fork_step=0) as run:
                run.log_metrics({"loss": 0.0}, step=1)
            shown = ["child", "--pruned"]
        called = ["plot", *shown, "loss", "--project", project, "--width", str(width), "--height", str(height)]
        lines = runner().invoke(cli, called, catch_exceptions=False).stdout.splitlines()
        chart = [line for line in lines if re.search("[│┤]", line)]
        assert height == len(chart)
        canvas = re.split("[│┤]", chart[0 if is_up else -1], maxsplit=1)[1]
        assert any(0x2800 < ord(character) < 0x2900 for character in canvas)
        seen.append(length)

    holds()
    tried(
        "a run with a spike of one point, plotted by the command at any size, as history and as what a fork pruned",
        times=len(seen),
        outcome="the row of the spike is drawn",
    )


# Ticks and their labels


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
