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

        Best and last are series too, so that a fork from an older checkpoint shows what was the best by then.

        Args:
            run: Where to.
            saver: The callback, or a proxy of it.
            step: The last main step in the checkpoint.
        """
        path = str(getattr(saver, "_last_checkpoint_saved", "") or saver.last_model_path or saver.best_model_path)
        if not path:
            return
        if step == self._last[0] and path == saver.last_model_path != saver.best_model_path:
            # a copy of the one that was just noted
            run.log_string_series({"checkpoints/last_model_path": path}, step=step)
            return
        place = self._place(step)
        run.log_string_series(_paths(saver, path), step=place)
        if numbers := _numbers(saver, path):
            run.log_metrics(numbers, step=place)
        if self._log_files and os.path.isfile(path):  # noqa: PTH113  it may be the URL of an object store
            run.log_files({"checkpoints/file": path}, step=place)
        if saver.monitor is not None:
            run.log_configs({"checkpoints/monitor": saver.monitor, "checkpoints/mode": saver.mode})

    def _place(self, step: float) -> float:
        last, count = self._last
        count = count + 1 if step == last else 0
        self._last = (step, count)
        return step + count * STEP_BETWEEN if count else step


def _paths(saver: Any, path: str) -> dict[str, str]:
    found = {"path": path, "best_model_path": saver.best_model_path, "last_model_path": saver.last_model_path}
    return {f"checkpoints/{name}": str(value) for name, value in found.items() if value}


def _numbers(saver: Any, path: str) -> dict[str, float]:
    found = {
        "size_bytes": size_bytes(path),
        "score": getattr(saver, "best_k_models", {}).get(path),
        "best_model_score": saver.best_model_score,
    }
    return {f"checkpoints/{name}": float(value) for name, value in found.items() if value is not None}


def size_bytes(path: str) -> int | None:
    """Return the size of a checkpoint file, or of all files in the directory of a sharded one; None if it is not here."""
    try:
        if not os.path.isdir(path):  # noqa: PTH112  a string is what the caller has, and what scandir wants
            return os.stat(path).st_size  # noqa: PTH116
        with os.scandir(path) as entries:
            return sum(entry.stat().st_size if entry.is_file() else size_bytes(entry.path) or 0 for entry in entries)
    except OSError:
        return None
