"""In how many runs each path is of each type, kept while rows of attributes are written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runfork.index.sqlite.schema import TYPES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

__all__ = ["DefinitionCounts"]


class DefinitionCounts:
    """Gathers changes of the counts by path, which `flush` stores: one row for many runs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """Forget all that was not stored: it was undone."""
        self._kept: Counter[tuple[int, int]] = Counter()
        self._new: Counter[tuple[int, int]] = Counter()

    def change(self, path: int, before: int | None, after: int | None) -> None:
        """Take note that a run's path is of another type (by number) than before; None where there is nothing."""
        if before == after:
            return
        if before is not None:
            self._new[path, before] -= 1
        if after is not None:
            self._new[path, after] += 1

    def add(self, found: Iterable[tuple[int, int]]) -> None:
        """Take note of paths and types (by number) where there was nothing before."""
        self._new.update(found)

    def keep(self) -> None:
        """Take note that what changed so far stays."""
        self._kept.update(self._new)
        self._new.clear()

    def drop(self) -> None:
        """Forget what changed since `keep`: it was undone."""
        self._new.clear()

    def types_at(self, path: int) -> int:
        """Return how many types a path has, over all runs."""
        rows = self._connection.execute("SELECT type, count FROM definition WHERE path = ?", (path,))
        stored = dict(rows.fetchall())
        places = [(path, kind) for kind in range(len(TYPES))]
        return sum(stored.get(place[1], 0) + self._kept[place] + self._new[place] > 0 for place in places)

    def flush(self) -> None:
        """Store the counts."""
        self.keep()
        self._connection.executemany(
            "INSERT INTO definition VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(*place, change) for place, change in self._kept.items()],
        )
        self._kept.clear()
