"""What a state that Accelerate saves and loads makes of runs."""

from __future__ import annotations

import shutil

import pytest

from runfork import Run
from runfork.errors import RunforkWarning
from runfork.testing.reading import History

pytest.importorskip("accelerate")

from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration
from tests.integrations.accelerate_driver import open_accelerator
from tests.integrations.accelerate_loop import LOSS, Loop, begin, trained

from runfork_hf import RunforkTracker, track
from runfork_hf.accelerate.state_file import STATE_FILE, find_mark_in_state


def test_a_state_loaded_before_init_trackers_forks(data_directory, tmp_path):
    parent = trained(tmp_path)
    accelerator = open_accelerator()
    track(accelerator)
    track(accelerator)
    child = begin(accelerator, inits=False)
    accelerator.load_state(str(tmp_path / "1"))
    accelerator.init_trackers("tiny", config={"lr": 0.2})
    child.epoch()
    accelerator.end_training()
    history = History(data_directory)

    assert (parent.run_id, 8) == history.parent(child.run_id)
    assert [parent.run_id, child.run_id] == history.runs
    assert {0.1, 0.2} == {history.values(run)["hparams/lr"] for run in history.runs}


def test_going_back_in_the_middle_of_a_training_forks(data_directory, tmp_path):
    loop = begin()
    run = loop.tracker.tracker
    loop.epoch()
    first, state = loop.run_id, loop.save(tmp_path / "state")
    loop.epoch()
    loop.accelerator.load_state(state)
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)
    second = loop.run_id

    assert [first, second] == history.runs
    assert second == run.run_id
    assert (first, 8) == history.parent(second)
    assert list(range(1, 17)) == sorted(history.own_points(first, LOSS))
    assert list(range(9, 17)) == sorted(history.own_points(second, LOSS))
    assert {"finished"} == {history.values(one)["sys/state"] for one in history.runs}


def test_only_the_state_that_training_goes_on_from_counts(data_directory, tmp_path):
    parent = trained(tmp_path)
    (tmp_path / "2" / "model.safetensors").write_bytes(b"cut off")
    loop = begin()
    with pytest.raises(Exception, match=r"[Hh]eader"):
        loop.accelerator.load_state(str(tmp_path / "2"))
    loop.accelerator.load_state(str(tmp_path / "1"))
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert [parent.run_id, loop.run_id] == history.runs
    assert (parent.run_id, 8) == history.parent(loop.run_id)


@pytest.mark.parametrize("damaged", ["model.safetensors", "optimizer.bin", "custom_checkpoint_0.pkl"])
def test_a_state_that_cannot_be_loaded_makes_no_fork(data_directory, tmp_path, caplog, damaged):
    parent = trained(tmp_path)
    (tmp_path / "2" / damaged).write_bytes(b"cut off")
    loop = begin()
    with pytest.raises(Exception):  # noqa: B017, PT011  whatever is said of it
        loop.accelerator.load_state(str(tmp_path / "2"))
    loop.progress.step = 0
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert [parent.run_id, loop.run_id] == history.runs
    assert history.parent(loop.run_id) is None
    assert list(range(1, 9)) == sorted(history.points(loop.run_id, LOSS))
    assert 1 == caplog.text.count("load_state() ended in an exception")


def test_a_state_that_cannot_be_gone_back_to_leaves_the_run_as_it_is(data_directory, tmp_path):
    loop = begin()
    loop.epoch()
    state = loop.save(tmp_path / "state")
    (tmp_path / "state" / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(Exception, match=r"[Hh]eader"):
        loop.accelerator.load_state(state)
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert [loop.run_id] == history.runs
    assert list(range(1, 17)) == sorted(history.points(loop.run_id, LOSS))


@pytest.mark.parametrize("is_known", [True, False])
def test_a_mark_that_is_not_of_the_weights_beside_it_is_not_taken_at_its_word(
    data_directory, tmp_path, caplog, is_known
):
    parent = begin()
    parent.epoch()
    first = tmp_path / "first"
    parent.save(first)
    parent.epoch()
    parent.save(tmp_path / "second")
    parent.accelerator.end_training()
    if not is_known:
        shutil.rmtree(data_directory / ".fingerprints")
    shutil.copy(
        tmp_path / "second" / STATE_FILE, first
    )  # as in a process that was killed while it saved over the first
    child = begin()
    child.accelerator.load_state(str(first))
    child.epoch()
    child.accelerator.end_training()
    history = History(data_directory)

    assert (parent.run_id, 8 if is_known else 16) == history.parent(child.run_id)
    assert "are not those of its mark" in caplog.text


def test_a_state_saved_before_anything_was_logged_gives_a_fork_nothing(data_directory, tmp_path):
    loop = begin()
    state = loop.save(tmp_path / "state")
    for number in range(3):
        loop.accelerator.log({"series": number})
    loop.accelerator.end_training()
    child = begin()
    child.accelerator.load_state(state)
    child.accelerator.log({"other": 7.0})
    child.accelerator.end_training()
    history = History(data_directory)

    assert (loop.run_id, 0) == history.parent(child.run_id)
    assert {} == history.points(child.run_id, "series")
    assert {0: 7.0} == history.points(child.run_id, "other")
    assert {0: 0.0, 1: 1.0, 2: 2.0} == history.points(loop.run_id, "series")


def test_what_a_fork_no_longer_has_is_gone(data_directory, tmp_path):
    loop = begin(inits=False)
    loop.accelerator.init_trackers("tiny", config={"lr": 0.1, "momentum": 0.9})
    loop.tracker.store_init_configuration({"added": 1})
    loop.epoch()
    state = loop.save(tmp_path / "state")
    loop.accelerator.end_training()
    child = begin()
    child.accelerator.load_state(state)
    child.epoch()
    child.accelerator.end_training()
    before, after = (History(data_directory).values(run) for run in (loop.run_id, child.run_id))

    assert (0.9, 1) == (before["hparams/momentum"], before["hparams/added"])
    assert ["hparams/lr"] == [path for path in after if path.startswith("hparams/")]


def test_a_damaged_mark_begins_a_new_run_and_says_so(data_directory, tmp_path):
    trained(tmp_path)
    (tmp_path / "1" / STATE_FILE).write_text('{"version": 1, "run', encoding="utf-8")
    loop = begin()
    loop.accelerator.load_state(str(tmp_path / "1"))
    with pytest.warns(RunforkWarning, match=r"runfork\.json.*begins as a new run"):
        loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert history.parent(loop.run_id) is None
    assert str(tmp_path / "1") == history.values(loop.run_id)["source/checkpoint_path"]
    assert list(range(9, 17)) == sorted(history.points(loop.run_id, LOSS))


def test_a_state_without_a_mark_begins_a_new_run(data_directory, tmp_path):
    trained(tmp_path)
    (tmp_path / "1" / STATE_FILE).unlink()
    loop = begin()
    loop.accelerator.load_state(str(tmp_path / "1"))
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert history.parent(loop.run_id) is None
    assert str(tmp_path / "1") == history.values(loop.run_id)["source/checkpoint_path"]
    assert "fork_run_id=" in history.values(loop.run_id)["sys/resume/suggestion"]


def test_automatic_names_of_states_fork(data_directory, tmp_path):
    def numbered() -> Loop:
        project = ProjectConfiguration(project_dir=str(tmp_path), automatic_checkpoint_naming=True)
        return begin(Accelerator(cpu=True, log_with=RunforkTracker("tiny"), project_config=project))

    parent = numbered()
    for _ in range(2):
        parent.epoch()
        parent.accelerator.save_state()
    parent.accelerator.end_training()
    child = numbered()
    child.accelerator.load_state()
    child.epoch()
    child.accelerator.end_training()

    assert (parent.run_id, 16) == History(data_directory).parent(child.run_id)


def test_what_is_evaluated_before_training_goes_on_belongs_to_the_run_that_saved_the_state(data_directory, tmp_path):
    parent = trained(tmp_path)
    loop = begin()
    loop.accelerator.load_state(str(tmp_path / "1"))
    loop.model.eval()
    loop.accelerator.log({"val/loss": 1.0}, step=8)
    loop.accelerator.log({"val/loss": 2.0}, step=9)
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert {8: 1.0, 8.000001: 2.0} == history.own_points(parent.run_id, "val/loss")
    assert (parent.run_id, 8) == history.parent(loop.run_id)
    assert {} == history.own_points(loop.run_id, "val/loss")
    assert list(range(9, 17)) == sorted(history.own_points(loop.run_id, LOSS))


def test_no_state_is_without_its_mark_because_of_a_description(data_directory, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("runfork_hf.accelerate.tracker.fingerprint_of", lambda _models: 1 / 0)
    monkeypatch.setattr("runfork_hf.accelerate.tracker.describe_models", lambda _accelerator: 1 / 0)
    parent = trained(tmp_path)
    child = begin()
    child.accelerator.load_state(str(tmp_path / "1"))
    child.epoch()
    child.accelerator.end_training()
    history = History(data_directory)

    assert (parent.run_id, 8) == history.parent(child.run_id)
    assert 0.1 == history.values(parent.run_id)["optimizer/SGD/lr"]
    assert "RunforkTracker.fingerprint failed (ZeroDivisionError" in caplog.text


def test_a_state_whose_mark_cannot_be_had_keeps_none_of_what_it_is_saved_over(data_directory, tmp_path, monkeypatch):
    trained(tmp_path)
    loop = begin()
    monkeypatch.setattr(Run, "checkpoint_mark", lambda *_args, **_options: 1 / 0)
    loop.save(tmp_path / "1")
    loop.accelerator.end_training()

    assert find_mark_in_state(tmp_path / "1") is None


def test_disabled_mode_takes_away_the_mark_of_what_it_saves_over(tmp_path):
    trained(tmp_path)
    trained(tmp_path, mode="disabled")

    assert find_mark_in_state(tmp_path / "1") is None


def test_a_mark_lies_in_the_state_alone_and_moves_with_it(tmp_path):
    loop = trained(tmp_path)
    shutil.move(tmp_path / "1", tmp_path / "elsewhere")
    names = {path.name for path in (tmp_path / "elsewhere").iterdir()}

    assert {STATE_FILE} == {name for name in names if "runfork" in name}
    assert loop.run_id == (find_mark_in_state(tmp_path / "elsewhere") or {})["run_id"]


def test_a_file_that_is_no_mark_is_an_error(tmp_path):
    (tmp_path / STATE_FILE).write_text("[1]", encoding="utf-8")

    with pytest.raises(ValueError, match="JSON object"):
        find_mark_in_state(tmp_path)
