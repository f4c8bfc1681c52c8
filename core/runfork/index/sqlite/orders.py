"""Orders of runs, by walking an index of the attribute table: the first page costs a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.attributes import AttributeType
from runfork.index.sqlite.catalogue import storable
from runfork.index.sqlite.conditions import TESTS, kinds_of
from runfork.index.sqlite.schema import TYPE_NUMBERS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from runfork.index.interface import Sort
    from runfork.index.sqlite.catalogue import Catalogue

__all__ = ["Orders"]

_AGGREGATES = {"min": "minimum", "max": "maximum", "average": "mean", "variance": "squares / finite"}
_VALUES = ("number", "text", "NULL")
_BY_CREATION = "ORDER BY created DESC, run_id"


class Orders:
    """Gives the numbers of all runs in an order; equal ones by creation, the latest first, then by run id."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue) -> None:
        self._connection = connection
        self._catalogue = catalogue

    def ordered(self, sort: Sort | None) -> Iterator[int]:
        """Yield numbers of runs in an order; None is by creation."""
        path = None if sort is None else self._catalogue.paths.get(storable(sort.attribute.name))
        if sort is None or path is None:
            yield from self._numbers(f"SELECT id FROM run {_BY_CREATION}")  # noqa: S608
            return
        chosen = kinds_of(sort.attribute)
        kinds = ", ".join(str(TYPE_NUMBERS[kind]) for kind in chosen)
        where = f"attribute WHERE path = ? AND type IN ({kinds})"
        if sort.aggregate == "last" or AttributeType.FLOAT_SERIES not in chosen:
            yield from self._by_last(where, path, is_descending=sort.descending)
        else:
            yield from self._by_aggregate(where, path, _AGGREGATES[sort.aggregate], is_descending=sort.descending)
        missing = f"SELECT id FROM run WHERE id NOT IN (SELECT run FROM {where}) {_BY_CREATION}"  # noqa: S608
        yield from self._numbers(missing, path)

    def _numbers(self, query: str, *parameters: Any) -> Iterator[int]:
        return (number for (number,) in self._connection.execute(query, parameters))

    def _by_last(self, where: str, path: int, *, is_descending: bool) -> Iterator[int]:
        direction = "DESC" if is_descending else "ASC"
        for test, value in zip(TESTS, _VALUES, strict=True):
            query = f"SELECT run, {value} FROM {where} AND {test} ORDER BY {value} {direction}"  # noqa: S608
            alike: list[int] = []
            last = None
            for number, found in self._connection.execute(query, (path,)):
                if alike and found != last:
                    yield from self._tied(alike)
                    alike = []
                alike.append(number)
                last = found
            yield from self._tied(alike)

    def _by_aggregate(self, where: str, path: int, aggregate: str, *, is_descending: bool) -> Iterator[int]:
        """Sort what no index is sorted by: numbers, then texts, then what has no order."""
        value = f"CASE type WHEN {TYPE_NUMBERS[AttributeType.FLOAT_SERIES]} THEN {aggregate} ELSE number END"
        groups: tuple[dict[int, Any], ...] = ({}, {}, {})
        for test in TESTS:
            query = f"SELECT run, {value}, text FROM {where} AND {test}"  # noqa: S608
            for run, number, text in self._connection.execute(query, (path,)):
                group = 0 if number is not None else 1 if text is not None else 2
                groups[group][run] = (number, text, 0)[group]
        for values in groups:
            yield from sorted(self._tied(values), key=values.__getitem__, reverse=is_descending)

    def _tied(self, numbers: Collection[int]) -> Collection[int]:
        """Return runs with the same value in their order."""
        return numbers if len(numbers) == 1 else sorted(numbers, key=self._place)

    def _place(self, number: int) -> tuple[int, str]:
        run_id = self._catalogue.names[number]
        return -self._catalogue.runs[run_id].origin.created, run_id
