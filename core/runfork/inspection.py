"""Inspecting a data directory: reading every journal from its beginning, and looking for every logged file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runfork.errors import FormatError
from runfork.files import FOLDER
from runfork.journal.format import Kind
from runfork.journal.reader import JournalReader
from runfork.status import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from runfork.journal.records import Batch, Record
    from runfork.store import Store

__all__ = ["Inspection", "Problem", "inspect_store"]

_READ_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Problem:
    """Something that cannot be read.

    Args:
        project: Where.
        path: The journal or the logged file.
        reason: Why, in words.
        offset: First byte that was skipped; None if the whole file is meant.
        length: How many bytes.
        is_loss: Whether something that was logged is affected; a record that was cut off at the end is none: its log call
            never returned.
    """

    project: str
    path: Path
    reason: str
    offset: int | None = None
    length: int = 0
    is_loss: bool = True


@dataclass
class Inspection:
    """What was found in a data directory; counts of what could be read."""

    directory: Path
    journals: int = 0
    size_bytes: int = 0
    records: int = 0
    points: int = 0
    files: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def has_losses(self) -> bool:
        """Whether anything that was logged cannot be read."""
        return any(problem.is_loss for problem in self.problems)


def inspect_store(
    store: Store,
    projects: Iterable[str],
    *,
    has_contents: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Read every journal of `projects`.

    Args:
        store: The data directory.
        projects: Which.
        has_contents: Whether to compare the contents of logged files with their digests.
        progress: Told how many bytes of how many are done.
    """
    found = Inspection(store.directory)
    paths = [(project, path) for project in projects for path in store.journals(project)]
    total = sum(_size(path) for _, path in paths)
    for project, path in paths:
        base = found.size_bytes
        for end in _inspect_journal(found, project, path, has_contents=has_contents):
            if progress is not None:
                progress(base + end, total)
        found.size_bytes = base + _size(path)
        found.journals += 1
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _inspect_journal(found: Inspection, project: str, path: Path, *, has_contents: bool) -> Iterable[int]:
    reader, start, last = JournalReader(path), 0, None
    try:
        while (batch := reader.read(start, limit=_READ_BYTES)) is not None and batch.end > start:
            start, last = batch.end, batch
            _count(found, batch)
            found.problems += [Problem(project, path, one.reason, one.offset, one.length) for one in batch.damage]
            for record in batch.records:
                if record.kind == Kind.FILES:
                    _inspect_files(found, project, path, record, has_contents=has_contents)
            yield start
        rest = _size(path) - start
    except (OSError, FormatError) as error:
        found.problems.append(Problem(project, path, str(error)))
        return
    if rest > 0 and not _may_grow(last):
        reason = (
            "the journal ends within a record: its process ended before that log call returned, or the file was cut"
        )
        found.problems.append(Problem(project, path, reason, start, rest, is_loss=False))


def _may_grow(last: Batch | None) -> bool:
    if last is None or not last.identity:
        return False
    times = [record.time for record in last.records] + [int(rows.times.max()) for rows in last.rows if len(rows.times)]
    from runfork.recorder import now_us

    return is_alive(last.identity, max(times, default=0), now=now_us())


def _count(found: Inspection, batch: Batch) -> None:
    found.records += len(batch.records) + sum(len(rows.steps) for rows in batch.rows)
    found.points += sum(rows.values.size for rows in batch.rows)


def _inspect_files(found: Inspection, project: str, journal: Path, record: Record, *, has_contents: bool) -> None:
    for attribute, reference in record.body.items():
        found.files += 1
        path = journal.parent / FOLDER / str(reference["sha256"])
        reason = _file_problem(path, str(reference["sha256"]), int(reference["size"]), has_contents=has_contents)
        if reason is not None:
            found.problems.append(Problem(project, path, f"{reason}; it was logged as {attribute!r} in {journal.name}"))


def _file_problem(path: Path, digest: str, size: int, *, has_contents: bool) -> str | None:
    try:
        actual = path.stat().st_size
        if actual != size:
            return f"the file has {actual} bytes, not the {size} that were logged"
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
