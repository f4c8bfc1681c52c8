"""What runfork's core asks of this integration; the entry point ``torch`` of the group ``runfork``.

It does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping


@hookimpl
def find_checkpoint_mark(path: str) -> Mapping[str, Any] | None:
    """Return the mark in a torch or Lightning checkpoint file, or in the directory of a sharded one."""
    from runfork_torch.checkpoint_files import find_mark_in_checkpoint

    return find_mark_in_checkpoint(path)
