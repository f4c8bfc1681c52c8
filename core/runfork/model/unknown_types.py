"""Config values of types that runfork does not know: what is told of arrays, classes, functions, paths and objects.

No framework is imported, types are known by what they offer.
"""

from __future__ import annotations

import os
import re
import types
from datetime import date, time, timedelta
from typing import Any

MAX_ELEMENTS = 1000
"""Larger arrays are described, not listed."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def known_form(value: object) -> object:
    """Return a known form of `value`, the same in every process.

    Arrays and tensors of up to 1000 elements become lists, larger ones ``"ndarray(float32, [512, 512])"``; tables
    ``"DataFrame([3, 2])"``; classes and functions their qualified names; paths and bytes text; dates and times ISO 8601,
    timedeltas seconds, modules of torch the names of their classes. Anything else is its ``str()`` without memory addresses.
    """
    if _is_array(value):
        return _convert_array(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if callable(getattr(value, "named_parameters", None)):  # a module of torch: its text is as long as it is deep
        return _name(value if isinstance(value, type) else type(value))
    return _name(value) or _ADDRESS.sub("", str(value))


def _is_array(value: Any) -> bool:
    return (
        not isinstance(value, type)
        and hasattr(value, "shape")
        and (hasattr(value, "dtype") or hasattr(value, "columns"))
    )


def _convert_array(value: Any) -> object:
    shape = [int(size) for size in value.shape]
    if not hasattr(value, "dtype"):  # a table
        return f"{type(value).__name__}({shape})"
    elements = 1
    for size in shape:
        elements *= size
    if elements <= MAX_ELEMENTS and not getattr(value, "is_meta", False):
        if getattr(value.dtype, "kind", None) in ("M", "m"):  # whose lists may hold bare integers
            return [*value]
        if hasattr(value, "tolist"):
            return value.tolist()
        if hasattr(value, "numpy"):
            return value.numpy().tolist()
    return f"{type(value).__name__}({str(value.dtype).removeprefix('torch.')}, {shape})"


def _name(value: Any) -> str | None:
    """Return the name of a class, function, method or module."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    name = getattr(value, "__qualname__", None)
    module = getattr(value, "__module__", None)
    if not isinstance(name, str) or isinstance(value, types.GenericAlias):
        return None
    return name if module in (None, "builtins", "__main__") else f"{module}.{name}"
