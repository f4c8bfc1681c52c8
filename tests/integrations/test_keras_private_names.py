"""What Keras does not promise and we use is still there."""

from __future__ import annotations

import inspect
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from tests.integrations.private_names import PrivateName, check

pytest.importorskip("tests.integrations.tiny_keras")

import h5py
import keras
from tests.integrations import tiny_keras as tiny

from runfork_keras import RunforkCallback
from runfork_keras.calls import find_epoch_end, find_failures, find_fit, find_save
from runfork_keras.counter import StepCounter
from runfork_keras.identity import IdentityLayer, place_of
from runfork_keras.training_description import learning_rates

pytestmark = pytest.mark.filterwarnings("ignore")


class Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def on_train_begin(self, logs=None):
        self.seen.fits.append(find_fit(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.epoch_end = find_epoch_end(self)


class WatchingLayer(keras.layers.Layer):  # type: ignore[misc]
    """Stands in a model as our identity does."""

    def __init__(self, seen):
        super().__init__(name="watching", trainable=False)
        self.built = True
        object.__setattr__(self, "seen", seen)

    def save_own_variables(self, store):
        self.seen.places.append(place_of(store))
        self.seen.saves.append(find_save())
        store["mark"] = np.zeros(1)

    def load_own_variables(self, store):
        self.seen.failures.append(find_failures())


def watched(seen, make=tiny.sequential, **options):
    model = tiny.model(make, **options)
    object.__setattr__(model, "_watching", WatchingLayer(seen))
    return model


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a fit, what is saved in it and by itself, and what is loaded show."""
    folder = tmp_path_factory.mktemp("seen")
    found = SimpleNamespace(fits=[], places=[], saves=[], failures=[], epoch_end=None, folder=folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs, targets = tiny.data(20)
        found.model = model = watched(
            found, optimizer=keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5))
        )
        found.saver = keras.callbacks.ModelCheckpoint(folder / "saved.weights.h5", save_weights_only=True)
        stopper = keras.callbacks.EarlyStopping("loss", restore_best_weights=True)
        callbacks = [
            Watcher(found),
            found.saver,
            stopper,
            keras.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False),
        ]
        model.fit(inputs, targets, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
        model.save_weights(folder / "by_hand.weights.h5")
        model.load_weights(folder / "saved.weights.h5")
        with pytest.raises(Exception, match="."):
            watched(found, lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(7)])).load_weights(
                folder / "saved.weights.h5"
            )
        found.names = sorted(path.name for path in (folder / "backup").iterdir())
        with h5py.File(folder / "saved.weights.h5") as file:
            found.has_mark = "_watching/vars/mark" in file
    return found


def failures_of(seen):
    return [len(one) > 0 for one in seen.failures]


def our_callback():
    callback, model = RunforkCallback(), tiny.model()
    keras.callbacks.Callback.set_model(callback, model)
    return callback._met_model() is model is callback.model


def callback_list():
    return inspect.getsource(keras.callbacks.CallbackList)


def inner_optimizer():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5))
    scaled.build(tiny.model().trainable_variables)
    return float(scaled.inner_optimizer.iterations) == 0 and scaled.inner_optimizer.learning_rate == 0.5


NAMES = [
    PrivateName(
        "Callback._model, which set_model sets and model reads",
        "a callback that holds no model (CallbackMethods._model)",
        lambda _seen: our_callback(),
    ),
    PrivateName(
        "CallbackList.callbacks in the frames of fit",
        "trainer/callbacks, and whether weights of an earlier epoch are put back (calls.find_fit)",
        lambda seen: (
            {"Watcher", "ModelCheckpoint", "EarlyStopping"} <= set(seen.fits[0].callbacks)
            and seen.fits[0].restores_weights
        ),
    ),
    PrivateName(
        "the arguments of fit in its frame, where epoch_iterator is too",
        "fit/ (calls.find_fit)",
        lambda seen: {"batch_size": 8, "epochs": 2, "shuffle": True}.items() <= dict(seen.fits[0].arguments).items(),
    ),
    PrivateName(
        "epoch_iterator.num_batches, data_adapter.num_batches, batch_size and partial_batch_size",
        "data/train/, throughput/samples_per_second (calls.find_fit)",
        lambda seen: (seen.fits[0].batches, seen.fits[0].batch_size, seen.fits[0].samples) == (3, 8, 20),
    ),
    PrivateName(
        "filepath in the frames of save and save_weights",
        "checkpoints/path (calls.find_save)",
        lambda seen: seen.saves[-1].path == str(seen.folder / "by_hand.weights.h5"),
    ),
    PrivateName(
        "the callback as self in the frames of the hook that saves",
        "checkpoints/saver, monitor and best (calls.find_save)",
        lambda seen: any(one.saver is seen.saver for one in seen.saves) and seen.saves[-1].saver is None,
    ),
    PrivateName(
        "epoch and logs in the frame of CallbackList.on_epoch_end",
        "the metrics of an epoch before the mark of a file that is saved at its end (calls.find_epoch_end)",
        lambda seen: seen.epoch_end[0] == 1 and "loss" in seen.epoch_end[1],
    ),
    PrivateName(
        "failed_saveables in the frame of load_weights_only",
        "a file that could not be loaded makes no fork (calls.find_failures)",
        lambda seen: failures_of(seen)[-1] and not any(failures_of(seen)[:-1]),
    ),
    PrivateName(
        "H5IOStore's _h5_entry_path, or path",
        "no mark of a model that is a part of another (identity.place_of)",
        lambda seen: set(seen.places) == {"_watching"},
    ),
    PrivateName(
        "a layer in an attribute is saved, and is none of the model's layers",
        "the mark in Keras' own files (identity.identify, checkpoint_files)",
        lambda seen: seen.has_mark and not any(one.name == "watching" for one in seen.model.layers),
    ),
    PrivateName(
        "the names of what BackupAndRestore writes",
        "the mark in its directory (checkpoint_files)",
        lambda seen: "latest.weights.h5" in seen.names,
    ),
    PrivateName(
        "Optimizer._learning_rate is the schedule",
        "optimizer/lr/ of the step itself (training_description.learning_rates)",
        lambda seen: list(learning_rates(seen.model, steps_done=1).values()) == [0.25],
    ),
    PrivateName(
        "LossScaleOptimizer.inner_optimizer and its iterations",
        "the main step with mixed precision (counter)",
        lambda _seen: inner_optimizer(),
    ),
    PrivateName(
        "Optimizer.iterations counts optimizer steps",
        "the main step (counter)",
        lambda seen: StepCounter().read(seen.model) in (3, 6),
    ),
    PrivateName(
        "Model.train_step is defined in a module below keras.",
        "counting batches where a model trains in a way of its own (counter)",
        lambda _seen: keras.Sequential.train_step.__module__.startswith("keras."),
    ),
    PrivateName(
        "CallbackList reads async_safe",
        "no waiting for the device after every batch (CallbackMethods.async_safe)",
        lambda _seen: (
            "async" not in callback_list() or "async_safe" in callback_list()
        ),  # the first versions wait anyway
    ),
    PrivateName(
        "save_best_only, best and monitor of ModelCheckpoint; restore_best_weights of EarlyStopping",
        "checkpoints/best_model_score and checkpoints/monitor (saved_files)",
        lambda seen: (
            (seen.saver.save_best_only, seen.saver.monitor) == (False, "val_loss") and hasattr(seen.saver, "best")
        ),
    ),
    PrivateName(
        "Layer.save_own_variables and load_own_variables",
        "the mark in Keras' own files (identity.IdentityLayer)",
        lambda _seen: (
            all(hasattr(keras.layers.Layer, name) for name in ("save_own_variables", "load_own_variables"))
            and issubclass(IdentityLayer, keras.layers.Layer)
        ),
    ),
]


@pytest.mark.parametrize("one", NAMES, ids=str)
def test_keras_still_has(one, seen):
    check("keras", one, seen)
