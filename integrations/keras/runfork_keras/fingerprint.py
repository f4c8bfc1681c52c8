"""The fingerprint of a Keras model's trainable weights, on any backend; `runfork.integration.fingerprint` says what it is."""

from __future__ import annotations

import math
from typing import Any

from runfork.integration.fingerprint import digest, spread, stride

__all__ = ["fingerprint"]

_SMALL = 2**14
"""So many elements are copied from the device whole: on jax each other shape to be sampled there would be compiled first."""


def fingerprint(model: Any) -> str | None:
    """Return 32 hex digits for the trainable variables of a model; None if there are none, or if they lie elsewhere.

    Their names are left out: Keras numbers them anew in every process. Metrics and optimizer state are left out too.
    """
    sampled = spread([one for one in model.trainable_variables if math.prod(one.shape)])
    if not sampled or any(not _is_at_hand(one) for one in sampled):
        return None
    return digest((f"{tuple(one.shape)}:{one.dtype}" for one in sampled), (_sample(one) for one in sampled))


def _is_at_hand(variable: Any) -> bool:
    """Return whether this process holds the variable whole."""
    return bool(getattr(variable.value, "is_fully_addressable", True))


def _sample(variable: Any) -> bytes:
    """Return the bytes of the sampled elements. What lies on a device is sampled there, unless it is small."""
    import keras

    value, size = variable.value, math.prod(variable.shape)
    if size <= _SMALL or _is_on_host(value):
        sample = keras.ops.convert_to_numpy(value).reshape(-1)[:: stride(size)]
    else:
        sample = keras.ops.convert_to_numpy(keras.ops.reshape(value, (-1,))[:: stride(size)])
    return bytes(sample.tobytes())


def _is_on_host(value: Any) -> bool:
    """Return whether a backend's tensor lies in the host's memory, so that NumPy sees it without a copy."""
    if hasattr(value, "devices"):  # jax
        return all(device.platform == "cpu" for device in value.devices())
    device = getattr(value, "device", None)
    return "cpu" in str(getattr(device, "type", device)).lower()
