"""Types of attributes that a filter or a sort order names without one, and values that fit them.

The type is that of the ``sys/`` attribute of that name, else the one that the project knows for the path. A path that nothing
in the project has is taken for a string, with a warning. One that has several types is refused in a filter; a sort order takes
it for a string, with a warning.
"""

from __future__ import annotations

import math
import warnings
from datetime import datetime
from typing import TYPE_CHECKING

from runfork.attributes import AttributeType
from runfork.errors import ArgumentError, ArgumentTypeError, RunforkWarning
from runfork.filters import AllOf, AnyOf, Attribute, Comparison, Filter, Not
from runfork.patterns import Pattern
from runfork.query_language import print_value, read_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runfork.filters import FilterValue
    from runfork.index.interface import Index

__all__ = ["SYSTEM_TYPES", "resolve_filter", "resolve_sort"]

_SYSTEM = {
    "string": (
        "sys/custom_run_id sys/description sys/experiment/name sys/family sys/forking/mark sys/forking/parent "
        "sys/forking/requested_parent sys/hostname sys/id sys/name sys/owner sys/state"
    ),
    "string_set": "sys/group_tags sys/tags",
    "datetime": "sys/creation_time sys/modification_time sys/ping_time",
    "float": "sys/experiment/running_time_seconds sys/forking/step sys/running_time_seconds",
    "int": "sys/forking/depth sys/relative_creation_time_ms sys/size",
    "bool": "sys/archived sys/experiment/is_head sys/failed sys/forking/is_pending sys/trashed",
}
SYSTEM_TYPES: Mapping[str, str] = {path: kind for kind, paths in _SYSTEM.items() for path in paths.split()}
"""Attributes whose type needs no look at the project."""

_NUMBERS = frozenset({"float", "int", "float_series"})
_TEXTS = frozenset({"string", "string_series"})
_INT64 = range(-(2**63), 2**63)
_COMPARED = ("==", "!=", ">", ">=", "<", "<=")
_SEARCHED = ("MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS")
_OPERATORS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*_NUMBERS, "bool", "datetime"), _COMPARED),
    **dict.fromkeys(_TEXTS, (*_COMPARED, *_SEARCHED)),
    "string_set": _SEARCHED,
}


def resolve_filter(condition: Filter, index: Index) -> Filter:
    """Return `condition` with the type of every attribute, and values that fit them, as an index wants it.

    Raises:
        ArgumentError: An attribute has several types, an operator does not suit a type, or a value does not fit it.
    """
    untyped = {one.attribute.name for one in _comparisons(condition) if one.attribute.type is None}
    return _resolved(condition, _types_of(untyped, index))


def _comparisons(condition: Filter) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    for part in _parts(condition):
        yield from _comparisons(part)


def _parts(condition: Filter) -> tuple[Filter, ...]:
    if isinstance(condition, (AllOf, AnyOf)):
        return condition.parts
    return (condition.part,) if isinstance(condition, Not) else ()


def _types_of(paths: Iterable[str], index: Index) -> dict[str, list[str]]:
    """Return the types that each path has, in the ``sys/`` table or in the project."""
    found = {path: [SYSTEM_TYPES[path]] if path in SYSTEM_TYPES else [] for path in paths}
    unknown = frozenset(path for path, types in found.items() if not types)
    if unknown:
        for definition in index.definitions(pattern=Pattern(names=unknown)):
            found[definition.path].append(str(AttributeType(definition.type).value))
    return {path: sorted(set(types)) for path, types in found.items()}


def _resolved(condition: Filter, types: Mapping[str, list[str]]) -> Filter:
    if isinstance(condition, AllOf):
        return AllOf(tuple(_resolved(part, types) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return AnyOf(tuple(_resolved(part, types) for part in condition.parts))
    if isinstance(condition, Not):
        return Not(_resolved(condition.part, types))
    if isinstance(condition, Comparison):
        return _resolved_comparison(condition, types)
    raise ArgumentTypeError(f"a filter must be built from runfork.Filter, found {condition!r}")


def _resolved_comparison(condition: Comparison, types: Mapping[str, list[str]]) -> Filter:
    attribute = condition.attribute
    if attribute.type is not None:
        return _fitted(condition)
    found = types[attribute.name]
    if condition.operator == "EXISTS" and found:
        each = tuple(Comparison(Attribute(attribute.name, kind), "EXISTS") for kind in found)
        return each[0] if len(each) == 1 else AnyOf(each)
    if len(found) > 1:
        raise ArgumentError(
            f"the filter names {attribute.name!r}, which has the types {', '.join(found)} in this project; "
            f"say which: Attribute({attribute.name!r}, {found[0]!r})"
        )
    if not found:
        _warn(f"{attribute.name!r} doesn't exist in the project, so the filter takes it for a string")
    kind = found[0] if found else "string"
    return _fitted(Comparison(Attribute(attribute.name, kind), condition.operator, condition.value))


def _warn(message: str) -> None:
    warnings.warn(message, RunforkWarning, stacklevel=2)


def _fitted(condition: Comparison) -> Filter:
    attribute, operator = condition.attribute, condition.operator
    if operator == "EXISTS":
        return condition
    kind = attribute.type or "string"
    possible = _OPERATORS.get(kind, ())
    if operator not in possible:
        raise ArgumentError(
            f"{attribute.name!r} is of type {kind}, which cannot be compared with {operator}; "
            f"use {', '.join((*possible, 'EXISTS'))}"
        )
    value = _fit(condition, kind)
    if isinstance(value, float) and math.isnan(value):
        return _compared_with_nan(attribute, operator)
    return Comparison(attribute, operator, value)


def _compared_with_nan(attribute: Attribute, operator: str) -> Filter:
    """Return what a comparison with NaN asks for: whether the value is (not) NaN; nothing is more or less than NaN."""
    is_number = Comparison(attribute, ">=", -math.inf)
    if operator == "!=":
        return is_number
    if operator == "==":
        return AllOf((Comparison(attribute, "!=", 0.0), Not(is_number)))
    return AnyOf(())


def _fit(condition: Comparison, kind: str) -> FilterValue:
    value = condition.value
    if kind in _TEXTS or kind == "string_set":
        return value if isinstance(value, str) else print_value(value)
    if isinstance(value, str):
        value = _read(value, kind, condition)
    if kind == "datetime":
        is_fit = isinstance(value, datetime)
    elif kind == "bool":
        is_fit = isinstance(value, (int, float)) and value in (0, 1)
        value = bool(value) if is_fit else value
    else:
        is_fit = isinstance(value, (int, float))
    if not is_fit:
        raise ArgumentError(f"{condition.attribute.name!r} is of type {kind}, found {value!r} to compare it with")
    return _bounded(value)


def _read(text: str, kind: str, condition: Comparison) -> FilterValue:
    try:
        return read_value(text, kind)
    except ArgumentError as error:
        raise ArgumentError(f"{condition.attribute.name!r} is of type {kind}: {error}") from None


def _bounded(value: FilterValue) -> FilterValue:
    # Indexes compare with 64-bit integers; beyond them the nearest float has the same order.
    if not isinstance(value, int) or value in _INT64:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def resolve_sort(attribute: Attribute, index: Index) -> Attribute:
    """Return `attribute` with its type."""
    if attribute.type is not None:
        return attribute
    found = _types_of([attribute.name], index)[attribute.name]
    if not found:
        _warn(f"sort_by names {attribute.name!r}, which doesn't exist in the project; it is taken for a string")
    elif len(found) > 1:
        _warn(
            f"sort_by names {attribute.name!r}, which has the types {', '.join(found)} in this project; "
            f"it is taken for a string: say which with Attribute({attribute.name!r}, {found[0]!r})"
        )
    return Attribute(attribute.name, found[0] if len(found) == 1 else "string")
