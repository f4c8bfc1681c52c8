"""Repairing a journal that nobody writes any more, without losing a byte of it.

A new file takes the journal's place: the same bytes, with a `FILLER` frame over each stretch that cannot be read, a header made
anew if it was damaged, and without a torn end. Every record keeps its offset, so that indexes, here and elsewhere, stay right.
The damaged original stays beside it under a name that readers ignore.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from runfork.errors import RunforkError
from runfork.journal.folders import sync_path
from runfork.journal.format import HEADER_SIZE, MAX_FILE_HEADER, Kind, encode_file_header, encode_frame
from runfork.journal.frame_search import open_journal
from runfork.journal.header import read_header
from runfork.journal.locks import try_lock
from runfork.journal.reader import JournalReader
from runfork.model.identifiers import random_suffix
from runfork.model.steps import NO_STEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runfork.journal.records import Damage

KEPT = ".damaged-"
"""What stands between a journal's name and a number in the name of its damaged original."""
TEMPORARY = ".repair-"
"""What stands between a journal's name and random letters in the name of a repair that is not complete."""

_FILLER_BYTES = 16 * 1024 * 1024
_READ_BYTES = 16 * 1024 * 1024
_NECESSARY = ("project", "run_id", "writer", "created")


class RepairError(RunforkError):
    """A journal cannot be repaired now; it is as it was."""


@dataclass(frozen=True)
class Repair:
    """What was done to a journal.

    Args:
        path: The journal.
        kept: Its damaged original.
        filled: Bytes that could not be read, now covered by fillers.
        cut: Bytes after the last record that were left out.
        has_new_header: Whether its header was made anew.
    """

    path: Path
    kept: Path
    filled: int
    cut: int
    has_new_header: bool


@dataclass(frozen=True)
class _Plan:
    """What is to be done: `header` for the bytes before the first frame, if they are damaged; `end` is where the file is cut."""

    size: int
    modified: int
    header: bytes | None
    stretches: list[Damage]
    end: int

    @property
    def is_empty(self) -> bool:
        return self.header is None and not self.stretches and self.end == self.size


def repair_journal(path: Path) -> Repair | None:
    """Repair a journal. Its process must have ended: what it still wrote would go to the damaged original.

    Whenever this is interrupted, the journal is either as it was or repaired.

    Returns:
        What was done; None if there is nothing to repair, or nothing that this can.

    Raises:
        FormatError: It is no journal, or of a newer version.
        RepairError: Somebody else repairs or writes it at this moment.
        OSError: It cannot be read, or the new file cannot be written.
    """
    with open_journal(path) as file:
        if not try_lock(file.fileno()):
            raise RepairError(f"{path} is being repaired by another process; wait for it")
        plan = _plan(file, path)
        if plan is None or plan.is_empty:
            return None
        temporary = path.with_name(f".{path.name}{TEMPORARY}{random_suffix(8)}")
        try:
            _write(path, temporary, plan)
            _check(temporary, path)
            state = path.stat()
            if (state.st_size, state.st_mtime_ns) != (plan.size, plan.modified):
                raise RepairError(f"{path} was written to in the meantime; repair it when its process has ended")
            kept = _keep(path)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_path(path.parent)
    return Repair(path, kept, sum(one.length for one in plan.stretches), plan.size - plan.end, plan.header is not None)


def _plan(file: BinaryIO, path: Path) -> _Plan | None:
    state = os.fstat(file.fileno())
    header = read_header(file, path)
    if header is None:
        return None
    stretches, end = _unreadable(path)
    new = _new_header(header.identity, header.first_frame) if header.is_recovered else None
    return _Plan(state.st_size, state.st_mtime_ns, new, stretches, end)


def _unreadable(path: Path) -> tuple[list[Damage], int]:
    """Return the stretches of a journal that a filler can cover, and where its last record ends."""
    stretches, end = [], 0
    for batch in JournalReader(path).batches(limit=_READ_BYTES):
        end = batch.end
        stretches += [one for one in batch.damage if one.offset > 0 and not one.is_sound and one.length >= HEADER_SIZE]
    return stretches, end


def _new_header(identity: Mapping[str, Any], size: int) -> bytes | None:
    """Return a header of `size` bytes; None if it has no place there."""
    for known in (identity, {name: identity[name] for name in _NECESSARY}):
        header = encode_file_header(known)
        if len(header) <= size < MAX_FILE_HEADER:
            return encode_file_header(known, size=size)
        if len(header) + HEADER_SIZE <= size:
            return header + b"".join(_fillers(size - len(header)))
    return None


def _fillers(length: int) -> Iterator[bytes]:
    """Yield frames that say nothing and are `length` bytes long together."""
    while length > 0:
        part = length if length <= 2 * _FILLER_BYTES else _FILLER_BYTES  # what is left is long enough for a frame
        yield encode_frame(Kind.FILLER, bytes(part - HEADER_SIZE), time=0, step=NO_STEP)
        length -= part


def _write(path: Path, temporary: Path, plan: _Plan) -> None:
    shutil.copyfile(path, temporary)
    shutil.copymode(path, temporary)
    with temporary.open("r+b") as new:
        new.truncate(plan.end)
        if plan.header is not None:
            new.write(plan.header)
        for stretch in plan.stretches:
            new.seek(stretch.offset)
            new.writelines(_fillers(stretch.length))
        new.flush()
        os.fsync(new.fileno())


def _check(temporary: Path, path: Path) -> None:
    """Make sure that a repaired file reads without damage before it takes the place of the other.

    Raises:
        RepairError: It does not.
    """
    left, _ = _unreadable(temporary)
    if left:
        raise RepairError(f"{path} could not be repaired: byte {left[0].offset} still cannot be read; it is as it was")


def _keep(path: Path) -> Path:
    """Give a file a second name, which stays when another file takes its place."""
    number = 1
    while (kept := path.with_name(f"{path.name}{KEPT}{number}")).exists():
        if kept.samefile(path):  # an earlier repair was interrupted here
            return kept
        number += 1
    try:
        os.link(path, kept)
    except OSError:  # a file system without second names
        temporary = path.with_name(f".{path.name}{TEMPORARY}{random_suffix(8)}")
        shutil.copy2(path, temporary)
        temporary.replace(kept)
    return kept
