"""Filters and sort orders as SQL. `runfork.index.conditions` says in Python what they mean."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING, Any

from runfork.attributes import AttributeType
from runfork.errors import ArgumentError
from runfork.filters import AllOf, AnyOf, Comparison, Not
from runfork.index.conditions import TEXTS, comparable
from runfork.index.sqlite.catalogue import storable
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.patterns import compile_pattern

if TYPE_CHECKING:
    import sqlite3

    from runfork.filters import Attribute, Filter
    from runfork.index.interface import RunsQuery, Sort
    from runfork.index.sqlite.catalogue import Catalogue

__all__ = ["RunsStatement", "add_functions"]

_SQL_OPERATORS = {"==": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_AGGREGATES = {"min": "minimum", "max": "maximum", "average": "mean", "variance": "squares / finite"}
_SHALLOW = 16
_TEXT_NAMES = frozenset(kind.value for kind in TEXTS)
_BY_CREATION: tuple[str, list[Any]] = ("SELECT id FROM run ORDER BY created DESC, run_id", [])


def add_functions(connection: sqlite3.Connection) -> None:
    """Give SQL our regular expressions: ``runfork_matches(pattern, text)``."""
    compiled = lru_cache(maxsize=64)(compile_pattern)
    connection.create_function(
        "runfork_matches", 2, lambda pattern, text: compiled(pattern).matches(text), deterministic=True
    )


class RunsStatement:
    """Translates one query for runs; every value is a parameter.

    `where` and `parameters` are a condition on ``run``; the queries in `orders` give, one after the other, the numbers of all
    runs in the order asked for.
    """

    def __init__(self, catalogue: Catalogue, query: RunsQuery) -> None:
        self._catalogue = catalogue
        self.parameters: list[Any] = []
        self.where = self._where(query)
        self.orders = [_BY_CREATION] if query.sort is None else self._sort(query.sort)

    def _where(self, query: RunsQuery) -> str:
        parts = []
        if query.heads_only:
            parts.append("run.is_head")
        if not query.include_archived:
            parts.append("NOT run.is_archived")
        if query.run_ids is not None:
            runs = self._catalogue.runs
            self.parameters.append(json.dumps([runs[run_id].id for run_id in query.run_ids if run_id in runs]))
            parts.append("run.id IN (SELECT value FROM json_each(?))")
        if query.filter is not None:
            parts.append(self._condition(query.filter))
        return " AND ".join(parts) or "1"

    def _condition(self, condition: Filter) -> str:
        if isinstance(condition, AllOf):
            return _joined("AND", [self._condition(part) for part in _parts(condition, AllOf)]) or "1"
        if isinstance(condition, AnyOf):
            names, others = _names(_parts(condition, AnyOf))
            found = [self._any_name(attribute, texts) for attribute, texts in names.items()]
            return _joined("OR", found + [self._condition(part) for part in others]) or "0"
        if isinstance(condition, Not):
            return f"(NOT {self._condition(condition.part)})"
        if not isinstance(condition, Comparison):
            raise ArgumentError(f"a filter is built from runfork.Filter, found {condition!r}")
        if condition.operator in ("MATCHES", "NOT MATCHES"):
            compile_pattern(str(condition.value))  # a bad pattern is told as one, not as an error of SQL
        path = self._catalogue.paths.get(storable(condition.attribute.name))
        if path is None:
            return "0"
        found = [self._comparison(condition, path, kind) for kind in _kinds(condition.attribute)]
        return f"({' OR '.join(one for one in found if one) or '0'})"

    def _any_name(self, attribute: Attribute, texts: list[str]) -> str:
        path = self._catalogue.paths.get(storable(attribute.name))
        if path is None:
            return "0"
        test = "text IN (SELECT value FROM json_each(?))"
        return self._runs(path, AttributeType(attribute.type), test, json.dumps(texts))

    def _comparison(self, condition: Comparison, path: int, kind: AttributeType) -> str:
        if condition.operator == "EXISTS":
            return self._exists(path, kind)
        if condition.operator in ("MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS"):
            return self._search(path, kind, condition.operator, storable(str(condition.value)))
        other = comparable(kind, condition.value)
        is_text = isinstance(other, str)
        is_nan = isinstance(other, float) and isnan(other)
        if other is None or is_nan:
            return self._has_value(path, kind) if condition.operator == "!=" else ""
        column = "text" if is_text else "number"
        other = storable(other) if is_text else _bindable(other)
        found = self._runs(path, kind, f"{column} {_SQL_OPERATORS[condition.operator]} ?", other)
        if condition.operator == "!=" and not is_text:
            return f"{found} OR {self._without_order(path, kind, 'is_nan')}"
        return found

    def _runs(self, path: int, kind: AttributeType, test: str, *parameters: Any) -> str:
        self.parameters += [path, TYPE_NUMBERS[kind], *parameters]
        return f"run.id IN (SELECT run FROM attribute WHERE path = ? AND type = ? AND {test})"  # noqa: S608

    def _without_order(self, path: int, kind: AttributeType, test: str) -> str:
        return self._runs(path, kind, f"number IS NULL AND text IS NULL AND {test}")

    def _exists(self, path: int, kind: AttributeType) -> str:
        tests = ("number IS NOT NULL", "text IS NOT NULL", "number IS NULL AND text IS NULL")
        return " OR ".join(self._runs(path, kind, test) for test in tests)

    def _has_value(self, path: int, kind: AttributeType) -> str:
        tests = ("number IS NOT NULL", "text IS NOT NULL")
        ordered = " OR ".join(self._runs(path, kind, test) for test in tests)
        rest = "count > 0" if kind.is_series else "1"
        return f"{ordered} OR {self._without_order(path, kind, rest)}"

    def _search(self, path: int, kind: AttributeType, how: str, wanted: str) -> str:
        wanting = "NOT " if how.startswith("NOT") else ""
        if kind in TEXTS:
            test = "runfork_matches(?, text)" if how.endswith("MATCHES") else "(instr(text, ?) > 0 OR ? = '')"
            wanted_twice = [wanted] if how.endswith("MATCHES") else [wanted, wanted]
            return self._runs(path, kind, f"text IS NOT NULL AND {wanting}{test}", *wanted_twice)
        if kind is not AttributeType.STRING_SET:
            return ""
        test = "runfork_matches(?, value)" if how.endswith("MATCHES") else "value = ?"
        if not wanting:
            self.parameters += [path, wanted]
            members = f"SELECT run FROM member WHERE path = ? AND {test}"  # noqa: S608
            return f"(run.id IN ({members}) AND {self._runs(path, kind, 'text IS NOT NULL')})"
        has = self._runs(path, kind, "text IS NOT NULL")
        self.parameters += [path, wanted]
        return f"({has} AND run.id NOT IN (SELECT run FROM member WHERE path = ? AND {test}))"  # noqa: S608

    def _sort(self, sort: Sort) -> list[tuple[str, list[Any]]]:
        path = self._catalogue.paths.get(storable(sort.attribute.name))
        if path is None:
            return [_BY_CREATION]
        kinds = ",".join(str(TYPE_NUMBERS[kind]) for kind in _kinds(sort.attribute))
        direction = "DESC" if sort.descending else "ASC"
        if sort.aggregate != "last":
            ordered = [_aggregates(_AGGREGATES[sort.aggregate], kinds, direction)]
        else:
            numbers = _sorted(kinds, "number IS NOT NULL", f"number {direction}")
            texts = _sorted(kinds, "text IS NOT NULL", f"text {direction}")
            ordered = [numbers, texts, _sorted(kinds, "number IS NULL AND text IS NULL", "NULL")]
        missing = (
            f"SELECT id FROM run WHERE id NOT IN (SELECT run FROM attribute WHERE path = ? AND type IN ({kinds}))"  # noqa: S608
            " ORDER BY created DESC, run_id"
        )
        return [(query, [path]) for query in (*ordered, missing)]


def _sorted(kinds: str, test: str, order: str) -> str:
    """Return a query that walks an index of the attribute table, so that the first page costs a page; runs break ties."""
    return (
        f"SELECT run.id FROM attribute CROSS JOIN run ON run.id = attribute.run"  # noqa: S608
        f" WHERE path = ? AND type IN ({kinds}) AND {test} ORDER BY {order}, run.created DESC, run.run_id"
    )


def _aggregates(aggregate: str, kinds: str, direction: str) -> str:
    series = TYPE_NUMBERS[AttributeType.FLOAT_SERIES]
    number = f"CASE type WHEN {series} THEN {aggregate} ELSE number END"
    group = f"CASE WHEN {number} IS NOT NULL THEN 0 WHEN text IS NOT NULL THEN 1 ELSE 2 END"
    return _sorted(kinds, "1", f"{group}, {number} {direction}, text {direction}")


def _joined(word: str, parts: list[str]) -> str:
    """Join conditions as a balanced tree: SQLite takes a depth of 1000, and a filter may list more names than that."""
    if len(parts) < _SHALLOW:
        return f"({f' {word} '.join(parts)})" if parts else ""
    middle = len(parts) // 2
    return f"({_joined(word, parts[:middle])} {word} {_joined(word, parts[middle:])})"


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


def _kinds(attribute: Attribute) -> tuple[AttributeType, ...]:
    return TYPES if attribute.type is None else (AttributeType(attribute.type),)


def _bindable(value: Any) -> Any:
    """Return a number that SQLite can hold and that compares the same with everything it holds."""
    if isinstance(value, datetime) or not isinstance(value, int) or -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
