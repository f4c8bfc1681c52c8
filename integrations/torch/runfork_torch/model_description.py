"""What is logged of a model: its class, how many parameters it has, and a table of its layers.

Lightning's own summary can run the model on example inputs, which draws random numbers; this one only counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.training.descriptions import layer_table, parameter_counts
from runfork_torch.weights import is_uninitialized

if TYPE_CHECKING:
    from torch import nn


def describe_model(module: nn.Module) -> dict[str, Any]:
    """Return attributes below ``model/``."""
    return {
        "model/class": type(module).__qualname__,
        **parameter_counts(*_count(module)),
        "model/summary": summarize(module),
    }


def _count(module: nn.Module) -> tuple[int, int, int]:
    total = trainable = size_bytes = 0
    for parameter in module.parameters():
        if is_uninitialized(parameter):
            continue
        count = getattr(parameter, "ds_numel", None) or parameter.numel()
        total += count
        trainable += count if parameter.requires_grad else 0
        size_bytes += count * parameter.element_size()
    return total, trainable, size_bytes


def summarize(module: nn.Module, *, depth: int = 2) -> str:
    """Return a table of layers, their types, parameters and training mode, `depth` levels deep.

    Args:
        module: The model.
        depth: Levels of submodules; 1 is the direct children.
    """
    rows = [("name", "type", "parameters", "trainable")]
    for name, layer in module.named_modules():
        if name and name.count(".") < depth:
            total, trainable, _ = _count(layer)
            rows.append((name, type(layer).__name__, f"{total:,}", f"{trainable:,}"))
    total, trainable, _ = _count(module)
    return layer_table(rows, ("total", type(module).__name__, f"{total:,}", f"{trainable:,}"))
