"""What must be worked out anew before anybody may look, and working it out: parents first, for what a run has follows from them."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runfork.model.lineage import ancestors

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping

    from runfork.index.sqlite.inheritance.attributes import Attributes
    from runfork.index.sqlite.inheritance.forks import Forks
    from runfork.index.sqlite.plain_runs import PlainRuns
    from runfork.index.sqlite.tables import Tables
    from runfork.model.lineage import RunNode

_LARGE = 512
"""Runs that are worked out together at most: what is remembered of each until then stays small."""
_CHOSEN = "IN (SELECT value FROM json_each(?))"
_OF_STREAMS = ("tail", "row_group")
_OF_RUNS = ("stream", "record", "preview", "mark", "journal")


class Updates:
    """What has been marked in a transaction, and how it is worked out.

    However many batches of a transaction mark a run, it is worked out once, unless a child asks for it before.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._runs = tables.runs
        self.stale = tables.stale
        self._plain: PlainRuns | None = None
        self._kept: set[str] = set()
        self._is_lost = False

    # Imported where something is worked out: most processes only read values

    @cached_property
    def attributes(self) -> Attributes:
        """What works out values."""
        from runfork.index.sqlite.inheritance.attributes import Attributes

        return Attributes(self._tables)

    @cached_property
    def forks(self) -> Forks:
        """What works out lineage."""
        from runfork.index.sqlite.inheritance.forks import Forks

        return Forks(self._tables)

    @property
    def plain(self) -> PlainRuns:
        """What takes in runs that are plain."""
        if self._plain is None:
            from runfork.index.sqlite.plain_runs import PlainRuns

            self._plain = PlainRuns(self._tables)
        return self._plain

    @property
    def noted(self) -> Collection[str]:
        """The plain runs that are noted and not stored yet."""
        return self._plain.noted if self._plain is not None else ()

    def noted_journals(self, runs: Collection[int] | None) -> Iterable[tuple[Any, ...]]:
        """Return what `runfork.index.sqlite.journals.read` says, of the same."""
        return self._plain.journals(runs) if self._plain is not None else ()

    @property
    def is_large(self) -> bool:
        """Whether so much is marked that it had better be worked out now."""
        return len(self.stale.paths) >= _LARGE or (self._plain is not None and self._plain.is_large)

    def keep(self) -> None:
        """Take note that what was marked so far stays in the transaction."""
        self._kept |= self.stale.taken
        self.stale.taken.clear()

    def undo(self) -> None:
        """Take note that what was marked since `keep` was undone; the marks before it are made again when they are needed."""
        self.forget()
        self._is_lost = True

    def abandon(self) -> None:
        """Forget everything: the transaction was undone."""
        self.forget()
        self._kept.clear()
        self._is_lost = False

    def forget(self) -> None:
        """Know nothing: only the file can tell."""
        self._tables.forget()
        if self._plain is not None:
            self._plain.forget()

    def flush(self) -> None:
        """Store what was noted."""
        self._flush_plain()
        self._runs.flush()
        self._tables.values.flush()

    def _flush_plain(self) -> None:
        if self._plain is not None:
            self._plain.flush()

    def store_notes(self) -> None:
        """Store what was noted and is to stay if what comes next is undone."""
        if self.noted:
            self.flush()
        self._runs.flush()

    def catch_up(self) -> None:
        """Work out all that is marked, and store it."""
        self.recover()
        if self.stale:
            self._place(self.stale.marked())
            self.forks.elect()
            self._flush_plain()  # which leave no marks
            self._work_out(self.stale.marked())
        self.flush()
        self._tables.trim()
        self.stale.clear()
        self._kept.clear()

    def catch_up_line(self, run_id: str) -> None:
        """Work out what is marked of a run and of those it descends from."""
        line = self.stale.marked().intersection(ancestors(run_id, self._runs.nodes))
        self._place(line)
        self._work_out(line)

    def recover(self) -> None:
        """Make marks again that were lost when a batch failed: all of the runs whose batches stay, and of all below them."""
        if not self._is_lost:
            return
        self._is_lost = False
        runs = self._runs
        for run_id in self._kept:
            self.forks.change_defaults(run_id)
            self.forks.change_origin(run_id)
        for run_id in self.stale.runs:
            self.stale.paths[run_id].update(self._tables.logs.of(runs.runs[run_id].id).paths())
        names = (entry.origin.experiment_name for entry in runs.runs.values())
        self.stale.names.update(name for name in names if name is not None)

    def remove(self, run_ids: Collection[str]) -> None:
        """Remove runs, as if none of their journals had ever been applied, and mark what runs below them see."""
        runs = self._runs
        gone = [runs.runs[run_id] for run_id in dict.fromkeys(run_ids) if run_id in runs.runs]
        if not gone:
            return
        self.catch_up()  # rows are then what the marks stood for
        below = {child for entry in gone for child in runs.children.get(entry.run_id, ())}
        self._tables.values.remove([entry.id for entry in gone])
        _delete(self._tables.connection, json.dumps([entry.id for entry in gone]))
        self.forget()
        self._tables.synchronise()
        self.stale.names.update(name for entry in gone if (name := entry.origin.experiment_name) is not None)
        for child in below & runs.runs.keys():
            self.stale.taken.add(child)
            self.forks.change_origin(child)

    def _place(self, marked: Collection[str]) -> None:
        for run_id in _parents_first(self.stale.runs.intersection(marked), self._runs.nodes):
            self.forks.place(run_id)

    def _work_out(self, marked: Collection[str]) -> None:
        with self._tables.reader.keeping_tails():
            for run_id in _parents_first(marked, self._runs.nodes):
                paths = self.stale.paths.get(run_id, set())
                self.attributes.refresh(run_id, paths, is_moved=run_id in self.stale.runs)
                self.stale.forget(run_id)


def _delete(connection: sqlite3.Connection, runs: str) -> None:
    """Delete the rows of runs, given by number, from every table."""
    from runfork.index.sqlite.points.writer import chunk_number

    found = connection.execute(f"SELECT id FROM stream WHERE run {_CHOSEN}", (runs,)).fetchall()  # noqa: S608
    streams = json.dumps([number for (number,) in found])
    for (group,) in connection.execute(f"SELECT id FROM row_group WHERE stream {_CHOSEN}", (streams,)).fetchall():  # noqa: S608
        chunks = chunk_number(group, 0), chunk_number(group + 1, 0) - 1
        connection.execute("DELETE FROM chunk WHERE id BETWEEN ? AND ?", chunks)
    for table in _OF_STREAMS:
        connection.execute(f"DELETE FROM {table} WHERE stream {_CHOSEN}", (streams,))  # noqa: S608
    for table in _OF_RUNS:
        connection.execute(f"DELETE FROM {table} WHERE run {_CHOSEN}", (runs,))  # noqa: S608
    connection.execute(f"DELETE FROM run WHERE id {_CHOSEN}", (runs,))  # noqa: S608
    connection.execute("UPDATE change SET runs = runs + 1")


def _parents_first(marked: Collection[str], nodes: Mapping[str, RunNode]) -> list[str]:
    """Return runs such that each comes after those of them that it descends from."""
    found: list[str] = []
    seen: set[str] = set()
    for run_id in marked:
        line = []
        current: str | None = run_id
        while current is not None and current in nodes and current not in seen:
            seen.add(current)
            line.append(current)
            fork = nodes[current].fork
            current = fork.parent if fork else None
        found += line[::-1]
    return [one for one in found if one in marked]
