"""Keras, as the contract for integrations drives it; the backend is that of ``KERAS_BACKEND``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.testing.integration_driver import Trained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["KerasDriver"]

os.environ.setdefault("KERAS_BACKEND", "torch")  # before anything imports Keras


class KerasDriver:
    packages = ("runfork_keras",)
    frameworks = ("keras", "torch", "jax", "tensorflow", "h5py", "numpy")
    loss = "batch/loss"
    evaluated = "test/loss"
    first_step = 1
    steps_per_epoch = 8

    def train(
        self,
        folder: Path,
        *,
        epochs: int = 2,
        checkpoint: Path | None = None,
        weights: Path | None = None,
        is_tracked: bool = True,
        at_step: Callable[[int], None] | None = None,
        face: Any = None,
        **arguments: Any,
    ) -> Trained:
        import keras
        from tests.integrations import tiny_keras as tiny

        losses: list[float] = []

        class Watcher(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_begin(self, batch, logs=None):
                if at_step is not None:
                    at_step(len(losses) + 1)

            def on_train_batch_end(self, batch, logs=None):
                losses.append(logs["loss"])

        model = tiny.model() if checkpoint is None else keras.models.load_model(checkpoint)
        if weights is not None:
            model.load_weights(weights)
        before = set(self.checkpoints(folder))
        begun = 0 if checkpoint is None else int(model.optimizer.iterations) // self.steps_per_epoch
        saver = keras.callbacks.ModelCheckpoint(folder / "{epoch:02d}.keras")
        callback = (face or tiny.callback(**arguments)) if is_tracked else None
        tiny.fit(
            model, epochs=epochs, initial_epoch=begun, callbacks=[one for one in (callback, saver, Watcher()) if one]
        )
        folder.mkdir(parents=True, exist_ok=True)
        model.save_weights(folder / "final.weights.h5")
        return Trained(
            callback.run_id if callback is not None else "",
            losses,
            [path for path in self.checkpoints(folder) if path not in before],
            folder / "final.weights.h5",
            callback,
        )

    def checkpoints(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("*.keras"))

    def evaluate(self, folder: Path, checkpoint: Path, **arguments: Any) -> None:
        import keras
        from tests.integrations import tiny_keras as tiny

        model = keras.models.load_model(checkpoint)
        model.evaluate(*tiny.data(16), verbose=0, callbacks=[tiny.callback(**arguments)])
