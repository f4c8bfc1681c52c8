"""What the query functions accept, checked before anything is opened: each wrong argument is refused in one sentence."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.steps import MAX_MICRO_STEP, MICRO

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_flag(name: str, value: object) -> bool:
    """Return `value` if it is a bool."""
    if not isinstance(value, bool):
        raise ArgumentTypeError(f"{name} must be True or False, found {value!r}")
    return value


def check_choice(name: str, value: object, choices: Sequence[object]) -> Any:
    """Return `value` if it is one of `choices`."""
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, choices))}, found {value!r}")
    return value


def check_count(name: str, value: object, *, maximum: int | None = None) -> int | None:
    """Return `value` if it is a whole number of at least 1 (and at most `maximum`, or what 64 bits hold), or None."""
    if value is None:
        return None
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        count = 0
    if isinstance(value, bool) or count < 1 or count > (sys.maxsize if maximum is None else maximum):
        wanted = (
            "a whole number of at least 1"
            if maximum is None and count < 1
            else f"a whole number from 1 to {maximum or sys.maxsize}"
        )
        raise ArgumentError(f"{name} must be {wanted}, found {value!r}")
    return count


def check_names(argument: str, value: object, wanted: str) -> list[str]:
    """Return `value` as a list of str, if it is a list of at least one name.

    Args:
        argument: The argument's name, for messages.
        value: What was passed.
        wanted: What the argument may be.
    """
    if not isinstance(value, Iterable) or isinstance(value, (bytes, dict)):
        raise ArgumentTypeError(f"{argument} must be {wanted}, found {value!r}")
    names = list(value)
    if not names:
        raise ArgumentError(f"{argument} must have at least one name, found an empty list")
    for name in names:
        if not isinstance(name, str):
            raise ArgumentTypeError(f"{argument} must have strings only, found {name!r}")
    return [str.__str__(name) for name in names]  # of members of enumerations their value


def check_step_range(value: object) -> tuple[int | None, int | None]:
    """Return a step range in micro-steps, both ends inclusive; None is open.

    Raises:
        ArgumentError: It is no pair of numbers or None, or it ends before it starts.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:  # noqa: PLR2004
        raise ArgumentTypeError(f"step_range must be a pair such as (0, 100) or (None, 100), found {value!r}")
    first, last = map(_bound, value)
    if first is not None and last is not None and first > last:
        raise ArgumentError(f"step_range must start before it ends, found {value!r}; swap its ends")
    return first, last


def _bound(value: object) -> int | None:
    if value is None:
        return None
    number = _plain_number(value)
    limit = MAX_MICRO_STEP + 1
    if abs(number) >= limit // MICRO:
        return limit if number > 0 else -limit
    return round(number * MICRO)


def _plain_number(value: Any) -> float:
    if isinstance(value, int):
        return value
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise ArgumentTypeError(f"step_range must consist of numbers and None, found {value!r}")
    number = float(value)
    if math.isnan(number):
        raise ArgumentError("step_range must consist of numbers and None, found nan")
    return number
