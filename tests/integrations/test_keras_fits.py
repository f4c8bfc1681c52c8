"""Which fits of Keras are which runs, and how they end."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

pytest.importorskip("tests.integrations.tiny_keras")

import keras
from tests.integrations import tiny_keras as tiny
from tests.integrations.keras_crashes import CrashAt, CrashError, steps

Callback: Any = keras.callbacks.Callback

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


@pytest.fixture(autouse=True)
def _project(store, monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJECT", "test/tiny")


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
