"""Which runs or experiments, and which of their attributes, a query is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from runfork.errors import ArgumentError, ArgumentTypeError, warn_caller
from runfork.index.interface import Definition, RunsQuery
from runfork.model.attributes import AttributeType, check_path
from runfork.model.filters import Attribute, Filter
from runfork.model.identifiers import generated_prefix
from runfork.model.patterns import Pattern, compile_pattern
from runfork.query.inference import resolve_filter
from runfork.query.names import full_name, listed, refuse_filter, suggestion

if TYPE_CHECKING:
    from runfork.index.interface import RunRow, Sort
    from runfork.query.arguments import Kind
    from runfork.query.source import Source

__all__ = [
    "AttributeAlternatives",
    "AttributeFilter",
    "AttributeSelector",
    "Choice",
    "Selection",
    "Selector",
    "attribute_choices",
    "check_selector",
    "find_definitions",
    "select",
    "tell_unknown",
]

Selector = str | Sequence[str] | Filter | None
"""Runs or experiments: an extended regular expression (`runfork.model.patterns`), exact names, a `Filter`, or None for all."""


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


@dataclass(frozen=True)
class Selection:
    """The runs that a query is about, in order.

    Args:
        kind: Whether they stand for themselves or for experiments.
        labels: For each its run id or its experiment's name.
        run_ids: For each its run id.
    """

    kind: Kind
    labels: list[str]
    run_ids: list[str]

    @cached_property
    def label_of(self) -> dict[str, str]:
        """The label of each run id."""
        return dict(zip(self.run_ids, self.labels, strict=True))


def check_selector(kind: Kind, selector: object) -> Selector:
    """Return `selector` as a str, a list of str, a `Filter` or None.

    Raises:
        ArgumentError: It is none of these, an empty list, or no regular expression.
    """
    if selector is None or isinstance(selector, Filter):
        return selector
    if isinstance(selector, str):
        compile_pattern(selector)
        return selector
    return _names(f"{kind}s", selector, f"a name pattern, a list of exact {_LABELS[kind]} or a Filter")


_LABELS = {"run": "run ids", "experiment": "names"}


def _names(argument: str, value: object, wanted: str) -> list[str]:
    if not isinstance(value, Iterable) or isinstance(value, (bytes, dict)):
        raise ArgumentTypeError(f"{argument} must be {wanted}, found {value!r}")
    names = list(value)
    if not names:
        raise ArgumentError(f"{argument} must have at least one name, found an empty list")
    for name in names:
        if not isinstance(name, str):
            raise ArgumentTypeError(f"{argument} must have strings only, found {name!r}")
    return [str.__str__(name) for name in names]  # of members of enumerations their value


def select(
    source: Source,
    kind: Kind,
    selector: Selector,
    *,
    sort: Sort | None = None,
    limit: int | None = None,
    is_listing: bool = False,
) -> Selection:
    """Return the runs that `selector` selects, in the order of `sort`; of experiments their heads.

    Names that do not exist are left out, and told with a `RunforkWarning`, unless `is_listing`: then the answer tells.

    Raises:
        ArgumentError: A short name means several runs, or a pattern that matches nothing reads as a filter.
    """
    condition = resolve_filter(selector, source.index) if isinstance(selector, Filter) else None
    if kind == "run" and isinstance(selector, Sequence) and not isinstance(selector, str):
        selector = [full_name(name, source.index) for name in selector]
    pattern = _label_pattern(selector)
    ids = list(pattern.names) if kind == "run" and pattern and pattern.names is not None else None
    query = RunsQuery(
        filter=condition,
        heads_only=kind == "experiment",
        run_ids=ids,
        sort=sort,
        limit=None if pattern else limit,
    )
    rows = [row for row in source.index.runs(query).rows if pattern is None or pattern.matches(_label(kind, row))]
    if pattern is not None:
        _tell_missing(source, kind, pattern, {_label(kind, row) for row in rows}, is_listing=is_listing)
    rows = rows[:limit]
    return Selection(kind, [_label(kind, row) for row in rows], [row.node.run_id for row in rows])


def _tell_missing(source: Source, kind: Kind, pattern: Pattern, found: set[str], *, is_listing: bool) -> None:
    """Tell of names that are not there, or of a pattern that matches none."""
    if pattern.names is None and not found:
        refuse_filter(f"{kind}s", pattern.text)
    missing = [] if found and pattern.names is None else sorted((pattern.names or {pattern.text}) - found)
    if not missing or is_listing:
        return
    nodes = source.index.nodes()
    names = {node.experiment_name for node in nodes.values() if node.experiment_name is not None}
    ids = {generated_prefix(run_id) or run_id for run_id in nodes}
    there, others = (ids, names) if kind == "run" else (names, set(nodes))
    other = "experiment" if kind == "run" else "run"
    hint = (
        f"; {other}s= takes {other}s"
        if others.issuperset(missing)
        else suggestion(missing, there, are_exact=pattern.names is not None)
    )
    what = f"has no {kind}" if pattern.names is not None else f"has no {kind} that matches"
    warn_caller(f"project {source.project!r} {what} {listed(missing)}{hint}")


def _label_pattern(selector: Selector) -> Pattern | None:
    if selector is None or isinstance(selector, Filter):
        return None
    return compile_pattern(selector) if isinstance(selector, str) else Pattern(names=frozenset(selector))


def _label(kind: Kind, row: RunRow) -> str:
    return row.node.run_id if kind == "run" else row.node.experiment_name or ""


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
    return _listed(argument, selector)


def _listed(argument: str, selector: object) -> list[Choice]:
    wanted = "a path pattern, a list of exact paths, an Attribute or an AttributeFilter"
    if not isinstance(selector, Iterable) or isinstance(selector, (bytes, dict)):
        raise ArgumentTypeError(f"{argument} must be {wanted}, found {selector!r}")
    items = list(selector)
    typed = [_exactly(item) for item in items if isinstance(item, Attribute)]
    plain = [item for item in items if not isinstance(item, Attribute)]
    if plain or not typed:
        names = _names(argument, plain, wanted)
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
        pattern = Pattern(names=frozenset(_names("AttributeFilter(name=)", name, "a path pattern or a list of paths")))
    return Choice(pattern, _types(condition.type))


def _types(value: str | Sequence[str] | None) -> tuple[AttributeType, ...] | None:
    if value is None:
        return None
    known = [kind.value for kind in AttributeType]
    names = [value] if isinstance(value, str) else _names("AttributeFilter(type=)", value, "a type or a list of types")
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
            unfit |= {path: types[path] for path in matched if types[path].isdisjoint(_families(choice.types))}
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
        types = None if choice.types is None else _families(choice.types)
        found.update(source.index.definitions(run_ids=run_ids, pattern=choice.pattern, types=types))
    return sorted({(one.path, AttributeType(one.type)) for one in found})


def _families(types: Sequence[AttributeType]) -> list[AttributeType]:
    families = {kind.family for kind in types}
    return [kind for kind in AttributeType if kind.family in families]
