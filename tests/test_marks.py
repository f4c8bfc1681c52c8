import contextlib
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS

from runfork.errors import ArgumentError, FormatError
from runfork.model.marks import Mark, find_mark, parse_mark
from runfork.model.steps import MAX_MICRO_STEP

MARK = Mark(
    project="a/b",
    run_id="r",
    mark="m",
    step=300_000,
    experiment="e",
    epoch=2,
    fingerprint="f",
    time=1_700_000_000_000_000,
)


@given(
    st.integers(0, MAX_MICRO_STEP),
    st.none() | st.integers(0, 10**6),
    st.none() | st.text(CHARACTERS, min_size=1, max_size=20),
    st.none() | st.text(CHARACTERS, max_size=20),
    st.none() | st.integers(-(2**62), 2**62),
    st.none() | st.integers(0, 2**62) | st.floats(0, allow_infinity=False),
)
def test_a_mark_reads_back_as_it_was_written(step, epoch, fingerprint, experiment, time, counter):
    mark = Mark("a/b", "r", "m", step, experiment, epoch, fingerprint, time, counter)

    assert mark == parse_mark(mark.to_dict())


@pytest.mark.parametrize("counter", ["7", True, math.nan, math.inf, [7]])
def test_a_counter_that_is_no_number_is_refused(counter):
    with pytest.raises(ArgumentError, match="is damaged"):
        parse_mark({**MARK.to_dict(), "counter": counter})


def test_a_mark_is_plain_values():
    assert MARK.to_dict() == {
        "version": 1,
        "project": "a/b",
        "run_id": "r",
        "experiment": "e",
        "mark": "m",
        "step": "0.3",
        "epoch": 2,
        "fingerprint": "f",
        "time": 1_700_000_000_000_000,
    }
    assert MARK.user_step == 0.3


def test_keys_of_later_versions_of_this_format_are_ignored():
    assert parse_mark({**MARK.to_dict(), "new": object()}) == MARK


@pytest.mark.parametrize("data", [None, 3, [], {}, {"state_dict": {}}, {"mark": "m"}, {"run_id": "r"}])
def test_where_there_is_no_mark_none_is_found(data):
    assert find_mark(data) is None


def test_a_mark_is_found_alone_and_in_a_checkpoint():
    assert find_mark(MARK.to_dict()) == find_mark({"runfork": MARK.to_dict(), "state_dict": {}}) == MARK.to_dict()


def test_something_else_under_our_key_is_a_damaged_mark():
    with pytest.raises(ArgumentError, match="^a checkpoint mark needs a version, found {'found': 'text'}"):
        parse_mark(find_mark({"runfork": "text"}) or {})


@pytest.mark.parametrize("version", [None, 0, -1, "1", 1.0, True])
def test_a_mark_without_a_version_is_none(version):
    with pytest.raises(ArgumentError, match="^a checkpoint mark needs a version, found .*; pass what checkpoint_mark"):
        parse_mark({**MARK.to_dict(), "version": version})


def test_a_mark_of_a_newer_version_says_to_upgrade():
    with pytest.raises(
        FormatError, match="^the checkpoint mark has version 2, this runfork reads up to 1; upgrade runfork"
    ):
        parse_mark({**MARK.to_dict(), "version": 2})


@pytest.mark.parametrize(
    "change",
    [
        {"step": None}, {"step": ""}, {"step": "x"}, {"step": "-1"}, {"step": "1e12"}, {"step": "NaN"}, {"step": []},
        {"project": None}, {"project": "x"}, {"run_id": ""}, {"run_id": "a/b"}, {"mark": ""}, {"mark": None}, {"mark": 3},
        {"experiment": 3}, {"epoch": "x"}, {"epoch": []},
    ],
)  # fmt: skip
def test_a_damaged_mark_is_told_with_what_was_found(change):
    with pytest.raises(
        ArgumentError, match=r"^the checkpoint mark is damaged \(.*resume from another checkpoint, or name"
    ):
        parse_mark({**MARK.to_dict(), **change})


@pytest.mark.parametrize("key", ["project", "run_id", "mark", "step"])
def test_a_mark_that_lacks_a_part_is_damaged(key):
    data = MARK.to_dict()
    del data[key]

    with pytest.raises(ArgumentError, match="is damaged"):
        parse_mark(data)


@pytest.mark.parametrize("change", [{"step": [0, [1], 10**30]}, {"step": "x"}, {"epoch": math.inf}, {"time": [1]}])
def test_a_part_that_is_no_number_is_damage(change):
    with pytest.raises(ArgumentError, match="is damaged"):
        parse_mark({**MARK.to_dict(), **change})


@given(
    st.dictionaries(
        st.sampled_from(list(MARK.to_dict())), st.none() | st.integers() | st.text(CHARACTERS) | st.lists(st.integers())
    )
)
def test_nothing_that_a_mark_may_hold_raises_anything_else(change):
    with contextlib.suppress(ArgumentError, FormatError):
        parse_mark({**MARK.to_dict(), **change})


@pytest.mark.parametrize("step", [3, 3.0, "3", "3.000", Decimal(3)])
def test_a_step_may_be_any_number(step):
    assert parse_mark({**MARK.to_dict(), "step": step}).step == 3_000_000
