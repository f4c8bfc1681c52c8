"""Removing runs: every row that tells of them, and then what others saw of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from runfork.index.sqlite.catalogue import Catalogue
    from runfork.index.sqlite.settling import Settlement

__all__ = ["remove_runs"]

_OWNERS = ("series", "run", "journal")
"""Columns by which rows belong to a run, the one by which a table can be searched first."""
_CHOSEN = "IN (SELECT value FROM json_each(?))"


def remove_runs(
    connection: sqlite3.Connection, catalogue: Catalogue, settlement: Settlement, run_ids: Collection[str]
) -> None:
    """Remove runs, as if none of their journals had ever been applied, within the caller's transaction.

    What runs below them see is marked, to be worked out before the transaction ends.
    """
    gone = [catalogue.runs[run_id] for run_id in dict.fromkeys(run_ids) if run_id in catalogue.runs]
    if not gone:
        return
    settlement.settle()  # rows are then what the marks stood for
    below = {child for entry in gone for child in catalogue.children.get(entry.run_id, ())}
    numbers = json.dumps([entry.id for entry in gone])
    rows = connection.execute(f"SELECT path, type FROM attribute WHERE run {_CHOSEN}", (numbers,))  # noqa: S608
    for path, kind in rows.fetchall():
        settlement.attributes.counts.change(path, kind, None)
    settlement.attributes.counts.flush()
    _delete(connection, numbers)
    connection.execute("UPDATE change SET runs = runs + 1")
    catalogue.forget()
    catalogue.synchronise()
    settlement.dirty.names.update(name for entry in gone if (name := entry.origin.experiment_name) is not None)
    for child in below & catalogue.runs.keys():
        settlement.dirty.taken.add(child)
        settlement.ancestry.change_origin(child)


def _delete(connection: sqlite3.Connection, runs: str) -> None:
    """Delete the rows of runs, given by number, from every table."""
    owned = {"run": runs}
    for column, query in (("journal", "SELECT id FROM journal"), ("series", "SELECT id FROM own")):
        found = connection.execute(f"{query} WHERE run {_CHOSEN}", (runs,)).fetchall()
        owned[column] = json.dumps([number for (number,) in found])
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    columns = {table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} for table in tables}
    for table in tables:
        owner = next((one for one in _OWNERS if one in columns[table]), None)
        if owner is not None:
            connection.execute(f"DELETE FROM {table} WHERE {owner} {_CHOSEN}", (owned[owner],))  # noqa: S608
    connection.execute(f"DELETE FROM run WHERE id {_CHOSEN}", (runs,))  # noqa: S608
