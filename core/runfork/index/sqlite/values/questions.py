"""Filters and sorts over the values of all runs. `runfork.index.rules.conditions` says what they mean.

The values at one path are read for all runs at once, and remembered as long as nothing changes.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.errors import ArgumentError
from runfork.index.rules.conditions import SORTED_KINDS, comparable, kinds_of, set_text
from runfork.index.sqlite.runs import storable
from runfork.index.sqlite.values.shape import FIXED, STATISTICS, decode_text, is_empty, read_text, type_of
from runfork.model.attributes import TEXTS, AttributeType
from runfork.model.filters import AllOf, AnyOf, Comparison, Not, comparisons_in
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    import numpy.typing as npt

    from runfork.index.interface import RunsQuery, Sort
    from runfork.index.sqlite.runs import RunTable
    from runfork.index.sqlite.values.table import ValueTable
    from runfork.model.filters import Attribute, Filter

_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_SEARCHES = ("MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS")
_TEXT_NAMES = frozenset(kind.value for kind in TEXTS)
_CACHED = 64
"""So many paths' values are remembered."""
_TOGETHER = 128
"""Runs that are read at a time: many more objects would have Python look for garbage among all there are."""


@dataclass
class _Column:
    """What runs have at one path as one type: their numbers, a value of each, None where none compares; and those without one."""

    runs: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)

    def chosen(self, test: Callable[[Any], Any]) -> set[int]:
        return {run for run, value in zip(self.runs, self.values, strict=True) if test(value)}


class Questions:
    """Finds runs by their values."""

    def __init__(self, connection: sqlite3.Connection, runs: RunTable, values: ValueTable) -> None:
        self._connection = connection
        self._runs = runs
        self._values = values
        self._version = -1
        self._columns: dict[int, dict[AttributeType, _Column]] = {}

    def ask(self, query: RunsQuery) -> list[int]:
        """Return the numbers of the runs that a query is about, in its order, whatever its limits are."""
        if self._version != self._values.version or len(self._columns) > _CACHED:
            self._columns.clear()
            self._version = self._values.version
        names = {sort.attribute.name for sort in query.sorts}
        if query.filter is not None:
            names.update(one.attribute.name for one in comparisons_in(query.filter))
        self._load(names)
        listed = self._runs.listed(query)
        if query.filter is not None:
            holding = self._holding(query.filter)
            listed = [number for number in listed if number in holding]
        for sort in reversed(query.sorts):
            listed = self._ordered(listed, sort)
        return listed

    # Values

    def _at(self, name: str) -> dict[AttributeType, _Column]:
        """Return what runs have at a path, by type."""
        path = self._runs.paths.get(storable(name))
        return {} if path is None else self._columns[path]

    def _load(self, names: Iterable[str]) -> None:
        """Read what runs have at some paths: all in one go, for walking over the runs takes longer than taking values from them."""
        known = (self._runs.paths.get(storable(name)) for name in names)
        paths = [path for path in known if path is not None and path not in self._columns]
        by_shape: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for path in paths:
            self._columns[path] = {}
            for shape, (place, code) in self._values.places_of(path).items():
                by_shape[shape].append((path, place, code))
        for shape, wanted in by_shape.items():
            self._read(shape, wanted)

    def _read(self, shape: int, wanted: list[tuple[int, int, int]]) -> None:
        has_texts = any(type_of(code) not in FIXED for _, _, code in wanted)
        query = "SELECT run, numbers, NULL FROM attribute WHERE shape = ?"
        if has_texts:
            query = "SELECT run, numbers, texts FROM attribute JOIN detail USING (run) WHERE shape = ?"
        cursor = self._connection.execute(query, (shape,))
        runs: list[int] = []
        texts: list[bytes] = []
        parts = [np.empty((0, len(wanted)), np.int64)]
        while rows := cursor.fetchmany(_TOGETHER):
            some, numbers, more = zip(*rows, strict=True)
            runs += some
            texts += more
            lines = np.frombuffer(b"".join(numbers), np.int64).reshape(len(rows), -1)
            parts.append(lines[:, [place for _, place, _ in wanted]])
        columns = np.ascontiguousarray(np.concatenate(parts).T)
        for (path, _, code), numbers in zip(wanted, columns, strict=True):
            kind = type_of(code)
            column = self._columns[path].setdefault(kind, _Column())
            if is_empty(code):
                column.empty += runs
                continue
            column.runs += runs
            found = numbers.view(FIXED.get(kind, "i8")).tolist()
            if kind not in FIXED:
                found = [decode_text(kind, read_text(slot, text)) for slot, text in zip(found, texts, strict=True)]
            column.values += found

    def _aggregates(self, name: str, aggregate: str) -> dict[int, float]:
        """Return an aggregate of a float series by run, where it has one."""
        path = self._runs.paths.get(storable(name))
        found: dict[int, float] = {}
        for shape, (place, code) in ({} if path is None else self._values.places_of(path)).items():
            if type_of(code) is AttributeType.FLOAT_SERIES and not is_empty(code):
                line = len(STATISTICS) * self._values.shape(shape).series[place]
                names = ("squares", "finite") if aggregate == "variance" else (_NAMES[aggregate],)
                columns = [self._statistic(shape, line + STATISTICS.index(one)) for one in names]
                runs, numbers = columns[0]
                with np.errstate(all="ignore"):
                    values = numbers if len(columns) == 1 else numbers / columns[1][1]
                found.update(zip(runs, values.tolist(), strict=True))
        return {run: value for run, value in found.items() if not isnan(value)}

    def _statistic(self, shape: int, number: int) -> tuple[list[int], npt.NDArray[np.float64]]:
        """Return the runs of a shape, and one of the statistics that each of them holds of its series."""
        query = "SELECT run, substr(series, ?, 8) FROM attribute JOIN detail USING (run) WHERE shape = ?"
        rows = self._connection.execute(query, (8 * number + 1, shape)).fetchall()
        return [run for run, _ in rows], np.frombuffer(b"".join(data for _, data in rows), np.float64)

    # Filters

    def _holding(self, condition: Filter) -> set[int]:
        if isinstance(condition, AllOf):
            parts = [self._holding(part) for part in _parts(condition, AllOf)]
            return set.intersection(*sorted(parts, key=len)) if parts else set(self._runs.names)
        if isinstance(condition, AnyOf):
            names, others = _names(_parts(condition, AnyOf))
            found = [self._any_name(attribute, texts) for attribute, texts in names.items()]
            return set().union(*found, *(self._holding(part) for part in others))
        if isinstance(condition, Not):
            return set(self._runs.names) - self._holding(condition.part)
        if not isinstance(condition, Comparison):
            raise ArgumentError(f"a filter is built from runfork.Filter, found {condition!r}")
        meant = kinds_of(condition.attribute)
        search = self._search(condition) if condition.operator in _SEARCHES else None
        columns = self._at(condition.attribute.name)
        found = [
            self._comparison(condition, kind, column) if search is None else search(kind, column)
            for kind, column in columns.items()
            if kind in meant
        ]
        return set().union(*found)

    def _any_name(self, attribute: Attribute, texts: set[str]) -> set[int]:
        column = self._at(attribute.name).get(kinds_of(attribute)[0])
        return set() if column is None else column.chosen(texts.__contains__)

    def _comparison(self, condition: Comparison, kind: AttributeType, column: _Column) -> set[int]:
        if condition.operator == "EXISTS":
            return {*column.runs, *column.empty}
        other = comparable(kind, condition.value)
        if other is None:
            return set(column.runs) if condition.operator == "!=" else set()
        compare = _COMPARED[condition.operator]
        return {run for run, value in zip(column.runs, column.values, strict=True) if compare(value, other)}

    def _search(self, condition: Comparison) -> Callable[[AttributeType, _Column], set[int]]:
        wanted, how = str(condition.value), condition.operator
        is_wanted = not how.startswith("NOT")
        pattern = compile_pattern(wanted) if how.endswith("MATCHES") else None

        def is_found(kind: AttributeType, value: Any) -> bool:
            if pattern is None:
                return wanted in value
            return pattern.matches_together(value if kind is AttributeType.STRING_SET else [value])

        def search(kind: AttributeType, column: _Column) -> set[int]:
            if kind not in TEXTS and kind is not AttributeType.STRING_SET:
                return set()
            return column.chosen(lambda value: is_found(kind, value) is is_wanted)

        return search

    # Sorts

    def _ordered(self, by_rank: list[int], sort: Sort) -> list[int]:
        """Sort runs; those that are equal stay in the order that they are in."""
        keys: list[dict[int, Any]] = [{} for _ in SORTED_KINDS]
        without_order: set[int] = set()
        meant = kinds_of(sort.attribute)
        for kind, column in self._at(sort.attribute.name).items():
            if kind not in meant:
                continue
            without_order.update(column.empty)
            place = next((place for place, kinds in enumerate(SORTED_KINDS) if kind in kinds), None)
            if place is None:
                without_order.update(column.runs)
                continue
            values = zip(column.runs, column.values, strict=True)
            if kind is AttributeType.STRING_SET:
                keys[place].update((run, set_text(value)) for run, value in values)
            elif kind is AttributeType.FLOAT_SERIES and sort.aggregate != "last":
                found = self._aggregates(sort.attribute.name, sort.aggregate)
                keys[place].update(found)
                without_order.update(run for run in column.runs if run not in found)
            elif kind in (AttributeType.FLOAT, AttributeType.FLOAT_SERIES):
                found = dict(values)
                without = [run for run, value in found.items() if isnan(value)]
                for run in without:
                    del found[run]
                keys[place].update(found)
                without_order.update(without)
            else:
                keys[place].update(values)
        ordered: list[int] = []
        for by_run in keys:
            ordered += sorted(
                (run for run in by_rank if run in by_run), key=by_run.__getitem__, reverse=sort.descending
            )
        ordered += [run for run in by_rank if run in without_order]
        taken = set(ordered)
        return ordered + [run for run in by_rank if run not in taken]


_NAMES = {"min": "min", "max": "max", "average": "mean"}


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


def _names(parts: list[Filter]) -> tuple[dict[Attribute, set[str]], list[Filter]]:
    """Take out the alternatives that ask whether a text is one of several."""
    names: dict[Attribute, set[str]] = defaultdict(set)
    others: list[Filter] = []
    for part in parts:
        is_name = isinstance(part, Comparison) and part.operator == "==" and part.attribute.type in _TEXT_NAMES
        if is_name and isinstance(part, Comparison) and isinstance(part.value, str):
            names[part.attribute].add(part.value)
        else:
            others.append(part)
    return names, others
