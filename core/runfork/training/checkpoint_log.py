"""What is logged of checkpoint files: path, step, score and size of each, and which is the best."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runfork.training.checkpoint_copies import CheckpointCopies
from runfork.training.training_steps import STEP_BETWEEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork.writing.run import Run


class CheckpointLog:
    """Notes the checkpoints of one run.

    Best and last are series too, so that a fork from an older checkpoint shows what was the best by then.

    Args:
        log_files: Whether the files themselves are copied into the run, beside training.
    """

    def __init__(self, *, log_files: bool = False) -> None:
        self._log_files = log_files
        self._copies = CheckpointCopies()
        self._last: tuple[float, int, str] = (-1.0, 0, "")

    def note(
        self,
        run: Run,
        path: str,
        *,
        step: float,
        texts: Mapping[str, str | None],
        numbers: Mapping[str, float | None],
        is_complete: bool = True,
    ) -> None:
        """Log a checkpoint that has just been written; its size is found out here. One that is written again replaces the former.

        Args:
            run: Where to.
            path: Where it lies.
            step: The last main step in it.
            texts: Further texts by name below ``checkpoints/``, such as ``best_model_path``; None is left out.
            numbers: Likewise, such as ``score``.
            is_complete: Whether the file is all written; else nothing is said of its size, and it is not copied.
        """
        place = self._place(step, path)
        found = {"path": path, **texts}
        run.log_string_series({f"checkpoints/{name}": text for name, text in found.items() if text}, step=place)
        size = size_bytes(path) if is_complete else None
        values = {"size_bytes": size, **numbers}
        if known := {f"checkpoints/{name}": float(value) for name, value in values.items() if value is not None}:
            run.log_metrics(known, step=place)
        if is_complete and self._log_files and os.path.isfile(path):  # noqa: PTH113  it may be the URL of an object store
            self._copies.take(run, path, place)
        elif self._log_files or (is_complete and size is None and "://" not in path):
            self._tell_left_out(run, path, size, is_complete=is_complete)

    def _tell_left_out(self, run: Run, path: str, size: int | None, *, is_complete: bool) -> None:
        if size is not None:
            why = "is a directory"
        else:
            why = "is not there yet, or not any more" if is_complete else "is still being written"
        left_out = "not copied into the run" if self._log_files else "not measured"
        run.problems.tell("checkpoint file", f"the checkpoint {path!r} {why}: it is {left_out} (told once)")

    def join(self) -> None:
        """Wait until the files that were noted are copied."""
        self._copies.join()

    def has_noted_at(self, step: float) -> bool:
        """Return whether the last checkpoint noted was of this step."""
        return step == self._last[0]

    def _place(self, step: float, path: str) -> float:
        last, count, last_path = self._last
        if step != last:
            count = 0
        elif path != last_path:
            count += 1
        self._last = (step, count, path)
        return step + count * STEP_BETWEEN if count else step


def size_bytes(path: str) -> int | None:
    """Return the size of a checkpoint file, or of all files in the directory of one; None if it is not here."""
    try:
        if not os.path.isdir(path):  # noqa: PTH112  a string is what the caller has, and what scandir wants
            return os.stat(path).st_size  # noqa: PTH116
        with os.scandir(path) as entries:
            return sum(entry.stat().st_size if entry.is_file() else size_bytes(entry.path) or 0 for entry in entries)
    except OSError:
        return None
