"""Transactions: one for each question or batch, or one for many batches, each of which is in it as a whole or not at all.

What batches mark is caught up before a transaction is committed, and before a question is answered within it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runfork.index.sqlite.tables import Tables
    from runfork.index.sqlite.updating import Updates

LONGEST_SECONDS = 1.0
"""So long readers wait at most for what was applied together, beside the time that one batch takes."""


class Transactions:
    """Transactions on one connection. What is remembered is forgotten with a transaction that is undone."""

    def __init__(self, tables: Tables, updates: Updates) -> None:
        self._connection = tables.connection
        self._tables = tables
        self._updates = updates
        self._is_together = False
        self._has_begun = False
        self._began = 0.0

    @contextmanager
    def one(self, kind: str) -> Iterator[None]:
        """Read or write one state of the file: DEFERRED to read, RECORDS to read only what batches said, IMMEDIATE to write."""
        if self._has_begun and kind == "RECORDS":
            self._tables.synchronise()
            yield
        elif self._has_begun or (self._is_together and kind == "IMMEDIATE"):
            with self._part(is_to_read=kind == "DEFERRED"):
                yield
        else:
            with self._alone(kind):
                yield

    @contextmanager
    def _alone(self, kind: str) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE" if kind == "IMMEDIATE" else "BEGIN DEFERRED")
            self._tables.synchronise()
            yield
            self._updates.catch_up()
            self._connection.execute("COMMIT")
        except BaseException:  # an interrupt, too: a batch is taken in whole or not at all
            self._undo()
            raise

    @contextmanager
    def _part(self, *, is_to_read: bool) -> Iterator[None]:
        """Read or write as part of a transaction. What was taken in before stays if this part fails."""
        self._begin()
        if is_to_read:
            self._catch_up()  # it stays if the question fails
        try:
            self._updates.store_notes()
            self._connection.execute("SAVEPOINT part")
            self._tables.synchronise()
            self._updates.recover()
            yield
            self._connection.execute("RELEASE part")
            self._updates.keep()
        except BaseException:  # as in `one`
            if not self._connection.in_transaction:  # SQLite itself undid all of it: the disk is full
                self.abandon()
                raise
            self._updates.undo()
            self._connection.execute("ROLLBACK TO part")
            raise
        self._settle()

    @contextmanager
    def notes(self, *, settles: bool) -> Iterator[None]:
        """Take note of something in memory alone, which is stored with what comes after it, or before the transaction ends.

        An exception leaves nothing noted, by its own account; after an interrupt nobody knows, and all is undone.

        Args:
            settles: Whether this is a moment to commit what has taken long, and to work out what has become much.
        """
        if not (self._has_begun or self._is_together):
            with self._alone("IMMEDIATE"):
                yield
            return
        self._begin()
        try:
            self._tables.synchronise()
            self._updates.recover()
            yield
            self._updates.keep()
        except Exception:
            if not self._connection.in_transaction:  # SQLite itself undid all of it, as in `_part`
                self.abandon()
            raise
        except BaseException:  # an interrupt: what is noted of it nobody knows
            self.abandon()
            raise
        if settles:
            self._settle()

    def _begin(self) -> None:
        if not self._has_begun:
            self._connection.execute("BEGIN IMMEDIATE")
            self._has_begun = True
            self._began = time.monotonic()

    def _settle(self) -> None:
        """Commit what has taken long, and work out what has become much."""
        if time.monotonic() - self._began > LONGEST_SECONDS:
            self._commit()
        elif self._updates.is_large:
            self._catch_up()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Join the transactions that write: pages that many batches touch are then written once."""
        self._is_together = True
        try:
            yield
        finally:
            self._is_together = False
            if self._has_begun:
                self._commit()

    def abandon(self) -> None:
        """Undo what is not finished."""
        self._has_begun = False
        self._undo()

    def _undo(self) -> None:
        self._updates.abandon()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _commit(self) -> None:
        self._has_begun = False
        try:
            if self._connection.in_transaction:  # SQLite itself undoes it where the disk is full
                self._catch_up()
                self._connection.execute("COMMIT")
            else:
                self._undo()
        except BaseException:  # as in `one`
            self.abandon()
            raise

    def _catch_up(self) -> None:
        try:
            self._tables.synchronise()
            self._updates.catch_up()
        except BaseException:  # as in `one`
            self.abandon()
            raise
