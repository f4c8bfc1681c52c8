"""Edits of single values in their table; those of the batch that is being applied need not be read back."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import TYPE_CHECKING, Any

from runfork.index.edits import Edit, EditKey, Replacement, families_left_out, newest_replacement
from runfork.index.sqlite.catalogue import Own, standing
from runfork.index.sqlite.run_entries import storable
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from runfork.index.sqlite.catalogue import Catalogue
    from runfork.model.attributes import AttributeType
    from runfork.model.lineage import Snapshot

__all__ = ["EditTable"]

_COLUMNS = "order_time, journal, position, time, type, value, replaces"

_LATE_PATHS = """
SELECT DISTINCT edit.path FROM edit JOIN journal ON journal.id = edit.journal
LEFT JOIN json_each(?) AS held ON held.key = journal.writer
WHERE edit.run = ? AND CASE WHEN held.value IS NULL THEN edit.order_time > ? ELSE edit.position >= held.value END
"""
_MANY_PATHS = 20


class EditTable:
    """Reads and writes edits, within the caller's transaction. What it remembers holds for one transaction."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self.forget()

    def forget(self) -> None:
        """Forget what is remembered: the transaction ends."""
        self._known: dict[int, dict[int, list[Edit]]] = {}
        self._loaded: set[int] = set()
        self._replacements: dict[int, list[Replacement]] = {}

    def add(self, run: int, journal: int, edits: Sequence[tuple[int, Edit]], first: set[int]) -> None:
        """Store edits by path; `first` holds the paths to which the run logged nothing before this batch."""
        known = self._known.setdefault(run, {})
        is_loaded = run in self._loaded
        for path, edit in edits:
            if path in known:
                known[path].append(edit)
            elif path in first or is_loaded:
                known[path] = [edit]
        rows = [
            (run, path, journal, key.offset, key.order_time, time, TYPE_NUMBERS[kind], replaces, _encoded(value))
            for path, (key, time, kind, value, replaces) in edits
        ]
        self._connection.executemany("INSERT INTO edit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def add_replacements(self, run: int, journal: int, replacements: Sequence[Replacement]) -> None:
        """Store which namespaces were replaced."""
        self._replacements.pop(run, None)
        rows = [(run, storable(space), journal, key.offset, key.order_time) for key, space in replacements]
        self._connection.executemany("INSERT INTO replacement VALUES (?, ?, ?, ?, ?)", rows)

    def replacements(self, run: int, snapshot: Snapshot | None = None) -> list[Replacement]:
        """Return which namespaces a run replaced, as far as `snapshot` holds if it is given."""
        found = self._replacements.get(run)
        if found is None:
            query = "SELECT order_time, journal, position, namespace FROM replacement WHERE run = ?"
            found = self._replacements[run] = [
                Replacement(EditKey(order_time, self._catalogue.writer(journal), position), space)
                for order_time, journal, position, space in self._connection.execute(query, (run,)).fetchall()
            ]
        return found if snapshot is None else [one for one in found if snapshot.holds(one.key)]

    def replaced(self, run: int, path: int, snapshot: Snapshot | None = None) -> EditKey | None:
        """Return the place of the last replacement of a namespace that a path is below, as far as `snapshot` holds."""
        found = self.replacements(run, snapshot)
        return newest_replacement(found, self._catalogue.path_names[path]) if found else None

    def standing(
        self, run: int, path: int, kinds: Mapping[AttributeType, Own], snapshot: Snapshot | None = None
    ) -> Own | None:
        """Return, of what a run logged to a path, that of the type that stands; values that were replaced do not count.

        Args:
            run: The run.
            path: The path.
            kinds: What it logged there, by type; at least one.
            snapshot: Which replacements count; None is all of them.
        """
        own = standing(kinds)
        replaced = None if own.type.is_series else self.replaced(run, path, snapshot)
        if replaced is None or own.first >= replaced:
            return own
        found = {kind: one for kind, one in kinds.items() if kind.is_series}
        for edit in self._all_edits(run, path):
            if edit.key >= replaced and edit.type not in found:
                found[edit.type] = Own(kinds[edit.type].id, edit.type, edit.key, clock_axis=False, lowest=0)
        return standing(found) if found else None

    def conflicts(self, run: int) -> int:
        """Return how many pairs of path and family are left out in a run, since the path is of another."""
        found = self._catalogue.type_conflicts(run)
        if not found or not self.replacements(run):
            return found
        for path, kinds in self._catalogue.own_values(run).items():
            replaced = self.replaced(run, path) if len(kinds) > 1 else None
            if replaced is not None:
                left = {kind for kind in kinds if kind.is_series} | {edit.type for edit in self.edits(run, path)}
                found += families_left_out(left) - families_left_out(kinds)
        return found

    def load(self, run: int, paths: Collection[int]) -> None:
        """Read all edits of a run at once, if many of those at `paths` are to be read."""
        known = self._known.get(run, {})
        if run in self._loaded or sum(path not in known for path in paths) < _MANY_PATHS:
            return
        found: dict[int, list[Edit]] = {}
        for path, *row in self._connection.execute(f"SELECT path, {_COLUMNS} FROM edit WHERE run = ?", (run,)):  # noqa: S608
            found.setdefault(path, []).append(self._edit(row))
        self._known[run] = found
        self._loaded.add(run)

    def edits(self, run: int, path: int, snapshot: Snapshot | None = None) -> list[Edit]:
        """Return a run's edits of a path, in order: those that `snapshot` holds, and that were not replaced since in it."""
        found = self._all_edits(run, path)
        if snapshot is not None:
            found = [edit for edit in found if snapshot.holds(edit.key)]
        replaced = self.replaced(run, path, snapshot)
        return found if replaced is None else [edit for edit in found if edit.key >= replaced]

    def _all_edits(self, run: int, path: int) -> list[Edit]:
        found = self._known.get(run, {}).get(path)
        if found is None:
            if run in self._loaded:
                return []
            query = f"SELECT {_COLUMNS} FROM edit WHERE run = ? AND path = ?"  # noqa: S608
            found = [self._edit(row) for row in self._connection.execute(query, (run, path))]
        return sorted(found, key=_by_key) if len(found) > 1 else found

    def late_paths(self, run: int, snapshot: Snapshot) -> set[int]:
        """Return the paths that a run edited after what a snapshot holds."""
        sizes = json.dumps(dict(snapshot.sizes))
        rows = self._connection.execute(_LATE_PATHS, (sizes, run, snapshot.others))
        return {path for (path,) in rows}

    def _edit(self, row: Sequence[Any]) -> Edit:
        order_time, journal, position, time, kind, value, replaces = row
        key = EditKey(order_time, self._catalogue.writer(journal), position)
        return Edit(key, time, TYPES[kind], json.loads(value), bool(replaces))


def _encoded(value: Any) -> str:
    """Return the JSON of a value: most are numbers and texts, for which `json.dumps` takes three times as long."""
    if type(value) is str:
        return encode_basestring_ascii(value)
    if type(value) is int or (type(value) is float and isfinite(value)):
        return repr(value)
    return json.dumps(value)


def _by_key(edit: Edit) -> EditKey:
    return edit.key
