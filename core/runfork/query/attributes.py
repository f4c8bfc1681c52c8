"""Which attributes a query is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from runfork.errors import ArgumentError, ArgumentTypeError, warn_caller
from runfork.model.attributes import AttributeType, check_path
from runfork.model.filters import Attribute
from runfork.model.patterns import Pattern, compile_pattern
from runfork.query.arguments import check_names
from runfork.query.names import listed, suggestion

if TYPE_CHECKING:
    from runfork.index.interface import Definition
    from runfork.query.source import Source


@dataclass(frozen=True)
class AttributeFilter:
    """Selects attributes by name and type; ``a | b`` selects what either does.

    Args:
        name: An extended regular expression, a list of exact paths, or None for every path.
        type: A type, a list of types, or None for every type.
    """

    name: str | Sequence[str] | None = None
    type: str | Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Check both arguments."""
        _choice(self)

    def __or__(self, other: AttributeFilter | AttributeAlternatives) -> AttributeAlternatives:
        """Select what either selects."""
        return AttributeAlternatives((self,)) | other

    def __bool__(self) -> NoReturn:
        """Refuse to be a truth value: ``or`` would forget a part."""
        raise ArgumentTypeError(f"attribute filters are combined with |, found {self!r} with and, or, not, or if")


@dataclass(frozen=True)
class AttributeAlternatives:
    """What at least one of several `AttributeFilter` selects."""

    parts: tuple[AttributeFilter, ...]

    def __or__(self, other: AttributeFilter | AttributeAlternatives) -> AttributeAlternatives:
        """Select what either selects."""
        if isinstance(other, AttributeFilter):
            return AttributeAlternatives((*self.parts, other))
        if isinstance(other, AttributeAlternatives):
            return AttributeAlternatives((*self.parts, *other.parts))
        return NotImplemented

    __bool__ = AttributeFilter.__bool__


AttributeSelector = str | Attribute | Sequence[str | Attribute] | AttributeFilter | AttributeAlternatives
"""Attributes: an extended regular expression, one `Attribute`, exact paths or attributes, or a filter on name and type."""


@dataclass(frozen=True)
class Choice:
    """What an index is asked for: paths that match `pattern`, of `types`; None does not restrict."""

    pattern: Pattern | None = None
    types: tuple[AttributeType, ...] | None = None


USERS_OWN = Choice(compile_pattern("!^(sys|runtime|source_code)/"))
"""All attributes that runfork does not fill in by itself."""


def attribute_choices(
    argument: str, selector: object, *, types: Sequence[AttributeType] | None = None
) -> tuple[Choice, ...]:
    """Return what to ask an index for.

    Args:
        argument: The argument's name, for messages.
        selector: An `AttributeSelector`.
        types: The only types that the query can return, or None for all.

    Raises:
        ArgumentError: It is no such selector, is an empty list, or names none of `types`.
    """
    choices = tuple(_choices(argument, selector))
    if types is None:
        return choices
    narrowed = [Choice(choice.pattern, _common(choice.types, types)) for choice in choices]
    if not any(choice.types for choice in narrowed):
        asked = sorted({kind.value for choice in choices for kind in choice.types or ()})
        possible = ", ".join(kind.value for kind in types)
        raise ArgumentError(
            f"{argument} must be of type {possible}, found {', '.join(asked)}; read others with a table"
        )
    return tuple(choice for choice in narrowed if choice.types)


def _common(asked: Sequence[AttributeType] | None, possible: Sequence[AttributeType]) -> tuple[AttributeType, ...]:
    return tuple(kind for kind in possible if asked is None or kind in asked)


def _choices(argument: str, selector: object) -> Iterable[Choice]:
    if isinstance(selector, str):
        return [Choice(compile_pattern(selector))]
    if isinstance(selector, AttributeAlternatives):
        return map(_choice, selector.parts)
    if isinstance(selector, AttributeFilter):
        return [_choice(selector)]
    if isinstance(selector, Attribute):
        return [_exactly(selector)]
    return _exact_choices(argument, selector)


def _exact_choices(argument: str, selector: object) -> list[Choice]:
    wanted = "a path pattern, a list of exact paths, an Attribute or an AttributeFilter"
    if not isinstance(selector, Iterable) or isinstance(selector, (bytes, dict)):
        raise ArgumentTypeError(f"{argument} must be {wanted}, found {selector!r}")
    items = list(selector)
    typed = [_exactly(item) for item in items if isinstance(item, Attribute)]
    plain = [item for item in items if not isinstance(item, Attribute)]
    if plain or not typed:
        names = check_names(argument, plain, wanted)
        return [Choice(Pattern(names=frozenset(map(check_path, names)))), *typed]
    return typed


def _exactly(attribute: Attribute) -> Choice:
    types = None if attribute.type is None else (AttributeType(attribute.type),)
    return Choice(Pattern(names=frozenset([attribute.name])), types)


def _choice(condition: AttributeFilter) -> Choice:
    name: Any = condition.name
    if name is None or isinstance(name, str):
        pattern = None if name is None else compile_pattern(name)
    else:
        pattern = Pattern(
            names=frozenset(check_names("AttributeFilter(name=)", name, "a path pattern or a list of paths"))
        )
    return Choice(pattern, _types(condition.type))


def _types(value: str | Sequence[str] | None) -> tuple[AttributeType, ...] | None:
    if value is None:
        return None
    known = [kind.value for kind in AttributeType]
    names = (
        [value] if isinstance(value, str) else check_names("AttributeFilter(type=)", value, "a type or a list of types")
    )
    for name in names:
        if name not in known:
            raise ArgumentError(f"an attribute type must be one of {known}, found {name!r}")
    return tuple(AttributeType(name) for name in names)


def tell_unknown(
    source: Source, argument: str, choices: Sequence[Choice], found: Iterable[tuple[str, AttributeType]]
) -> None:
    """Tell, in one `RunforkWarning`, of paths that no run has and of patterns that match none, or none of the types asked for.

    Args:
        source: The project.
        argument: The argument's name.
        choices: What was asked for.
        found: What was found of it among the runs that were selected.
    """
    seen = {path for path, _ in found}
    choices = [choice for choice in choices if not _is_answered(choice, seen)]
    if not choices:
        return
    types: dict[str, set[AttributeType]] = {}
    for one in source.index.definitions():
        types.setdefault(one.path, set()).add(AttributeType(one.type))
    are_exact = all(choice.pattern is None or choice.pattern.names is not None for choice in choices)
    unknown: list[str] = []
    unfit: dict[str, set[AttributeType]] = {}
    for choice in choices:
        matched = [path for path in types if choice.pattern is None or choice.pattern.matches(path)]
        if choice.types is not None:
            unfit |= {path: types[path] for path in matched if types[path].isdisjoint(_in_families(choice.types))}
        if choice.pattern is not None and choice.pattern.names is not None:
            unknown += sorted(choice.pattern.names.difference(matched))
        elif choice.pattern is not None and not matched:
            unknown.append(choice.pattern.text)
    if unknown:
        hint = suggestion(unknown, types, are_exact=are_exact)
        warn_caller(f"{argument}= asks for {listed(unknown)}, which no run of project {source.project!r} has{hint}")
    elif unfit:
        asked = sorted({kind.value for choice in choices for kind in choice.types or ()})
        kinds = sorted({kind.value for some in unfit.values() for kind in some})
        hint = "" if all(kind.is_series for some in unfit.values() for kind in some) else "; tables show single values"
        warn_caller(f"{argument}= asks for {', '.join(asked)}, but {listed(unfit)} is {', '.join(kinds)}{hint}")


def _is_answered(choice: Choice, seen: set[str]) -> bool:
    if choice.pattern is None or choice.pattern.names is None:
        return any(choice.pattern is None or choice.pattern.matches(path) for path in seen)
    return choice.pattern.names <= seen


def find_definitions(
    source: Source, choices: Sequence[Choice], run_ids: Sequence[str] | None
) -> list[tuple[str, AttributeType]]:
    """Return the distinct pairs of path and type that runs have and `choices` name, sorted; None is every run.

    A type stands for its family: who asks for float gets int, too.
    """
    if run_ids is not None and not run_ids:
        return []
    found: set[Definition] = set()
    for choice in choices:
        types = None if choice.types is None else _in_families(choice.types)
        found.update(source.index.definitions(run_ids=run_ids, pattern=choice.pattern, types=types))
    return sorted({(one.path, AttributeType(one.type)) for one in found})


def _in_families(types: Sequence[AttributeType]) -> list[AttributeType]:
    families = {kind.family for kind in types}
    return [kind for kind in AttributeType if kind.family in families]
