"""What is logged of a model: its class, how many parameters it has, and a table of its layers.

Keras' own summary is made for a terminal, as wide as that is; this table is the same everywhere, and two runs can be compared.
"""

from __future__ import annotations

import math
import re
from typing import Any

from runfork.training.descriptions import layer_table, parameter_counts


def describe_model(model: Any) -> dict[str, Any]:
    """Return attributes below ``model/``."""
    described = {
        "model/class": type(model).__qualname__,
        "model/name": getattr(model, "name", None),
        "model/dtype_policy": getattr(getattr(model, "dtype_policy", None), "name", None),
        **parameter_counts(*_count(model)),
        "model/summary": summarize(model),
    }
    return {path: value for path, value in described.items() if value is not None}


def _count(layer: Any) -> tuple[int, int, int]:
    trainable = sum(math.prod(one.shape) for one in layer.trainable_weights)
    sizes = [(math.prod(one.shape), _bytes_per_element(one.dtype)) for one in layer.weights]
    return sum(count for count, _ in sizes), trainable, sum(count * size for count, size in sizes)


def _bytes_per_element(dtype: Any) -> int:
    bits = re.search(r"\d+", str(dtype))
    return max(int(bits.group()) // 8, 1) if bits else 1


def summarize(model: Any, *, depth: int = 2) -> str:
    """Return a table of layers, their types, output shapes and parameters, `depth` levels deep.

    Args:
        model: The model.
        depth: Levels of layers; 1 is the model's own.
    """
    rows = [("name", "type", "output", "parameters", "trainable"), *_rows(model, depth=depth, prefix="")]
    total, trainable, _ = _count(model)
    return layer_table(rows, ("total", type(model).__name__, "", f"{total:,}", f"{trainable:,}"))


def _rows(layer: Any, *, depth: int, prefix: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for child in getattr(layer, "layers", None) or ():
        total, trainable, _ = _count(child)
        name = f"{prefix}{child.name}"
        rows.append((name, type(child).__name__, _output(child), f"{total:,}", f"{trainable:,}"))
        if depth > 1:
            rows.extend(_rows(child, depth=depth - 1, prefix=f"{name}/"))
    return rows


def _output(layer: Any) -> str:
    try:
        shape = layer.output.shape
    except Exception:  # a layer that was called not at all, or several times, has no one output; what it raises varies
        return ""
    return str(tuple(shape))
