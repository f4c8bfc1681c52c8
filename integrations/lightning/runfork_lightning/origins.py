"""Where a training comes from: classify what a trainer loads, and carry out what `decision` says of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runfork.marks import MARK_KEY, Mark
from runfork_lightning.decision import Checkpoint, Situation, decide
from runfork_lightning.logger import is_fitting
from runfork_lightning.runs import checkpoint_path, readable_mark

if TYPE_CHECKING:
    from runfork_lightning.logger import LoggerMethods

__all__ = ["AXES_KEY", "begin_fit", "mark_checkpoint", "take_checkpoint"]

AXES_KEY = "axes"
"""Key inside the mark for the last steps of series on axes of their own, as JSON text."""

_TUNER_FILES = (".lr_find_", ".scale_batch_size_", "lr_find_temp_model_", "scale_batch_size_temp_model")


def begin_fit(logger: LoggerMethods, trainer: Any) -> None:
    """Prepare for a fit, before anything is loaded: a training that begins anew gets a run of its own."""
    logger.has_failed = False
    fitted_by = logger.fitted_by() if logger.fitted_by is not None else None
    goes_on = fitted_by is not None and fitted_by is trainer and fitted_by.global_step > 0
    if decide(Situation("fit", "none", was_trained=logger.was_trained, goes_on=goes_on)).starts_anew:
        logger.begin_anew()


def take_checkpoint(logger: LoggerMethods, trainer: Any, checkpoint: Mapping[str, Any]) -> None:
    """Make the logger's run what loading `checkpoint` means."""
    logger.has_taken_checkpoint = True
    path = checkpoint_path(trainer.ckpt_path)
    data = _mark_data(checkpoint)
    mark = readable_mark(data) if data is not None else None
    plan = decide(
        Situation(
            "fit" if is_fitting(trainer) else "evaluate",
            _classify(logger, path, data, mark),
            has_points=logger.runs.has_points,
            was_trained=logger.was_trained,
            attaches_evaluations=logger.attaches_evaluations and isinstance(mark, Mark),
        )
    )
    if plan.starts_anew:
        logger.begin_anew()
    if plan.origin == "evaluation" and isinstance(mark, Mark):
        _evaluate(logger, mark, path)
        return
    if plan.origin == "mark" and data is not None:
        logger.runs.resume(data, checkpoint=path)
    if plan.origin == "foreign" or (plan.origin == "mark" and not isinstance(mark, Mark)):
        _note_source(logger, path, {"global_step": checkpoint.get("global_step"), "epoch": checkpoint.get("epoch")})
    if plan.origin != "nothing" or (is_fitting(trainer) and isinstance(mark, Mark) and logger.steps.last is None):
        _restore_steps(logger, mark, data)


def _mark_data(checkpoint: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if MARK_KEY not in checkpoint:
        return None
    found = checkpoint[MARK_KEY]
    return found if isinstance(found, Mapping) else {}


def _classify(logger: LoggerMethods, path: str | None, data: object, mark: object) -> Checkpoint:
    if path is not None and os.path.basename(path).startswith(_TUNER_FILES):  # noqa: PTH119  it may be a URL
        return "tuner"
    if data is None:
        return "foreign"
    return "own" if isinstance(mark, Mark) and mark.run_id == logger.runs.run_id else "marked"


def _evaluate(logger: LoggerMethods, mark: Mark, path: str | None) -> None:
    logger.evaluated_step = mark.user_step
    if not logger.runs.begin_evaluation(mark):
        source = {"project": mark.project, "run_id": mark.run_id, "step": mark.user_step, "epoch": mark.epoch}
        _note_source(logger, path, source)


def _note_source(logger: LoggerMethods, path: str | None, details: Mapping[str, Any]) -> None:
    attributes = {"source/checkpoint_path": path, **{f"source/{name}": value for name, value in details.items()}}
    logger.runs.open().log_configs({name: value for name, value in attributes.items() if value is not None})


def _restore_steps(logger: LoggerMethods, mark: object, data: Mapping[str, Any] | None) -> None:
    if isinstance(mark, Mark):
        logger.steps.restore(mark.user_step, (data or {}).get(AXES_KEY))


def mark_checkpoint(logger: LoggerMethods, checkpoint: dict[str, Any], *, fingerprint: str | None) -> None:
    """Put the mark of the logger's run into a checkpoint that is about to be written.

    Before anything was trained or opened there is no run to name, and nothing is put.
    """
    if logger.runs.run is None and logger.steps.last is None:
        return
    epoch = checkpoint.get("epoch")
    mark = logger.runs.open().checkpoint_mark(
        logger.steps.last or 0,
        epoch=epoch if isinstance(epoch, int) else None,
        fingerprint=fingerprint,
        cuts=logger.steps.cuts,
    )
    if mark:  # none in disabled mode
        checkpoint[MARK_KEY] = {**mark, AXES_KEY: logger.steps.to_text()}
