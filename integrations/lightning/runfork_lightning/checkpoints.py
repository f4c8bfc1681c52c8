"""What is logged of checkpoint files: path, step, score and size of each, and which is the best."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runfork.run import Run

__all__ = ["STEP_BETWEEN", "CheckpointLog"]

STEP_BETWEEN = 1e-6
"""What belongs to one step and must not replace each other follows at a millionth of a step, the finest there is."""


class CheckpointLog:
    """Notes the checkpoints of one run.

    Args:
        log_files: Whether the files themselves are copied into the run.
    """

    def __init__(self, *, log_files: bool = False) -> None:
        self._log_files = log_files
        self._last: tuple[float, int] = (-1.0, 0)

    def note(self, run: Run, saver: Any, *, step: float) -> None:
        """Log what Lightning's `ModelCheckpoint` has just saved.

        Args:
            run: Where to.
            saver: The callback, or a proxy of it.
            step: The last main step in the checkpoint.
        """
        path = getattr(saver, "_last_checkpoint_saved", "") or saver.last_model_path or saver.best_model_path
        if path:
            place = self._place(step)
            run.log_string_series({"checkpoints/path": str(path)}, step=place)
            run.log_metrics(_numbers(saver, str(path)), step=place)
            if self._log_files and os.path.isfile(path):  # noqa: PTH113  it may be the URL of an object store
                run.log_files({"checkpoints/file": str(path)}, step=place)
        run.log_configs(_summary(saver))

    def _place(self, step: float) -> float:
        last, count = self._last
        count = count + 1 if step == last else 0
        self._last = (step, count)
        return step + count * STEP_BETWEEN if count else step


def _numbers(saver: Any, path: str) -> dict[str, float]:
    found: dict[str, float] = {}
    size = size_bytes(path)
    if size is not None:
        found["checkpoints/size_bytes"] = size
    score = getattr(saver, "best_k_models", {}).get(path)
    if score is not None:
        found["checkpoints/score"] = float(score)
    return found


def _summary(saver: Any) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    if saver.last_model_path:
        summary["checkpoints/last_model_path"] = str(saver.last_model_path)
    if saver.best_model_path:
        summary["checkpoints/best_model_path"] = str(saver.best_model_path)
    if saver.best_model_score is not None:
        summary["checkpoints/best_model_score"] = float(saver.best_model_score)
    if saver.monitor is not None:
        summary["checkpoints/monitor"] = saver.monitor
        summary["checkpoints/mode"] = saver.mode
    return summary


def size_bytes(path: str) -> int | None:
    """Return the size of a checkpoint file, or of all files in the directory of a sharded one; None if it is not here."""
    try:
        if not os.path.isdir(path):  # noqa: PTH112  a string is what the caller has, and what scandir wants
            return os.stat(path).st_size  # noqa: PTH116
        with os.scandir(path) as entries:
            return sum(entry.stat().st_size if entry.is_file() else size_bytes(entry.path) or 0 for entry in entries)
    except OSError:
        return None
