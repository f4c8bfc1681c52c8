"""What is logged of the files that Keras writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.training.loaded_checkpoint import checkpoint_path
from runfork_keras.calls import find_save
from runfork_keras.references import weakly

if TYPE_CHECKING:
    from collections.abc import Callable

    from runfork.training.checkpoint_log import CheckpointLog
    from runfork.training.training import Training


class _Saved(NamedTuple):
    run_id: str
    path: str
    step: float
    saver: Callable[[], Any]


class SavedFiles:
    """Logs the files into which a mark was put.

    While the mark is taken a file is not complete; what is to be known of the file itself is found out at the next occasion.

    Args:
        log: Where they are noted.
    """

    def __init__(self, log: CheckpointLog) -> None:
        self._log = log
        self._pending: list[_Saved] = []

    def take(self, training: Training, step: float, *, is_last: bool) -> None:
        """Take a file that is being written now.

        Args:
            training: What it is written in.
            step: The last main step in it.
            is_last: Whether no other occasion is to be expected: its path is logged at once, and no more.
        """
        call = find_save()
        path = checkpoint_path(call.path)
        if path is None:
            return
        if is_last:
            self._log.note(training.runs.open(), path, step=step, texts={}, numbers={}, is_complete=False)
            return
        self._pending.append(_Saved(training.runs.run_id, path, step, weakly(call.saver)))

    def note(self, training: Training) -> None:
        """Log the files that are complete by now."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        for saved in pending:
            if saved.run_id == training.runs.run_id:
                self._note(training, saved)

    def join(self) -> None:
        """Wait until those that are to be copied are copied."""
        self._log.join()

    def _note(self, training: Training, saved: _Saved) -> None:
        run, saver = training.runs.open(), saved.saver()
        is_best = getattr(saver, "save_best_only", False)
        score = _number(getattr(saver, "best", None)) if is_best else None
        self._log.note(
            run,
            saved.path,
            step=saved.step,
            texts={"best_model_path": saved.path if is_best else None},
            numbers={"best_model_score": score},
        )
        if saver is not None:
            monitor = getattr(saver, "monitor", None) if is_best else None
            found = {"saver": type(saver).__name__, "monitor": monitor}
            run.log_configs({f"checkpoints/{name}": text for name, text in found.items() if text is not None})


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
