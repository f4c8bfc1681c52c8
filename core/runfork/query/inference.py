"""Types of attributes that a filter or a sort order names without one, and values that fit them.

The type is that of the ``sys/`` attribute of that name, else what the project has at the path. Where runs have it with several
types, a filter compares those that the value belongs to, and a sort order puts one after the other. A path that nothing in the
project has finds nothing, with a warning. A word of our tables (`names.HEADINGS`) stands for the attribute that it shows.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from runfork.errors import ArgumentError, ArgumentTypeError, warn_caller
from runfork.model.filters import AllOf, AnyOf, Attribute, Comparison, Filter, Not, comparisons_in
from runfork.model.patterns import Pattern
from runfork.model.query_language import print_value, read_value
from runfork.query.names import attribute_suggestion, headings, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from runfork.index.interface import Index
    from runfork.model.query_language import FilterValue

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
_COMPARED = ("==", "!=", ">", ">=", "<", "<=")
_SEARCHED = ("MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS")
_OPERATORS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*_NUMBERS, "bool", "datetime"), _COMPARED),
    **dict.fromkeys(_TEXTS, (*_COMPARED, *_SEARCHED)),
    "string_set": _SEARCHED,
}


def resolve_filter(condition: Filter, index: Index, *, tell: Callable[[str], None] = warn_caller) -> Filter:
    """Return `condition` with the attributes that are meant, and values that fit them, as an index wants it.

    Args:
        condition: What was asked.
        index: The project's index.
        tell: Told, in a sentence, of attributes that are not there.

    Raises:
        ArgumentError: An operator does not suit a type, or a value does not fit it.
    """
    comparisons = [*comparisons_in(condition)]
    meant = headings({one.attribute.name for one in comparisons}, index)
    types = _types_of({meant.get(one.attribute.name, one.attribute.name) for one in comparisons}, index)
    if unknown := [path for path, found in types.items() if not found]:
        hint = attribute_suggestion(unknown, index)
        verb = "doesn't" if len(unknown) == 1 else "don't"
        tell(f"the filter names {listed(unknown)}, which {verb} exist in the project{hint}")
    return _resolved(condition, meant, types)


def _types_of(paths: Collection[str], index: Index) -> dict[str, list[str]]:
    """Return the types that each path has, in the ``sys/`` table or in the project, one of each family."""
    found: dict[str, set[str]] = {
        path: {SYSTEM_TYPES[path]} if path in SYSTEM_TYPES else set() for path in sorted(paths)
    }
    unknown = frozenset(path for path, types in found.items() if not types)
    if unknown:
        for definition in index.definitions(pattern=Pattern(names=unknown)):
            found[definition.path].add(definition.type)
    return {path: _one_of_each_family(types) for path, types in found.items()}


def _one_of_each_family(types: set[str]) -> list[str]:
    some = types - {"none"} or types
    return sorted(some - {"int"} if "float" in some else some)


def _resolved(condition: Filter, meant: Mapping[str, str], types: Mapping[str, list[str]]) -> Filter:
    if isinstance(condition, AllOf):
        return AllOf(tuple(_resolved(part, meant, types) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return AnyOf(tuple(_resolved(part, meant, types) for part in condition.parts))
    if isinstance(condition, Not):
        return Not(_resolved(condition.part, meant, types))
    if isinstance(condition, Comparison):
        attribute = condition.attribute
        name = meant.get(attribute.name, attribute.name)
        kinds = types[name] if attribute.type is None else [attribute.type]
        return _of_types(condition, [Attribute(name, kind) for kind in kinds or ["none"]])
    raise ArgumentTypeError(f"a filter must be built from runfork.Filter, found {condition!r}")


def _of_types(condition: Comparison, attributes: Sequence[Attribute]) -> Filter:
    """Return a condition on an attribute that has these types: of several, those that the value belongs to, or fits, count."""
    if len(attributes) == 1:
        return _fitted(_on(condition, attributes[0]))
    if condition.operator == "EXISTS":
        return AnyOf(tuple(_on(condition, one) for one in attributes))
    belonging = [one for one in attributes if _belongs(condition, one)]
    fitting: dict[Attribute, Filter] = {}
    errors: list[ArgumentError] = []
    for one in belonging or attributes:
        try:
            fitting[one] = _fitted(_on(condition, one))
        except ArgumentError as error:
            errors.append(error)
    if not fitting:
        raise errors[0]
    others = [_on(condition, one) for one in attributes if one not in fitting and condition.operator == "!="]
    return AnyOf((*fitting.values(), *others)) if len(fitting) + len(others) > 1 else next(iter(fitting.values()))


def _on(condition: Comparison, attribute: Attribute) -> Comparison:
    return Comparison(attribute, condition.operator, condition.value)


def _belongs(condition: Comparison, attribute: Attribute) -> bool:
    """Return whether a value is of the kind that an attribute holds, without being read as such."""
    value, kind = condition.value, attribute.type
    if condition.operator not in _OPERATORS.get(kind or "", ()):
        return False
    if isinstance(value, bool):
        return kind == "bool"
    if isinstance(value, str):
        return kind in _TEXTS or kind == "string_set"
    return kind in _NUMBERS if isinstance(value, (int, float)) else kind == "datetime"


def _fitted(condition: Comparison) -> Filter:
    attribute, operator = condition.attribute, condition.operator
    if operator == "EXISTS" or attribute.type == "none":
        return condition
    kind = attribute.type or "string"
    possible = _OPERATORS.get(kind, ())
    if operator not in possible:
        raise ArgumentError(
            f"{attribute.name!r} is of type {kind}, which cannot be compared with {operator}; "
            f"use {', '.join((*possible, 'EXISTS'))}"
        )
    value = _fitting_value(condition, kind)
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


def _fitting_value(condition: Comparison, kind: str) -> FilterValue:
    value = condition.value
    if kind in _TEXTS or kind == "string_set":
        if isinstance(value, (int, float)) and not isinstance(value, bool) and condition.operator not in ("==", "!="):
            raise ArgumentError(
                f"{condition.attribute.name!r} is of type {kind}, found the number {value!r} to compare it with; "
                "numbers that were logged as text have no order"
            )
        return value if isinstance(value, str) else print_value(value)
    if isinstance(value, str):
        value = _read_as(value, kind, condition)
    if kind == "datetime":
        is_fit = isinstance(value, datetime)
    elif kind == "bool":
        is_fit = isinstance(value, (int, float)) and value in (0, 1)
        value = bool(value) if is_fit else value
    else:
        is_fit = isinstance(value, (int, float))
        value = int(value) if isinstance(value, bool) else value
    if not is_fit:
        raise ArgumentError(f"{condition.attribute.name!r} is of type {kind}, found {value!r} to compare it with")
    return _bounded(value)


def _read_as(text: str, kind: str, condition: Comparison) -> FilterValue:
    try:
        return read_value(text, kind)
    except ArgumentError as error:
        raise ArgumentError(f"{condition.attribute.name!r} is of type {kind}: {error}") from None


def _bounded(value: FilterValue) -> FilterValue:
    # Indexes compare with 64-bit integers; beyond them the nearest float has the same order.
    if not isinstance(value, int) or -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def resolve_sort(attribute: Attribute, index: Index) -> Attribute:
    """Return the attribute that is meant, with its type; None is any of those that it has."""
    name = headings([attribute.name], index).get(attribute.name, attribute.name)
    if attribute.type is not None:
        return Attribute(name, attribute.type)
    found = _types_of([name], index)[name]
    if not found:
        hint = attribute_suggestion([name], index)
        warn_caller(f"sort_by names {name!r}, which doesn't exist in the project{hint}")
    return Attribute(name, found[0] if len(found) == 1 else None)
