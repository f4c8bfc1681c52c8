"""What is logged of the files that Lightning's ``ModelCheckpoint`` saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork_lightning.internals import last_saved_path

if TYPE_CHECKING:
    from runfork.training.checkpoint_log import CheckpointLog
    from runfork.writing.run import Run


def log_saved(log: CheckpointLog, run: Run, saver: Any, *, step: float) -> None:
    """Log what has just been saved.

    Args:
        log: The run's checkpoints so far.
        run: Where to.
        saver: The callback, or a proxy of it.
        step: The last main step in the checkpoint.
    """
    path = last_saved_path(saver) or str(saver.last_model_path or saver.best_model_path)
    if not path:
        return
    if log.has_noted_at(step) and path == saver.last_model_path != saver.best_model_path:
        # a copy of the one that was just noted
        run.log_string_series({"checkpoints/last_model_path": path}, step=step)
        return
    log.note(
        run,
        path,
        step=step,
        texts={
            "best_model_path": str(saver.best_model_path or ""),
            "last_model_path": str(saver.last_model_path or ""),
        },
        numbers={
            "score": getattr(saver, "best_k_models", {}).get(path),
            "best_model_score": saver.best_model_score,
        },
    )
