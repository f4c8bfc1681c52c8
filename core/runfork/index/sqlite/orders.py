"""Orders of runs, by walking an index of the attribute table: the first page costs a page."""

from __future__ import annotations

import heapq
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from runfork.index.conditions import SORTED_KINDS, TEXTS
from runfork.index.sqlite.conditions import WITHOUT_ORDER, kinds_at
from runfork.index.sqlite.run_entries import storable
from runfork.index.sqlite.schema import TYPE_NUMBERS
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence

    from runfork.index.interface import Sort
    from runfork.index.sqlite.catalogue import Catalogue

__all__ = ["Orders"]

_AGGREGATES = {"min": "minimum", "max": "maximum", "average": "mean", "variance": "squares / finite"}
_IN_TEXTS = TEXTS | {AttributeType.STRING_SET}
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
        kinds = kinds_at(self._connection, path, sort.attribute)
        if sort.aggregate == "last" or AttributeType.FLOAT_SERIES not in kinds:
            yield from self._by_last(path, kinds, is_descending=sort.descending)
        else:
            yield from self._by_aggregate(path, kinds, _AGGREGATES[sort.aggregate], is_descending=sort.descending)
        chosen = f"SELECT run FROM attribute WHERE path = ? AND {_of(kinds)}"  # noqa: S608
        yield from self._numbers(f"SELECT id FROM run WHERE id NOT IN ({chosen}) {_BY_CREATION}", path)  # noqa: S608

    def _numbers(self, query: str, *parameters: Any) -> Iterator[int]:
        return (number for (number,) in self._connection.execute(query, parameters))

    def _by_last(self, path: int, kinds: Sequence[AttributeType], *, is_descending: bool) -> Iterator[int]:
        for group in SORTED_KINDS:
            walks = [self._walk(path, kind, is_descending=is_descending) for kind in group if kind in kinds]
            alike: list[int] = []
            last = None
            for number, found in heapq.merge(*walks, key=itemgetter(1), reverse=is_descending):
                if alike and found != last:
                    yield from self._tied(alike)
                    alike = []
                alike.append(number)
                last = found
            yield from self._tied(alike)
        rest = f"SELECT run FROM attribute WHERE path = ? AND {_of(kinds)} AND {WITHOUT_ORDER}"  # noqa: S608
        yield from self._tied(list(self._numbers(rest, path)))

    def _walk(self, path: int, kind: AttributeType, *, is_descending: bool) -> sqlite3.Cursor:
        """Return runs and values of one type, along an index."""
        value = "text" if kind in _IN_TEXTS else "number"
        query = (
            f"SELECT run, {value} FROM attribute WHERE path = ? AND type = ? AND {value} IS NOT NULL"  # noqa: S608
            f" ORDER BY {value} {'DESC' if is_descending else 'ASC'}"
        )
        return self._connection.execute(query, (path, TYPE_NUMBERS[kind]))

    def _by_aggregate(
        self, path: int, kinds: Sequence[AttributeType], aggregate: str, *, is_descending: bool
    ) -> Iterator[int]:
        """Sort what no index is sorted by."""
        value = f"CASE type WHEN {TYPE_NUMBERS[AttributeType.FLOAT_SERIES]} THEN {aggregate} ELSE coalesce(number, text) END"
        rest: list[int] = []
        for group in SORTED_KINDS:
            query = f"SELECT run, {value} FROM attribute WHERE path = ? AND {_of([k for k in kinds if k in group])}"  # noqa: S608
            found = dict(self._connection.execute(query, (path,)).fetchall())
            rest += [run for run, one in found.items() if one is None]
            values = {run: one for run, one in found.items() if one is not None}
            yield from sorted(self._tied(values), key=values.__getitem__, reverse=is_descending)
        unordered = [kind for kind in kinds if not any(kind in group for group in SORTED_KINDS)]
        rest += self._numbers(f"SELECT run FROM attribute WHERE path = ? AND {_of(unordered)}", path)  # noqa: S608
        yield from self._tied(rest)

    def _tied(self, numbers: Collection[int]) -> Collection[int]:
        """Return runs with the same value in their order."""
        return numbers if len(numbers) == 1 else sorted(numbers, key=self._place)

    def _place(self, number: int) -> tuple[int, str]:
        run_id = self._catalogue.names[number]
        return -self._catalogue.runs[run_id].created, run_id


def _of(kinds: Sequence[AttributeType]) -> str:
    return f"type IN ({', '.join(str(TYPE_NUMBERS[kind]) for kind in kinds)})"
