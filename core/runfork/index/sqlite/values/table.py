"""The tables of values: those of every run, inherited ones included, kept ready for filters, sorts and lists."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from runfork.index.sqlite.sealing import check_seal, sealed
from runfork.index.sqlite.values.shape import Shape

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from runfork.index.sqlite.values.run_values import Row, RunValues

    Columns = tuple[bytes, bytes, bytes, bytes]

_ATTRIBUTES, _INHERITED = "attribute", "inherited"
WHOLE = {_ATTRIBUTES: "attribute JOIN detail USING (run)", _INHERITED: "inherited"}
"""Where all columns of values are, by the table that says their shape."""
_PARTS: dict[str, dict[str, tuple[int, ...]]] = {
    _ATTRIBUTES: {"attribute": (0, 1, 2), "detail": (0, 3, 4, 5)},
    _INHERITED: {"inherited": (0, 1, 2, 3, 4, 5)},
}
"""The same, which of the columns are in which table."""
_COUNTED = {_ATTRIBUTES: "runs", _INHERITED: "others"}
_CACHED = 200_000
"""So many attributes are remembered; beyond that they are read again."""


@lru_cache(maxsize=1)
def _nothing() -> RunValues:
    """Return the values of a run that has none."""
    from runfork.index.sqlite.values.run_values import RunValues

    return RunValues.of({})


class ValueTable:
    """Reads and writes values. What it remembers holds as long as nobody else changes the file; `flush` stores what is new."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.version = 0
        """Another number for every state of the values."""
        self.forget()

    def forget(self) -> None:
        """Forget everything: the file says something else now, or the transaction was undone."""
        self.version += 1
        self._held: dict[str, dict[int, RunValues]] = {_ATTRIBUTES: {}, _INHERITED: {}}
        self._stored: dict[str, dict[int, int | None]] = {_ATTRIBUTES: {}, _INHERITED: {}}
        self._new: dict[int, dict[int, Row]] = {}
        """Of runs that are new: their attributes by path, not side by side yet."""
        self._unsaved: dict[str, set[int]] = {_ATTRIBUTES: set(), _INHERITED: set()}
        self._shapes: dict[int, Shape] = {}
        self._numbers: dict[bytes, int] = {}
        self._counts: dict[str, Counter[int]] = {column: Counter() for column in _COUNTED.values()}
        self._types: dict[int, set[int]] | None = None
        self._size = 0

    # Values of runs

    def add_run(self, run: int) -> None:
        """Take note of a run that is new: it has no values."""
        for table in (_ATTRIBUTES, _INHERITED):
            self._held[table][run] = _nothing()
            self._stored[table][run] = None
        self._new[run] = {}

    def has_none_of(self, run: int, paths: Iterable[int]) -> bool:
        """Return whether a run is new, and has nothing at some paths; False if that takes looking closer."""
        rows = self._new.get(run)
        return rows is not None and rows.keys().isdisjoint(paths)

    def of(self, run: int) -> RunValues:
        """Return the attributes of a run."""
        if run in self._new:
            from runfork.index.sqlite.values.run_values import RunValues

            self._held[_ATTRIBUTES][run] = RunValues.of(self._new.pop(run))
        return self._of(_ATTRIBUTES, run)

    def inherited(self, run: int) -> RunValues:
        """Return what a run would have at the paths of its own series without them."""
        return self._of(_INHERITED, run)

    def _of(self, table: str, run: int) -> RunValues:
        found = self._held[table].get(run)
        if found is None:
            from runfork.index.sqlite.values.run_values import RunValues

            rows = list(self._read(table, [run]))
            self._stored[table][run] = rows[0][1] if rows else None
            found = RunValues.read(self.shape(rows[0][1]), *rows[0][2]) if rows else _nothing()
            self._held[table][run] = found
            self._size += len(found)
        return found

    def read(self, runs: Collection[int]) -> Iterator[tuple[int, Shape, Columns]]:
        """Yield runs and their attributes, as they are stored: `RunValues.columns`."""
        return ((run, self.shape(shape), columns) for run, shape, columns in self._read(_ATTRIBUTES, runs))

    def _read(self, table: str, runs: Collection[int]) -> Iterator[tuple[int, int, Columns]]:
        query = f"SELECT run, shape, numbers, series, texts, rest FROM {WHOLE[table]} WHERE run IN (SELECT value FROM json_each(?))"  # noqa: S608
        for run, shape, *columns in self._connection.execute(query, (json.dumps([*runs]),)):
            yield run, shape, tuple(columns)

    def shapes(self, runs: Collection[int]) -> Iterator[tuple[Shape, int]]:
        """Yield the shapes of some runs, and how many of them have each."""
        query = "SELECT shape, count(*) FROM attribute WHERE run IN (SELECT value FROM json_each(?)) GROUP BY shape"
        rows = self._connection.execute(query, (json.dumps([*runs]),)).fetchall()
        return ((self.shape(number), count) for number, count in rows)

    def change(self, run: int, rows: Mapping[int, Row | None]) -> None:
        """Write rows of a run over, or delete them where None is given."""
        self._change(_ATTRIBUTES, run, rows)

    def change_inherited(self, run: int, rows: Mapping[int, Row | None]) -> None:
        """Write rows of what a run inherits over, or delete them where None is given."""
        self._change(_INHERITED, run, rows)

    def _change(self, table: str, run: int, rows: Mapping[int, Row | None]) -> None:
        if table == _ATTRIBUTES and run in self._new and self._types is None:
            held = self._new[run]
            for path, row in rows.items():
                if row is not None:
                    held[path] = row
                else:
                    held.pop(path, None)
            self._unsaved[table].add(run)
            return
        before = self.of(run) if table == _ATTRIBUTES else self._of(table, run)
        if not len(before) and not any(row is not None for row in rows.values()):
            return
        after = before.changed(rows)
        if table == _ATTRIBUTES and self._types is not None:
            for path, row in rows.items():
                if row is not None:
                    self._types[path].add(row.code & 15)
        self._held[table][run] = after
        self._size += len(after) - len(before)
        self._unsaved[table].add(run)

    def add_whole(self, run: int, values: RunValues) -> None:
        """Write all attributes of a run that is new, and inherits nothing."""
        self._held[_ATTRIBUTES][run], self._held[_INHERITED][run] = values, _nothing()
        self._stored[_ATTRIBUTES][run] = self._stored[_INHERITED][run] = None
        self._size += len(values)
        self._unsaved[_ATTRIBUTES].add(run)
        self._note_types(values.shape)

    def note_change(self, run: int) -> None:
        """Take note that a run's attributes were changed in place."""
        self._unsaved[_ATTRIBUTES].add(run)

    def flush(self) -> None:
        """Store what has changed."""
        for table, runs in self._unsaved.items():
            rows = []
            for run in sorted(runs):
                values = self.of(run) if table == _ATTRIBUTES else self._held[table][run]
                before, after = self._stored[table].get(run), self._shape_number(values.shape) if len(values) else None
                self._count(table, before, after)
                self._stored[table][run] = after
                if after is not None:
                    rows.append((run, after, *values.columns()))
                elif before is not None:
                    for one in _PARTS[table]:
                        self._connection.execute(f"DELETE FROM {one} WHERE run = ?", (run,))  # noqa: S608
            for one, part in _PARTS[table].items():
                holes = ", ".join("?" * len(part))
                query = f"INSERT OR REPLACE INTO {one} VALUES ({holes})"  # noqa: S608
                self._connection.executemany(query, map(itemgetter(*part), rows))
            self.version += bool(runs)
            runs.clear()
        self._store_counts()
        if self._size > _CACHED:
            self._size = 0
            for table in self._held:
                self._held[table].clear()
                self._stored[table].clear()

    def remove(self, runs: Collection[int]) -> None:
        """Remove all values of runs."""
        for run in runs:
            for table in (_ATTRIBUTES, _INHERITED):
                self._new.pop(run, None)
                self._of(table, run)
                self._held[table][run] = _nothing()
                self._unsaved[table].add(run)
        self.flush()

    # Shapes

    def shape(self, number: int) -> Shape:
        """Return a shape by its number."""
        found = self._shapes.get(number)
        if found is None:
            (data,) = self._connection.execute("SELECT data FROM shape WHERE id = ?", (number,)).fetchone()
            check_seal(data)
            found = self._shapes[number] = Shape(data[:-4])
        return found

    def _shape_number(self, shape: Shape) -> int:
        from hashlib import blake2b  # OpenSSL and all: what only reads needs none of it

        digest = blake2b(shape.data, digest_size=16).digest()
        number = self._numbers.get(digest)
        if number is None:
            row = self._connection.execute("SELECT id FROM shape WHERE digest = ?", (digest,)).fetchone()
            if row is None:
                query = "INSERT INTO shape (digest, runs, others, data) VALUES (?, 0, 0, ?)"
                number = self._connection.execute(query, (digest, sealed(shape.data))).lastrowid
            else:
                (number,) = row
            assert number is not None
            self._numbers[digest] = number
        self._shapes.setdefault(number, shape)
        return number

    def _count(self, table: str, before: int | None, after: int | None) -> None:
        if before != after:
            for shape, by in ((before, -1), (after, 1)):
                if shape is not None:
                    self._counts[_COUNTED[table]][shape] += by

    def _store_counts(self) -> None:
        for column, counts in self._counts.items():
            changes = [(by, shape) for shape, by in counts.items() if by]
            self._connection.executemany(f"UPDATE shape SET {column} = {column} + ? WHERE id = ?", changes)  # noqa: S608
            for by, shape in changes:
                if by < 0:
                    self._drop_unused(shape)
            counts.clear()

    def _drop_unused(self, number: int) -> None:
        query = "SELECT digest FROM shape WHERE id = ? AND NOT runs AND NOT others"
        for (digest,) in self._connection.execute(query, (number,)).fetchall():
            self._connection.execute("DELETE FROM shape WHERE id = ?", (number,))
            self._numbers.pop(digest, None)
            self._shapes.pop(number, None)

    # All runs together

    def types_at(self, path: int) -> int:
        """Return how many types a path has, over all runs, or more: those that it had since somebody asked first."""
        if self._types is None:
            self._types = defaultdict(set)
            for shape, _ in self._current():
                self._note_types(shape)
            for run in [*self._new]:
                self.of(run)
            for values in self._held[_ATTRIBUTES].values():
                self._note_types(values.shape)
        return len(self._types[path])

    def _note_types(self, shape: Shape) -> None:
        if self._types is not None:
            for path, kind in shape.kinds():
                self._types[path].add(kind)

    def _current(self) -> Iterator[tuple[Shape, int]]:
        rows = self._connection.execute("SELECT id, runs FROM shape WHERE runs > 0").fetchall()
        return ((self.shape(number), runs) for number, runs in rows)

    def definitions(self) -> list[tuple[int, int, int]]:
        """Return every path with the number of a type, and how many runs have it."""
        return counted(self._current())

    def places_of(self, path: int) -> dict[int, tuple[int, int]]:
        """Return, by the numbers of the shapes that have a path, its place and its code."""
        rows = self._connection.execute("SELECT id FROM shape WHERE runs > 0").fetchall()
        found = {}
        for (number,) in rows:
            shape = self.shape(number)
            place = int(shape.paths.searchsorted(path))
            if place < len(shape) and shape.paths[place] == path:
                found[number] = place, shape.codes[place]
        return found


def counted(shapes: Iterable[tuple[Shape, int]]) -> list[tuple[int, int, int]]:
    """Return every path with the number of a type, and how often it occurs, of shapes that occur so many times each."""
    held = list(shapes)
    if len(held) <= 1:
        return [(path, kind, count) for shape, count in held for path, kind in shape.kinds()]
    import numpy as np

    keys, times = [], []
    for shape, count in held:
        keys.append(shape.paths.astype(np.int64) << 4 | np.frombuffer(shape.codes, np.uint8) & 15)
        times.append(np.full(len(shape), count, np.int64))
    found, lines = np.unique(np.concatenate(keys), return_inverse=True)
    totals = np.bincount(lines, np.concatenate(times)).astype(np.int64)
    return list(zip((found >> 4).tolist(), (found & 15).tolist(), totals.tolist(), strict=True))
