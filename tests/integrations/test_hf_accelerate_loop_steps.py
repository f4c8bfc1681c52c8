"""Where points go whose steps the loop itself counts."""

from __future__ import annotations

import pytest

from runfork.testing.reading import History
from runfork.training.training_steps import TrainingSteps

pytest.importorskip("accelerate")

from tests.integrations.accelerate_loop import LOSS, begin, trained

from runfork_hf.accelerate.loop_steps import place, starts_over


def test_series_of_epochs_are_cut_at_their_own_step(data_directory, tmp_path):
    loop = begin()
    for epoch in range(3):
        loop.epoch()
        loop.accelerator.log({"val/acc": epoch / 10}, step=epoch)
        loop.save(tmp_path / str(epoch))
    loop.accelerator.end_training()
    child = begin()
    child.accelerator.load_state(str(tmp_path / "1"))
    child.epoch()
    child.accelerator.log({"val/acc": 0.9}, step=2)
    child.accelerator.end_training()
    history = History(data_directory)

    assert (loop.run_id, 16) == history.parent(child.run_id)
    assert {0: 0.0, 1: 0.1, 2: 0.2} == history.points(loop.run_id, "val/acc")
    assert {0: 0.0, 1: 0.1, 2: 0.9} == history.points(child.run_id, "val/acc")


def test_a_loop_that_counts_from_the_beginning_again_goes_on_after_the_state(data_directory, tmp_path, caplog):
    parent = trained(tmp_path)
    loop = begin()
    loop.accelerator.load_state(str(tmp_path / "2"))
    loop.progress.step = 0
    loop.epoch()
    again = loop.save(tmp_path / "again")
    loop.accelerator.end_training()
    caplog.clear()
    third = begin()
    third.accelerator.load_state(again)
    third.epoch()
    third.accelerator.end_training()
    history = History(data_directory)

    assert (parent.run_id, 16) == history.parent(loop.run_id)
    assert list(range(17, 25)) == sorted(history.own_points(loop.run_id, LOSS))
    assert (loop.run_id, 24) == history.parent(third.run_id)
    assert list(range(25, 33)) == sorted(history.own_points(third.run_id, LOSS))
    assert "counts from" not in caplog.text


@pytest.mark.parametrize("is_known", [True, False])
def test_a_series_that_counts_epochs_moves_no_steps_when_it_is_the_first_after_a_resume(
    data_directory, tmp_path, is_known
):
    parent = begin()
    for epoch in range(2):
        parent.epoch()
        if not is_known:  # the state is saved before the first epoch is logged
            parent.save(tmp_path / str(epoch))
        parent.accelerator.log({"epoch/accuracy": 0.1}, step=epoch)
        if is_known:
            parent.save(tmp_path / str(epoch))
    loop = begin()
    loop.accelerator.load_state(str(tmp_path / ("1" if is_known else "0")))
    loop.accelerator.log({"epoch/accuracy": 0.9}, step=2 if is_known else 0)
    loop.epoch()
    loop.accelerator.log({"epoch/accuracy": 0.8}, step=3 if is_known else 1)
    first = 17 if is_known else 9
    history = History(data_directory)

    assert list(range(first, first + 8)) == sorted(history.own_points(loop.run_id, LOSS))
    assert [0.9, 0.8] == list(history.own_points(loop.run_id, "epoch/accuracy").values())
    assert ([2, 3] if is_known else [0, 1]) == sorted(history.own_points(loop.run_id, "epoch/accuracy"))


def test_a_metric_logged_before_its_step_belongs_to_the_fork(data_directory, tmp_path):
    parent = trained(tmp_path)
    loop = begin()
    loop.accelerator.load_state(str(tmp_path / "1"))
    loop.accelerator.log({"early": 1.0}, step=9)
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert (parent.run_id, 8) == history.parent(loop.run_id)
    assert {9: 1.0} == history.own_points(loop.run_id, "early")


@pytest.mark.parametrize(
    ("step", "last", "expected"),
    [(1, 8, 9), (0, 7, 8), (10, 100, 110), (8, 8, 8), (9, 8, 9), (7, 8, 7), (0, 0, 0), (1, 1, 1)],
)
def test_only_a_loop_that_begins_again_is_moved_behind_the_state(step, last, expected):
    steps = TrainingSteps()
    steps.restore(last)
    moved = starts_over(steps, step, last=last)

    assert expected == steps.main(step)
    assert moved == (expected != step)


def test_the_farthest_axis_is_the_main_one():
    steps = TrainingSteps()
    placed = [place(steps, ["a"], 1), place(steps, ["b"], 100), place(steps, ["a"], 2), place(steps, ["b"], None)]

    assert [1, 100, 2, 101] == placed
    assert 101 == steps.last
    assert {"a": 2} == steps.cuts
