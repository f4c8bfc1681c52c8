"""The step axis and the logging, for every kind of model and call that Keras has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

tiny = pytest.importorskip("tests.integrations.tiny_keras")
keras = tiny.keras
Callback: Any = keras.callbacks.Callback
Model: Any = keras.Model

BACKEND = keras.backend.backend()
on_torch = pytest.mark.skipif(BACKEND != "torch", reason="Keras can do this on torch only")


@pytest.fixture(autouse=True)
def _project(store, monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJECT", "test/tiny")


@pytest.fixture
def told(caplog):
    """What our boundary caught: nothing, in every test of this module."""
    yield caplog
    assert [] == [record.message for record in caplog.records if "failed (" in record.message]


pytestmark = [
    pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning"),
    pytest.mark.usefixtures("told"),
]


def steps(last, first=1):
    return list(range(first, last + 1))


def resumed(model, *, file="model.keras", make=None, **options):
    """Train, save, load what was saved and train on: parent and child."""
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="parent")], **options)
    model.save(file)
    again = make() if make else keras.models.load_model(file)
    own = tiny.callback(run_id="child")
    if make:
        own.set_model(again)
        again.load_weights(file)
    tiny.fit(again, epochs=2, initial_epoch=1, callbacks=[own], **options)


# Optimizers and steps


def test_gradient_accumulation_counts_updates(history):
    resumed(tiny.model(optimizer=keras.optimizers.Adam(0.01, gradient_accumulation_steps=4)))
    found = history()

    assert ("parent", 2) == found.parent("child")
    assert {0, 1, 2} == set(found.points("parent", "batch/loss"))
    assert {2: 0.0, 4: 1.0} == found.points("child", "epoch")


@pytest.mark.skipif(BACKEND == "torch", reason="Keras wants 1 on torch")
def test_steps_per_execution_are_counted_one_by_one(history):
    resumed(tiny.model(steps_per_execution=3))
    found = history()

    assert ("parent", 8) == found.parent("child")
    assert [3, 6, 8] == sorted(found.points("parent", "batch/loss"))
    assert 3 == found.values("parent")["compile/steps_per_execution"]


def test_mixed_precision(history):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        resumed(tiny.model())
    finally:
        keras.mixed_precision.set_global_policy("float32")
    found = history()
    values = found.values("parent")

    assert "parent" == found.parent("child")[0]
    assert values["optimizer/LossScaleOptimizer/initial_scale"] == 32768.0
    assert (0.01, "mixed_float16") == (values["optimizer/Adam/learning_rate"], values["model/dtype_policy"])
    assert {"optimizer/lr/Adam"} == {path for path in values if path.startswith("optimizer/lr/")}


def test_frozen_layers_are_counted_and_still_recognised(history):
    def make():
        model = tiny.sequential()
        model.layers[0].trainable = False
        return model

    resumed(tiny.model(make))
    found = history()

    assert ("parent", 8) == found.parent("child")
    assert (19, 4, 15) == tuple(
        found.values("parent")[f"model/parameters/{name}"] for name in ("total", "trainable", "frozen")
    )


def test_everything_frozen_trains_nothing_and_breaks_nothing(history):
    def make():
        model = tiny.sequential()
        model.trainable = False
        return model

    tiny.fit(tiny.model(make, run_eagerly=BACKEND == "jax"), epochs=1, callbacks=[tiny.callback(run_id="only")])

    assert 0 == history().values("only")["model/parameters/trainable"]


def test_schedule_shows_the_rate_that_each_step_used(history):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=1, decay_rate=0.5)
    tiny.fit(tiny.model(optimizer=keras.optimizers.SGD(schedule)), epochs=1, callbacks=[tiny.callback(run_id="only")])
    found = history()

    assert {step: pytest.approx(0.1 * 0.5 ** (step - 1)) for step in steps(8)} == found.points(
        "only", "optimizer/lr/SGD"
    )
    assert "ExponentialDecay" == found.values("only")["optimizer/SGD/schedule/type"]


def test_rate_that_a_callback_sets_is_the_one_of_the_epoch(history):
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5**epoch)
    tiny.fit(tiny.model(), epochs=3, callbacks=[tiny.callback(run_id="only", log_every_n_batches=0), scheduler])
    found = history()

    assert {1: 1.0, 8: 1.0, 9: 0.5, 16: 0.5, 17: 0.25, 24: 0.25} == found.points("only", "optimizer/lr/Adam")
    assert {} == found.points("only", "train/learning_rate")
    assert {} == found.points("only", "batch/loss")
    assert [8, 16, 24] == sorted(found.points("only", "train/loss"))


@pytest.mark.parametrize("order", ["first", "last"])
def test_rate_that_a_plateau_reduces_counts_from_the_next_step_on(history, order):
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=0, min_delta=100.0, cooldown=0)
    own = tiny.callback(run_id="only", log_every_n_batches=4)
    tiny.fit(tiny.model(), epochs=3, callbacks=[own, plateau] if order == "first" else [plateau, own])
    rates = history().points("only", "optimizer/lr/Adam")

    assert [0.01] * 6 == [rates[step] for step in (1, 4, 8, 9, 12, 16)]
    assert [0.005] * 3 == [rates[step] for step in (17, 20, 24)]


# Training steps of the user's own


class WithoutOptimizer(Model):  # type: ignore[misc]
    """Trains nothing, and has no optimizer that counts."""

    def __init__(self):
        super().__init__()
        self.first, self.second = tiny.layers()

    def call(self, inputs):
        return self.second(self.first(inputs))

    def train_step(self, *arguments):
        if BACKEND == "jax":
            state, _ = arguments
            return {"loss": keras.ops.ones(())}, state
        return {"loss": keras.ops.ones(())}


def without_optimizer(**options):
    model = WithoutOptimizer()
    model(np.zeros((1, 4), "float32"))
    model.compile(**options)
    return model


@pytest.mark.parametrize("options", [pytest.param({"optimizer": None}, marks=on_torch), {"optimizer": "sgd"}])
def test_batches_are_the_steps_where_no_optimizer_counts(history, options):
    resumed(
        without_optimizer(**options),
        make=lambda: without_optimizer(**options),
    )
    found = history()

    assert ("parent", 8) == found.parent("child")
    assert steps(8) == sorted(found.points("parent", "batch/loss"))
    assert steps(16) == sorted(found.points("child", "batch/loss"))


class TwoOptimizers(Model):  # type: ignore[misc]
    """As adversarial networks do: the optimizer of ``compile`` never moves."""

    def __init__(self):
        super().__init__()
        self.first, self.second = tiny.layers()

    def call(self, inputs):
        return self.second(self.first(inputs))

    def compile(self, **options):
        super().compile(**options)
        self.critic_optimizer = keras.optimizers.Adam(0.1)
        self.maker_optimizer = keras.optimizers.Adam(0.2)

    def train_step(self, data):
        loss = keras.ops.mean(keras.ops.square(self(data[0]) - data[1]))
        self.zero_grad()
        loss.backward()
        for layer, optimizer, times in ((self.first, self.critic_optimizer, 2), (self.second, self.maker_optimizer, 1)):
            weights = layer.trainable_weights
            gradients = [weight.value.grad for weight in weights]
            for _ in range(times):
                optimizer.apply(gradients, weights)
        return {"loss": loss}


@on_torch
def test_with_several_optimizers_the_one_with_the_most_steps_counts(history):
    model = TwoOptimizers()
    model(np.zeros((1, 4), "float32"))
    model.compile()
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="only")])
    found = history()

    assert steps(16)[1::2] == sorted(found.points("only", "batch/loss"))
    assert {"optimizer/lr/Adam-0", "optimizer/lr/Adam-1", "optimizer/lr/RMSprop"} == {
        path for path in found.values("only") if path.startswith("optimizer/lr/")
    }


# Data and calls


def test_generator_of_unknown_length(history):
    def batches():
        inputs, targets = tiny.data()
        for start in range(0, 64, 8):
            yield inputs[start : start + 8], targets[start : start + 8]

    model = tiny.model()
    model.fit(batches(), epochs=1, verbose=0, callbacks=[tiny.callback(run_id="only")])
    found, done = history(), int(model.optimizer.iterations)

    assert done in (7, 8)  # Keras 3.5 loses the batch at which it looked to build the model
    assert steps(done) == sorted(found.points("only", "batch/loss"))
    assert "data/train/samples" not in found.values("only")


def test_class_weights_and_last_batch_of_another_size(history):
    inputs, _ = tiny.data(20)
    model = tiny.model(loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(
        inputs,
        (inputs.sum(axis=1, keepdims=True) > 0).astype("float32"),
        batch_size=8,
        class_weight={0: 1.0, 1: 2.0},
        verbose=0,
        callbacks=[tiny.callback(run_id="only")],
    )
    values = history().values("only")

    assert (3, 20, 8) == tuple(values[f"data/train/{name}"] for name in ("batches", "samples", "batch_size"))
    assert 2.0 == values["fit/class_weight/1"]


def test_only_every_nth_batch_is_logged(history):
    tiny.fit(tiny.model(), epochs=2, callbacks=[tiny.callback(run_id="only", log_every_n_batches=3)])
    found = history()

    assert [3, 6, 11, 14] == sorted(found.points("only", "batch/loss"))
    assert {3, 6, 8, 11, 14, 16} == set(found.points("only", "throughput/steps_per_second"))


@pytest.mark.parametrize("beside", ["nothing", "a callback for batches"])
def test_batch_metrics_are_those_that_keras_shows_on_whatever_thread(history, beside):
    seen = []

    class Watcher(Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch, logs: Any = None):
            seen.append(logs["loss"])

    class Asynchronous(Watcher):
        async_safe = True

    watcher = Asynchronous() if beside == "nothing" else Watcher()
    tiny.fit(tiny.model(), epochs=2, callbacks=[tiny.callback(run_id="only"), watcher])
    points = history().points("only", "batch/loss")

    assert steps(16) == sorted(points)
    assert sorted(seen) == pytest.approx(sorted(points.values()))


def test_fit_within_fit_logs_to_two_runs(history):
    class Distil(Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                tiny.fit(tiny.model(seed=5), epochs=1, callbacks=[tiny.callback(run_id="inner")])

    tiny.fit(tiny.model(), epochs=2, callbacks=[tiny.callback(run_id="outer"), Distil()])
    found = history()

    assert (steps(16), steps(8)) == tuple(sorted(found.points(run, "batch/loss")) for run in ("outer", "inner"))
    assert ["finished", "finished"] == [found.values(run)["sys/state"] for run in ("outer", "inner")]


def test_metrics_of_the_epoch_are_those_of_the_history(history):
    model = tiny.model()
    shown = tiny.fit(model, epochs=2, validation_data=tiny.data(16), callbacks=[tiny.callback(run_id="only")]).history
    found = history()

    for name, path in {"loss": "train/loss", "mae": "train/mae", "val_loss": "val/loss", "val_mae": "val/mae"}.items():
        assert shown[name] == pytest.approx([found.points("only", path)[step] for step in (8, 16)])


def test_training_computes_the_same_numbers_with_us(history):
    shown = [
        tiny.fit(tiny.model(), epochs=3, validation_data=tiny.data(16), shuffle=True, callbacks=callbacks).history
        for callbacks in ([], [tiny.callback()], [tiny.callback(log_every_n_batches=3)])
    ]

    assert shown[0] == shown[1] == shown[2]


def test_fit_within_fit_with_the_same_callback_does_no_harm(history):
    own = tiny.callback(run_id="outer")

    class Distil(Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                tiny.fit(tiny.model(seed=5), epochs=1, callbacks=[own])

    shown = tiny.fit(tiny.model(), epochs=2, callbacks=[own, Distil()]).history
    found = history()

    assert tiny.fit(tiny.model(), epochs=2).history == shown
    assert steps(8) == sorted(found.points("outer", "batch/loss")) == sorted(found.points(own.run_id, "batch/loss"))


# Evaluations


def test_evaluation_after_fit_goes_to_its_run_at_its_last_step(history):
    own, model = tiny.callback(run_id="only"), tiny.model()
    tiny.fit(model, epochs=1, callbacks=[own])
    result = model.evaluate(*tiny.data(16), verbose=0, return_dict=True, callbacks=[own])
    model.predict(tiny.data(16)[0], verbose=0, callbacks=[own])
    found = history()

    assert ["only"] == found.runs
    assert {8: pytest.approx(result["loss"])} == found.points("only", "test/loss")
    assert "finished" == found.values("only")["sys/state"]


def test_evaluation_within_fit_is_a_test_at_the_step_that_is_done(history):
    class Test(Callback):  # type: ignore[misc]
        def __init__(self, own):
            super().__init__()
            self.own = own

        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(*tiny.data(16), verbose=0, callbacks=[self.own])

    own = tiny.callback(run_id="only")
    tiny.fit(tiny.model(), epochs=2, callbacks=[own, Test(own)], validation_data=tiny.data(16))
    found = history()

    assert found.points("only", "val/loss") == pytest.approx(found.points("only", "test/loss"))
    assert steps(16) == sorted(found.points("only", "batch/loss"))
    assert "finished" == found.values("only")["sys/state"]


@pytest.mark.parametrize("how", ["load_model", "resume_from", "set_model", "weights"])
def test_evaluation_of_a_file_goes_to_the_run_that_wrote_it(history, how):
    model = tiny.model()
    saver = keras.callbacks.ModelCheckpoint("{epoch}.keras")
    tiny.fit(model, epochs=2, callbacks=[saver, tiny.callback(run_id="parent")])
    own = tiny.callback(resume_from="1.keras") if how == "resume_from" else tiny.callback()
    model = keras.models.load_model("1.keras") if how == "load_model" else tiny.model(seed=2)
    if how == "set_model":
        own.set_model(model)
    if how != "load_model":
        model.load_weights("1.keras")
    model.evaluate(*tiny.data(16), verbose=0, callbacks=[own])
    found = history()

    assert ["parent"] == found.runs
    assert [8] == list(found.points("parent", "test/loss"))


def test_evaluation_of_what_nobody_knows_is_a_run_of_its_own(history):
    tiny.model().evaluate(*tiny.data(16), verbose=0, callbacks=[tiny.callback(run_id="only")])
    tiny.model().predict(tiny.data(16)[0], verbose=0, callbacks=[tiny.callback(run_id="never")])
    found = history()

    assert ["only"] == found.runs
    assert [0] == list(found.points("only", "test/loss"))


def test_evaluation_of_weights_restored_at_the_end_goes_to_their_step(history):
    class RestoreBest(Callback):  # type: ignore[misc]
        def on_train_end(self, logs=None):
            self.model.load_weights("1.keras")

    own, model = tiny.callback(run_id="only"), tiny.model()
    tiny.fit(model, epochs=2, callbacks=[keras.callbacks.ModelCheckpoint("{epoch}.keras"), RestoreBest(), own])
    model.evaluate(*tiny.data(16), verbose=0, callbacks=[own])
    found = history()

    assert ["only"] == found.runs
    assert [8] == list(found.points("only", "test/loss"))


# Nothing of ours reaches training


def test_other_ranks_do_nothing(store, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    own, model = tiny.callback(run_id="only"), tiny.model()
    tiny.fit(model, epochs=1, callbacks=[own])
    model.evaluate(*tiny.data(16), verbose=0, callbacks=[own])
    model.save("model.keras")

    assert not store.exists()
    assert Path("model.keras").exists()


def test_run_is_at_hand_for_everything_else(history):
    own = tiny.callback(run_id="only")
    own.run.log_configs({"note": "mine"})
    tiny.fit(tiny.model(), epochs=1, callbacks=[own])
    own.run.add_tags(["good"])

    assert ("mine", frozenset({"good"})) == tuple(history().values("only")[path] for path in ("note", "sys/tags"))


@pytest.mark.parametrize("arguments", [{"log_every_n_batches": -1}, {"log_every_n_batches": True}, {"resume": "never"}])
def test_arguments_that_cannot_be_used_are_refused_at_once(arguments):
    from runfork.errors import ArgumentError

    with pytest.raises(ArgumentError, match="found"):
        tiny.callback(**arguments)


@pytest.mark.skipif(not hasattr(keras.callbacks.CallbackList, "_async_dispatch"), reason="Keras before 3.6")
def test_our_hooks_leave_the_dispatch_of_batches_asynchronous():
    for every in (0, 1):
        found = keras.callbacks.CallbackList([tiny.callback(mode="disabled", log_every_n_batches=every)])

        assert found._async_train
