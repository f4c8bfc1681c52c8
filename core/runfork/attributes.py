"""Attributes: paths, types, and what becomes of the values that users pass. Pure: no I/O, no clock, no lock."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from enum import Enum
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.types import Histogram

__all__ = [
    "MAX_PATH_BYTES",
    "MAX_STRING_BYTES",
    "AttributeType",
    "check_path",
    "check_series_path",
    "convert_config",
    "convert_histogram",
    "convert_metric",
    "convert_text",
    "flatten",
]

MAX_PATH_BYTES = 1024
MAX_STRING_BYTES = 1024 * 1024
MIN_HISTOGRAM_EDGES = 2
MAX_HISTOGRAM_EDGES = 513
_MAX_LEVELS = MAX_PATH_BYTES // 2
"""Keys on the way to a value, so that its path is not too long for sure; deeper values would be refused."""

_INT64 = range(-(2**63), 2**63)


class AttributeType(str, Enum):
    """What a value is; the values are the query API's names. A path holds values of one family within a run."""

    FLOAT = "float"
    INT = "int"
    BOOL = "bool"
    STRING = "string"
    DATETIME = "datetime"
    STRING_SET = "string_set"
    FILE = "file"
    NONE = "none"
    FLOAT_SERIES = "float_series"
    STRING_SERIES = "string_series"
    HISTOGRAM_SERIES = "histogram_series"
    FILE_SERIES = "file_series"

    def __init__(self, name: str) -> None:
        self.is_series = name.endswith("_series")
        """Whether values of this type have steps."""
        self.family = "number" if name in ("float", "int") else name
        """What goes together at one path: float and int are numbers, every other type is a family of its own."""

    def takes(self, other: AttributeType) -> bool:
        """Return whether a path that holds this type holds `other`, too: its family, and None unless it is a series."""
        return other.family == self.family or (other is AttributeType.NONE and not self.is_series)


def check_path(path: object) -> str:
    """Return `path` if it can name an attribute.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It is empty, longer than 1024 bytes of UTF-8, or contains NUL.
    """
    if not isinstance(path, str):
        raise ArgumentTypeError(f"an attribute path must be a string, found {path!r}; name it like 'train/loss'")
    if not path:
        raise ArgumentError("an attribute path must not be empty, found ''; name it like 'train/loss'")
    size = len(path.encode("utf-8", "surrogatepass"))
    if size > MAX_PATH_BYTES:
        raise ArgumentError(
            f"an attribute path may have {MAX_PATH_BYTES} bytes, found {size} in {path[:40]!r}...; shorten it"
        )
    if "\0" in path or _has_surrogate(path):
        raise ArgumentError(f"an attribute path must be text without NUL, found {path!r}; rename it")
    return path


def check_series_path(path: object) -> str:
    """Return `path` if it can name a series.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It can name no attribute, or lies in ``sys/``.
    """
    name = check_path(path)
    if name == "sys" or name.startswith("sys/"):
        raise ArgumentError(f"{name!r} is runfork's own, and holds single values; choose a path outside sys/")
    return name


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def flatten(data: object, *, prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings, dataclasses and namespaces into one mapping of ``a/b/c`` paths.

    Lists and tuples are leaves. An empty mapping vanishes. Keys become strings.

    Args:
        data: A Mapping, a dataclass instance, a named tuple, or an object with ``__dict__`` such as `argparse.Namespace`.
        prefix: Path in front of each key.

    Raises:
        ArgumentTypeError: `data` has no named parts.
    """
    parts = _named_parts(data)
    if parts is None:
        raise ArgumentTypeError(f"configs must be a mapping or a dataclass, found {_shown(data)}")
    flat: dict[str, Any] = {}
    _flatten_into(flat, parts, prefix, seen=(id(data),))
    return flat


def _flatten_into(flat: dict[str, Any], parts: Mapping[Any, Any], prefix: str, seen: tuple[int, ...]) -> None:
    for key, value in parts.items():
        path = f"{prefix}/{key}" if prefix else str(key)
        nested = _named_parts(value)
        if nested is None or len(path) > MAX_PATH_BYTES or len(seen) > _MAX_LEVELS:
            flat[path] = value
        elif id(value) in seen:
            flat[path] = f"<recursion: {type(value).__name__}>"
        else:
            _flatten_into(flat, nested, path, (*seen, id(value)))


def _named_parts(value: object) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    other: Any = value  # known by what it offers
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(other._fields, value, strict=True))
    if type(value).__name__ in ("Namespace", "SimpleNamespace"):
        return vars(value)
    has_keys = hasattr(value, "keys") and hasattr(value, "__getitem__") and not isinstance(value, type)
    if has_keys and not hasattr(value, "shape"):  # a table is one value
        return {key: other[key] for key in other.keys()}  # noqa: SIM118
    return None


def _as_scalar(value: object) -> object:
    """Return the Python number inside a NumPy scalar, 0-d array or one-element tensor; other values unchanged."""
    item = getattr(value, "item", None)
    if not callable(item) or isinstance(value, (str, bytes, type, Mapping)):
        return value
    shape = getattr(value, "shape", None)
    if shape is None or any(size != 1 for size in shape):
        return value
    return item()


def convert_config(value: object, *, fallback: Callable[[object], object] | None = None) -> tuple[AttributeType, Any]:
    """Decide the type of a config value and bring it into the form that the journal holds.

    bool, int, float, str and datetime keep their type; enum members become their names; None becomes the string ``"None"``;
    collections of str become string sets; other lists, tuples and sets their JSON; NumPy scalars, 0-d arrays and tensors
    are numbers. Anything else is offered to `fallback`, and becomes its ``str()`` if that has nothing.

    Args:
        value: What the user passed.
        fallback: Turns an unknown object into a known one, or returns None (the ``convert_value`` hook).

    Returns:
        The type, and: float, int (within int64), bool, str, microseconds since 1970 for datetime, or a sorted list of str.

    Raises:
        ArgumentError: It cannot be held: a string longer than 1 MiB, or an object that raises when it is read.
    """
    try:
        return _convert_config(value, fallback)
    except ArgumentError:
        raise
    except Exception as error:  # a user's own __str__ or item() may raise anything
        raise ArgumentError(
            f"a value of type {type(value).__name__} could not be read ({type(error).__name__}: {error}); log its str()"
        ) from error


def _convert_config(value: object, fallback: Callable[[object], object] | None = None) -> tuple[AttributeType, Any]:
    value = _plain(value)
    if isinstance(value, bool):
        return AttributeType.BOOL, value
    if isinstance(value, Integral):
        number = int(value)
        return (AttributeType.INT, number) if number in _INT64 else (AttributeType.STRING, _limited(str(number)))
    if isinstance(value, Real):
        return AttributeType.FLOAT, float(value)
    if isinstance(value, str):
        return AttributeType.STRING, _limited(str(value))
    if isinstance(value, datetime) and value == value:  # noqa: PLR0124  pandas' NaT is a datetime, and equals nothing
        return AttributeType.DATETIME, datetime_to_micros(value)
    if value is None:
        return AttributeType.STRING, "None"
    if isinstance(value, (Sequence, AbstractSet)) and not isinstance(value, (bytes, bytearray, memoryview)):
        return _convert_collection(value)
    if fallback is not None and (known := fallback(value)) is not None:
        return _convert_config(known)
    return AttributeType.STRING, _limited(str(value))


def _plain(value: object) -> object:
    """Return the plain value inside a scalar or an enum member."""
    if isinstance(value, Enum):
        return value.value if isinstance(value, (int, float, str)) else value.name
    return _as_scalar(value)


def _convert_collection(value: Sequence[Any] | AbstractSet[Any]) -> tuple[AttributeType, Any]:
    items = list(value)
    if items and all(isinstance(item, str) for item in items):
        members = sorted(set(map(str, items)))
        if sum(len(member.encode("utf-8", "surrogatepass")) for member in members) > MAX_STRING_BYTES:
            raise ArgumentError(f"a string set may have 1 MiB in all, found {len(members)} longer members; log a file")
        return AttributeType.STRING_SET, members
    if isinstance(value, AbstractSet):
        items = sorted(items, key=repr)
    try:
        text = json.dumps(items, default=_json_leaf)
    except (TypeError, ValueError):  # keys that are no strings, a list that contains itself
        text = str(items)
    return AttributeType.STRING, _limited(text)


def _json_leaf(value: object) -> object:
    scalar = _as_scalar(value)
    if type(scalar) is not type(value):  # the item of NumPy's long types is one of them again
        return scalar
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, AbstractSet):
        return sorted(value, key=repr)
    return str(value)


def _limited(text: str) -> str:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_STRING_BYTES:
        raise ArgumentError(f"a string may have 1 MiB of UTF-8, found {size} bytes; log it with assign_files instead")
    return text


def datetime_to_micros(value: datetime) -> int:
    """Return microseconds since 1970; a naive datetime is local time."""
    if value.tzinfo is None:
        try:
            value = value.astimezone()
        except (ValueError, OverflowError, OSError):
            value = value.replace(tzinfo=timezone.utc)  # years that the C library's local time cannot reach
    delta = value - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def convert_text(value: object) -> str:
    """Return the text of a string-series point.

    Raises:
        ArgumentError: It has more than 1 MiB of UTF-8, or raises when it is read.
    """
    try:
        text = str(value)
    except Exception as error:  # a user's own __str__ may raise anything
        raise ArgumentError(
            f"the text of a {type(value).__name__} could not be read ({error}); log a string"
        ) from error
    return text if len(text) <= MAX_STRING_BYTES // 4 else _limited(text)


def convert_metric(value: object) -> float:
    """Return a metric value as a float; NaN and infinities are values.

    Raises:
        ArgumentError: It is no single number.
    """
    if value is None:
        raise ArgumentError("a metric value must be a number, found None; leave the metric out instead")
    try:
        return float(_as_scalar(value))  # type: ignore[arg-type]
    except Exception as error:  # a user's own __float__ or item() may raise anything
        raise ArgumentError(
            f"a metric value must be one number, found {_shown(value)}; reduce it, e.g. value.mean()"
        ) from error


def _shown(value: object) -> str:
    """Return a value's type and the beginning of its text, for messages."""
    try:
        return f"{type(value).__name__} {value!r:.60}"
    except Exception:  # a user's own __repr__ may raise anything
        return type(value).__name__


def convert_histogram(value: object) -> dict[str, list[float]]:
    """Return a histogram as the journal holds it: ``{"edges": [...], "counts" | "densities": [...]}``.

    Raises:
        ArgumentTypeError: It is no `Histogram`.
        ArgumentError: Its edges or values break the rules in `runfork.types.Histogram`.
    """
    if not isinstance(value, Histogram):
        raise ArgumentTypeError(f"a histogram must be a runfork.Histogram, found {type(value).__name__}")
    if (value.counts is None) == (value.densities is None):
        raise ArgumentError("a histogram needs either counts or densities, found both or neither; pass exactly one")
    edges, values = _numbers(value.bin_edges), _numbers(value.values)
    is_increasing = all(a < b for a, b in pairwise(edges)) and all(map(math.isfinite, edges))
    if not MIN_HISTOGRAM_EDGES <= len(edges) <= MAX_HISTOGRAM_EDGES or not is_increasing:
        raise ArgumentError(
            f"a histogram needs 2 to {MAX_HISTOGRAM_EDGES} strictly increasing finite edges, "
            f"found {len(edges)}: {', '.join(map(str, edges[:4]))}"
        )
    key = "counts" if value.counts is not None else "densities"
    if len(values) != len(edges) - 1:
        raise ArgumentError(f"a histogram with {len(edges)} edges needs {len(edges) - 1} {key}, found {len(values)}")
    if key == "densities":
        if not all(map(math.isfinite, values)):
            raise ArgumentError("histogram densities must be finite numbers; leave out NaN and infinities")
        return {"edges": edges, key: values}
    if not all(one.is_integer() and one >= 0 for one in values):
        raise ArgumentError("histogram counts must be whole numbers >= 0; pass densities for fractions")
    return {"edges": edges, key: [int(one) for one in values]}


def _numbers(values: object) -> list[float]:
    try:
        items = list(values)  # type: ignore[call-overload]
    except Exception as error:  # as in `convert_metric`
        raise ArgumentError(
            f"edges and values of a histogram must be sequences of numbers, found {_shown(values)}"
        ) from error
    return [convert_metric(item) for item in items]
