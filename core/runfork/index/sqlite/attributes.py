"""The attribute table: the values of every run, inherited ones included, kept ready for filters, sorts and lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from runfork.index.origins import default_values, derived_values, running_seconds
from runfork.index.sqlite import summaries
from runfork.index.sqlite.attribute_rows import (
    ATTRIBUTE_COLUMNS,
    AttributeRow,
    coded,
    members_in,
    single_row,
    statistics_columns,
    summary_rows,
)
from runfork.index.sqlite.definition_counts import DefinitionCounts
from runfork.index.sqlite.run_entries import storable
from runfork.index.sqlite.run_view import RunView
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.model.attributes import AttributeType, Value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    import numpy.typing as npt

    from runfork.index.sqlite.catalogue import Catalogue
    from runfork.index.sqlite.edit_table import EditTable
    from runfork.index.sqlite.series_reader import SeriesReader

    Floats = npt.NDArray[np.float64]

__all__ = ["DEFAULTS", "AttributeTable", "SeriesChange", "SeriesState"]

_UPSERT = (
    f"INSERT INTO {{}} (run, path, {ATTRIBUTE_COLUMNS}) VALUES ({', '.join(['?'] * 21)}) ON CONFLICT DO UPDATE SET "  # noqa: S608
    + ", ".join(f"{name} = excluded.{name}" for name in ATTRIBUTE_COLUMNS.split(", "))
)
_SHORT = AttributeRow._fields.index("clock_axis")
_INSERT_SHORT = (
    f"INSERT INTO attribute (run, path, {', '.join(ATTRIBUTE_COLUMNS.split(', ')[:_SHORT])})"  # noqa: S608
    f" VALUES ({', '.join('?' * (_SHORT + 2))})"
)
DEFAULTS = ("sys/tags", "sys/group_tags", "sys/archived")
"""What every run has where nobody said otherwise."""
_CONFLICTS = "sys/diagnostics/type_conflicts"
_DERIVED = (
    "sys/modification_time",
    "sys/running_time_seconds",
    "sys/name",
    "sys/experiment/name",
    "sys/experiment/is_head",
    "sys/forking/parent",
    "sys/forking/step",
    "sys/forking/depth",
    "sys/forking/mark",
    "sys/forking/is_pending",
    "sys/state",
    "sys/failed",
    _CONFLICTS,
)
_STRING_SET = TYPE_NUMBERS[AttributeType.STRING_SET]
_EXTENDED = {kind for kind in AttributeType if kind.is_series or kind is AttributeType.STRING_SET}
_FORGET_INHERITED = "DELETE FROM inherited WHERE run = ? AND path = ?"


@dataclass(frozen=True)
class SeriesState:
    """What the table holds of a series: enough to tell whether points can be added to it.

    Args:
        type: Its type; None of a single value.
        clock_axis: Its axis.
        first_step, last_step: -1 where there is no committed point.
        count: Committed points.
    """

    type: AttributeType | None
    clock_axis: bool
    first_step: int
    last_step: int
    count: int


class AttributeTable:
    """Writes the attribute table, within the caller's transaction."""

    def __init__(
        self, connection: sqlite3.Connection, catalogue: Catalogue, edits: EditTable, reader: SeriesReader
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._edits = edits
        self._reader = reader
        self.counts = DefinitionCounts(connection)
        self._new_runs: dict[int, dict[int, int]] = {}

    def add_run(self, run: int) -> None:
        """Take note of a run that is new: nothing stands in the table."""
        self._new_runs[run] = {}

    def forget(self) -> None:
        """Forget what is known of new runs: the transaction ends."""
        self._new_runs.clear()

    def paths(self, run: int) -> Collection[int]:
        """Return the paths at which the table holds something of a run."""
        if run in self._new_runs:
            return self._new_runs[run]
        return [path for (path,) in self._connection.execute("SELECT path FROM attribute WHERE run = ?", (run,))]

    # Working out anew

    def refresh(self, run_id: str, paths: Collection[int]) -> None:
        """Work out attributes of a run anew: those at `paths`, and the derived ones."""
        rows = self._derived_rows(run_id)
        wanted = [path for path in paths if path not in rows]
        if wanted:
            rows |= self._worked_out(run_id, self._view(run_id, wanted), wanted)
        self._write(self._catalogue.runs[run_id].id, rows)

    def refresh_all(self, run_id: str, paths: Iterable[int] = ()) -> None:
        """Work out all attributes of a run anew, for its place in the lineage has changed; those at `paths` in any case."""
        view = self._view(run_id, None)
        run = self._catalogue.runs[run_id].id
        rows = self._derived_rows(run_id)
        held = self._connection.execute("SELECT path FROM attribute WHERE run = ?", (run,))
        wanted = {path for (path,) in held} | view.inherited_paths() | self._catalogue.own_values(run).keys()
        wanted = {path for path in wanted if not view.stands_alone(path)}
        wanted |= {self._catalogue.path_id(path) for path in DEFAULTS} | set(paths)
        rows |= self._worked_out(run_id, view, [path for path in wanted if path not in rows])
        if not view.has_parent:
            self._connection.execute("DELETE FROM inherited WHERE run = ?", (run,))  # it may have seemed to have one
        self._write(run, rows)

    def _derived_rows(self, run_id: str) -> dict[int, AttributeRow | None]:
        rows: dict[int, AttributeRow | None] = {
            self._catalogue.path_id(path): self._value_row(value) for path, value in self._derived(run_id).items()
        }
        conflicts = self._catalogue.paths.get(_CONFLICTS)
        # a description may have replaced what was left out
        return rows if conflicts is None else {conflicts: None, **rows}

    def _view(self, run_id: str, paths: Collection[int] | None) -> RunView:
        known = self._catalogue.paths
        computed = {known[path] for path in _DERIVED if path in known}
        tables = self._connection, self._catalogue, self._edits, self._reader
        return RunView(*tables, run_id, counts=self.counts, paths=paths, computed=computed)

    def _worked_out(self, run_id: str, view: RunView, paths: Sequence[int]) -> dict[int, AttributeRow | None]:
        """Return rows by path, None where there is nothing; what the run's series inherit is stored."""
        run = self._catalogue.runs[run_id].id
        known = self._catalogue.own_values(run) if len(paths) > 1 else {}
        self._edits.load(run, [path for path in paths if path in known])
        nothing_said = default_values(self._catalogue.nodes[run_id])
        defaults = {self._catalogue.path_id(path): value for path, value in nothing_said.items()}
        rows: dict[int, AttributeRow | None] = {**view.alone_rows(paths)}
        below: list[tuple[Any, ...]] = []
        for path in (path for path in paths if path not in rows):
            own = view.own(path)
            if own is None:
                rows[path] = view.inherited(path)
            else:
                inherited = view.inherited(path) if own.type in _EXTENDED else None
                rows[path] = view.row(path, own, inherited)
                if inherited is not None and own.type.is_series:
                    below.append((run, path, *inherited))
            if rows[path] is None and path in defaults:
                rows[path] = self._value_row(defaults[path])
        if view.has_parent:
            self._connection.executemany(_FORGET_INHERITED, [(run, path) for path in paths])
            self._connection.executemany(_UPSERT.format("inherited"), below)
        return rows

    def keep_inherited(self, run: int, paths: Iterable[int]) -> None:
        """Store what a run has at paths as what it inherits there, before its first own points are added to it."""
        columns = ATTRIBUTE_COLUMNS
        query = f"INSERT OR REPLACE INTO inherited (run, path, {columns}) SELECT run, path, {columns} FROM attribute"  # noqa: S608
        rows = [(run, path, run) for path in paths]  # what comes from the run itself is a default
        self._connection.executemany(f"{query} WHERE run = ? AND path = ? AND source <> ?", rows)

    def _write(self, run: int, rows: dict[int, AttributeRow | None]) -> None:
        held = self._types_held(run, rows)
        found = {path: row for path, row in sorted(rows.items()) if row is not None}
        gone = [path for path, row in rows.items() if row is None and path in held]
        self.counts.add((path, row[0]) for path, row in found.items() if path not in held)
        for path in held.keys() & rows.keys():
            row = rows[path]
            self._retype(run, path, held[path], None if row is None else row.type)
        if run in self._new_runs:
            self._new_runs[run] |= {path: row[0] for path, row in found.items()}
        self._store(run, found, held)
        if gone:
            self._connection.executemany(
                "DELETE FROM attribute WHERE run = ? AND path = ?", [(run, path) for path in gone]
            )
        self._connection.executemany(
            "INSERT OR IGNORE INTO member VALUES (?, ?, ?)",
            [
                (run, path, storable(member))
                for path, row in found.items()
                if row[0] == _STRING_SET and row.payload not in (None, "[]")
                for member in members_in(row.payload)
            ],
        )

    def _store(self, run: int, found: dict[int, AttributeRow], held: Collection[int]) -> None:
        """Write rows. New ones of single values, which are most, leave out the columns of series: that takes half the time."""
        short = [
            (run, path, *row[:_SHORT]) for path, row in found.items() if row.clock_axis is None and path not in held
        ]
        self._connection.executemany(_INSERT_SHORT, short)
        if len(short) < len(found):
            whole = [(run, path, *row) for path, row in found.items() if row.clock_axis is not None or path in held]
            self._connection.executemany(_UPSERT.format("attribute"), whole)

    def _types_held(self, run: int, paths: Collection[int]) -> dict[int, int]:
        """Return the types (by number) of what the table holds, at `paths` at least."""
        known = self._new_runs.get(run)
        if known is not None:
            return dict(known)
        query = "SELECT path, type FROM attribute WHERE run = ?"
        if len(paths) < _MANY_PATHS:
            query += f" AND path IN ({', '.join(map(str, paths))})"
        return dict(self._connection.execute(query, (run,)).fetchall())

    def _retype(self, run: int, path: int, before: int | None, after: int | None) -> None:
        """Take note that a row is written over, or deleted where `after` is None."""
        self.counts.change(path, before, after)
        if before == _STRING_SET:
            self._connection.execute("DELETE FROM member WHERE run = ? AND path = ?", (run, path))
        if after is None and run in self._new_runs:
            del self._new_runs[run][path]

    def _value_row(self, value: Value) -> AttributeRow:
        raw = sorted(value.value) if value.type is AttributeType.STRING_SET else value.value
        source = self._catalogue.runs[value.source_run].id
        return single_row(value.type, value.value, raw, source=source, time=value.time)

    def _derived(self, run_id: str) -> dict[str, Value]:
        catalogue = self._catalogue
        entry = catalogue.runs[run_id]
        rows = self._connection.execute("SELECT created, last_time FROM journal WHERE run = ?", (entry.id,))
        spans = list(rows)
        last_time = max(0, *(last for _, last in spans))
        running = running_seconds(spans)
        found = derived_values(
            catalogue.nodes[run_id],
            entry.origin,
            catalogue.nodes,
            is_head=entry.is_head,
            last_time=last_time,
            running_seconds=running,
            state=entry.state,
        )
        conflicts = self._edits.conflicts(entry.id)
        if conflicts:
            found[_CONFLICTS] = Value(AttributeType.INT, conflicts, run_id, last_time)
        return found

    # Adding to what is there

    def states(self, run: int, paths: Sequence[int]) -> tuple[dict[int, SeriesState], Floats]:
        """Return what the table holds at some paths of a run, by path, and the summaries of all `paths`, row by row."""
        held = summaries.empty_summaries(len(paths))
        if self._new_runs.get(run) == {}:
            return {}, held
        if len(paths) < _MANY_PATHS:
            where, parameters = f"path IN ({', '.join('?' * len(paths))})", [run, *paths]
        else:
            where, parameters = "path BETWEEN ? AND ?", [run, min(paths), max(paths)]
        columns = "type, clock_axis, count, first_step, last_step, finite, minimum, maximum, mean, squares, nan, positive, negative"
        query = f"SELECT path, {columns} FROM attribute WHERE run = ? AND {where}"  # noqa: S608
        rows = self._connection.execute(query, parameters)
        places = {path: place for place, path in enumerate(paths)}
        found = {}
        numbers, chosen = [], []
        for path, kind, clock_axis, count, first, last, *rest in rows:
            if path not in places:
                continue
            if count is None:
                found[path] = SeriesState(None, clock_axis=False, first_step=-1, last_step=-1, count=0)
                continue
            steps = (-1, -1) if first is None else (first, last)
            found[path] = SeriesState(TYPES[kind], bool(clock_axis), steps[0], steps[1], count)
            numbers.append((count, *rest))
            chosen.append(places[path])
        if chosen:
            held[chosen] = summary_rows(np.array(numbers, np.float64))
        return found, held

    def add_to_series(
        self, run: int, kind: AttributeType, changes: Sequence[SeriesChange], numbers: Floats, *, clock_axis: bool
    ) -> None:
        """Write series that points were added to, each with its row of summaries."""
        number = TYPE_NUMBERS[kind]
        new = [change.path for change in changes if change.is_new]
        self.counts.add((path, number) for path in new)
        if run in self._new_runs:
            self._new_runs[run] |= dict.fromkeys(new, number)
        whole, statistics = [], []
        for change, row in zip(changes, numbers.tolist(), strict=True):
            columns = statistics_columns(row, change.first_step, change.last_step)
            if change.is_last:
                value = coded(kind, change.last, change.last)
                whole.append((run, change.path, number, *value, run, change.time, clock_axis, *columns))
            else:
                statistics.append((*columns, run, change.path))
        self._connection.executemany(_UPSERT.format("attribute"), whole)
        if not statistics:
            return
        self._connection.executemany(
            "UPDATE attribute SET count = ?, first_step = ?, last_step = ?, finite = ?, minimum = ?, maximum = ?, mean = ?,"
            " squares = ?, nan = ?, positive = ?, negative = ? WHERE run = ? AND path = ?",
            statistics,
        )


_MANY_PATHS = 200


class SeriesChange(NamedTuple):
    """A series that points were added to; `last` and `time` are those of the added ones, `is_last` says whether they count.

    `is_new` says that the table held nothing at its path.
    """

    path: int
    is_new: bool
    first_step: int
    last_step: int
    last: Any
    time: int
    is_last: bool
