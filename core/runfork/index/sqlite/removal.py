"""Removing runs: every row that tells of them, and then what others saw of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runfork.index.sqlite.points.writer import chunk_number

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from runfork.index.sqlite.runs import RunTable
    from runfork.index.sqlite.updating import Updates

__all__ = ["remove_runs"]

_CHOSEN = "IN (SELECT value FROM json_each(?))"
_OF_STREAMS = ("tail", "row_group")
_OF_RUNS = ("stream", "record", "preview", "mark", "journal")


def remove_runs(connection: sqlite3.Connection, runs: RunTable, updates: Updates, run_ids: Collection[str]) -> None:
    """Remove runs, as if none of their journals had ever been applied, within the caller's transaction.

    What runs below them see is marked, to be worked out before the transaction ends.
    """
    gone = [runs.runs[run_id] for run_id in dict.fromkeys(run_ids) if run_id in runs.runs]
    if not gone:
        return
    updates.catch_up()  # rows are then what the marks stood for
    below = {child for entry in gone for child in runs.children.get(entry.run_id, ())}
    updates.values.remove([entry.id for entry in gone])
    _delete(connection, json.dumps([entry.id for entry in gone]))
    connection.execute("UPDATE change SET runs = runs + 1")
    updates.forget()
    updates.synchronise()
    updates.stale.names.update(name for entry in gone if (name := entry.origin.experiment_name) is not None)
    for child in below & runs.runs.keys():
        updates.stale.taken.add(child)
        updates.forks.change_origin(child)


def _delete(connection: sqlite3.Connection, runs: str) -> None:
    """Delete the rows of runs, given by number, from every table."""
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
