"""Norms of gradients, on request: one copy to the host however many parameters there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from torch import nn

GradientNorms = Literal["total", "layers"]


def gradient_norms(module: nn.Module, *, detail: GradientNorms) -> dict[str, float]:
    """Return the 2-norm of all gradients at ``gradients/norm``, and with "layers" that of every parameter below it.

    Reading them waits for the device. Parameters without a gradient are left out; without any the result is empty. So it is where
    gradients are sharded (`has_sharded_gradients`): their norm takes all processes, and whoever asks alone would wait for ever.
    """
    seen = GradientsSeen()
    seen.look(module)
    return seen.read(detail=detail)


def has_sharded_gradients(module: nn.Module) -> bool:
    """Return whether this process holds some gradients in parts only, as with FSDP2 and tensor parallelism."""
    return any(_is_sharded(parameter.grad) for parameter in module.parameters())


def _is_sharded(gradient: Any) -> bool:
    return hasattr(gradient, "placements")


class GradientsSeen:
    """The gradients of one step, which several optimizers may take one after the other, each clearing those of the others."""

    def __init__(self) -> None:
        self._norms: dict[str, torch.Tensor] = {}

    def look(self, module: nn.Module, parameters: Iterable[torch.Tensor] | None = None) -> None:
        """Take the norms of the gradients that there are now; of the same parameter the last one stands. Waits for nothing.

        Args:
            module: The model.
            parameters: Those of the optimizer that is about to step; None is all.
        """
        import torch

        if has_sharded_gradients(module):
            return
        wanted = None if parameters is None else {id(one) for one in parameters}
        for name, parameter in module.named_parameters():
            if parameter.grad is not None and (wanted is None or id(parameter) in wanted):
                gradient = parameter.grad.detach()
                values = gradient.coalesce().values() if gradient.is_sparse else gradient
                self._norms[name] = torch.linalg.vector_norm(values)

    def read(self, *, detail: GradientNorms) -> dict[str, float]:
        """Return the norms, as `gradient_norms` does, and begin anew."""
        import torch

        norms, self._norms = self._norms, {}
        if not norms:
            return {}
        device = next(iter(norms.values())).device
        single = torch.stack([norm.to(device, torch.float32) for norm in norms.values()])
        total, *each = torch.cat([torch.linalg.vector_norm(single).reshape(1), single]).tolist()
        values = {"gradients/norm": total}
        if detail == "layers":
            values.update(
                {f"gradients/norm/{name.replace('.', '/')}": norm for name, norm in zip(norms, each, strict=True)}
            )
        return values
