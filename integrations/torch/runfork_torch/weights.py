"""The fingerprint of a torch module's trainable weights; `runfork.training.fingerprint` says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.training.fingerprint import digest, is_at_hand, sample, spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch


def fingerprint(parameters: Iterable[tuple[str, torch.Tensor]]) -> str | None:
    """Return 32 hex digits for the trainable ones of named parameters; None if there is none, or if one cannot be sampled here.

    Parameters without values yet, as those of a lazy layer that was never called, are left out. Nothing but the sampled elements
    is copied, however the weights lie in memory.

    Args:
        parameters: As ``module.named_parameters()`` gives them.
    """
    trainable = [
        (name, tensor)
        for name, tensor in parameters
        if tensor.requires_grad and not is_uninitialized(tensor) and tensor.numel()
    ]
    if not trainable or any(not is_at_hand(tensor) for _, tensor in trainable):
        return None
    sampled = spread(trainable)
    return digest(
        (f"{name}:{tuple(tensor.shape)}:{tensor.dtype}" for name, tensor in sampled),
        _samples([tensor for _, tensor in sampled]),
    )


def is_uninitialized(parameter: Any) -> bool:
    """Return whether this is a parameter of a lazy layer that was not called yet: it has no shape."""
    from torch.nn.parameter import is_lazy

    return bool(is_lazy(parameter))


def _samples(tensors: list[torch.Tensor]) -> list[bytes]:
    """Return the bytes of the sampled elements, with one copy to the host per kind and place of tensors."""
    import torch

    groups: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = {}
    with torch.no_grad():
        for tensor in tensors:
            groups.setdefault((tensor.device, tensor.dtype), []).append(sample(tensor.detach()))
        return [torch.cat(group).cpu().view(torch.uint8).numpy().tobytes() for group in groups.values()]
