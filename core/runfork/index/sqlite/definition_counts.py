"""In how many runs each path is of each type, kept while rows of attributes are written."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["DefinitionCounts"]


class DefinitionCounts:
    """Gathers changes of the counts by path, which `flush` stores: one row for many runs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """Forget all that was not stored: it was undone."""
        self._kept: dict[int, Counter[int]] = defaultdict(Counter)
        self._new: dict[int, Counter[int]] = defaultdict(Counter)

    def change(self, path: int, before: int | None, after: int | None) -> None:
        """Take note that a run's path is of another type (by number) than before; None where there is nothing."""
        if before == after:
            return
        if before is not None:
            self._new[path][before] -= 1
        if after is not None:
            self._new[path][after] += 1

    def keep(self) -> None:
        """Take note that what changed so far stays."""
        for path, changes in self._new.items():
            self._kept[path].update(changes)
        self._new.clear()

    def drop(self) -> None:
        """Forget what changed since `keep`: it was undone."""
        self._new.clear()

    def types_at(self, path: int) -> int:
        """Return how many types a path has, over all runs."""
        rows = self._connection.execute("SELECT type, count FROM definition WHERE path = ?", (path,))
        found = Counter(dict(rows.fetchall()))
        found.update(self._kept.get(path, {}))
        found.update(self._new.get(path, {}))
        return sum(count > 0 for count in found.values())

    def flush(self) -> None:
        """Store the counts."""
        self.keep()
        self._connection.executemany(
            "INSERT INTO definition VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(path, kind, change) for path, changes in self._kept.items() for kind, change in changes.items()],
        )
        self._kept.clear()
