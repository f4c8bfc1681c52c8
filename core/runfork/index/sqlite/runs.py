"""Runs and paths, held in memory as long as the file says the same; and marks on what has changed of them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.index.interface import StaleIndexError
from runfork.index.rules.origins import Origin, RecordedMark, derived_values, fork_of, running_seconds
from runfork.index.sqlite.schema import SCHEMA_VERSION
from runfork.model.lineage import RunNode, Snapshot, children_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from runfork.index.interface import RunsQuery
    from runfork.model.attributes import Value

_COLUMNS = (
    "run_id, created, experiment_name, born, inherit_configs, parent, step, mark, snapshot, mark_time, mark_cuts,"
    " mark_snapshot, inherited_time, is_archived, is_head, state, has_points, is_empty"
)
_SAVE = f"INSERT OR REPLACE INTO run (id, {_COLUMNS}) VALUES ({', '.join(['?'] * 19)})"  # noqa: S608
_WHOLE = Snapshot()
_WHOLE_TEXT = json.dumps([{}, _WHOLE.others])


def storable(text: str) -> str:
    """Return text that SQLite can hold: lone surrogates become question marks."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


class RunEntry(NamedTuple):
    """A run in the index.

    Args:
        id: Its number in the tables.
        run_id: Its id.
        origin: What its journals say of its beginning.
        created: When it counts as created: after its parent.
        mark: The mark that it was forked from, if its parent has it.
        inherited_time: The largest time of the step-axis metric points that it inherits, or None.
        is_archived: Whether it is archived.
        is_head: Whether it is the head of its experiment.
        state: What `set_states` was given.
        has_points: Whether it has a point on a step axis.
    """

    id: int
    run_id: str
    origin: Origin
    created: int
    mark: RecordedMark | None = None
    inherited_time: int | None = None
    is_archived: bool = False
    is_head: bool = False
    state: str | None = None
    has_points: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it has no point on a step axis, and is not known to run."""
        return not self.has_points and self.state != "running"

    def node(self) -> RunNode:
        """Return the run as lineage sees it."""
        fork = fork_of(self.origin, self.mark, self.inherited_time)
        name = self.origin.experiment_name
        born = self.origin.created
        return RunNode(self.run_id, self.created, name, fork, self.is_archived, is_empty=self.is_empty, born=born)


class RunTable:
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
        self._last_number = 0
        self._unsaved: dict[int, RunEntry] = {}
        self._unsaved_paths: list[tuple[int, str]] = []
        self._ranks: dict[int, int] | None = None

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

    def path_ids(self, paths: Iterable[str]) -> list[int]:
        """Return the numbers of paths, new ones if need be."""
        held = tuple(paths)
        try:
            return [*map(self.paths.__getitem__, held)]
        except KeyError:
            return [*map(self.path_id, held)]

    # Runs

    def _load_runs(self) -> None:
        rows = self._connection.execute(f"SELECT id, {_COLUMNS} FROM run")  # noqa: S608
        self.runs = {entry.run_id: entry for entry in map(_entry, rows)}
        self.names = {entry.id: entry.run_id for entry in self.runs.values()}
        self._last_number = max(self.names, default=0)
        self.nodes = {entry.run_id: entry.node() for entry in self.runs.values()}
        self.children = children_of(self.nodes.values())
        self._ranks = None

    def save(self, entry: RunEntry) -> None:
        """Take note of a run as it is now; `flush` stores it."""
        self._ranks = None
        self._unsaved[entry.id] = entry
        before = self.nodes.get(entry.run_id)
        self.runs[entry.run_id] = entry
        self.names[entry.id] = entry.run_id
        self.nodes[entry.run_id] = entry.node()
        self._last_number = max(self._last_number, entry.id)
        self._move_child(entry.run_id, before.fork.parent if before and before.fork else None, entry.origin.parent)

    def _move_child(self, run_id: str, before: str | None, after: str | None) -> None:
        if before == after:
            return
        if before is not None:
            self.children[before].remove(run_id)
        if after is not None:
            self.children.setdefault(after, []).append(run_id)

    @property
    def ranks(self) -> dict[int, int]:
        """The numbers of all runs in their order, the one created last first, each with its place."""
        if self._ranks is None:
            ordered = sorted(self.runs.values(), key=lambda entry: (-entry.created, entry.run_id))
            self._ranks = {entry.id: rank for rank, entry in enumerate(ordered)}
        return self._ranks

    def listed(self, query: RunsQuery) -> list[int]:
        """Return the numbers of the runs that a query without filter and sort is about, the one created last first."""
        runs = self.runs
        entries = (
            runs.values() if query.run_ids is None else [runs[run_id] for run_id in query.run_ids if run_id in runs]
        )
        chosen = {
            entry.id
            for entry in entries
            if (entry.is_head or not query.heads_only) and (query.include_archived or not entry.is_archived)
        }
        return [number for number in self.ranks if number in chosen]

    def new_number(self) -> int:
        """Return the number of the next run."""
        return self._last_number + 1

    def derived(self, run_id: str, spans: Sequence[tuple[int, int]]) -> dict[str, Value]:
        """Return what follows from the rest of a run.

        Args:
            run_id: The run.
            spans: When each of its journals was created, and when the last of its frames was written.
        """
        entry = self.runs[run_id]
        return derived_values(
            self.nodes[run_id],
            entry.origin,
            self.nodes,
            is_head=entry.is_head,
            last_time=max(0, *(last for _, last in spans)),
            running_seconds=running_seconds(spans),
            state=entry.state,
        )

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

    def flush(self) -> None:
        """Store what was noted; to be called before others read the tables, and before the transaction ends."""
        if self._unsaved_paths:
            self._connection.executemany("INSERT INTO path VALUES (?, ?)", self._unsaved_paths)
            self._unsaved_paths.clear()
        if self._unsaved:
            self._connection.executemany(_SAVE, map(_row, self._unsaved.values()))
            self._connection.execute("UPDATE change SET runs = runs + 1")
            self._runs_version += 1
            self._unsaved.clear()


def snapshot_text(snapshot: Snapshot) -> str:
    """Return a snapshot as tables hold it."""
    return _WHOLE_TEXT if snapshot == _WHOLE else json.dumps([dict(snapshot.sizes), snapshot.others])


def read_snapshot(text: str) -> Snapshot:
    """Return a snapshot that a table holds."""
    return _WHOLE if text == _WHOLE_TEXT else Snapshot(*json.loads(text))


def _row(entry: RunEntry) -> tuple[Any, ...]:
    origin, mark = entry.origin, entry.mark
    return (
        entry.id,
        entry.run_id,
        entry.created,
        None if origin.experiment_name is None else storable(origin.experiment_name),
        origin.created,
        origin.inherit_configs,
        origin.parent,
        origin.step,
        origin.mark,
        snapshot_text(origin.snapshot),
        mark.time if mark else None,
        json.dumps(dict(mark.cuts)) if mark else None,
        snapshot_text(mark.snapshot) if mark else None,
        entry.inherited_time,
        entry.is_archived,
        entry.is_head,
        entry.state,
        entry.has_points,
        entry.is_empty,
    )


def _entry(row: tuple[Any, ...]) -> RunEntry:
    number, run_id, created, name, born, inherit_configs, parent, step, mark_id, snapshot, *rest = row
    mark_time, mark_cuts, mark_snapshot, time, is_archived, is_head, state, has_points, _ = rest
    origin = Origin(born, name, bool(inherit_configs), parent, step, mark_id, read_snapshot(snapshot))
    mark = None if mark_time is None else RecordedMark(mark_time, json.loads(mark_cuts), read_snapshot(mark_snapshot))
    return RunEntry(
        number, run_id, origin, created, mark, time, bool(is_archived), bool(is_head), state, bool(has_points)
    )


class Stale:
    """Marks on what changed since everything was worked out last."""

    def __init__(self) -> None:
        self.runs: set[str] = set()
        """Runs whose place in the lineage is another, always with all below them."""
        self.paths: dict[str, set[int]] = defaultdict(set)
        """Paths of runs; a run without any stands for its derived attributes."""
        self.names: set[str] = set()
        """Experiments whose head may be another."""
        self.taken: set[str] = set()
        """Runs of which batches were taken in: from their records alone, the other marks could be made again."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.runs or self.paths or self.names)

    def marked(self) -> set[str]:
        """Return the runs of which something is to be worked out."""
        return self.runs | self.paths.keys()

    def forget(self, run_id: str) -> None:
        """Take the marks off a run."""
        self.runs.discard(run_id)
        self.paths.pop(run_id, None)

    def clear(self) -> None:
        """Take all marks off."""
        for marks in (self.runs, self.paths, self.names, self.taken):
            marks.clear()
