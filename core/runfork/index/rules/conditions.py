"""What a filter and a sort order mean, in Python. An index that has a language of its own must agree with this. Pure."""

from __future__ import annotations

import json
import operator
from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.model.attributes import TEXTS, AttributeType
from runfork.model.conversion import datetime_to_micros
from runfork.model.filters import AllOf, AnyOf, Comparison, Not
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.index.interface import Sort
    from runfork.model.attributes import Value
    from runfork.model.filters import Attribute, Filter

NUMBERS = frozenset({AttributeType.FLOAT, AttributeType.INT, AttributeType.FLOAT_SERIES})
SORTED_KINDS = (
    (AttributeType.FLOAT, AttributeType.INT, AttributeType.FLOAT_SERIES),
    (AttributeType.BOOL,),
    (AttributeType.DATETIME,),
    (AttributeType.STRING, AttributeType.STRING_SERIES),
    (AttributeType.STRING_SET,),
)
"""In this order a sort puts kinds of values, in either direction; those of one group are compared with each other."""
_WITHOUT_ORDER = len(SORTED_KINDS)
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


def kinds_of(attribute: Attribute) -> tuple[AttributeType, ...]:
    """Return the types that are meant: the family of the one named, else all. None is a value of no type."""
    family = None if attribute.type is None else AttributeType(attribute.type).family
    return tuple(kind for kind in AttributeType if kind is not AttributeType.NONE and family in (None, kind.family))


def comparable(kind: AttributeType, value: object) -> Any:
    """Return `value` as something that compares with values of type `kind`, or None if nothing does."""
    if isinstance(value, bool):
        return value if kind is AttributeType.BOOL else None
    if kind in NUMBERS and isinstance(value, (int, float)):
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
    if value is None or value.type not in kinds_of(condition.attribute):
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
    return compile_pattern(wanted).matches_together(texts) is (how == "MATCHES")


def set_text(members: frozenset[str]) -> str:
    """Return the text by which string sets are ordered."""
    return json.dumps(sorted(members), ensure_ascii=False)


def sort_key(value: Value | None, sort: Sort) -> tuple[int, Any] | None:
    """Return what a run is sorted by: the place among `SORTED_KINDS`, or behind them, and a value; None without the attribute."""
    if value is None or value.type not in kinds_of(sort.attribute):
        return None
    found = value.value
    if value.type is AttributeType.FLOAT_SERIES and sort.aggregate != "last":
        found = (value.statistics or {}).get(sort.aggregate)
    place = next((place for place, kinds in enumerate(SORTED_KINDS) if value.type in kinds), _WITHOUT_ORDER)
    if found is None or place == _WITHOUT_ORDER or (isinstance(found, float) and isnan(found)):
        return _WITHOUT_ORDER, 0
    return place, set_text(found) if isinstance(found, frozenset) else found
