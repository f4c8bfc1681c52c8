"""What is logged of an Accelerator, and of what it has prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork_hf.accelerate.first_weights import unwrapped
from runfork_torch.model_description import describe_model
from runfork_torch.optimizer_description import describe_optimizers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

__all__ = ["describe_accelerator", "describe_models", "describe_prepared_optimizers", "prepared_models"]


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
    optimizers = [getattr(one, "optimizer", one) for one in getattr(accelerator, "_optimizers", ())]
    return describe_optimizers(optimizers)


def prepared_models(accelerator: Any) -> Sequence[nn.Module]:
    """Return the models that an Accelerator has prepared; only its hooks are shown them in a public way."""
    return list(getattr(accelerator, "_models", ()))
