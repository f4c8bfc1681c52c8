"""Telling a trainer of our callback where Lightning did not: the package lies on the path without being installed."""

from __future__ import annotations

from typing import Any

from runfork_lightning.internals import loaded_checkpoint_of
from runfork_lightning.namespaces import classes_for_trainer


def join_trainer(trainer: Any) -> None:
    """Add our callback to a trainer that was built without it, and tell it what it has missed; else do nothing."""
    kind = classes_for_trainer(trainer).RunforkCallback
    if any(isinstance(callback, kind) for callback in trainer.callbacks):
        return
    callback = kind()
    savers = trainer.checkpoint_callbacks
    place = trainer.callbacks.index(savers[0]) if savers else len(trainer.callbacks)
    trainer.callbacks.insert(place, callback)
    stage, module = trainer.state.fn.value, trainer.lightning_module
    callback.setup(trainer, module, stage=stage)
    if loaded := loaded_checkpoint_of(trainer):
        callback.on_load_checkpoint(trainer, module, loaded)
    if stage == "fit":
        callback.on_fit_start(trainer, module)
