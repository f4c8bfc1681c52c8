"""Short names of runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork.query.names import short_names


def test_generated_ids_are_called_by_their_words():
    names = short_names(["swift-owl-20261122213630909-mf5yo", "my-run"])

    assert names == {"swift-owl-20261122213630909-mf5yo": "swift-owl", "my-run": "my-run"}


@pytest.mark.parametrize("other", ["swift-owl-20261122213630910-aaaaa", "swift-owl", "swift-owl-2"])
def test_a_short_name_that_could_mean_another_run_is_not_used(other):
    run_id = "swift-owl-20261122213630909-mf5yo"

    assert short_names([run_id, other])[run_id] == run_id


def test_a_short_name_that_is_an_experiment_is_not_used():
    run_id = "swift-owl-20261122213630909-mf5yo"

    assert short_names([run_id], ["swift-owl"])[run_id] == run_id


@given(
    st.lists(
        st.sampled_from(["swift-owl", "swift-owl-2", "warm-elk"]).flatmap(
            lambda words: st.sampled_from(
                [words, f"{words}-20261122213630909-mf5yo", f"{words}-20261122213630910-aaaaa"]
            )
        ),
        unique=True,
        max_size=6,
    )
)
def test_short_names_begin_their_runs_and_no_others(run_ids):
    for run_id, short in short_names(run_ids).items():
        assert [run_id] == [other for other in run_ids if other.startswith(short)] or short == run_id
