"""The fingerprint of a torch module's trainable weights; `runfork.integration.fingerprint` says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.integration.fingerprint import digest, spread, stride

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch

__all__ = ["fingerprint"]


def fingerprint(parameters: Iterable[tuple[str, torch.Tensor]]) -> str | None:
    """Return 32 hex digits for the trainable ones of named parameters; None if there is none, or if they lie elsewhere.

    Args:
        parameters: As ``module.named_parameters()`` gives them.
    """
    trainable = [(name, tensor) for name, tensor in parameters if tensor.requires_grad and tensor.numel()]
    if not trainable or any(not _is_at_hand(tensor) for _, tensor in trainable):
        return None
    sampled = spread(trainable)
    return digest(
        (f"{name}:{tuple(tensor.shape)}:{tensor.dtype}" for name, tensor in sampled),
        _samples([tensor for _, tensor in sampled]),
    )


def _is_at_hand(tensor: torch.Tensor) -> bool:
    """Return whether this process holds the tensor whole: not on the meta device, not sharded."""
    return not tensor.is_meta and not hasattr(tensor, "placements") and not hasattr(tensor, "ds_id")


def _samples(tensors: list[torch.Tensor]) -> list[bytes]:
    """Return the bytes of the sampled elements, with one copy to the host per kind and place of tensors."""
    import torch

    groups: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = {}
    with torch.no_grad():
        for tensor in tensors:
            flat = tensor.detach().reshape(-1)
            groups.setdefault((tensor.device, tensor.dtype), []).append(flat[:: stride(flat.numel())])
        return [torch.cat(group).cpu().view(torch.uint8).numpy().tobytes() for group in groups.values()]
