"""Inspecting the index of a project: whether it is one, and its file is sound. What it holds, readers compare with the journals."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from runfork.index.sqlite.schema import SCHEMA_VERSION, foreign_reason, is_damage
from runfork.reading.fsck.findings import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.disk.layout import Store
    from runfork.reading.fsck.findings import Inspection

__all__ = ["inspect_index"]

_REMEDY = "it holds nothing of its own: 'runfork fsck --repair' deletes it, and the next command builds it anew"


def inspect_index(found: Inspection, store: Store, project: str) -> None:
    """Look at a project's index, if it has one of this version: others are built anew by themselves."""
    path = store.index_path(project)
    if path is None or not path.is_file():
        return
    if (reason := foreign_reason(path)) is not None:
        remedy = "move it away, or set RUNFORK_INDEX_DIR: until then every command reads the journals anew"
        found.problems.append(Problem("foreign", project, path, reason, remedy, is_loss=False))
    elif (reason := _index_problem(path)) is not None:
        found.problems.append(Problem("index", project, path, f"the index {reason}", _REMEDY, is_loss=False))


def _index_problem(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA user_version").fetchone() != (SCHEMA_VERSION,):
                return None
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if answer != "ok":
                return f"is damaged: {answer}"
    except sqlite3.DatabaseError as error:
        return f"is damaged: {error}" if is_damage(error) else None
    return None
