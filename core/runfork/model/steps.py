"""Steps: decimals with six places, held everywhere as integers of a millionth ("micro-steps").

``0.1 + 0.2`` and ``0.3`` are the same step. The range is ``0 <= step < 1e12``.

Series live on one of two axes. On the **step axis** the step is what the caller passed. On the **clock axis**
(console output, hardware metrics) the step is Unix time in seconds, so that lines and samples of several processes,
resumes and forks fall into the order in which they happened; its micro-steps are microseconds since 1970.
"""

from __future__ import annotations

import math
from typing import Any, SupportsFloat, SupportsIndex

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.distributed_tensors import is_distributed
from runfork.model.messages import shown

MICRO = 1_000_000
"""Micro-steps in one step."""

MAX_MICRO_STEP = 10**18 - 1
"""The largest micro-step that can be logged: one below ``1e12`` steps."""

_MAX_STEP = 10**12
_EXACT_FLOATS = 10**9
"""Below it, a float times a million is less than half a micro-step from the decimal that the float stands for."""

_SHOWN = 1000

NO_STEP = -(2**63)
"""Stands in a record's step field when the record has none."""

Step = SupportsFloat | SupportsIndex
"""What is accepted as a step: int, float, Decimal, and NumPy or tensor scalars."""


def to_micro_steps(step: object, argument: str = "step") -> int:
    """Convert a step to whole micro-steps, rounding to the nearest millionth.

    Args:
        step: int, float, Decimal, or anything with ``__index__`` or ``__float__`` that is not a string.
        argument: Its name, for messages.

    Returns:
        Micro-steps, ``0 <= result <= MAX_MICRO_STEP``.

    Raises:
        ArgumentTypeError: ``step`` is no number.
        ArgumentError: ``step`` is negative, NaN, infinite, or 1e12 and more.
    """
    if type(step) is int:
        micro = step * MICRO
    else:
        try:
            micro = _micro_of(step, argument)
        except ArgumentError:
            raise
        except Exception as error:  # an object's own methods may raise anything
            raise ArgumentTypeError(
                f"{argument} must be one number, found {shown(step)}; pass an int or a float"
            ) from error
    if not 0 <= micro <= MAX_MICRO_STEP:
        raise ArgumentError(
            f"{argument} must satisfy 0 <= {argument} < 1e12, found {shown(step)}; pass the optimizer step, for example"
        )
    return micro


def _micro_of(step: Any, argument: str) -> int:
    is_number = hasattr(step, "__float__") or hasattr(step, "__index__")
    if isinstance(step, (str, bytes)) or not is_number or is_distributed(step):
        raise ArgumentTypeError(f"{argument} must be a number, found {shown(step)}; pass an int or a float, e.g. 100")
    try:
        if hasattr(step, "__index__"):
            return int(step.__index__()) * MICRO
    except (TypeError, ValueError, RuntimeError):
        pass  # a float tensor has __index__, and refuses it
    value = float(step)
    if not math.isfinite(value):
        raise ArgumentError(
            f"{argument} must be a finite number, found {shown(step)}; pass the optimizer step, for example"
        )
    if abs(value) > _MAX_STEP:
        return int(value) * MICRO  # as a float it may be too large
    if not hasattr(step, "as_integer_ratio") or (isinstance(step, float) and abs(value) < _EXACT_FLOATS):
        return round(value * MICRO)
    numerator, denominator = step.as_integer_ratio()
    return int((2 * numerator * MICRO + denominator) // (2 * denominator))


def from_micro_steps(micro: int) -> int | float:
    """Return a micro-step as the number a user reads: an int where it is whole, else a float."""
    whole, rest = divmod(micro, MICRO)
    return whole if rest == 0 else micro / MICRO


def format_step(micro: int) -> str:
    """Return a micro-step as text, exactly: ``"5"``, ``"0.3"``, ``"999999999999.999999"``."""
    whole, rest = divmod(micro, MICRO)
    return str(whole) if rest == 0 else f"{whole}.{rest:06d}".rstrip("0")


def shown_step(micro: int) -> str:
    """Return a micro-step as tables show it: to a thousandth, rounded down.

    What belongs to one step and must not replace each other stands millionths behind it: it is shown at that step.
    """
    return format_step(micro - micro % _SHOWN)
