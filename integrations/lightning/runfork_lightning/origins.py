"""What Lightning loads, in the terms of `runfork.training`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.model.marks import MARK_KEY
from runfork.training.guards import attempt
from runfork.training.loaded_checkpoint import LoadedCheckpoint, checkpoint_path, mark_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork_lightning.logger import LoggerMethods

__all__ = ["begin_evaluation", "begin_fit", "is_fitting", "mark_checkpoint", "start_fit", "take_checkpoint"]

_TUNER_FILES = (".lr_find_", ".scale_batch_size_", "lr_find_temp_model_", "scale_batch_size_temp_model")


def is_fitting(trainer: Any) -> bool:
    """Return whether the trainer was asked to fit."""
    return trainer.state.fn == "fit"  # type: ignore[no-any-return]  # an enum of strings


def begin_fit(logger: LoggerMethods, trainer: Any) -> None:
    """Prepare for a fit, before anything is loaded: a training that begins anew gets a run of its own."""
    fitted_by = logger.fitted_by() if logger.fitted_by is not None else None
    logger.training.begin(goes_on=fitted_by is not None and fitted_by is trainer and fitted_by.global_step > 0)


def take_checkpoint(logger: LoggerMethods, trainer: Any, checkpoint: Mapping[str, Any]) -> None:
    """Make the logger's run what loading `checkpoint` means."""
    logger.has_taken_checkpoint = True
    path = checkpoint_path(trainer.ckpt_path)
    loaded = LoadedCheckpoint(
        mark_in(checkpoint),
        path,
        details={"global_step": checkpoint.get("global_step"), "epoch": checkpoint.get("epoch")},
        is_internal=path is not None and os.path.basename(path).startswith(_TUNER_FILES),  # noqa: PTH119  it may be a URL
    )
    if is_fitting(trainer):
        logger.training.start(loaded, fingerprint=_weights_of(trainer))
    else:
        logger.training.evaluate(loaded)


def start_fit(logger: LoggerMethods, trainer: Any) -> None:
    """Make the logger's run what a fit means that has loaded no checkpoint so far."""
    goes_on = logger.training.was_trained
    if not logger.has_taken_checkpoint and not goes_on:
        logger.training.start(counter=-1, fingerprint=_weights_of(trainer))


def begin_evaluation(logger: LoggerMethods, trainer: Any) -> None:
    """Find out whose weights are evaluated, where no checkpoint was loaded for it."""
    if logger.runs.evaluation is None:
        logger.training.evaluate_weights(attempt(logger, "fingerprint", _weights_of(trainer)), recognizes=True)


def _weights_of(trainer: Any) -> Any:
    from runfork_torch.weights import fingerprint

    return lambda: fingerprint(trainer.lightning_module.named_parameters())


def mark_checkpoint(logger: LoggerMethods, checkpoint: dict[str, Any], *, fingerprint: str | None) -> None:
    """Put the mark of the logger's run into a checkpoint that is about to be written.

    Before anything was trained or opened there is no run to name, and nothing is put.
    """
    if mark := logger.training.mark(epoch=checkpoint.get("epoch"), fingerprint=fingerprint):
        checkpoint[MARK_KEY] = mark
