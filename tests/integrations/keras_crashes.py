"""Trainings with Keras that break off, or leave a file, and the steps that were done until then."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from tests.integrations import tiny_keras as tiny

Callback: Any = keras.callbacks.Callback


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


# load_weights and load_model before fit


def saved(name="parent", *, file="saved/model.keras", epochs=1, **options):
    """Train and save; the file is of the last step."""
    model = tiny.model(**options)
    tiny.fit(model, epochs=epochs, callbacks=[tiny.callback(run_id=name)])
    Path(file).parent.mkdir(exist_ok=True)
    (model.save_weights if file.endswith(".weights.h5") else model.save)(file)
    return file
