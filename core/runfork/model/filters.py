"""Filters: conditions on attributes, as objects. `runfork.model.query_language` is their text form.

Pure data; each index translates the same tree into its own terms. A value means what it would mean as a config
(``docs/values.md``). A condition on a series compares its last value, one on a string set its members. A run that lacks
the attribute satisfies no comparison, ``!=`` included; ``~`` negates the outcome, so ``~Filter.eq(...)`` does find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.attributes import AttributeType, check_path
from runfork.model.conversion import convert_config, plain_value
from runfork.model.messages import shown
from runfork.model.patterns import compile_pattern
from runfork.model.query_language import FilterValue, Operator, Parts, parse_text, print_comparison


@dataclass(frozen=True)
class Attribute:
    """An attribute named in a filter or a sort order.

    Args:
        name: Its path.
        type: Its type as the query API names it (``"float"``, ``"float_series"``, ...); None infers it.
    """

    name: str
    type: str | None = None

    def __post_init__(self) -> None:
        """Check both arguments."""
        check_path(self.name)
        known = [kind.value for kind in AttributeType]
        if self.type is not None and self.type not in known:
            raise ArgumentError(f"an attribute type must be one of {known}, found {self.type!r}")


class Filter:
    """A condition that runs or experiments satisfy. Build one with the static methods, combine them with ``& | ~``."""

    def __init__(self, *arguments: object) -> None:
        """Say how filters are built, should anybody pass text."""
        if arguments:
            shown = ", ".join(f"{one!r:.80}" for one in arguments)
            raise ArgumentTypeError(
                f"a filter is read from text by Filter.parse, or built such as Filter.lt('loss', 0.3); found Filter({shown})"
            )

    def __bool__(self) -> NoReturn:
        """Refuse to be a truth value: ``and``, ``or`` and ``not`` would forget a part."""
        raise ArgumentTypeError(f"filters are combined with & | ~, found the filter {self} with and, or, not, or if")

    @staticmethod
    def eq(attribute: str | Attribute, value: FilterValue) -> Comparison:
        """Value equals `value`."""
        return _compare(attribute, "==", value)

    @staticmethod
    def ne(attribute: str | Attribute, value: FilterValue) -> Comparison:
        """Value is there and differs from `value`."""
        return _compare(attribute, "!=", value)

    @staticmethod
    def gt(attribute: str | Attribute, value: FilterValue) -> Comparison:
        """Value is greater than `value`."""
        return _compare(attribute, ">", value)

    @staticmethod
    def ge(attribute: str | Attribute, value: FilterValue) -> Comparison:
        """Value is `value` or greater."""
        return _compare(attribute, ">=", value)

    @staticmethod
    def lt(attribute: str | Attribute, value: FilterValue) -> Comparison:
        """Value is less than `value`."""
        return _compare(attribute, "<", value)

    @staticmethod
    def le(attribute: str | Attribute, value: FilterValue) -> Comparison:
        """Value is `value` or less."""
        return _compare(attribute, "<=", value)

    @staticmethod
    def matches(attribute: str | Attribute, pattern: str) -> Filter:
        """A string matches an extended regular expression (see `runfork.model.patterns`), anywhere in it."""
        condition = _compare(attribute, "MATCHES", pattern)
        compile_pattern(pattern)
        return condition

    @staticmethod
    def contains_all(attribute: str | Attribute, values: str | list[str]) -> Filter:
        """A string set has every one of `values`, or a string has each as a part."""
        return _every(attribute, "CONTAINS", values)

    @staticmethod
    def contains_none(attribute: str | Attribute, values: str | list[str]) -> Filter:
        """A string set has none of `values`, or a string has none of them as a part."""
        return _every(attribute, "NOT CONTAINS", values)

    @staticmethod
    def exists(attribute: str | Attribute) -> Comparison:
        """The run has the attribute."""
        return _compare(attribute, "EXISTS", None)

    @staticmethod
    def name(name: str | list[str]) -> Filter:
        """The experiment's name matches a pattern (str), or is one of a list."""
        attribute = Attribute("sys/name", "string")
        if isinstance(name, str):
            return Filter.matches(attribute, name)
        if not name:
            raise ArgumentError("Filter.name needs at least one name, found []")
        parts = tuple(_compare(attribute, "==", one) for one in name)
        return parts[0] if len(parts) == 1 else AnyOf(parts)

    @staticmethod
    def parse(text: str) -> Filter:
        """Read a filter from the query language (see `runfork.model.query_language`).

        Raises:
            ArgumentError: It does not follow the grammar; the message names the character.
        """
        if not isinstance(text, str):
            raise ArgumentTypeError(f"Filter.parse reads a string, found {text!r}")
        return parse_text(text, _PARTS)

    def __and__(self, other: Filter) -> Filter:
        """Both hold."""
        return _joined(AllOf, self, other) if isinstance(other, Filter) else NotImplemented

    def __or__(self, other: Filter) -> Filter:
        """At least one holds."""
        return _joined(AnyOf, self, other) if isinstance(other, Filter) else NotImplemented

    def __invert__(self) -> Filter:
        """It does not hold."""
        return Not(self)

    def to_query(self) -> str:
        """Return the filter in the query language."""
        return _print_filter(self)

    __str__ = to_query


@dataclass(frozen=True)
class Comparison(Filter):
    """One attribute against one value. `value` is None for EXISTS only."""

    attribute: Attribute
    operator: Operator
    value: FilterValue = None
    __str__ = Filter.to_query


@dataclass(frozen=True)
class AllOf(Filter):
    """Every part holds; true when there is none."""

    parts: tuple[Filter, ...]
    __str__ = Filter.to_query


@dataclass(frozen=True)
class AnyOf(Filter):
    """At least one part holds; false when there is none."""

    parts: tuple[Filter, ...]
    __str__ = Filter.to_query


@dataclass(frozen=True)
class Not(Filter):
    """The part does not hold."""

    part: Filter
    __str__ = Filter.to_query


_PARTS = Parts(lambda path, kind, *rest: Comparison(Attribute(path, kind), *rest), Not, AllOf, AnyOf)


def comparisons_in(condition: Filter) -> Iterator[Comparison]:
    """Yield the comparisons that a filter is made of, from left to right."""
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (AllOf, AnyOf)):
            waiting += part.parts[::-1]
        elif isinstance(part, Not):
            waiting.append(part.part)
        elif isinstance(part, Comparison):
            yield part


def _print_filter(condition: Filter) -> str:
    if isinstance(condition, Comparison):
        attribute = condition.attribute
        return print_comparison(attribute.name, attribute.type, condition.operator, condition.value)
    if isinstance(condition, Not):
        return f"NOT {_print_part(condition.part)}"
    if isinstance(condition, AllOf):
        return _print_parts(condition.parts, "AND", empty="TRUE")
    if isinstance(condition, AnyOf):
        return _print_parts(condition.parts, "OR", empty="FALSE")
    raise TypeError(f"no such filter: {type(condition).__name__}")


def _print_parts(parts: tuple[Filter, ...], word: str, *, empty: str) -> str:
    if len(parts) == 1:
        return _print_filter(parts[0])
    return f" {word} ".join(map(_print_part, parts)) or empty


def _print_part(part: Filter) -> str:
    if isinstance(part, (AllOf, AnyOf)) and len(part.parts) == 1:
        return _print_part(part.parts[0])
    text = _print_filter(part)
    return f"({text})" if isinstance(part, (AllOf, AnyOf)) and part.parts else text


def _joined(whole: type[AllOf | AnyOf], left: Filter, right: Filter) -> Filter:
    """Return one flat `whole`: filters that were joined in a loop stay shallow and print without parentheses."""
    sides = [side.parts if isinstance(side, whole) else (side,) for side in (left, right)]
    parts = tuple(part for side in sides for part in side)
    return parts[0] if len(parts) == 1 else whole(parts)


def _compare(attribute: str | Attribute, operator: Operator, value: FilterValue) -> Comparison:
    if isinstance(attribute, str):
        attribute = Attribute(attribute)
    if not isinstance(attribute, Attribute):
        raise ArgumentTypeError(f"a filter needs an attribute path or an Attribute, found {attribute!r}")
    if operator != "EXISTS":
        value = _meant(value)
    if operator.endswith(("MATCHES", "CONTAINS")) and not isinstance(value, str):
        raise ArgumentTypeError(f"{operator} compares with a string, found {value!r}")
    return Comparison(attribute, operator, value)


def _meant(value: object) -> FilterValue:
    """Return what `value` would be as a config."""
    plain = plain_value(value)
    if type(plain) in _SINGLE:
        return plain  # type: ignore[no-any-return]
    kind, held = convert_config(plain)
    if kind is AttributeType.STRING:
        return held  # type: ignore[no-any-return]
    hint = (
        "contains_all asks for members" if kind is AttributeType.STRING_SET else "exists asks whether a value is there"
    )
    raise ArgumentTypeError(
        f"a filter compares numbers, strings, bools and datetimes, found {shown(value)}; Filter.{hint}"
    )


_SINGLE = frozenset({bool, int, float, str, datetime})


def _every(attribute: str | Attribute, operator: Operator, values: str | list[str]) -> Filter:
    values = [*values] if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    if not values:
        raise ArgumentError("a filter on contents needs at least one value, found []")
    parts = tuple(_compare(attribute, operator, value) for value in values)
    return parts[0] if len(parts) == 1 else AllOf(parts)
