"""Resuming is a fork: from the right run, at the right step, however Keras is asked to resume. With real Keras and real files."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from runfork.errors import RunforkWarning

tiny = pytest.importorskip("tests.integrations.tiny_keras")
keras = tiny.keras
Callback: Any = keras.callbacks.Callback

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


@pytest.fixture(autouse=True)
def _project(store, monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJECT", "test/tiny")


class CrashError(Exception):
    """What the tests' callbacks raise."""


class CrashAt(Callback):  # type: ignore[misc]
    """Raises in the middle of a training."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.where = (epoch, batch)
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.where:
            raise CrashError


def steps(last, first=1):
    return list(range(first, last + 1))


# BackupAndRestore


@pytest.mark.parametrize("make", [tiny.sequential, tiny.functional, tiny.subclassed])
@pytest.mark.parametrize("order", ["first", "last"])
def test_backup_forks_at_the_step_of_the_backup_in_any_order(history, make, order):
    def callbacks(run_id, *others):
        backup = keras.callbacks.BackupAndRestore("backup")
        own = tiny.callback(run_id=run_id)
        return [own, backup, *others] if order == "first" else [backup, *others, own]

    with pytest.raises(CrashError):
        tiny.fit(tiny.model(make), callbacks=callbacks("parent", CrashAt(1, 4)))
    tiny.fit(tiny.model(make, seed=2), callbacks=callbacks("child"))
    found = history()

    assert ("parent", 8) == found.parent("child")
    assert steps(12) == sorted(found.points("parent", "batch/loss"))
    assert steps(16, 9) == sorted(found.own_points("child", "batch/loss"))
    assert steps(16) == sorted(found.points("child", "batch/loss"))
    assert {8: 0.0, 16: 1.0} == found.points("child", "epoch")


@pytest.mark.parametrize("order", ["first", "last"])
def test_backup_in_the_middle_of_an_epoch_forks_at_its_very_step(history, order):
    def callbacks(run_id, *others):
        backup = keras.callbacks.BackupAndRestore("backup", save_freq=3)
        own = tiny.callback(run_id=run_id)
        return [own, backup, *others] if order == "first" else [backup, *others, own]

    with pytest.raises(CrashError):
        tiny.fit(tiny.model(), callbacks=callbacks("parent", CrashAt(1, 5)))
    tiny.fit(tiny.model(seed=2), callbacks=callbacks("child"))
    found = history()

    # Keras begins the epoch again: its step counter says 12, its epoch 1, and 8 batches follow
    assert ("parent", 12) == found.parent("child")
    assert steps(13) == sorted(found.points("parent", "batch/loss"))
    assert steps(20, 13) == sorted(found.own_points("child", "batch/loss"))
    assert steps(20) == sorted(found.points("child", "batch/loss"))


def test_backup_that_is_resumed_twice_makes_a_chain(history):
    for run_id, crash in (("first", CrashAt(1, 1)), ("second", CrashAt(2, 1)), ("third", None)):
        callbacks = [
            tiny.callback(run_id=run_id),
            keras.callbacks.BackupAndRestore("backup"),
            *([crash] if crash else []),
        ]
        try:
            tiny.fit(tiny.model(), epochs=3, callbacks=callbacks)
        except CrashError:
            continue
    found = history()

    assert (None, ("first", 8), ("second", 16)) == tuple(map(found.parent, ("first", "second", "third")))
    assert steps(24) == sorted(found.points("third", "batch/loss"))


# load_weights and load_model before fit


def saved(name="parent", *, file="saved/model.keras", epochs=1, **options):
    """Train and save; the file is of the last step."""
    model = tiny.model(**options)
    tiny.fit(model, epochs=epochs, callbacks=[tiny.callback(run_id=name)])
    Path(file).parent.mkdir(exist_ok=True)
    (model.save_weights if file.endswith(".weights.h5") else model.save)(file)
    return file


@pytest.mark.parametrize("make", [tiny.sequential, tiny.functional, tiny.subclassed])
def test_load_model_and_fit_is_a_fork(history, make):
    file = saved(make=make)
    tiny.fit(keras.models.load_model(file), epochs=2, initial_epoch=1, callbacks=[tiny.callback(run_id="child")])
    found = history()

    assert ("parent", 8) == found.parent("child")
    assert steps(16) == sorted(found.points("child", "batch/loss"))


@pytest.mark.parametrize("file", ["saved/model.keras", "saved/only.weights.h5"])
def test_load_weights_after_the_callback_met_the_model_is_a_fork(history, file):
    saved(file=file)
    own, model = tiny.callback(run_id="child"), tiny.model(seed=2)
    own.set_model(model)
    model.load_weights(file)
    tiny.fit(model, epochs=1, callbacks=[own])
    found = history()

    # the optimizer was not built, so Keras restored weights alone; steps go on after the fork step all the same
    assert ("parent", 8) == found.parent("child")
    assert steps(16) == sorted(found.points("child", "batch/loss"))


def test_load_weights_with_a_built_optimizer_before_fit_is_a_fork(history):
    file = saved(file="saved/only.weights.h5")
    model = tiny.model(seed=2)
    model.optimizer.build(model.trainable_variables)
    model.load_weights(file)
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="child")])

    assert ("parent", 8) == history().parent("child")


def test_weights_alone_are_offered_and_a_resume_after_it_finds_its_run(history):
    file = saved(file="saved/only.weights.h5")
    model = tiny.model(seed=2)
    model.load_weights(file)
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="child")])
    found = history()

    assert found.parent("child") is None
    assert "fork_run_id='parent', fork_step=8" == found.values("child")["sys/resume/suggestion"]
    assert steps(8) == sorted(found.points("child", "batch/loss"))


def test_weights_of_the_same_values_with_another_count_are_no_resume(history):
    file = saved(file="saved/only.weights.h5")
    model = tiny.model(seed=2)
    tiny.fit(model, epochs=2)
    other = tiny.model()
    other.load_weights(file)
    model.set_weights(other.get_weights())
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="child")])
    found = history()

    assert found.parent("child") is None
    assert "fork_run_id='parent', fork_step=8" == found.values("child")["sys/resume/suggestion"]
    assert 16 == found.values("child")["source/iterations"]
    assert steps(24, 17) == sorted(found.points("child", "batch/loss"))


@pytest.mark.parametrize("file", ["saved/model.keras", "saved/only.weights.h5"])
def test_resume_from_names_the_file(history, file):
    saved(file=file)
    model = tiny.model(seed=2)
    model.load_weights(file)
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="child", resume_from=file)])
    found = history()

    assert ("parent", 8) == found.parent("child")
    assert steps(16) == sorted(found.points("child", "batch/loss"))


def test_resume_from_a_backup_directory(history):
    with pytest.raises(CrashError):
        tiny.fit(
            tiny.model(),
            callbacks=[tiny.callback(run_id="parent"), keras.callbacks.BackupAndRestore("backup"), CrashAt(1, 4)],
        )
    model = tiny.model()
    model.load_weights("backup/latest.weights.h5")
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="child", resume_from="backup")])

    assert ("parent", 8) == history().parent("child")


def test_model_that_was_restored_and_saved_untrained_keeps_its_origin(history):
    file = saved()
    own, model = tiny.callback(run_id="never"), tiny.model(seed=2)
    own.set_model(model)
    model.load_weights(file)
    model.save("saved/copy.keras")
    tiny.fit(tiny.model(), epochs=1, callbacks=[tiny.callback(run_id="child", resume_from="saved/copy.keras")])
    found = history()

    assert ["parent", "child"] == found.runs
    assert ("parent", 8) == found.parent("child")


# Several fits


def test_second_fit_of_a_model_goes_on_in_the_same_run(history):
    own, model = tiny.callback(run_id="only"), tiny.model()
    tiny.fit(model, epochs=1, callbacks=[own])
    tiny.fit(model, epochs=1, callbacks=[own])
    found = history()

    assert ["only"] == found.runs
    assert steps(16) == sorted(found.points("only", "batch/loss"))
    assert {8: 0.0, 16: 0.0} == found.points("only", "epoch")
    assert "finished" == found.values("only")["sys/state"]


def test_second_fit_after_compiling_anew_goes_on_after_the_last_step(history):
    own, model = tiny.callback(run_id="only"), tiny.model()
    tiny.fit(model, epochs=1, callbacks=[own])
    model.layers[0].trainable = False
    model.compile(optimizer="sgd", loss="mse")
    tiny.fit(model, epochs=1, callbacks=[own])
    model.save("tuned.keras")
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="child", resume_from="tuned.keras")])
    found = history()

    assert steps(16) == sorted(found.own_points("only", "batch/loss"))
    assert ("only", 16) == found.parent("child")
    assert steps(24) == sorted(found.points("child", "batch/loss"))


def test_fit_of_another_model_with_the_same_callback_is_a_run_of_its_own(history):
    own = tiny.callback(run_id="first")
    tiny.fit(tiny.model(), epochs=1, callbacks=[own])
    tiny.fit(tiny.model(seed=2), epochs=1, callbacks=[own])
    found = history()

    assert ["first", own.run_id] == found.runs
    assert found.parent(own.run_id) is None
    assert steps(8) == sorted(found.points(own.run_id, "batch/loss"))


def test_model_put_back_to_its_first_weights_begins_another_run(history):
    own, model = tiny.callback(run_id="first"), tiny.model()
    first = model.get_weights()
    tiny.fit(model, epochs=1, callbacks=[own])
    model.set_weights(first)
    model.compile(optimizer="sgd", loss="mse")
    tiny.fit(model, epochs=1, callbacks=[own])
    found = history()

    assert ["first", own.run_id] == found.runs
    assert found.parent(own.run_id) is None


def test_weights_loaded_between_two_fits_make_a_fork(history):
    own, model = tiny.callback(run_id="first"), tiny.model()
    tiny.fit(
        model, epochs=3, callbacks=[keras.callbacks.ModelCheckpoint("{epoch}.weights.h5", save_weights_only=True), own]
    )
    model.load_weights("1.weights.h5")
    tiny.fit(model, epochs=1, callbacks=[own])
    found = history()

    assert ["first", own.run_id] == found.runs
    assert ("first", 8) == found.parent(own.run_id)
    assert steps(24) == sorted(found.points("first", "batch/loss"))
    assert steps(16) == sorted(found.points(own.run_id, "batch/loss"))
    assert "finished" == found.values("first")["sys/state"]


@pytest.mark.parametrize("order", ["first", "last"])
def test_callback_that_goes_back_to_a_checkpoint_within_fit_makes_a_fork(history, order):
    class GoBack(Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.load_weights("1.weights.h5")

    own, saver = (
        tiny.callback(run_id="first"),
        keras.callbacks.ModelCheckpoint("{epoch}.weights.h5", save_weights_only=True),
    )
    others = [saver, GoBack()]
    tiny.fit(tiny.model(), epochs=3, callbacks=[own, *others] if order == "first" else [*others, own])
    found = history()

    assert ["first", own.run_id] == found.runs
    assert ("first", 8) == found.parent(own.run_id)
    assert steps(16) == sorted(found.points("first", "batch/loss"))
    assert steps(16) == sorted(found.points(own.run_id, "batch/loss"))
    assert {"finished"} == {found.values(run)["sys/state"] for run in found.runs}


def test_new_callback_for_a_model_that_was_trained_before_forks_what_it_goes_on_from(history):
    model = tiny.model()
    for run_id in ("first", "second", "third"):
        tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id=run_id)])
    found = history()

    assert (None, ("first", 8), ("second", 16)) == tuple(map(found.parent, ("first", "second", "third")))
    assert steps(24) == sorted(found.points("third", "batch/loss"))


def test_two_callbacks_at_once_each_have_a_run_and_the_first_ones_stands_in_the_file(history):
    both = [tiny.callback(run_id="left"), tiny.callback(run_id="right")]
    model = tiny.model()
    tiny.fit(model, epochs=1, callbacks=both)
    tiny.fit(model, epochs=1, callbacks=both)
    model.save("model.keras")
    tiny.fit(tiny.model(), epochs=1, callbacks=[tiny.callback(run_id="child", resume_from="model.keras")])
    found = history()

    assert {"left", "right", "child"} == set(found.runs)
    assert (None, None, ("left", 16)) == tuple(map(found.parent, ("left", "right", "child")))
    assert steps(16) == sorted(found.points("left", "batch/loss")) == sorted(found.points("right", "batch/loss"))


def test_file_saved_after_the_callback_went_on_to_another_model_names_no_wrong_run(history):
    own, model = tiny.callback(run_id="first"), tiny.model()
    tiny.fit(model, epochs=1, callbacks=[keras.callbacks.ModelCheckpoint("{epoch}.keras"), own])
    other = tiny.model(seed=2)
    tiny.fit(other, epochs=1, callbacks=[own])
    model.save("late.keras")
    tiny.fit(tiny.model(), epochs=1, callbacks=[tiny.callback(run_id="child", resume_from="late.keras")])

    assert ("first", 8) == history().parent("child")


# How it ends


def test_fit_that_ended_in_an_exception_is_failed_once_the_next_one_begins(history):
    own = tiny.callback(run_id="broken")
    with pytest.raises(CrashError):
        tiny.fit(tiny.model(), callbacks=[own, CrashAt(0, 3)])
    tiny.fit(tiny.model(seed=2), epochs=1, callbacks=[own])
    values = history().values("broken")

    assert "failed" == values["sys/state"]
    assert "training began and did not end" in values["sys/exception"]


def test_resume_that_fails_before_its_first_step_has_no_points_and_is_no_head(history):
    tiny.fit(
        tiny.model(),
        epochs=1,
        callbacks=[
            tiny.callback(experiment_name="series", run_id="parent"),
            keras.callbacks.ModelCheckpoint("1.keras"),
        ],
    )
    with pytest.raises(CrashError):
        tiny.fit(
            keras.models.load_model("1.keras"),
            epochs=2,
            callbacks=[tiny.callback(experiment_name="series", run_id="child"), CrashAt(0, 0)],
        )
    tiny.fit(tiny.model(seed=2), epochs=1, callbacks=[tiny.callback()])
    found, child = history(), "child"

    assert ("parent", 8) == found.parent(child)
    assert [] == [path for path in ("optimizer/lr/Adam", "batch/loss", "epoch") if found.own_points(child, path)]
    assert (True, False) == tuple(found.values(run)["sys/experiment/is_head"] for run in ("parent", child))


def test_fit_again_after_an_exception_goes_on_in_the_run(history):
    own, model = tiny.callback(run_id="only"), tiny.model()
    with pytest.raises(CrashError):
        tiny.fit(model, epochs=1, callbacks=[own, CrashAt(0, 3)])
    tiny.fit(model, epochs=1, callbacks=[own])
    found = history()

    assert ["only"] == found.runs
    assert steps(11) == sorted(found.points("only", "batch/loss"))
    assert "finished" == found.values("only")["sys/state"]


def test_early_stopping_is_an_ordinary_end(history):
    stopper = keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=100.0, restore_best_weights=True)
    tiny.fit(tiny.model(), epochs=5, callbacks=[stopper, tiny.callback(run_id="only")])
    found = history()

    assert "finished" == found.values("only")["sys/state"]
    assert steps(16) == sorted(found.points("only", "batch/loss"))


def test_fit_of_no_epoch_makes_no_run(store):
    own, model = tiny.callback(run_id="only"), tiny.model()
    for epochs in (0, 2):
        with contextlib.suppress(UnboundLocalError):  # of Keras 3.5
            tiny.fit(model, epochs=epochs, initial_epoch=epochs, callbacks=[own])

    assert not store.exists()


# Files that are of no use


def test_file_that_was_cut_short_begins_a_new_run_and_says_so(history):
    file = saved()
    data = Path(file).read_bytes()
    Path(file).write_bytes(data[: len(data) // 2])
    with pytest.warns(RunforkWarning, match="carries no mark of runfork"):
        own = tiny.callback(run_id="child", resume_from=file)
    tiny.fit(tiny.model(seed=2), epochs=1, callbacks=[own])
    found = history()

    assert found.parent("child") is None
    assert steps(8) == sorted(found.points("parent", "batch/loss")) == sorted(found.points("child", "batch/loss"))


def test_weights_file_that_was_cut_short_keeps_the_error_of_keras(history):
    file = saved(file="saved/only.weights.h5")
    data = Path(file).read_bytes()
    Path(file).write_bytes(data[: len(data) // 2])
    with pytest.warns(RunforkWarning, match="carries no mark of runfork"):
        tiny.callback(resume_from=file)
    with pytest.raises(OSError, match="truncated"):
        tiny.model().load_weights(file)


def test_what_a_fork_no_longer_has_is_gone(history):
    saver = keras.callbacks.ModelCheckpoint("best.keras", monitor="loss", save_best_only=True)
    model = tiny.model(optimizer=keras.optimizers.Adam(0.01, clipnorm=1.0), loss_weights=[2.0])
    own = tiny.callback(run_id="parent")
    own.run.log_configs({"model/note": "mine"})
    tiny.fit(model, epochs=1, callbacks=[own, saver], class_weight={0: 1.0})
    model.save("last.keras")
    tiny.fit(tiny.model(optimizer="sgd"), epochs=1, callbacks=[tiny.callback(run_id="child", resume_from="last.keras")])
    found = history()
    parent, child = found.values("parent"), found.values("child")

    before = {"checkpoints/monitor", "compile/loss_weights", "optimizer/Adam/clipnorm", "fit/class_weight/0"}
    assert before <= set(parent)
    assert set() == before & set(child)
    gone = ("checkpoints/monitor", "checkpoints/saver", "optimizer/Adam/")
    assert [] == [path for path in child if path.startswith(gone)]
    assert "mine" == child["model/note"]


def wider_than(file, run_id):
    """Save a run "parent" in a file; return a model whose layers are wider than that one's, and its callback, which has met it."""
    saved(file=file)
    own = tiny.callback(run_id=run_id)
    model = tiny.model(
        lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(5), keras.layers.Dense(1)]), seed=2
    )
    own.set_model(model)
    return model, own


def test_weights_that_could_not_be_loaded_make_no_fork(history):
    model, own = wider_than("saved/1.keras", "other")
    with pytest.raises(ValueError, match="could not be loaded"):
        model.load_weights("saved/1.keras")
    tiny.fit(model, epochs=1, callbacks=[own])
    found = history()

    assert found.parent("other") is None
    assert steps(8) == sorted(found.points("other", "batch/loss"))


def test_weights_of_which_some_were_passed_over_on_request_are_a_fork(history):
    model, own = wider_than("saved/1.keras", "child")
    model.load_weights("saved/1.keras", skip_mismatch=True)
    tiny.fit(model, epochs=1, callbacks=[own])

    assert ("parent", 8) == history().parent("child")


def test_parent_that_is_gone_leaves_the_fork_pending(history, store, caplog):
    file = saved()
    shutil.rmtree(store / "test" / "tiny" / "parent")
    tiny.fit(tiny.model(), epochs=1, callbacks=[tiny.callback(run_id="child", resume_from=file)])
    found = history()

    assert "is pending until its folder is copied there" in caplog.text
    assert steps(16, 9) == sorted(found.points("child", "batch/loss"))


def test_load_model_finds_its_run_where_steps_are_not_iterations(history):
    saved("first", file="saved/first.weights.h5")
    model = tiny.model(seed=3)
    model.load_weights("saved/first.weights.h5")
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="second", fork_run_id="first", fork_step=8)])
    model.save("saved/second.keras")
    again = keras.models.load_model("saved/second.keras")
    tiny.fit(again, epochs=2, initial_epoch=1, callbacks=[tiny.callback(run_id="third")])
    found = history()

    assert 16 == int(again.optimizer.iterations)
    assert ("second", 16) == found.parent("third")
    assert steps(24, 17) == sorted(found.own_points("third", "batch/loss"))
