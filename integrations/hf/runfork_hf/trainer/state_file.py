"""Our place in ``trainer_state.json``: the mark lies among the states of callbacks, which the Trainer saves and loads for us.

It is put there as a plain dict. A callback that exports its state in the Trainer's way would be replaced by another object on a
resume, and makes the Trainer fail where a checkpoint was written without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from runfork.model.marks import MARK_KEY
from runfork.training.loaded_checkpoint import LoadedCheckpoint, mark_in, readable_mark

STATE_FILE = "trainer_state.json"

COUNT_KEY = "global_step"
"""Key inside the mark for the Trainer's own count of steps when the mark was refreshed."""


def put_mark(state: Any, mark: Mapping[str, Any]) -> None:
    """Put a mark where the Trainer saves it with the next checkpoint.

    An empty one, as in disabled mode, leaves what is there: the steps that follow are then known to be untracked.
    """
    if mark and isinstance(state.stateful_callbacks, MutableMapping):
        # args and attributes: what the Trainer expects of a callback's state
        state.stateful_callbacks[MARK_KEY] = {"args": {}, "attributes": {}, COUNT_KEY: state.global_step, **mark}


def loaded_from(state: Any) -> LoadedCheckpoint | None:
    """Return the checkpoint that the Trainer has loaded before it calls ``on_train_begin``; None if it has not."""
    if state.global_step <= 0:
        return None
    return LoadedCheckpoint(
        mark_in(state.stateful_callbacks),
        details={"global_step": state.global_step, "epoch": state.epoch},
    )


def untracked_steps(state: Any, mark: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """Return the first and last step, as the Trainer counts, that were trained without us before the checkpoint; else None."""
    if mark is None or readable_mark(mark) is None:
        return (1, state.global_step) if state.global_step > 0 else None
    known = mark.get(COUNT_KEY)
    if isinstance(known, int) and known < state.global_step:
        return known + 1, state.global_step
    return None


def find_mark_in_directory(path: str | Path) -> Mapping[str, Any] | None:
    """Return the mark in a checkpoint directory of the Trainer; None if it is none or holds no mark.

    Raises:
        OSError: The state cannot be read.
        ValueError: It is no JSON.
    """
    file = Path(path) / STATE_FILE
    if not file.is_file():
        return None
    state = json.loads(file.read_text(encoding="utf-8"))
    return mark_in(state.get("stateful_callbacks")) if isinstance(state, dict) else None
