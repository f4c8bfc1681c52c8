"""A short hash of a model's trainable weights, to recognise weights whose checkpoint carries no mark.

It samples, so that its cost is bounded: at most 64 elements of at most 64 tensors, spread evenly. Saving and loading keep it
bit by bit; one optimizer step changes it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch

__all__ = ["MAX_ELEMENTS", "MAX_TENSORS", "fingerprint"]

MAX_TENSORS = 64
MAX_ELEMENTS = 64


def fingerprint(parameters: Iterable[tuple[str, torch.Tensor]]) -> str | None:
    """Return 32 hex digits for the trainable ones of named parameters; None if there is none, or if they lie elsewhere.

    Args:
        parameters: As ``module.named_parameters()`` gives them.
    """
    trainable = [(name, tensor) for name, tensor in parameters if tensor.requires_grad and tensor.numel()]
    if not trainable or any(not _is_at_hand(tensor) for _, tensor in trainable):
        return None
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in _spread(trainable, MAX_TENSORS):
        digest.update(f"{name}:{tuple(tensor.shape)}:{tensor.dtype};".encode())
    for sample in _samples([tensor for _, tensor in _spread(trainable, MAX_TENSORS)]):
        digest.update(sample)
    return digest.hexdigest()


def _is_at_hand(tensor: torch.Tensor) -> bool:
    """Return whether this process holds the tensor whole: not on the meta device, not sharded."""
    return not tensor.is_meta and not hasattr(tensor, "placements") and not hasattr(tensor, "ds_id")


def _spread(items: list[tuple[str, torch.Tensor]], count: int) -> list[tuple[str, torch.Tensor]]:
    if len(items) <= count:
        return items
    return [items[index * len(items) // count] for index in range(count)]


def _samples(tensors: list[torch.Tensor]) -> list[bytes]:
    """Return the bytes of the sampled elements, with one copy to the host per kind and place of tensors."""
    import torch

    groups: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = {}
    with torch.no_grad():
        for tensor in tensors:
            flat = tensor.detach().reshape(-1)
            stride = -(-flat.numel() // MAX_ELEMENTS)
            groups.setdefault((tensor.device, tensor.dtype), []).append(flat[::stride])
        return [torch.cat(group).cpu().view(torch.uint8).numpy().tobytes() for group in groups.values()]
