"""What a filter and a sort order mean, in Python. An index that has a language of its own must agree with this. Pure."""

from __future__ import annotations

import json
import operator
from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING, Any

from runfork.attributes import AttributeType, datetime_to_micros
from runfork.errors import ArgumentError
from runfork.filters import AllOf, AnyOf, Comparison, Not
from runfork.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.filters import Filter
    from runfork.index.interface import Sort, Value

__all__ = ["NUMBERS", "TEXTS", "comparable", "holds", "set_text", "sort_key"]

NUMBERS = frozenset({AttributeType.FLOAT, AttributeType.INT, AttributeType.BOOL, AttributeType.FLOAT_SERIES})
TEXTS = frozenset({AttributeType.STRING, AttributeType.STRING_SERIES})
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


def comparable(kind: AttributeType, value: object) -> Any:
    """Return `value` as something that compares with values of type `kind`, or None if nothing does."""
    if kind in NUMBERS and isinstance(value, (bool, int, float)):
        return value
    if kind in TEXTS and isinstance(value, str):
        return value
    if kind is AttributeType.DATETIME and isinstance(value, datetime):
        return datetime_to_micros(value)
    return None


def holds(condition: Filter, values: Mapping[str, Value]) -> bool:
    """Return whether a run with these values satisfies `condition`."""
    if isinstance(condition, AllOf):
        return all(holds(part, values) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(holds(part, values) for part in condition.parts)
    if isinstance(condition, Not):
        return not holds(condition.part, values)
    if not isinstance(condition, Comparison):
        raise ArgumentError(f"a filter is built from runfork.Filter, found {condition!r}")
    value = values.get(condition.attribute.name)
    wanted = condition.attribute.type
    if value is None or (wanted is not None and value.type.value != wanted):
        return False
    return condition.operator == "EXISTS" or (value.value is not None and _compare(value, condition))


def _compare(value: Value, condition: Comparison) -> bool:
    if condition.operator in ("MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS"):
        return _search(value, condition.operator, str(condition.value))
    other = comparable(value.type, condition.value)
    if condition.operator == "!=":
        return other is None or bool(value.value != other)
    return other is not None and _ORDER[condition.operator](value.value, other)


def _search(value: Value, how: str, wanted: str) -> bool:
    if value.type in TEXTS:
        texts = [value.value]
        contained = wanted in value.value
    elif value.type is AttributeType.STRING_SET:
        texts = list(value.value)
        contained = wanted in value.value
    else:
        return False
    if how in ("CONTAINS", "NOT CONTAINS"):
        return contained is (how == "CONTAINS")
    pattern = compile_pattern(wanted)
    return any(map(pattern.matches, texts)) is (how == "MATCHES")


def set_text(members: frozenset[str]) -> str:
    """Return the text by which string sets are ordered."""
    return json.dumps(sorted(members), ensure_ascii=False)


def sort_key(value: Value | None, sort: Sort) -> Any:
    """Return what a run is sorted by: a number or a text, NaN for a value without order, None without the attribute."""
    if value is None or (sort.attribute.type is not None and value.type.value != sort.attribute.type):
        return None
    found = value.value
    if value.type is AttributeType.FLOAT_SERIES and sort.aggregate != "last":
        found = (value.statistics or {}).get(sort.aggregate)
    if isinstance(found, frozenset):
        found = set_text(found)
    if isinstance(found, str) or (isinstance(found, (int, float)) and not isnan(found)):
        return found
    return float("nan")
