"""Settling: working out what batches marked, many of them at once, before anybody may look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.index.sqlite.ancestry import Ancestry
from runfork.index.sqlite.attributes import AttributeTable
from runfork.index.sqlite.dirty import Dirty, parents_first
from runfork.index.sqlite.edit_table import EditTable
from runfork.model.lineage import ancestors

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from runfork.index.sqlite.catalogue import Catalogue
    from runfork.index.sqlite.series_reader import SeriesReader

__all__ = ["Settlement"]

_LARGE = 128
"""Runs that are worked out together at most: what is remembered of each until then stays small."""


class Settlement:
    """What has been marked in a transaction, and how it is worked out: parents first, for what a run has follows from them.

    However many batches of a transaction mark a run, it is worked out once, unless a child asks for it before.
    """

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue, reader: SeriesReader) -> None:
        self._catalogue = catalogue
        self._reader = reader
        self.dirty = Dirty()
        self.edits = EditTable(connection, catalogue)
        self.attributes = AttributeTable(connection, catalogue, self.edits, reader)
        self.ancestry = Ancestry(connection, catalogue, reader.codec, self.dirty)
        self._kept: set[str] = set()
        self._is_lost = False

    @property
    def is_large(self) -> bool:
        """Whether so much is marked that it had better be worked out now."""
        return len(self.dirty.paths) >= _LARGE

    def keep(self) -> None:
        """Take note that what was marked so far stays in the transaction."""
        self._kept |= self.dirty.taken
        self.dirty.taken.clear()
        self.attributes.counts.keep()

    def undo(self) -> None:
        """Take note that what was marked since `keep` was undone; the marks before it are made again when they are needed."""
        counts = self.attributes.counts
        counts.drop()
        self._forget()
        self._is_lost = True

    def abandon(self) -> None:
        """Forget everything: the transaction was undone."""
        self.attributes.counts.forget()
        self._forget()
        self._kept.clear()
        self._is_lost = False

    def settle(self) -> None:
        """Work out all that is marked."""
        self.recover()
        if self.dirty:
            self._place(self.dirty.marked())
            self.ancestry.elect()
            self._work_out(self.dirty.marked())
            self._catalogue.flush()
            self.attributes.counts.flush()
        self._forget()
        self._kept.clear()

    def settle_line(self, run_id: str) -> None:
        """Work out what is marked of a run and of those it descends from."""
        line = self.dirty.marked().intersection(ancestors(run_id, self._catalogue.nodes))
        self._place(line)
        self._work_out(line)

    def recover(self) -> None:
        """Make marks again that were lost when a batch failed: all of the runs whose batches stay, and of all below them."""
        if not self._is_lost:
            return
        self._is_lost = False
        catalogue = self._catalogue
        for run_id in self._kept:
            self.ancestry.change_defaults(run_id)
            self.ancestry.change_origin(run_id)
        for run_id in self.dirty.runs:
            self.dirty.paths[run_id].update(catalogue.own_values(catalogue.runs[run_id].id))
        names = (entry.origin.experiment_name for entry in catalogue.runs.values())
        self.dirty.names.update(name for name in names if name is not None)

    def _place(self, marked: Collection[str]) -> None:
        for run_id in parents_first(self.dirty.runs.intersection(marked), self._catalogue.nodes):
            self.ancestry.place(run_id)
        self._catalogue.flush()

    def _work_out(self, marked: Collection[str]) -> None:
        self._catalogue.flush()
        with self._reader.keeping_tails():
            for run_id in parents_first(marked, self._catalogue.nodes):
                paths = self.dirty.paths.get(run_id, set())
                if run_id in self.dirty.runs:
                    self.attributes.refresh_all(run_id, paths)
                else:
                    self.attributes.refresh(run_id, paths)
                self.dirty.forget(run_id)

    def _forget(self) -> None:
        self.dirty.clear()
        self.edits.forget()
        self.attributes.forget()
