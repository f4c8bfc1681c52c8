"""Inspecting all that a data directory holds."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from runfork.index.sqlite.schema import SCHEMA_VERSION, foreign_reason, is_damage
from runfork.reading.fsck.findings import Inspection, Problem
from runfork.reading.fsck.folders import inspect_files, inspect_folder
from runfork.reading.fsck.journals import JournalInspector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from runfork.disk.layout import Store

_REMEDY = "it holds nothing of its own: 'runfork fsck --repair' deletes it, and the next command builds it anew"


def inspect_store(
    store: Store,
    projects: Iterable[str],
    *,
    has_contents: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Read every journal of `projects`, and look at all that lies beside them. Nothing is changed.

    Args:
        store: The data directory.
        projects: Which.
        has_contents: Whether to compare the contents of logged files with their digests.
        progress: Told how many bytes of how many are done.
    """
    found, names = Inspection(store.directory), list(projects)
    paths = {project: store.journals(project) for project in names}
    total = sum(_size(path) for journals in paths.values() for path in journals)
    for project, journals in paths.items():
        digests: dict[Path, set[str]] = defaultdict(set)
        for path in journals:
            base = found.size_bytes
            inspector = JournalInspector(found, store, project, path)
            inspector.inspect(lambda end, base=base: progress(base + end, total) if progress else None)  # type: ignore[misc]
            digests[path.parent] |= {str(reference["sha256"]) for _, reference in inspector.references}
            run_id = str(inspector.identity.get("run_id", ""))
            if not inspector.is_copy:
                inspect_files(found, project, path, inspector.references, run_id=run_id, has_contents=has_contents)
            found.size_bytes = base + _size(path)
            found.journals += 1
        live = {path.parent for path in found.may_be_written}
        for folder in store.run_directories(project):
            inspect_folder(found, project, folder, digests[folder], is_live=folder in live)
        _inspect_index(found, store, project)
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _inspect_index(found: Inspection, store: Store, project: str) -> None:
    """Look at a project's index, if it has one of this version: others are built anew by themselves.

    What it holds, readers compare with the journals.
    """
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
