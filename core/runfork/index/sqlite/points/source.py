"""What reading series takes, for as long as an index is open."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from runfork.index.sqlite.points.columns import ColumnCodec

__all__ = ["SeriesReader"]

_KEPT_PIECES = 16
"""More than one run's tail is cut into."""


class SeriesReader:
    """What reading takes: the connection, in the caller's transaction, and a codec."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._tails: dict[int, bytes] | None = None

    @cached_property
    def codec(self) -> ColumnCodec:
        """What packs and unpacks columns."""
        from runfork.index.sqlite.points.columns import ColumnCodec

        return ColumnCodec()

    @contextmanager
    def keeping_tails(self) -> Iterator[None]:
        """While nothing is written, keep what was read of the tail: the next series is likely a column of the same rows."""
        self._tails = {}
        try:
            yield
        finally:
            self._tails = None

    def tail(self, number: int) -> bytes:
        """Return the data of a piece of the tail."""
        if self._tails is not None and number in self._tails:
            return self._tails[number]
        data: bytes = self.connection.execute("SELECT data FROM tail WHERE id = ?", (number,)).fetchone()[0]
        if self._tails is not None:
            if len(self._tails) == _KEPT_PIECES:
                self._tails.pop(next(iter(self._tails)))
            self._tails[number] = data
        return data
