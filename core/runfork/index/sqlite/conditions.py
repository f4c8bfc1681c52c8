"""Filters, answered by the indexes of the attribute table. `runfork.index.conditions` says in Python what they mean.

Each comparison walks one index; what ``&``, ``|`` and ``~`` make of the runs that are found is worked out as sets of numbers, which
takes a third of the time of SQL's own ``IN``.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.index.conditions import TEXTS, comparable, kinds_of
from runfork.index.sqlite.run_entries import storable
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.model.attributes import AttributeType
from runfork.model.filters import AllOf, AnyOf, Comparison, Not
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    import sqlite3

    from runfork.index.interface import RunsQuery
    from runfork.index.sqlite.catalogue import Catalogue
    from runfork.model.filters import Attribute, Filter

__all__ = ["WITHOUT_ORDER", "Conditions", "add_functions", "kinds_at"]

_SQL_OPERATORS = {"==": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
WITHOUT_ORDER = "number IS NULL AND text IS NULL"
_TESTS = ("number IS NOT NULL", "text IS NOT NULL", WITHOUT_ORDER)
"""One for each index of the attribute table; every row satisfies one."""
_TEXT_NAMES = frozenset(kind.value for kind in TEXTS)


def add_functions(connection: sqlite3.Connection) -> None:
    """Give SQL our regular expressions: ``runfork_matches(pattern, text)``, and ``runfork_matches_set`` for a JSON list."""
    compiled = lru_cache(maxsize=64)(compile_pattern)

    def matches(pattern: str, text: str) -> bool:
        return compiled(pattern).matches(text)

    def matches_set(pattern: str, members: str) -> bool:
        return compiled(pattern).matches_together(json.loads(members))

    connection.create_function("runfork_matches", 2, matches, deterministic=True)
    connection.create_function("runfork_matches_set", 2, matches_set, deterministic=True)


def kinds_at(connection: sqlite3.Connection, path: int, attribute: Attribute) -> list[AttributeType]:
    """Return the types that `attribute` means and some run has at its path."""
    meant = kinds_of(attribute)
    rows = connection.execute("SELECT type FROM definition WHERE path = ? AND count > 0", (path,))
    return [TYPES[kind] for (kind,) in rows if TYPES[kind] in meant]


class Conditions:
    """Finds the numbers of the runs that satisfy conditions."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue) -> None:
        self._connection = connection
        self._catalogue = catalogue

    def chosen(self, query: RunsQuery) -> set[int] | None:
        """Return the runs that a query is about, None for all."""
        found: list[set[int]] = []
        if query.heads_only:
            found.append(self._numbers("run WHERE is_head", (), column="id"))
        if not query.include_archived:
            found.append(self._numbers("run WHERE NOT is_archived", (), column="id"))
        if query.run_ids is not None:
            runs = self._catalogue.runs
            found.append({runs[run_id].id for run_id in query.run_ids if run_id in runs})
        if query.filter is not None:
            found.append(self._holding(query.filter))
        return set.intersection(*found) if found else None

    def _holding(self, condition: Filter) -> set[int]:
        if isinstance(condition, AllOf):
            parts = [self._holding(part) for part in _parts(condition, AllOf)]
            return set.intersection(*sorted(parts, key=len)) if parts else set(self._catalogue.names)
        if isinstance(condition, AnyOf):
            names, others = _names(_parts(condition, AnyOf))
            found = [self._any_name(attribute, texts) for attribute, texts in names.items()]
            return set().union(*found, *(self._holding(part) for part in others))
        if isinstance(condition, Not):
            return set(self._catalogue.names) - self._holding(condition.part)
        if not isinstance(condition, Comparison):
            raise ArgumentError(f"a filter is built from runfork.Filter, found {condition!r}")
        if condition.operator in ("MATCHES", "NOT MATCHES"):
            compile_pattern(str(condition.value))  # a bad pattern is told as one, not as an error of SQL
        path = self._catalogue.paths.get(storable(condition.attribute.name))
        if path is None:
            return set()
        kinds = kinds_at(self._connection, path, condition.attribute)
        return set().union(*(self._comparison(condition, path, kind) for kind in kinds))

    def _any_name(self, attribute: Attribute, texts: list[str]) -> set[int]:
        path = self._catalogue.paths.get(storable(attribute.name))
        if path is None:
            return set()
        test = "text IN (SELECT value FROM json_each(?))"
        (kind,) = kinds_of(attribute)
        return self._runs(path, kind, test, json.dumps(texts))

    def _comparison(self, condition: Comparison, path: int, kind: AttributeType) -> set[int]:
        if condition.operator == "EXISTS":
            return self._exists(path, kind)
        if condition.operator in ("MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS"):
            return self._search(path, kind, condition.operator, storable(str(condition.value)))
        other = comparable(kind, condition.value)
        is_text = isinstance(other, str)
        is_nan = isinstance(other, float) and isnan(other)
        if other is None or is_nan:
            return self._has_value(path, kind) if condition.operator == "!=" else set()
        column = "text" if is_text else "number"
        other = storable(other) if is_text else _bindable(other)
        found = self._runs(path, kind, f"{column} {_SQL_OPERATORS[condition.operator]} ?", other)
        if condition.operator == "!=" and not is_text:
            return found | self._without_order(path, kind, "is_nan")
        return found

    def _runs(self, path: int, kind: AttributeType, test: str, *parameters: Any) -> set[int]:
        where = f"attribute WHERE path = ? AND type = ? AND {test}"
        return self._numbers(where, (path, TYPE_NUMBERS[kind], *parameters))

    def _numbers(self, where: str, parameters: tuple[Any, ...], column: str = "run") -> set[int]:
        """Return numbers of runs: as one text, since reading it takes half the time of reading rows."""
        query = f"SELECT json_group_array({column}) FROM {where}"  # noqa: S608
        return set(json.loads(self._connection.execute(query, parameters).fetchone()[0]))

    def _without_order(self, path: int, kind: AttributeType, test: str) -> set[int]:
        return self._runs(path, kind, f"{WITHOUT_ORDER} AND {test}")

    def _exists(self, path: int, kind: AttributeType) -> set[int]:
        return set().union(*(self._runs(path, kind, test) for test in _TESTS))

    def _has_value(self, path: int, kind: AttributeType) -> set[int]:
        ordered = (self._runs(path, kind, test) for test in _TESTS[:2])
        rest = "count > 0" if kind.is_series else "1"
        return self._without_order(path, kind, rest).union(*ordered)

    def _search(self, path: int, kind: AttributeType, how: str, wanted: str) -> set[int]:
        is_wanting = how.startswith("NOT")
        if kind in TEXTS:
            test = "runfork_matches(?, text)" if how.endswith("MATCHES") else "(instr(text, ?) > 0 OR ? = '')"
            wanted_twice = [wanted] if how.endswith("MATCHES") else [wanted, wanted]
            return self._runs(path, kind, f"text IS NOT NULL AND {'NOT ' * is_wanting}{test}", *wanted_twice)
        if kind is not AttributeType.STRING_SET:
            return set()
        sets = self._runs(path, kind, "text IS NOT NULL")
        if how.endswith("MATCHES"):
            members = self._runs(path, kind, "text IS NOT NULL AND runfork_matches_set(?, text)", wanted)
        else:
            members = self._numbers("member WHERE path = ? AND value = ?", (path, wanted))
        return sets - members if is_wanting else sets & members


def _parts(condition: AllOf | AnyOf, kind: type[AllOf | AnyOf]) -> list[Filter]:
    """Return the parts of a condition, and those of parts of its own kind: chains of ``&`` nest to the left."""
    found: list[Filter] = []
    waiting: list[Filter] = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, kind):
            waiting += part.parts[::-1]
        else:
            found.append(part)
    return found


def _names(parts: list[Filter]) -> tuple[dict[Attribute, list[str]], list[Filter]]:
    """Take out the alternatives that ask whether a text is one of several."""
    names: dict[Attribute, list[str]] = {}
    others: list[Filter] = []
    for part in parts:
        is_name = isinstance(part, Comparison) and part.operator == "==" and part.attribute.type in _TEXT_NAMES
        if is_name and isinstance(part, Comparison) and isinstance(part.value, str) and "\0" not in part.value:
            names.setdefault(part.attribute, []).append(storable(part.value))
        else:
            others.append(part)
    return names, others


def _bindable(value: Any) -> Any:
    """Return a number that SQLite can hold and that compares the same with everything it holds."""
    if isinstance(value, datetime) or not isinstance(value, int) or -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
