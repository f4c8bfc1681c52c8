"""What is logged of a ``fit``: its arguments, what the model was compiled with, and the optimizers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.training.descriptions import numbered, plain_number
from runfork_keras.counter import optimizers_of

if TYPE_CHECKING:
    from runfork_keras.calls import FitCall

Ask = Callable[[str, Callable[[], Any]], Any]
"""Computes what is named, and returns it, or None where the user's own object raises: that is told."""


# The call of fit


def describe_fit(call: FitCall, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes below ``fit/``, ``data/train/`` and ``trainer/``, and the backend.

    Args:
        call: What is known of the call.
        params: What Keras tells callbacks.
    """
    import keras

    arguments = {"epochs": params.get("epochs"), "verbose": params.get("verbose"), **call.arguments}
    described = {f"fit/{name}": _plain_argument(name, value) for name, value in arguments.items()}
    described["data/train/batches"] = call.batches or params.get("steps")
    described["data/train/batch_size"] = call.batch_size
    described["data/train/samples"] = call.samples
    described["trainer/callbacks"] = list(call.callbacks) or None
    described["keras/backend"] = keras.backend.backend()
    return {path: value for path, value in described.items() if value is not None}


def _plain_argument(name: str, value: Any) -> Any:
    if name == "verbose" and value is not None:
        return str(value)
    if name == "validation_split" and value is not None:
        return float(value) or None
    if isinstance(value, Mapping):
        return {str(key): float(weight) for key, weight in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


# What the model was compiled with


def describe_compilation(model: Any, ask: Ask) -> dict[str, Any]:
    """Return attributes below ``compile/``; what losses and metrics of the user's own refuse to tell is left out."""
    config = ask("get_compile_config of the model", model.get_compile_config) or {}
    described = {
        "loss": _text(_named(config.get("loss"))),
        "loss_weights": _text(config.get("loss_weights")),
        "metrics": _names(config.get("metrics")),
        "weighted_metrics": _names(config.get("weighted_metrics")),
        "run_eagerly": _flag(getattr(model, "run_eagerly", None)),
        "jit_compile": _flag(getattr(model, "jit_compile", None)),
        "steps_per_execution": getattr(model, "steps_per_execution", None),
    }
    return {f"compile/{name}": value for name, value in described.items() if value not in (None, [])}


def _flag(value: Any) -> bool | None:
    return bool(value) if value is not None else None


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, default=str)


def _named(value: Any) -> Any:
    """Return the names in a serialized loss or metric, or in lists and dicts of them by output."""
    if isinstance(value, Mapping):
        kind = value.get("class_name")
        if kind is None:
            return {str(key): _named(one) for key, one in value.items()}
        config = value.get("config")
        return config if kind == "function" and isinstance(config, str) else kind
    if isinstance(value, (list, tuple)):
        return [_named(one) for one in value]
    return value


def _names(value: Any) -> list[str]:
    found = _named(value)
    if isinstance(found, Mapping):
        return [name for one in found.values() for name in _names(one)]
    if isinstance(found, list):
        return [name for one in found for name in _names(one)]
    return [] if found is None else [str(found)]


# Optimizers


def _labelled(model: Any) -> list[tuple[str, Any]]:
    """Return the optimizers that hold settings of their own, by a name: its class, numbered where there are several of one."""
    found: list[Any] = []
    for optimizer in optimizers_of(model):
        inner = getattr(optimizer, "inner_optimizer", None)
        found += [optimizer] if inner is None else [optimizer, inner]
    return list(zip(numbered(type(one).__name__ for one in found), found, strict=True))


def describe_optimizers(model: Any, ask: Ask) -> dict[str, Any]:
    """Return attributes below ``optimizer/<label>/``; of one that refuses to tell its settings the type alone.

    Numbers are floats, so that a setting has one type in every run.
    """
    described: dict[str, Any] = {}
    for label, optimizer in _labelled(model):
        base = f"optimizer/{label}"
        described[f"{base}/type"] = f"{type(optimizer).__module__}.{type(optimizer).__qualname__}"
        for name, value in (ask(f"get_config of {label}", optimizer.get_config) or {}).items():
            if name in ("name", "inner_optimizer") or value is None:
                continue
            if name == "learning_rate" and isinstance(value, Mapping):
                described.update(_schedule(f"{base}/schedule", value))
            else:
                described[f"{base}/{name}"] = _shortest(value) if name == "learning_rate" else _setting(value)
    return described


def _schedule(base: str, value: Mapping[str, Any]) -> dict[str, Any]:
    settings = value.get("config")
    described = {f"{base}/type": value.get("class_name")}
    if isinstance(settings, Mapping):
        described.update({f"{base}/{name}": _setting(one) for name, one in settings.items() if name != "name"})
    return {path: one for path, one in described.items() if one is not None}


def _setting(value: Any) -> Any:
    plain = plain_number(value)
    return plain if plain is None or isinstance(plain, (bool, float, str)) else json.dumps(plain, default=str)


def _shortest(value: Any) -> float:
    """Return the shortest float for what an optimizer holds as float32: 0.001 rather than 0.0010000000474974513."""
    return float(str(np.float32(value)))


def learning_rates(model: Any, *, steps_done: int, known: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the learning rate of the step after `steps_done` steps, for each optimizer, by the path of its series.

    Waits for the device. A schedule is asked for the step itself, so that nothing depends on when this is called.

    Args:
        model: The model.
        steps_done: Optimizer steps.
        known: What was returned last, where callbacks may have set rates since that this step did not use.
    """
    rates = {}
    for label, optimizer in _labelled(model):
        if hasattr(optimizer, "inner_optimizer"):
            continue
        path = f"optimizer/lr/{label}"
        scheduled = _scheduled_rate(optimizer, steps_done)
        if scheduled is not None:
            rates[path] = scheduled
        elif known is not None and path in known:
            rates[path] = known[path]
        else:
            rates[path] = _shortest(_number(optimizer.learning_rate))
    return rates


def _scheduled_rate(optimizer: Any, steps_done: int) -> float | None:
    import keras

    schedule: Any = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        # a schedule counts batches, also where gradients of several are gathered for one step
        batches = steps_done * (getattr(optimizer, "gradient_accumulation_steps", None) or 1)
        return _shortest(_number(schedule(batches)))
    return None


def _number(value: Any) -> Any:
    import keras

    return keras.ops.convert_to_numpy(value)
