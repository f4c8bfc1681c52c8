"""What Lightning knows and shows in no public way. Each name of its own that we use stands here, and nowhere else.

``tests/integrations/test_lightning_private_names.py`` says which of them a version of Lightning has taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TUNER_FILES = (".lr_find_", ".scale_batch_size_", "lr_find_temp_model_", "scale_batch_size_temp_model")
"""How the names of files begin that the tuner writes for itself."""


def is_rank_zero() -> bool:
    """Return whether this process is the one that logs."""
    from lightning_utilities.core.rank_zero import rank_zero_only

    return not getattr(rank_zero_only, "rank", 0)


def step_of(trainer: Any) -> float | None:
    """Return the step that the trainer hands to loggers now; None where that is not known."""
    step = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
    return int(step) if step is not None else None


def gathers_gradients(trainer: Any) -> bool | None:
    """Return whether the batch that ends has gathered gradients for a step that is to come; None where that is not known."""
    gathers = getattr(trainer.fit_loop.epoch_loop, "_should_accumulate", None)
    return bool(gathers()) if gathers is not None else None


def loaded_checkpoint_of(trainer: Any) -> Mapping[str, Any]:
    """Return the checkpoint that the trainer has loaded, while it is at that; else nothing."""
    return getattr(trainer._checkpoint_connector, "_loaded_checkpoint", None) or {}  # noqa: SLF001


def trainer_of(module: Any) -> Any:
    """Return the trainer of a module, or None; its public name raises where there is none."""
    return getattr(module, "_trainer", None)


def last_saved_path(saver: Any) -> str:
    """Return the path that a ``ModelCheckpoint`` wrote last; empty where that is not known."""
    return str(getattr(saver, "_last_checkpoint_saved", "") or "")


def max_seconds_of(timer: Any) -> float | None:
    """Return the limit of a ``Timer``, or None."""
    seconds = getattr(timer, "_duration", None)
    return float(seconds) if seconds is not None else None


def is_tuner_file(name: str) -> bool:
    """Return whether a file of this name was written by the tuner, for itself, in the middle of a training."""
    return name.startswith(TUNER_FILES)
