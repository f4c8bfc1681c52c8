"""Named parts of values: mappings, dataclasses, named tuples and namespaces, read one by one whatever they raise. Pure.

Objects of others are read here for the first time, and reading may fail anywhere: in a property, in ``keys()``, in ``__class__``.
What cannot be read is `Unreadable`, and costs itself alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from runfork.model.messages import described

MAX_PARTS = 100_000
"""So many parts are read of one value, and of all that is nested in it: some have no end."""

MAX_FAILURES = 1000

_FINITE_LEAVES = frozenset({bool, int, float, str, bytes, type(None), list, tuple, set, frozenset})


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """Stands where a value could not be read.

    Args:
        reason: Why, as the second half of a sentence.
    """

    reason: str


class NamedParts(NamedTuple):
    """What was read of a value with named parts.

    Args:
        items: Keys and values, in order; `Unreadable` for values whose reading failed.
        trouble: Why there may be more, or None.
    """

    items: list[tuple[Any, Any]]
    trouble: Unreadable | None = None


def unreadable(error: Exception) -> Unreadable:
    """Return what stands for a value whose reading raised `error`."""
    return Unreadable(f"it could not be read ({described(error)}); log what it stands for instead")


def named_parts(value: object) -> NamedParts | None:
    """Read the parts of a mapping, a dataclass instance, a named tuple or a namespace; None if `value` is nothing of the kind."""
    if type(value) in _FINITE_LEAVES:
        return None
    if type(value) is dict:
        return NamedParts(list(value.items()))
    try:
        opened = _opened(value)
        return None if opened is None else _read(*opened)
    except Exception as error:  # anything of the value's own may raise anything
        return NamedParts([], unreadable(error))


def _opened(value: Any) -> tuple[Iterable[Any], Callable[[Any], Any]] | None:
    """Return the names of a value's parts, and how to read one."""
    if isinstance(value, Mapping):
        return value.keys(), value.__getitem__
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return (field.name for field in dataclasses.fields(value)), lambda name: getattr(value, name)
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return None if names is None else (names, lambda name: getattr(value, name))
    if type(value).__name__ in ("Namespace", "SimpleNamespace"):
        return vars(value), lambda name: getattr(value, name)
    if hasattr(value, "keys") and hasattr(value, "__getitem__") and not hasattr(value, "shape"):  # a table is one value
        return value.keys(), value.__getitem__
    return None


def _read(names: Iterable[Any], read: Callable[[Any], Any]) -> NamedParts:
    items: list[tuple[Any, Any]] = []
    failures = 0
    try:
        for name in islice(iter(names), MAX_PARTS + 1):
            try:
                items.append((name, read(name)))
            except Exception as error:  # a property or an interpolation: the other parts are read all the same
                items.append((name, unreadable(error)))
                failures += 1
                if failures == MAX_FAILURES:
                    return NamedParts(
                        items, Unreadable(f"{failures} of its parts could not be read: no others were tried")
                    )
    except Exception as error:  # what names the parts: those so far are kept
        return NamedParts(items, unreadable(error))
    if len(items) > MAX_PARTS:
        return NamedParts([], Unreadable(f"it has more than {MAX_PARTS:,} parts; log a file"))
    return NamedParts(items)
