"""Steps that are not written out answer as if they were."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork.index.rules.grid import Grid
from runfork.index.rules.progressions import Progression, as_progression, joined, numbers

PROGRESSIONS = st.builds(Progression, st.integers(0, 10**15), st.integers(1, 10**9), st.integers(1, 60))
PARTS = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=4), max_size=5)


@given(PROGRESSIONS, st.lists(st.integers(-70, 70), min_size=1), st.sampled_from(["left", "right"]))
def test_searching_finds_what_numpy_finds(progression, offsets, side):
    wanted = progression.start + np.array(offsets) * progression.stride // 2

    assert progression.searchsorted(wanted, side).tolist() == numbers(progression).searchsorted(wanted, side).tolist()


@given(PROGRESSIONS)
def test_numbers_that_are_a_progression_are_recognised(progression):
    found = as_progression(numbers(progression))

    assert found is not None
    assert numbers(found).tolist() == numbers(progression).tolist()


@pytest.mark.parametrize("steps", [[0, 1, 3], [0, 2, 3], [5, 5], [3, 2]])
def test_other_numbers_are_none(steps):
    assert as_progression(np.array(steps)) is None


@given(PARTS, st.lists(st.booleans(), min_size=5, max_size=5))
def test_parts_are_joined_in_order(gaps, shortened):
    steps = np.cumsum([gap + 1 for part in gaps for gap in part]) if gaps else np.empty(0, np.int64)
    parts = np.split(steps, np.cumsum([len(part) for part in gaps])[:-1]) if gaps else []
    handed: list[Any] = [
        (as_progression(part) if is_short else None) or part for part, is_short in zip(parts, shortened, strict=False)
    ]

    assert numbers(joined(handed)).tolist() == steps.tolist()


def test_chunks_of_one_progression_are_one():
    parts: list[Any] = [Progression(0, 10, 5), np.array([50]), Progression(60, 10, 3), np.array([90, 100])]

    assert joined(parts) == Progression(0, 10, 11)


@given(PROGRESSIONS, st.integers(1, 50), st.integers(0, 30), st.integers(0, 30))
def test_a_grid_cuts_progressions_where_it_cuts_their_numbers(progression, count, before, after):
    written = numbers(progression)
    grid = Grid(int(written[0]) - before, int(written[-1]) + after, count)

    assert grid.starts(progression).tolist() == grid.starts(written).tolist()
