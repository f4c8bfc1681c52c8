"""What all that works on one file shares: what is known of its tables, and the marks on what changed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from runfork.index.sqlite.runs import RunTable, Stale
from runfork.index.sqlite.values.table import ValueTable

if TYPE_CHECKING:
    import sqlite3

    from runfork.index.sqlite.logs import Logs
    from runfork.index.sqlite.points.pieces import PieceReader
    from runfork.index.sqlite.points.writer import ChunkSizes, PointWriter


class Tables:
    """The tables of a file, within the caller's transactions. Logs and points are imported when they are needed: by few readers.

    Args:
        connection: The file.
        sizes: When points become chunks; the measured defaults if None.
    """

    def __init__(self, connection: sqlite3.Connection, sizes: ChunkSizes | None) -> None:
        self.connection = connection
        self.runs = RunTable(connection)
        self.values = ValueTable(connection)
        self.stale = Stale()
        self._sizes = sizes
        self._logs: Logs | None = None

    @property
    def logs(self) -> Logs:
        """The logs of runs."""
        if self._logs is None:
            from runfork.index.sqlite.logs import Logs

            self._logs = Logs(self.connection, self.runs, self.values)
        return self._logs

    @cached_property
    def reader(self) -> PieceReader:
        """What reads points."""
        from runfork.index.sqlite.points.pieces import PieceReader

        return PieceReader(self.connection)

    @cached_property
    def writer(self) -> PointWriter:
        """What writes points."""
        from runfork.index.sqlite.points.writer import ChunkSizes, PointWriter

        return PointWriter(self.connection, self.reader.codec, self._sizes or ChunkSizes())

    def synchronise(self) -> None:
        """Take in what other processes changed."""
        if self.runs.synchronise():
            self._forget_contents()

    def forget(self) -> None:
        """Know nothing: only the file can tell."""
        self.runs.forget()  # what it holds may come from what is undone
        self._forget_contents()
        self.stale.clear()

    def _forget_contents(self) -> None:
        self.values.forget()
        if self._logs is not None:
            self._logs.forget()

    def trim(self) -> None:
        """Forget of logs what has become much."""
        if self._logs is not None:
            self._logs.trim()
