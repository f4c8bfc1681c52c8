"""What runfork knows of torch, for every integration that trains torch modules, and for training loops of your own.

Importing this package imports neither torch nor its own modules: every process that opens a run loads it for its plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runfork_torch.checkpoint_files import find_mark_in_checkpoint
    from runfork_torch.data_description import describe_loader
    from runfork_torch.gradients import gradient_norms
    from runfork_torch.model_description import describe_model
    from runfork_torch.optimizer_description import describe_optimizers, learning_rates
    from runfork_torch.weights import fingerprint

__all__ = [
    "describe_loader",
    "describe_model",
    "describe_optimizers",
    "find_mark_in_checkpoint",
    "fingerprint",
    "gradient_norms",
    "learning_rates",
]

_HOMES = {
    "describe_loader": "data_description",
    "describe_model": "model_description",
    "describe_optimizers": "optimizer_description",
    "find_mark_in_checkpoint": "checkpoint_files",
    "fingerprint": "weights",
    "gradient_norms": "gradients",
    "learning_rates": "optimizer_description",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
