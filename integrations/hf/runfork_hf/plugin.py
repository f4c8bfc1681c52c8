"""What runfork's core asks of this integration; the entry point ``hf`` of the group ``runfork``. It imports no framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping


@hookimpl
def find_checkpoint_mark(path: str) -> Mapping[str, Any] | None:
    """Return the mark in a checkpoint directory of ``transformers.Trainer``, or in one that Accelerate's ``save_state`` wrote."""
    from runfork_hf.accelerate.state_file import find_mark_in_state
    from runfork_hf.trainer.state_file import find_mark_in_directory

    return find_mark_in_directory(path) or find_mark_in_state(path)
