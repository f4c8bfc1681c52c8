"""Inspecting all that a data directory holds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from runfork.reading.fsck.findings import Inspection
from runfork.reading.fsck.folders import inspect_files, inspect_folder
from runfork.reading.fsck.indexes import inspect_index
from runfork.reading.fsck.journals import JournalInspector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from runfork.disk.layout import Store

__all__ = ["inspect_store"]


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
        inspect_index(found, store, project)
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
