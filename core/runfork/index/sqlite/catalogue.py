"""Runs, paths and what each run logged to each path, held in memory as long as the file says the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runfork.index.edits import EditKey, families_left_out
from runfork.index.sqlite.run_entries import RUN_COLUMNS, SAVE_RUN, RunEntry, run_entry, run_row, storable
from runfork.index.sqlite.schema import SCHEMA_VERSION, TYPE_NUMBERS, TYPES, StaleIndexError
from runfork.model.attributes import AttributeType
from runfork.model.lineage import RunNode, Snapshot, children_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from runfork.index.edits import Edit

__all__ = ["Catalogue", "Own", "standing"]

_CACHED_VALUES = 50_000
"""So much of what runs logged is remembered; beyond that it is read again."""


@dataclass(slots=True)
class Own:
    """What a run logged to one path as one type: its number (of the series), its first value's place, its lowest step."""

    id: int
    type: AttributeType
    first: EditKey
    clock_axis: bool
    lowest: int


class Catalogue:
    """What is known of runs and paths. `synchronise` brings it up to date at the beginning of every transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """Forget everything, after a transaction that did not come to its end."""
        self._data_version = -1
        self._runs_version = -1
        self.runs: dict[str, RunEntry] = {}
        self.names: dict[int, str] = {}
        self.nodes: dict[str, RunNode] = {}
        self.children: dict[str, list[str]] = {}
        self.paths: dict[str, int] = {}
        self.path_names: dict[int, str] = {}
        self._writers: dict[int, str] = {}
        self._journals: dict[tuple[int, str], int] = {}
        self._own: dict[int, dict[int, dict[AttributeType, Own]]] = {}
        self._own_count = 0
        self._next_own = 0
        self._starts: set[tuple[int, str]] = set()
        self._unsaved: dict[int, tuple[Any, ...]] = {}
        self._unsaved_runs: dict[int, RunEntry] = {}
        self._unsaved_paths: list[tuple[int, str]] = []

    def synchronise(self) -> bool:
        """Take in what other processes changed; return whether they changed anything."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._data_version:
            return False
        (schema_version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if schema_version != SCHEMA_VERSION:
            raise StaleIndexError(
                f"another version of runfork made this index anew (version {schema_version}); open it again"
            )
        self._own.clear()
        self._next_own = 0
        self._load_paths()
        (runs_version,) = self._connection.execute("SELECT runs FROM change").fetchone()
        if runs_version != self._runs_version:
            self._load_runs()
            self._runs_version = runs_version
        self._data_version = version
        return True

    # Paths

    def _load_paths(self) -> None:
        known = max(self.path_names, default=0)
        for number, path in self._connection.execute("SELECT id, path FROM path WHERE id > ?", (known,)):
            self.paths[path] = number
            self.path_names[number] = path

    def path_id(self, path: str) -> int:
        """Return a path's number, a new one if need be."""
        known = self.paths.get(path) or self.paths.get(path := storable(path))
        if known is not None:
            return known
        number = len(self.paths) + 1
        self._unsaved_paths.append((number, path))
        self.paths[path] = number
        self.path_names[number] = path
        return number

    # Runs

    def _load_runs(self) -> None:
        rows = self._connection.execute(
            f"SELECT id, {RUN_COLUMNS} FROM run"  # noqa: S608
        )
        self.runs = {entry.run_id: entry for entry in map(run_entry, rows)}
        self._writers.clear()  # numbers of journals that were removed are given to others
        self._journals.clear()
        self.names = {entry.id: entry.run_id for entry in self.runs.values()}
        self.nodes = {entry.run_id: entry.node() for entry in self.runs.values()}
        self.children = children_of(self.nodes.values())

    def save_run(self, entry: RunEntry) -> None:
        """Take note of a run as it is now; `flush` stores it."""
        self._unsaved_runs[entry.id] = entry
        before = self.nodes.get(entry.run_id)
        self.runs[entry.run_id] = entry
        self.names[entry.id] = entry.run_id
        self.nodes[entry.run_id] = entry.node()
        self._move_child(entry.run_id, before.fork.parent if before and before.fork else None, entry.origin.parent)

    def add_run(self, entry: RunEntry) -> None:
        """Take note of a run that is new: it has logged nothing yet."""
        self.save_run(entry)
        self._keep_own(entry.id, {})

    def _move_child(self, run_id: str, before: str | None, after: str | None) -> None:
        if before == after:
            return
        if before is not None:
            self.children[before].remove(run_id)
        if after is not None:
            self.children.setdefault(after, []).append(run_id)

    def new_run_number(self) -> int:
        """Return the number of the next run."""
        return max(self.names, default=0) + 1

    def descendants(self, run_id: str) -> Iterator[str]:
        """Yield every run below `run_id` once, parents before children."""
        seen = {run_id}
        waiting = [run_id]
        while waiting:
            for child in self.children.get(waiting.pop(), ()):
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
                    yield child

    # Journals

    def add_journal(self, number: int, run: int, writer: str) -> None:
        """Take note of a journal's number."""
        self._writers[number] = writer
        self._journals[run, writer] = number

    def writer(self, journal: int) -> str:
        """Return the writer of a journal."""
        if journal not in self._writers:
            run, writer = self._connection.execute(
                "SELECT run, writer FROM journal WHERE id = ?", (journal,)
            ).fetchone()
            self.add_journal(journal, run, writer)
        return self._writers[journal]

    def journal(self, run: int, writer: str) -> int:
        """Return the number of a journal."""
        if (run, writer) not in self._journals:
            query = "SELECT id FROM journal WHERE run = ? AND writer = ?"
            (number,) = self._connection.execute(query, (run, writer)).fetchone()
            self.add_journal(number, run, writer)
        return self._journals[run, writer]

    # What runs logged

    def own_values(self, run: int) -> dict[int, dict[AttributeType, Own]]:
        """Return all that a run logged, by path and type."""
        if run not in self._own:
            self.flush()
            found: dict[int, dict[AttributeType, Own]] = defaultdict(dict)
            for path, own in self._own_rows("run = ?", (run,)):
                found[path][own.type] = own
            self._keep_own(run, dict(found))
        return self._own[run]

    def _keep_own(self, run: int, found: dict[int, dict[AttributeType, Own]]) -> None:
        if self._own_count > _CACHED_VALUES:
            self._own.clear()
            self._own_count = 0
        self._own[run] = found
        self._own_count += len(found)

    def own_value(self, run: int, path: int) -> dict[AttributeType, Own]:
        """Return what a run logged to one path, by type."""
        if run in self._own:
            return self._own[run].get(path, {})
        return {own.type: own for _, own in self._own_rows("run = ? AND path = ?", (run, path))}

    def _own_rows(self, where: str, parameters: tuple[Any, ...]) -> Iterable[tuple[int, Own]]:
        rows = self._connection.execute(
            f"SELECT path, id, type, order_time, journal, position, clock_axis, lowest FROM own WHERE {where}",  # noqa: S608
            parameters,
        )
        for path, number, kind, order_time, journal, position, clock_axis, lowest in rows:
            first = EditKey(order_time, self.writer(journal), position)
            yield path, Own(number, TYPES[kind], first, bool(clock_axis), lowest)

    def type_conflicts(self, run: int) -> int:
        """Return how many pairs of path and family are left out, since the path is of another."""
        if run in self._own:
            return sum(families_left_out(kinds) for kinds in self._own[run].values() if len(kinds) > 1)
        self.flush()
        return int(self._connection.execute(_CONFLICTS, (run,)).fetchone()[0])

    def note_own(
        self, run: int, path: int, kind: AttributeType, first: EditKey, *, clock_axis: bool, lowest: int
    ) -> tuple[Own, bool]:
        """Note that a run logged values of one type to a path, the first of them at `first`, the lowest step `lowest`.

        Returns:
            What is known now, and whether the path's family or its axis is another than before (a first value does not count).
        """
        kinds = self.own_values(run).setdefault(path, {})
        own = kinds.get(kind)
        if own is not None and own.first <= first and own.lowest <= lowest:
            return own, False
        before = _standing(kinds) if kinds else None
        if own is None:
            own = kinds[kind] = Own(self._new_own_number(), kind, first, clock_axis, lowest)
            self._own_count += 1
        else:
            if first < own.first:
                own.first, own.clock_axis = first, clock_axis
            own.lowest = min(own.lowest, lowest)
        place = (own.first.order_time, self.journal(run, own.first.writer), own.first.offset)
        self._unsaved[own.id] = (run, path, TYPE_NUMBERS[kind], own.id, *place, own.clock_axis, own.lowest)
        return own, before is not None and before != _standing(kinds)

    def is_started(self, own: Own, writer: str) -> bool:
        """Return whether it is known where a series begins in a writer's journal."""
        return own.first.writer == writer or (own.id, writer) in self._starts

    def note_start(self, run: int, path: int, kind: AttributeType, first: EditKey) -> bool:
        """Note where a series begins in a journal, if it has points in others; return whether that is news."""
        own = self.own_value(run, path).get(kind)
        if own is None or self.is_started(own, first.writer):
            return False
        for one in (own.first, first):
            row = (run, own.id, self.journal(run, one.writer), one.order_time, one.offset)
            self._connection.execute("INSERT OR IGNORE INTO start VALUES (?, ?, ?, ?, ?)", row)
            self._starts.add((own.id, one.writer))
        return True

    def was_there(self, run: int, own: Own, snapshot: Snapshot) -> bool:
        """Return whether a snapshot of a run's journals holds a point of a series."""
        if snapshot.holds(own.first):
            return True
        query = "SELECT order_time, journal, position FROM start WHERE run = ? AND series = ?"
        rows = self._connection.execute(query, (run, own.id)).fetchall()
        return any(snapshot.holds((order_time, self.writer(journal), place)) for order_time, journal, place in rows)

    def note_new_values(self, run: int, edits: Iterable[tuple[int, Edit]]) -> Iterator[tuple[int, Edit]]:
        """Note single values at paths to which a run logged nothing before; yield the others as they are."""
        values, unsaved = self.own_values(run), self._unsaved
        for path, edit in edits:
            if path in values:
                yield path, edit
                continue
            key, kind, number = edit.key, edit.type, self._new_own_number()
            values[path] = {kind: Own(number, kind, key, clock_axis=False, lowest=0)}
            place = key.order_time, self.journal(run, key.writer), key.offset
            unsaved[number] = (run, path, TYPE_NUMBERS[kind], number, *place, False, 0)
            self._own_count += 1

    def note_new_series(
        self, run: int, paths: Iterable[int], kind: AttributeType, first: EditKey, *, clock_axis: bool, lowest: int
    ) -> list[int]:
        """Note series at paths to which a run logged nothing before; return those paths."""
        values, unsaved = self.own_values(run), self._unsaved
        place = first.order_time, self.journal(run, first.writer), first.offset
        found = list(dict.fromkeys(path for path in paths if path not in values))
        for path in found:
            number = self._new_own_number()
            values[path] = {kind: Own(number, kind, first, clock_axis, lowest)}
            unsaved[number] = (run, path, TYPE_NUMBERS[kind], number, *place, clock_axis, lowest)
        self._own_count += len(found)
        return found

    def flush(self) -> None:
        """Store what was noted; to be called before others read the tables, and before the transaction ends."""
        if self._unsaved_paths:
            self._connection.executemany("INSERT INTO path VALUES (?, ?)", self._unsaved_paths)
            self._unsaved_paths.clear()
        if self._unsaved_runs:
            self._connection.executemany(SAVE_RUN, map(run_row, self._unsaved_runs.values()))
            self._connection.execute("UPDATE change SET runs = runs + 1")
            self._runs_version += 1
            self._unsaved_runs.clear()
        if self._unsaved:
            self._connection.executemany(
                "INSERT INTO own VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " order_time = excluded.order_time, journal = excluded.journal, position = excluded.position,"
                " clock_axis = excluded.clock_axis, lowest = excluded.lowest",
                list(self._unsaved.values()),
            )
            if self._next_own:  # else none of them is new
                self._connection.execute("UPDATE change SET own = ?", (self._next_own,))
            self._unsaved.clear()

    def _new_own_number(self) -> int:
        if not self._next_own:
            (self._next_own,) = self._connection.execute("SELECT own FROM change").fetchone()
        self._next_own += 1
        return self._next_own - 1


def standing(kinds: Mapping[AttributeType, Own]) -> Own:
    """Return, of what a run logged to a path, that of the type whose family stands: the one logged first that is not None."""
    if len(kinds) == 1:
        return next(iter(kinds.values()))
    return min(kinds.values(), key=lambda own: (own.type is AttributeType.NONE, own.first))


def _standing(kinds: dict[AttributeType, Own]) -> tuple[str, bool]:
    own = standing(kinds)
    return own.type.family, own.clock_axis


_INT, _FLOAT, _NONE = (TYPE_NUMBERS[kind] for kind in (AttributeType.INT, AttributeType.FLOAT, AttributeType.NONE))
_CONFLICTS = f"""
SELECT count(*) - count(DISTINCT path) FROM (
    SELECT DISTINCT path, CASE type WHEN {_INT} THEN {_FLOAT} ELSE type END FROM own WHERE run = ? AND type <> {_NONE}
)
"""  # noqa: S608
