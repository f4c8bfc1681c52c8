"""Series on axes of their own: where their points belong, and up to where a fork inherits them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS

from runfork.training.training_steps import TrainingSteps


def test_series_on_the_main_axis_have_no_cut_of_their_own():
    steps = TrainingSteps()
    for step in range(3):
        steps.place(["train/loss"], step, main_step=step)
        steps.finish(step)

    assert {} == steps.cuts


def test_counter_of_validation_batches_is_cut_at_its_own_last_step():
    steps = TrainingSteps()
    steps.finish(7)
    for batch in range(3):
        steps.place(["val/loss_step"], batch, main_step=7)

    assert {"val/loss_step": 2} == steps.cuts


def test_counter_that_begins_again_in_the_child_goes_on_where_the_parent_was():
    parent = TrainingSteps()
    parent.finish(7)
    for batch in range(3):
        parent.place(["val/loss_step"], batch, main_step=7)
    child = TrainingSteps()
    child.restore(7, parent.to_text())
    placed = [child.place(["val/loss_step"], batch, main_step=15) for batch in range(3)]

    assert [3, 4, 5] == placed


def test_one_number_moves_no_series_for_ever():
    child = TrainingSteps()
    child.restore(300, '{"by_epoch":3}')
    child.place(["by_epoch"], 0, main_step=300)

    assert [4, 5] == [child.place(["by_epoch"], epoch, main_step=400) for epoch in (4, 5)]
    assert {"by_epoch": 5} == child.cuts


def test_counter_that_goes_on_by_itself_is_left_alone():
    child = TrainingSteps()
    child.restore(7, '{"by_epoch":1}')

    assert 2 == child.place(["by_epoch"], 2, main_step=9)


def test_series_at_a_steady_distance_from_the_main_step_moves_along_with_it():
    steps = TrainingSteps()
    for step in range(3):
        steps.finish(step)
        steps.place(["user/by_global_step"], step + 1, main_step=step)
    steps.finish(3)  # a checkpoint is written here, before the user's hook logs at 4

    assert {"user/by_global_step": 4} == steps.cuts


def test_own_axes_survive_a_generation_that_does_not_log_them():
    child = TrainingSteps()
    child.restore(7, '{"val/loss_step":100}')
    child.finish(8)
    grandchild = TrainingSteps()
    grandchild.restore(8, child.to_text())

    assert {"val/loss_step": 100} == grandchild.cuts


@given(
    st.one_of(
        st.none(), st.text(CHARACTERS), st.binary(), st.sampled_from(["[]", "{", '{"a":null}', '{"a":-1}', '{"a":[1]}'])
    )
)
def test_damaged_axes_are_no_axes(text):
    steps = TrainingSteps()
    steps.restore(3, text)

    assert {} == steps.cuts
