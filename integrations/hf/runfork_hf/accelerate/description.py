"""What is logged of an Accelerator, and of what it has prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork_hf.accelerate.first_weights import unwrapped
from runfork_torch.model_description import describe_model
from runfork_torch.optimizer_description import describe_optimizers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

_MAX_OPTIMIZERS = 64


def describe_accelerator(accelerator: Any) -> dict[str, Any]:
    """Return attributes below ``accelerate/``."""
    return {
        "accelerate/num_processes": accelerator.num_processes,
        "accelerate/distributed_type": str(accelerator.distributed_type.value),
        "accelerate/mixed_precision": str(accelerator.mixed_precision),
        "accelerate/gradient_accumulation_steps": accelerator.gradient_accumulation_steps,
        "accelerate/device": str(accelerator.device),
    }


def describe_models(accelerator: Any) -> dict[str, Any]:
    """Return attributes below ``model/``, and for further models below ``model/<number>/``."""
    described: dict[str, Any] = {}
    for index, model in enumerate(prepared_models(accelerator)):
        base = f"model/{index}/" if index else "model/"
        found = describe_model(unwrapped(model))
        described.update({path.replace("model/", base, 1): value for path, value in found.items()})
    return described


def describe_prepared_optimizers(accelerator: Any) -> dict[str, Any]:
    """Return attributes below ``optimizer/``."""
    return describe_optimizers([getattr(one, "optimizer", one) for one in getattr(accelerator, "_optimizers", ())])


def prepared_models(accelerator: Any) -> Sequence[nn.Module]:
    """Return the models that an Accelerator has prepared; only its hooks are shown them in a public way."""
    return list(getattr(accelerator, "_models", ()))


def prepared_optimizers(accelerator: Any) -> list[Any]:
    """Return the optimizers that it has prepared, with those inside of them: wrappers of parallel training lie one in the other."""
    found = list(getattr(accelerator, "_optimizers", ()))
    for one in found:  # it grows
        inner = getattr(one, "optimizer", None)
        if inner is not None and len(found) < _MAX_OPTIMIZERS:
            found.append(inner)
    return found
