"""Tensors that are spread over several processes, torch's DTensors: only all of them at once can read one. Imports no framework."""

from __future__ import annotations

import sys

from runfork.errors import ArgumentError


def is_distributed(value: object) -> bool:
    """Return whether reading `value` takes other processes, which may not be there to help: that would never end."""
    return hasattr(type(value), "full_tensor")


def refuse_distributed(value: object) -> None:
    """Refuse such a tensor.

    Raises:
        ArgumentError: It is one.
    """
    if is_distributed(value):
        raise ArgumentError("a tensor that is spread over processes cannot be read by one; log its full_tensor()")


def can_be_here() -> bool:
    """Return whether this process has joined others, so that there can be such tensors."""
    distributed = sys.modules.get("torch.distributed")
    try:
        return distributed is not None and bool(distributed.is_available() and distributed.is_initialized())
    except AttributeError:  # it is half imported
        return False
