"""What becomes of the values that users pass: the table in ``docs/values.md``. Pure: no I/O, no clock, no lock.

Every kind of object is understood in one place, `plain_value`, so that it means the same as a config, within a list, as a key, and
in a filter.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from typing import Any

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.attributes import MAX_STRING_BYTES, AttributeType
from runfork.model.clock import now_us
from runfork.model.distributed_tensors import refuse_distributed
from runfork.model.messages import described, shown, type_name
from runfork.model.named_parts import NamedParts, Unreadable, named_parts

_MICRO = 1_000_000
_MAX_SECONDS = 10**11  # some three thousand years

MAX_LEVELS = 100
"""Lists within lists; what is deeper is refused."""

_LARGEST_RANGE = 1000
_INT64 = range(-(2**63), 2**63)
_PLAIN = frozenset({bool, int, float, str, type(None)})
_BYTES = (bytes, bytearray, memoryview)
_COLLECTIONS = (Sequence, AbstractSet, ValuesView)
_MISSING = frozenset({("pandas", "NaTType"), ("pandas", "NAType"), ("numpy", "MaskedConstant")})


# Configs


def convert_config(
    value: object,
    *,
    fallback: Callable[[object], object] | None = None,
    mask: Callable[[Any], Any] | None = None,
) -> tuple[AttributeType, Any]:
    """Decide the type of a config value and bring it into the form that the journal holds.

    What becomes of each kind of value stands in ``docs/values.md``.

    Args:
        value: What the user passed.
        fallback: Turns an object of an unknown type into a known one, or returns None (the ``convert_value`` hook).
        mask: Gets the value as `plain_value` returns it, and returns it without secrets.

    Returns:
        The type, and: float, int (within int64), bool, str, microseconds since 1970 for datetime, a list of str, or None.

    Raises:
        ArgumentError: It cannot be held: a string longer than 1 MiB, or an object that raises when it is read.
    """
    plain = plain_value(value, fallback=fallback)
    if type(plain) is str:
        _limited(plain)  # before anybody looks through it
    try:
        return _held(plain if mask is None else mask(plain))
    except ValueError as error:  # an int of thousands of digits, which Python turns into no text
        raise error if isinstance(error, ArgumentError) else ArgumentError(f"{described(error)}; log a file") from error


def plain_value(value: object, *, fallback: Callable[[object], object] | None = None) -> Any:
    """Return what `value` stands for: None, a bool, int, float, str or datetime, or lists and dicts of such.

    Args:
        value: Any object.
        fallback: As in `convert_config`.

    Raises:
        ArgumentError: It could not be read, or has no end.
    """
    if type(value) in _PLAIN:
        return value
    if type(value) is Unreadable:
        raise ArgumentError(value.reason)
    try:
        return _Reading(fallback).plain(value)
    except ArgumentError:
        raise
    except Exception as error:  # anything of a user's own object may raise anything
        raise ArgumentError(
            f"a value of type {type_name(value)} could not be read ({described(error)}); log what it stands for instead"
        ) from error


def key_text(key: object) -> str:
    """Return the text of a key that is no string: that of the value it would be.

    Raises:
        ArgumentError: It could not be read.
    """
    plain = plain_value(key)
    return plain if type(plain) is str else exact_text(plain)


def exact_text(value: object) -> str:
    """Return ``str(value)`` as a plain str, whatever class of strings it comes as."""
    if issubclass(type(value), (set, frozenset)):
        value = plain_value(value)  # whose order is the same everywhere, and which has an end
    return str.__str__(str(value))


class _Reading:
    """One value, read once.

    Args:
        fallback: As in `convert_config`.
    """

    def __init__(self, fallback: Callable[[object], object] | None) -> None:
        self._fallback = fallback
        self._room = MAX_STRING_BYTES
        self._holders: list[object] = []

    def plain(self, value: Any, *, is_converted: bool = False) -> Any:
        """Return what `value` stands for. `is_converted` keeps one that was converted already from being so again."""
        if type(value) in _PLAIN:
            return value
        if _is_missing(value):
            return None
        if (kind := _numpy_time(value)) is not None:  # to NumPy, a duration is an integer
            return self.plain(_time_of_numpy(value, kind))
        if isinstance(value, Enum):
            return self.plain(_member(value))
        for classes, read in _READERS:
            if isinstance(value, classes):
                return read(value)
        if (scalar := as_scalar(value)) is not value:
            return self.plain(scalar)
        parts = named_parts(value)
        if parts is not None or (isinstance(value, _COLLECTIONS) and not isinstance(value, _BYTES)):
            return self._nested(value, parts)
        return self._converted(value, is_converted)

    def _converted(self, value: Any, is_converted: bool) -> Any:
        """Return a known form of a value of an unknown type; a plugin is asked once for each."""
        is_asked = is_converted or any(value is holder for holder in self._holders)
        known = None if is_asked or self._fallback is None else self._fallback(value)
        if known is None:
            known = _known_form(value)
        if known is None or (is_asked and type(known) is not str):
            return exact_text(value)
        self._holders.append(value)
        try:
            return self.plain(known, is_converted=True)
        finally:
            self._holders.pop()

    def _nested(self, value: Any, parts: NamedParts | None) -> Any:
        if any(value is holder for holder in self._holders):
            return f"<recursion: {type_name(value)}>"
        if len(self._holders) > MAX_LEVELS:
            raise ArgumentError(f"lists may be nested {MAX_LEVELS} deep, found more; log a file")
        self._holders.append(value)
        try:
            return self._parts(parts) if parts is not None else self._collection(value)
        finally:
            self._holders.pop()

    def _parts(self, parts: NamedParts) -> dict[str, Any]:
        if parts.trouble is not None:
            raise ArgumentError(parts.trouble.reason)
        return {self._counted(key_text(key)): self._item(part) for key, part in parts.items}

    def _collection(self, value: Any) -> Any:
        if type(value) is range and len(value) > _LARGEST_RANGE:
            return str(value)
        items = [self._item(item) for item in value]
        return _in_order(items) if isinstance(value, AbstractSet) else items

    def _item(self, value: Any) -> Any:
        if type(value) is Unreadable:
            raise ArgumentError(value.reason)
        return self._counted(self.plain(value))

    def _counted(self, plain: Any) -> Any:
        """Return `plain`, as long as the text of all that was read can be held: a collection may have no end."""
        self._room -= len(plain) + 4 if type(plain) is str else 3
        if self._room < 0:
            raise ArgumentError("a collection may have 1 MiB in all, found more; log it with assign_files instead")
        return plain


def _known_form(value: object) -> object:
    try:
        from runfork.model.unknown_types import known_form
    except (ImportError, OSError):  # no file can be opened, not even ours
        return None
    return known_form(value)


def _is_missing(value: object) -> bool:
    kind = type(value)
    if (str(kind.__module__).partition(".")[0], kind.__name__) in _MISSING:
        return True
    return _numpy_time(value) is not None and value != value  # noqa: PLR0124  NaT equals nothing


def _numpy_time(value: object) -> str | None:
    kind = type(value)
    is_time = kind.__module__ == "numpy" and kind.__name__ in ("datetime64", "timedelta64")
    return kind.__name__ if is_time else None


def _member(member: Any) -> Any:
    """Return what a member of an enumeration stands for: its value where it is a number or text itself, else its name."""
    value: Any = member.value
    if isinstance(member, (int, float, str)):
        return value
    if member.name is not None:
        return member.name
    members: Any = type(member)
    return "|".join(one.name for one in members if one.value and one in member)  # flags of Python 3.10


def _finite(value: Any) -> float:
    number = float(value)
    if math.isinf(number) and value == value and abs(value) != math.inf:  # noqa: PLR0124
        raise ArgumentError(f"{shown(value)} is too large for a float; log its str()")
    return number


def _exact_datetime(value: datetime) -> datetime:
    """Return a plain datetime: those of other libraries have methods of their own."""
    if type(value) is datetime:
        return value
    parts = value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
    return datetime(*parts, tzinfo=value.tzinfo, fold=value.fold)


_READERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (bool, bool),
    (Integral, int),
    ((Real, Decimal), _finite),
    (str, exact_text),
    (datetime, _exact_datetime),
)


def as_scalar(value: Any) -> Any:
    """Return the Python number inside a NumPy scalar, 0-d array or one-element tensor; other values unchanged."""
    refuse_distributed(value)
    shape = getattr(value, "shape", None)
    if shape is None or isinstance(value, type) or not callable(getattr(value, "item", None)):
        return value
    if callable(shape) or any(size != 1 for size in shape):
        return value
    if hasattr(value, "filled") and bool(getattr(value, "mask", False)):
        return None
    item = value.item()
    is_single = len(shape) == 0 or isinstance(item, (bool, Integral, Real))
    return item if is_single and type(item) is not type(value) else value


def _time_of_numpy(value: Any, kind: str) -> Any:
    if kind == "timedelta64":
        return float(value / type(value)(1, "s"))
    found = value.astype("datetime64[us]").item() if type(value.item()) is int else value.item()
    if type(found) is int:
        raise ArgumentError(f"{shown(value)} is beyond the years of datetime; log its str()")
    return found


def _in_order(items: list[Any]) -> list[Any]:
    """Return the members of a set in an order that is the same in every process."""
    try:
        return sorted(items)
    except TypeError:  # of several kinds
        return sorted(items, key=repr)


def _held(plain: Any) -> tuple[AttributeType, Any]:
    """Return a plain value as the journal holds it."""
    if plain is None:
        return AttributeType.NONE, None
    if type(plain) is bool:
        return AttributeType.BOOL, plain
    if type(plain) is int:
        return (AttributeType.INT, plain) if plain in _INT64 else (AttributeType.STRING, str(plain))
    if type(plain) is float:
        return AttributeType.FLOAT, plain
    if type(plain) is str:
        return AttributeType.STRING, _limited(plain)
    if type(plain) is datetime:
        return AttributeType.DATETIME, datetime_to_micros(plain)
    if type(plain) is list and plain and all(type(item) is str for item in plain):
        return AttributeType.STRING_SET, plain
    return AttributeType.STRING, _limited(json.dumps(plain, default=_json_leaf))


def _json_leaf(value: Any) -> str:
    return str(value.isoformat())


def _limited(text: str) -> str:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_STRING_BYTES:
        raise ArgumentError(f"a string may have 1 MiB of UTF-8, found {size} bytes; log it with assign_files instead")
    return text


def datetime_to_micros(value: datetime) -> int:
    """Return microseconds since 1970; a naive datetime is local time."""
    value = _exact_datetime(value)
    if value.tzinfo is None:
        try:
            value = value.astimezone()
        except (ValueError, OverflowError, OSError):
            value = value.replace(tzinfo=timezone.utc)  # years that the C library's local time cannot reach
    delta = value - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


# Points of series


def convert_text(value: object) -> str:
    """Return the text of a string-series point.

    Raises:
        ArgumentError: It has more than 1 MiB of UTF-8, or raises when it is read.
    """
    if type(value) is Unreadable:
        raise ArgumentError(value.reason)
    try:
        text = value if type(value) is str else exact_text(value)
    except Exception as error:  # a user's own __str__ may raise anything
        raise ArgumentError(
            f"the text of a {type_name(value)} could not be read ({described(error)}); log a string"
        ) from error
    return text if len(text) <= MAX_STRING_BYTES // 4 else _limited(text)


def convert_metric(value: object) -> float:
    """Return a metric value as a float; NaN and infinities are values, and a masked number of NumPy is NaN.

    Raises:
        ArgumentError: It is no single number.
    """
    if value is None:
        raise ArgumentError("a metric value must be a number, found None; leave the metric out instead")
    if type(value) is Unreadable:
        raise ArgumentError(value.reason)
    try:
        scalar = as_scalar(value) if _numpy_time(value) is None else value.isoformat()  # type: ignore[attr-defined]
        return math.nan if scalar is None else float(scalar)
    except ArgumentError:
        raise
    except Exception as error:  # a user's own __float__ or item() may raise anything
        raise ArgumentError(
            f"a metric value must be one number, found {type_name(value)} {shown(value)}; reduce it, e.g. value.mean()"
        ) from error


def to_micros(timestamp: object) -> int:
    """Return a timestamp as microseconds since 1970; None is now, a naive datetime local, a number Unix seconds.

    Raises:
        ArgumentTypeError: It is none of these.
        ArgumentError: It is NaN, infinite, or thousands of years away.
    """
    if timestamp is None:
        return now_us()
    moment = plain_value(timestamp)
    if type(moment) is datetime:
        return datetime_to_micros(moment)
    if moment is None:
        raise ArgumentError(f"timestamp must be a time, found {shown(timestamp)}; leave it out where it is not known")
    if type(moment) not in (int, float):
        raise ArgumentTypeError(f"timestamp must be a datetime or Unix seconds, found {shown(timestamp)}")
    if not -_MAX_SECONDS < moment < _MAX_SECONDS:
        raise ArgumentError(f"timestamp must be Unix seconds, found {shown(timestamp)}; divide milliseconds by 1000")
    return round(float(moment) * _MICRO)
