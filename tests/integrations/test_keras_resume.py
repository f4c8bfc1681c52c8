"""Resuming is a fork: from the right run, at the right step, however Keras is asked to resume. With real Keras and real files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from runfork.errors import RunforkWarning

pytest.importorskip("tests.integrations.tiny_keras")

import keras
from tests.integrations import tiny_keras as tiny
from tests.integrations.keras_crashes import CrashAt, CrashError, saved, steps

Callback: Any = keras.callbacks.Callback

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


@pytest.fixture(autouse=True)
def _project(store, monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJECT", "test/tiny")


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
