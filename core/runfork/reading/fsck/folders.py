"""Inspecting what lies beside the journals of a run: contents of logged files, and what processes and repairs left."""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import JOURNAL_SUFFIX
from runfork.disk.logged_files import FOLDER, PART
from runfork.journal.repair import KEPT, TEMPORARY
from runfork.reading.fsck.findings import Note, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runfork.reading.fsck.findings import Inspection

_DIGEST_LENGTH = 64


def inspect_files(
    found: Inspection,
    project: str,
    journal: Path,
    references: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    run_id: str,
    has_contents: bool,
) -> None:
    """Look for the contents of the files that a journal says were logged.

    Args:
        found: Where problems go.
        project: The project.
        journal: The journal.
        references: Attribute and reference of each file.
        run_id: The run.
        has_contents: Whether to read the contents and compare their digests.
    """
    for attribute, reference in references:
        found.files += 1
        digest = str(reference["sha256"])
        path = journal.parent / FOLDER / digest
        reason = _file_problem(path, digest, int(reference["size"]), has_contents=has_contents)
        if reason is not None:
            told = f"{reason}; it was logged as {attribute!r} in {journal.name}"
            remedy = f"if you still have the file {reference['name']!r}, copy it there under this name"
            found.problems.append(Problem("file", project, path, told, remedy, run_id))


def inspect_folder(found: Inspection, project: str, folder: Path, digests: set[str], *, is_live: bool) -> None:
    """Look at what lies in a run's folder.

    Args:
        found: Where problems and notes go.
        project: The project.
        folder: The folder.
        digests: SHA-256 of the files that the run's journals tell of.
        is_live: Whether a process may be writing to the run: what looks left over may be in the making.
    """
    for path in _entries(folder):
        if KEPT in path.name and JOURNAL_SUFFIX in path.name:
            reason = (
                "the damaged original of a journal that was repaired: delete it when you are sure you do not need it"
            )
            found.notes.append(Note(project, path, reason))
        elif TEMPORARY in path.name and JOURNAL_SUFFIX in path.name:
            found.notes.append(Note(project, path, "left by a repair that was interrupted", is_unfinished=True))
        elif path.name.endswith(JOURNAL_SUFFIX) and not _is_file(path):
            reason = "is named like a journal, and is none: a folder, a pipe, or a link to what is not there"
            remedy = "move it away, or put a copy of the journal in its place"
            found.problems.append(Problem("unreadable", project, path, reason, remedy))
    if not is_live:
        for path in _entries(folder / FOLDER):
            if path.name.startswith(PART):
                reason = "part of a file whose process ended before its log call returned"
                found.notes.append(Note(project, path, reason, is_unfinished=True))
            elif path.name not in digests and len(path.name) == _DIGEST_LENGTH:
                reason = (
                    "no record tells of it: its process ended before the log call returned, or the record is damaged"
                )
                found.notes.append(Note(project, path, reason))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _file_problem(path: Path, digest: str, size: int, *, has_contents: bool) -> str | None:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            return "what lies there is no regular file"
        if state.st_size != size:
            return f"the file has {state.st_size} bytes, not the {size} that were logged"
        if has_contents and _sha256(path) != digest:
            return "the file's contents are not those that were logged"
    except FileNotFoundError:
        return "the file's contents are not there"
    except OSError as error:
        return f"the file cannot be read: {error}"
    return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()
