"""What is logged of a Trainer: its arguments, the model and its configuration, PEFT adapters, data loaders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from runfork_torch.data_description import describe_loader
from runfork_torch.optimizer_description import describe_optimizers

_AS_TEXT = frozenset({"id2label", "label2id", "task_specific_params", "tensor_parallel_plan"})
"""Entries of model configurations that are tables, not settings: one text each, not an attribute for every row."""


def describe_arguments(arguments: Any) -> dict[str, Any]:
    """Return attributes below ``trainer/`` for ``TrainingArguments``; those that are None are left out."""
    described = arguments.to_dict()
    tokens = [name for name in described if name.endswith("_token")]  # masked, also where unset; we mask what is set
    described.update({name: getattr(arguments, name, None) for name in tokens})
    described.pop("logging_dir", None)  # of TensorBoard; with the time in it, it differs in every run
    described["world_size"] = arguments.world_size
    return {f"trainer/{name}": value for name, value in _settings(described).items()}


def describe_optimizer(optimizer: Any) -> dict[str, Any]:
    """Return attributes below ``optimizer/<class>/``; the learning rate is the one that the schedule began with."""
    described = describe_optimizers([optimizer])
    for path in [path for path in described if path.endswith("/initial_lr")]:
        described[path.removesuffix("initial_lr") + "lr"] = described.pop(path)
    return described


def describe_configuration(model: Any) -> dict[str, Any]:
    """Return attributes below ``model/config/`` for a model of transformers; empty for one without a configuration."""
    config: Any = getattr(model, "config", None)
    if not hasattr(config, "to_dict"):
        return {}
    return {f"model/config/{name}": value for name, value in _settings(config.to_dict()).items()}


def describe_peft(model: Any) -> dict[str, Any]:
    """Return attributes below ``peft/<adapter>/`` for the adapters of a PEFT model; empty for any other."""
    adapters = getattr(model, "peft_config", None)
    if not isinstance(adapters, Mapping):
        return {}
    return {
        f"peft/{adapter}/{name}": value
        for adapter, config in adapters.items()
        if hasattr(config, "to_dict")
        for name, value in _settings(config.to_dict()).items()
    }


def describe_data(place: str, loader: Any) -> dict[str, Any]:
    """Return attributes below `place` for a data loader: batches per epoch, batch size, samples, workers; empty for None."""
    if loader is None:
        return {}
    described = {f"{place}/{name}": value for name, value in describe_loader(loader).items()}
    with suppress(TypeError):  # a stream of unknown length
        described[f"{place}/batches"] = len(loader)
    return described


def _settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as configs: without None, tables and sets of anything as text."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = str(key)
        if value is None or name.startswith("_"):
            continue
        if isinstance(value, Mapping):
            nested = _settings(value)
            if name in _AS_TEXT:
                found[name] = json.dumps(nested, default=str)
            elif nested:
                found.update({f"{name}/{inner}": deep for inner, deep in nested.items()})
        elif isinstance(value, (set, frozenset)):
            found[name] = sorted(map(str, value))
        elif not isinstance(value, (list, tuple)):
            found[name] = value
        elif value:
            found[name] = list(value)
    return found
