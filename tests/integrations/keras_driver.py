"""Keras, as the contract for integrations drives it; the backend is that of ``KERAS_BACKEND``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.testing.integration_driver import IntegrationDriver, Plan, Trained

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KerasDriver"]

os.environ.setdefault("KERAS_BACKEND", "torch")  # before anything imports Keras


class KerasDriver(IntegrationDriver):
    packages = ("runfork_keras",)
    frameworks = ("keras", "torch", "jax", "tensorflow", "h5py", "numpy")
    preloaded = ("tests.integrations.tiny_keras",)
    read_when_imported = ("KERAS_BACKEND",)
    loss = "batch/loss"
    evaluated = "test/loss"
    first_step = 1
    steps_per_epoch = 8

    def carry_out(self, plan: Plan) -> Trained:
        import keras
        from tests.integrations import tiny_keras as tiny

        losses: list[float] = []

        class Watcher(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_begin(self, batch, logs=None):
                plan.at_step(len(losses) + 1)

            def on_train_batch_end(self, batch, logs: Any = None):
                losses.append(logs["loss"])

        model = tiny.model() if plan.checkpoint is None else keras.models.load_model(plan.checkpoint)
        if plan.weights is not None:
            model.load_weights(plan.weights)
        begun = 0 if plan.checkpoint is None else int(model.optimizer.iterations) // self.steps_per_epoch
        # Keras' processes know nothing of each other, and would write the same file at once
        folder = plan.folder / os.environ["RANK"] if "RANK" in os.environ else plan.folder
        saver = keras.callbacks.ModelCheckpoint(folder / "{epoch:02d}.keras")
        callback = (plan.face or self.open_face(**plan.arguments)) if plan.is_tracked else None
        tiny.fit(
            model,
            epochs=plan.epochs,
            initial_epoch=begun,
            callbacks=[one for one in (callback, saver, Watcher()) if one],
        )
        folder.mkdir(parents=True, exist_ok=True)
        model.save_weights(folder / "final.weights.h5")
        run_id = callback.run_id if callback is not None else ""
        return Trained(run_id, losses, folder / "final.weights.h5", callback)

    def checkpoints(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("*.keras"))

    def open_face(self, **arguments: Any) -> Any:
        from tests.integrations import tiny_keras as tiny

        return tiny.callback(**arguments)

    def run_of(self, face: Any) -> Any:
        return face.run

    def evaluate(self, folder: Path, checkpoint: Path, *, other_data: bool = False, **arguments: Any) -> None:
        import keras
        from tests.integrations import tiny_keras as tiny

        model = keras.models.load_model(checkpoint)
        model.evaluate(*tiny.data(24 if other_data else 16), verbose=0, callbacks=[self.open_face(**arguments)])
