"""The fingerprint of a Keras model's trainable weights, on any backend; `runfork.training.fingerprint` says what it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runfork.training.fingerprint import digest, is_at_hand, sample, spread, stride
from runfork.training.guards import attempt

if TYPE_CHECKING:
    from runfork.training.training import Training

_SMALL = 2**14
"""So many elements are copied from the device whole: on jax each other shape to be sampled there would be compiled first."""


def fingerprint(model: Any) -> str | None:
    """Return 32 hex digits for the trainable variables of a model; None if there are none, or if they lie elsewhere.

    Their names are left out: Keras numbers them anew in every process. Metrics and optimizer state are left out too.
    """
    sampled = spread([one for one in model.trainable_variables if math.prod(one.shape)])
    if not sampled or any(not is_at_hand(one.value) for one in sampled):
        return None
    return digest((f"{tuple(one.shape)}:{one.dtype}" for one in sampled), (_bytes_of(one) for one in sampled))


def weights_of(model: Any, training: Training) -> str | None:
    """Return the fingerprint of a model; None also where it cannot be had, which `training` tells: it must cost no mark."""
    return attempt(training, "fingerprint", lambda: fingerprint(model))


def _bytes_of(variable: Any) -> bytes:
    """Return the bytes of the sampled elements, in the order of indices, without a copy of the others.

    What lies on a device is sampled there, unless it is small.
    """
    import keras

    value, size = variable.value, math.prod(variable.shape)
    step = stride(size)
    if hasattr(value, "detach"):  # torch's: of kinds, too, that NumPy has not
        sampled = sample(value.detach())
    elif not hasattr(value, "devices"):  # tensorflow's, which flattens without a copy, and copies what NumPy is to see
        sampled = keras.ops.reshape(value, (-1,))[::step]
    elif size <= _SMALL or all(device.platform == "cpu" for device in value.devices()):
        sampled = keras.ops.convert_to_numpy(value).flat[::step]
    else:
        sampled = sample(value)
    return bytes(keras.ops.convert_to_numpy(sampled).tobytes())
