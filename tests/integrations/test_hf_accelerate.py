"""The tracker for Accelerate beyond the contract of integrations, with the real Accelerator."""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import shutil
import socket
import subprocess
import sys
import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runfork import Run
from runfork.errors import RunforkWarning
from runfork.testing.processes import start_driver
from runfork.testing.reading import History
from runfork.training.training_steps import TrainingSteps

pytest.importorskip("accelerate")

from accelerate import Accelerator, tracking
from accelerate.state import GradientState
from accelerate.utils import ProjectConfiguration
from tests.integrations.accelerate_driver import AccelerateDriver, open_accelerator, prepare, train_epoch
from tests.integrations.documented import not_logged, types_of, undocumented

from runfork.testing.waits import HANG_SECONDS
from runfork_hf import RunforkTracker, register, track
from runfork_hf.accelerate.loop_steps import place, starts_over
from runfork_hf.accelerate.state_file import STATE_FILE, find_mark_in_state

if TYPE_CHECKING:
    from pathlib import Path

has_names = hasattr(tracking, "register_tracker_class")
needs_names = pytest.mark.skipif(not has_names, reason="this Accelerate knows no trackers by name but its own")

LOSS = "train/loss"


class Loop(SimpleNamespace):
    """An Accelerator with a tiny model, which trains eight steps in an epoch."""

    accelerator: Any
    model: Any
    progress: Any

    def epoch(self) -> None:
        train_epoch(self.accelerator, self.model, self.optimizer, self.loader, self.progress, [])

    def save(self, path: Path) -> str:
        self.accelerator.save_state(str(path))
        return str(path)

    @property
    def tracker(self) -> Any:
        return self.accelerator.trackers[-1]

    @property
    def run_id(self) -> str:
        return str(self.tracker.tracker.run_id)


def begin(accelerator: Any = None, *, inits: bool = True, **arguments: Any) -> Loop:
    accelerator = accelerator or open_accelerator(**arguments)
    model, optimizer, loader, progress = prepare(accelerator)
    loop = Loop(accelerator=accelerator, model=model, optimizer=optimizer, loader=loader, progress=progress)
    if inits:
        accelerator.init_trackers("tiny", config={"lr": 0.1}, init_kwargs={"runfork": arguments})
    return loop


def trained(folder: Path, **arguments: Any) -> Loop:
    """A loop of two epochs that saved `folder`/1 and `folder`/2, and ended."""
    loop = begin(**arguments)
    for epoch in (1, 2):
        loop.epoch()
        loop.save(folder / str(epoch))
    loop.accelerator.end_training()
    return loop


# Names and values


@needs_names
def test_the_name_alone_logs_and_forks(data_directory, tmp_path):
    register()
    register()
    runs: list[str] = []
    for _ in range(2):
        accelerator = Accelerator(cpu=True, log_with="runfork")
        loop = begin(accelerator, inits=False)
        accelerator.init_trackers("my project")
        if runs:
            accelerator.load_state(str(tmp_path / "state"))
        loop.epoch()
        loop.save(tmp_path / "state")
        runs.append(loop.run_id)
        accelerator.end_training()
    history = History(data_directory)

    assert runs == history.runs
    assert (runs[0], 8) == history.parent(runs[1])
    assert "my project" == history.values(runs[1])["sys/name"]
    assert list(range(1, 17)) == sorted(history.points(runs[1], LOSS))


def test_configs_and_what_was_prepared_are_logged(data_directory, tmp_path):
    accelerator = open_accelerator(tags=["one"])
    loop = begin(accelerator, inits=False)
    config = vars(SimpleNamespace(lr=0.5, model={"depth": 2}, names=None, hub_token="verysecret", max_tokens=5))
    accelerator.init_trackers("tiny", config=config, init_kwargs={"runfork": {"tags": ["one"]}})
    loop.epoch()
    accelerator.end_training()
    values = History(data_directory).values(loop.run_id)

    assert (0.5, 2, None) == tuple(values[f"hparams/{name}"] for name in ("lr", "model/depth", "names"))
    assert ("****", 5) == (values["hparams/hub_token"], values["hparams/max_tokens"])
    assert ("accelerate", 1, "no") == (
        values["sys/integration/name"],
        values["accelerate/num_processes"],
        values["accelerate/mixed_precision"],
    )
    assert (49, 0.1) == (values["model/parameters/total"], values["optimizer/SGD/lr"])
    assert "finished" == values["sys/state"]


def test_secrets_among_the_configs_are_masked(data_directory):
    loop = begin(inits=False)
    config = {"hub_token": "hf_verysecretverysecret", "db": "postgres://me:verysecret@host/x", "bos_token": "<s>"}
    loop.accelerator.init_trackers("tiny", config=config)
    loop.accelerator.end_training()
    values = History(data_directory).values(loop.run_id)

    assert "verysecret" not in str(values)
    assert ("****", "<s>") == (values["hparams/hub_token"], values["hparams/bos_token"])


def test_texts_and_nested_values_are_logged_and_steps_are_counted_where_none_is_given(data_directory):
    loop = begin()
    loop.accelerator.log({"loss": 3, "note": "begun", "val": {"acc": 0.5, "text": "fine"}})
    loop.accelerator.log({"loss": 2})
    loop.accelerator.log({"loss": 1}, step=10)
    loop.accelerator.log({"loss": 0})
    loop.accelerator.end_training()
    history = History(data_directory)

    assert {0: 3, 1: 2, 10: 1, 11: 0} == history.points(loop.run_id, "loss")
    assert ({0: "begun"}, {0: 0.5}, {0: "fine"}) == tuple(
        history.points(loop.run_id, path) for path in ("note", "val/acc", "val/text")
    )


def test_unwrapped_tracker_is_a_run_whose_steps_count_for_checkpoints(data_directory, tmp_path):
    loop = begin()
    run = loop.accelerator.get_tracker("runfork", unwrap=True)
    run.log_metrics({"own": 1}, step=5)
    run.add_tags(["mine"])
    state = loop.save(tmp_path / "state")
    loop.accelerator.end_training()

    assert isinstance(run, Run)
    assert {"step": "5", "run_id": run.run_id}.items() <= dict(find_mark_in_state(state) or {}).items()
    assert {"mine"} == set(History(data_directory).values(loop.run_id)["sys/tags"])


def test_a_run_that_is_open_already_is_used_and_left_open(data_directory, open_run):
    run = open_run("mine", run_id="mine")
    loop = begin(run=run)
    loop.epoch()
    loop.accelerator.end_training()

    assert not run.is_closed
    assert list(range(1, 9)) == sorted(History(data_directory).points("mine", LOSS))


def test_a_tracker_logs_on_when_its_accelerator_is_gone(data_directory):
    loop = begin()
    loop.epoch()
    tracker, run_id = loop.tracker, loop.run_id
    del loop
    gc.collect()
    tracker.log({LOSS: 0.5}, step=9)
    tracker.tracker.log_metrics({"own": 1.0}, step=9)
    tracker.finish()
    history = History(data_directory)

    assert list(history.points(run_id, LOSS)) == list(range(1, 10))
    assert history.points(run_id, "own") == {9: 1.0}
    assert history.values(run_id)["sys/state"] == "finished"


@pytest.mark.parametrize("starts", [True, False], ids=["as now", "as older versions"])
@pytest.mark.parametrize("config", [None, {"lr": 0.1}], ids=["no config", "config"])
def test_a_tracker_goes_on_with_another_accelerator(data_directory, tmp_path, monkeypatch, starts, config):
    if not starts:
        monkeypatch.setattr(RunforkTracker, "_start_is_called", False)
        monkeypatch.setattr(RunforkTracker, "start", lambda _: None)
    tracker = RunforkTracker("tiny")
    loops = []
    for number in range(2):
        loop = begin(open_accelerator(tracker), inits=False)
        loop.accelerator.init_trackers("tiny", config=config)
        loop.progress.step = 8 * number
        loop.epoch()
        loops.append(loop)
    state = loops[1].save(tmp_path / "state")

    assert find_mark_in_state(state) is not None
    assert list(History(data_directory).points(loops[0].run_id, LOSS)) == list(range(1, 17))


def test_images_are_refused_in_a_sentence(caplog):
    loop = begin()
    for _ in range(2):
        loop.accelerator.get_tracker("runfork").log_images({"image": []}, step=1)

    assert 1 == caplog.text.count("images and tables are logged as files")
    loop.accelerator.end_training()


def test_a_value_that_cannot_be_logged_does_not_stop_the_training(data_directory):
    loop = begin()
    with pytest.warns(RunforkWarning, match="must be one number"):
        loop.accelerator.log({"loss": object(), "good": 1}, step=1)
    loop.accelerator.log({"good": 2}, step="two")
    loop.accelerator.log({"good": 2}, step=float("inf"))
    loop.accelerator.log({"good": 3}, step=3)
    loop.accelerator.end_training()

    assert {1: 1, 3: 3} == History(data_directory).points(loop.run_id, "good")


# Loading states


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


# Copies, and several in one process


@pytest.mark.parametrize("copy_of", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_an_accelerator_can_be_copied_and_its_copy_goes_on(data_directory, tmp_path, copy_of):
    GradientState._reset_state()  # it remembers the loaders of epochs that were left, which nothing can copy
    loop = begin()
    loop.epoch()
    other = copy_of(loop.accelerator)
    other.log({"from/the_copy": 1.0}, step=8)
    other.save_state(str(tmp_path / "copied"))
    other.end_training()
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert [loop.run_id] == history.runs
    assert {8: 1.0} == history.points(loop.run_id, "from/the_copy")
    assert list(range(1, 17)) == sorted(history.points(loop.run_id, LOSS))
    assert {"run_id": loop.run_id, "step": "8"}.items() <= dict(find_mark_in_state(tmp_path / "copied") or {}).items()


def test_another_accelerator_that_trains_does_not_end_an_evaluation(data_directory, tmp_path):
    parent = trained(tmp_path)
    evaluated, other = begin(), begin()
    evaluated.accelerator.load_state(str(tmp_path / "1"))
    other.epoch()
    evaluated.model.eval()
    evaluated.accelerator.log({"val/loss": 1.0})
    evaluated.accelerator.end_training()
    other.accelerator.end_training()
    history = History(data_directory)

    assert {8: 1.0} == history.own_points(parent.run_id, "val/loss")
    assert list(range(1, 9)) == sorted(history.points(other.run_id, LOSS))


class _Owner(Accelerator):  # type: ignore[misc]
    """As trainers have that bring their own: it counts for itself, and logs through methods of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.logged = 0

    def log(self, values: Any, step: Any = None, log_kwargs: Any = None) -> None:
        self.logged += 1
        super().log({f"objective/{name}": value for name, value in values.items()}, step, log_kwargs or {})


def test_a_subclass_of_the_accelerator_forks_too(data_directory, tmp_path):
    parent = trained(tmp_path)
    loop = begin(_Owner(cpu=True, log_with=RunforkTracker("tiny")))
    loop.accelerator.load_state(str(tmp_path / "1"))
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert (parent.run_id, 8) == history.parent(loop.run_id)
    assert list(range(9, 17)) == sorted(history.points(loop.run_id, f"objective/{LOSS}"))


def test_what_a_caller_drops_is_dropped(data_directory, tmp_path):
    class Big:
        pass

    state = str(tmp_path / "state")

    def train() -> Any:
        big = Big()
        found = weakref.ref(big)
        loop = begin()
        loop.epoch()
        loop.save(tmp_path / "state")
        loop.accelerator.load_state(state)
        loop.epoch()
        del big
        gone = found() is None
        loop.accelerator.end_training()
        return gone

    assert train()


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


# How runs end


def test_an_exception_on_its_way_through_end_training_stands_in_the_run(data_directory):
    loop = begin()
    loop.epoch()

    def fail() -> None:
        try:
            raise ValueError("the data ran out")
        finally:
            loop.accelerator.end_training()

    with pytest.raises(ValueError, match="the data ran out"):
        fail()
    values = History(data_directory).values(loop.run_id)

    assert "failed" == values["sys/state"]
    assert "the data ran out" in values["sys/exception"]


def test_what_is_logged_after_the_end_stays_in_the_run(data_directory):
    loop = begin()
    loop.epoch()
    loop.accelerator.end_training()
    loop.accelerator.log({"test/acc": 0.5}, step=8)
    loop.accelerator.end_training()
    history = History(data_directory)

    assert [loop.run_id] == history.runs
    assert {8: 0.5} == history.points(loop.run_id, "test/acc")


@needs_names
def test_trackers_made_again_by_name_replace_each_other(data_directory):
    loop = begin()
    for _ in range(2):
        loop.epoch()
        loop.accelerator.end_training()
        loop.accelerator.init_trackers("again")
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert 3 == len(history.runs)
    assert [8, 8, 8] == [len(history.own_points(run, LOSS)) for run in history.runs]
    assert {"finished"} == {history.values(run)["sys/state"] for run in history.runs}


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


# Processes


def run_two_ranks(code: str, folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ranks = [
        start_driver(AccelerateDriver(), code, folder, RANK=str(rank), LOCAL_RANK=str(rank), **common)
        for rank in (0, 1)
    ]
    endings = [(process.communicate(timeout=HANG_SECONDS)[1], process.returncode) for process in ranks]

    assert [0, 0] == [code for _, code in endings], endings


def test_two_ranks_fork_once(data_directory, tmp_path):
    run_two_ranks('driver.train(Path("parent"), epochs=1, run_id="parent")', tmp_path)
    run_two_ranks(
        """
        driver.train(Path("child"), epochs=2, checkpoint=Path("parent/state_1"), run_id="child")
        """,
        tmp_path,
    )
    history = History(data_directory)

    assert {"parent", "child"} == set(history.runs)
    assert ("parent", 8) == history.parent("child")
    assert list(range(9, 17)) == sorted(history.own_points("child", LOSS))
    assert 2 == history.values("child")["accelerate/num_processes"]


def test_on_other_ranks_a_tracker_does_nothing(data_directory, tmp_path):
    run_two_ranks(
        """
        from runfork_hf import RunforkTracker
        from tests.integrations.accelerate_driver import open_accelerator
        tracker = RunforkTracker("tiny", run_id="shared")
        accelerator = open_accelerator(tracker)
        accelerator.init_trackers("tiny")
        tracker.tracker.log_configs({f"rank_{accelerator.process_index}": 1})
        tracker.log({"loss": accelerator.process_index}, step=1)
        accelerator.end_training()
        """,
        tmp_path,
    )
    history = History(data_directory)

    assert ["shared"] == history.runs
    assert {1: 0} == history.points("shared", "loss")
    assert "rank_1" not in history.values("shared")


def test_without_accelerate_the_message_names_the_extra():
    code = "import sys; sys.modules['accelerate'] = None\nfrom runfork_hf import RunforkTracker"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=HANG_SECONDS
    )

    assert 'pip install "runfork[hf]"' in done.stderr.splitlines()[-1]


def test_a_tracker_that_no_accelerator_calls_says_what_is_missing(data_directory, caplog):
    caplog.set_level(logging.WARNING)
    tracker = RunforkTracker("alone")
    tracker.log({"loss": 1.0}, step=1)
    tracker.log({"loss": 2.0}, step=2)
    tracker.finish()

    assert 1 == caplog.text.count("call runfork_hf.track(accelerator)")
    assert {1: 1.0, 2: 2.0} == History(data_directory).points(tracker.runs.run_id, "loss")


# Steps


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


def test_what_is_logged_by_itself_is_what_the_documents_list(data_directory, tmp_path):
    trained = AccelerateDriver().train(tmp_path)
    types = types_of(History(data_directory), trained.run_id)

    assert [] == undocumented(types, "Accelerate", own=("train/", "sys/", "runtime/", "source_code/"))
    assert [] == not_logged(types, "Accelerate", elsewhere={"source/*", "sys/resume/suggestion", "sys/exception"})
