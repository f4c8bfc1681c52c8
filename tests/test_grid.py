"""What a grid says of series is what one finds who looks at point after point."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.answers import plain
from tests.naive_buckets import assert_nothing_is_hidden
from tests.strategies import FLOATS

from runfork.index.interface import SeriesKey
from runfork.index.rules.grid import Grid, bucketed
from runfork.index.rules.progressions import as_progression

REGULAR = st.builds(
    lambda start, stride, values: {start + place * stride: value for place, value in enumerate(values)},
    st.integers(0, 5),
    st.integers(1, 3),
    st.lists(FLOATS, max_size=40),
)
ANY = st.dictionaries(st.integers(0, 40) | st.integers(0, 10**12), FLOATS, max_size=30)


@given(st.lists(REGULAR, max_size=3) | st.lists(ANY, max_size=3), st.integers(1, 9), st.booleans())
def test_each_point_counts_in_its_bucket(lines: list[dict[int, float]], count: int, is_single: bool) -> None:
    if is_single:
        with np.errstate(all="ignore"):
            lines = [{x: float(np.float32(value)) for x, value in line.items()} for line in lines]
    ordered = [sorted(line.items()) for line in lines]
    handed: list[Any] = []
    for points in ordered:
        steps = np.array([step for step, _ in points], np.int64)
        values = np.array([value for _, value in points], np.float32 if is_single else np.float64)
        handed.append(((as_progression(steps) if points else None) or steps, values))
    xs = [x for points in ordered for x, _ in points]
    grid = Grid(min(xs, default=0), max(xs, default=0), count)

    found = bucketed(grid, [SeriesKey("r", str(line)) for line in range(len(lines))], handed)

    assert_nothing_is_hidden(found, ordered)


def test_series_of_one_progression_share_where_it_is_cut() -> None:
    grid = Grid(0, 99, 10)
    steps = as_progression(np.arange(100))
    assert steps is not None

    assert grid.cut(steps) is grid.cut(steps)
    assert plain(grid.cut(steps).counts) == [10] * 10
