"""Norms of gradients, on request: one copy to the host however many parameters there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

__all__ = ["GradientNorms", "gradient_norms"]

GradientNorms = Literal["total", "layers"]


def gradient_norms(module: nn.Module, *, detail: GradientNorms) -> dict[str, float]:
    """Return the 2-norm of all gradients at ``gradients/norm``, and with "layers" that of every parameter below it.

    Reading them waits for the device. Parameters without a gradient are left out; without any the result is empty.
    """
    import torch

    found = [(name, parameter.grad) for name, parameter in module.named_parameters() if parameter.grad is not None]
    if not found:
        return {}
    device = found[0][1].device
    norms = torch.stack(
        [torch.linalg.vector_norm(gradient.detach()).to(device, torch.float32) for _, gradient in found]
    )
    total, *single = torch.cat([torch.linalg.vector_norm(norms).reshape(1), norms]).tolist()
    values = {"gradients/norm": total}
    if detail == "layers":
        values.update(
            {f"gradients/norm/{name.replace('.', '/')}": norm for (name, _), norm in zip(found, single, strict=True)}
        )
    return values
