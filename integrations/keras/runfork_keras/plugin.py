"""What runfork's core asks of this integration; the entry point ``keras`` of the group ``runfork``.

It does not import Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping


@hookimpl
def find_checkpoint_mark(path: str) -> Mapping[str, Any] | None:
    """Return the mark in a ``.keras`` or ``.weights.h5`` file, or in the directory of a ``BackupAndRestore``."""
    from runfork_keras.checkpoint_files import find_mark_in_checkpoint

    return find_mark_in_checkpoint(path)
