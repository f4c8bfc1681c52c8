"""Keras, as the contract for integrations drives it; the backend is that of ``KERAS_BACKEND``."""

from __future__ import annotations

import os
import sys
import zipfile
from typing import TYPE_CHECKING, Any

from tests.integrations import user_scripts

from runfork.testing.integration_driver import IntegrationDriver, Plan, Trained

if TYPE_CHECKING:
    from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # before anything imports Keras


class KerasDriver(IntegrationDriver):
    packages = ("runfork_keras",)
    frameworks = ("keras", "torch", "jax", "tensorflow", "h5py", "numpy")
    preloaded = ("tests.integrations.tiny_keras",)
    read_when_imported = user_scripts.SETTINGS["keras"]
    loss = "batch/loss"
    evaluated = "test/loss"
    setting = "fit/validation_batch_size"
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

        callback = (plan.face or self.open_face(**plan.arguments)) if plan.is_tracked else None
        if plan.evaluates_before:
            tiny.model().evaluate(*tiny.data(16), verbose=0, callbacks=[callback])
        if plan.is_awkward:
            model = _awkward(callback, plan.checkpoint)
        else:
            model = tiny.model() if plan.checkpoint is None else keras.models.load_model(plan.checkpoint)
        if plan.weights is not None:
            model.load_weights(plan.weights)
        begun = 0 if plan.checkpoint is None else int(model.optimizer.iterations) // self.steps_per_epoch
        # Keras' processes know nothing of each other, and would write the same file at once
        folder = plan.folder / os.environ["RANK"] if "RANK" in os.environ else plan.folder
        saver = keras.callbacks.ModelCheckpoint(folder / "{epoch:02d}.keras")
        best = keras.callbacks.EarlyStopping("loss", mode="max", patience=9, restore_best_weights=True)
        tiny.fit(
            model,
            epochs=plan.epochs,
            initial_epoch=begun,
            validation_batch_size=plan.setting,
            callbacks=[one for one in (callback, saver, Watcher(), best if plan.evaluates_best else None) if one],
        )
        if plan.evaluates_best:  # the first epoch's loss is the highest
            model.evaluate(*tiny.data(16), verbose=0, callbacks=[callback])
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

    def spoil(self, checkpoint: Path) -> None:
        with zipfile.ZipFile(checkpoint) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(checkpoint, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, b"{" if name == "config.json" else content)


def _awkward(callback: Any, checkpoint: Path | None) -> Any:
    """Return a model that raises when we describe it or look at its weights; a file is loaded as those of known models are."""
    from tests.integrations import tiny_keras as tiny

    class Awkward(tiny.Subclassed):
        def __getattribute__(self, name: str) -> Any:
            asked_by = sys._getframe(1).f_globals["__name__"]
            if name in ("trainable_variables", "trainable_weights") and asked_by.startswith("runfork_keras"):
                raise RuntimeError("not to be read")
            return super().__getattribute__(name)

    model = tiny.model(Awkward)
    model(tiny.data(1)[0])
    model.optimizer.build(model.trainable_variables)
    if checkpoint is not None:
        callback.set_model(model)
        model.load_weights(checkpoint)
    return model
