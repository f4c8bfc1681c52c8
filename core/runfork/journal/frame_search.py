"""Finding frames among bytes of which some may be damaged: what readers, repair and reopening share. Loads no NumPy.

Whatever lies in a file, each byte of it is looked at a bounded number of times: a search goes forward only, and a checksum is
worked out only where a sync word and a possible length stand.
"""

from __future__ import annotations

import os
import stat
from io import BytesIO, FileIO
from typing import TYPE_CHECKING, BinaryIO, cast
from zlib import crc32

from runfork.journal.format import (
    FRAME_HEADER,
    FRAME_LENGTH,
    HEADER_SIZE,
    KIND_AT,
    MAX_PAYLOAD,
    MAX_SCHEMA_IDS,
    SYNC,
    SYNC_AT,
    Kind,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WINDOW_BYTES = 4 * 1024 * 1024
_SYNC_BYTES = SYNC.to_bytes(2, "little")
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_OF_ROWS = frozenset((Kind.SCHEMA, Kind.METRICS, Kind.PREVIEW, Kind.SELECTION))
_SCHEMA_MARK = bytes((Kind.SCHEMA, 0)) + _SYNC_BYTES


def open_journal(path: str | Path, *, at_once: int = -1) -> BinaryIO:
    """Open a journal to read it; never waits, as opening a pipe would.

    Args:
        path: The journal.
        at_once: A file of so many bytes at most is read here and now, and what is returned are the bytes that it had.

    Raises:
        OSError: It cannot be opened or read, or is no regular file.
    """
    descriptor = os.open(path, _TO_READ)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(f"{path} is no regular file, but a folder, pipe or device; move it away")
        if about.st_size <= at_once and len(data := os.read(descriptor, about.st_size)) == about.st_size:
            return BytesIO(data)
        os.lseek(descriptor, 0, os.SEEK_SET)  # a read may give less than there is
        file, descriptor = FileIO(descriptor), -1  # no buffer: whoever reads it wants much at once
        return cast("BinaryIO", file)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def claimed_end(data: bytes | memoryview, position: int) -> int | None:
    """Return where the frame at `position` ends by its own account; None if no frame can begin there."""
    length, _, _, _, sync = FRAME_HEADER.unpack_from(data, position)[:5]
    return position + HEADER_SIZE + int(length) if sync == SYNC and length <= MAX_PAYLOAD else None


def is_sound(data: bytes | memoryview, position: int, end: int, tag: int | None = None) -> bool:
    """Return whether the bytes from `position` to `end` are a frame whose checksum fits, of the journal with that tag."""
    length, crc, kind, _, _, schema, _, _ = FRAME_HEADER.unpack_from(data, position)
    is_whole = crc32(data[position + KIND_AT : end], crc32(FRAME_LENGTH.pack(length))) == crc
    return bool(is_whole and belongs(tag, kind, schema))


def belongs(tag: int | None, kind: int, schema: int) -> bool:
    """Return whether a frame is of the journal with that tag: None stands for journals without, whose frames cannot be told."""
    if kind in _OF_ROWS:
        return tag is None or (schema - tag) & 0xFFFFFFFF < MAX_SCHEMA_IDS
    if tag is None or kind >= Kind.FILLER:
        return True
    return schema == tag


def why_unreadable(data: bytes | memoryview, position: int, size: int) -> str:
    """Return why there is no sound frame at a position of a buffer; `size` is where the file ends."""
    end = claimed_end(data, position) if position + HEADER_SIZE <= len(data) else None
    if end is None:
        return "no record begins here"
    if end <= len(data) and is_sound(data, position, end):
        return "a record of another journal"
    return "a record that is longer than the file" if end > size else "a record whose checksum differs"


def find_frame(data: bytes, start: int, *, at_end: bool, tag: int | None = None) -> int | None:
    """Return where the first sound frame of a buffer begins, at `start` or later.

    Args:
        data: The buffer.
        start: Where to begin.
        at_end: Whether nothing follows the buffer. Else a frame that may go on beyond it ends the search.
        tag: The journal's; frames of others do not count.

    Returns:
        A position in the buffer; None if there is none, or none can be told from this buffer alone.
    """
    view, size = memoryview(data), len(data)
    found = data.find(_SYNC_BYTES, start + SYNC_AT)
    while found >= 0:
        candidate = found - SYNC_AT
        if candidate + HEADER_SIZE > size:
            return None
        end = claimed_end(view, candidate)
        if end is not None and end <= size and is_sound(view, candidate, end, tag):
            return candidate
        if end is not None and end > size and not at_end:
            return None
        found = data.find(_SYNC_BYTES, found + 1)
    return None


def find_in_file(file: BinaryIO, start: int, tag: int | None = None) -> int | None:
    """Return where the first sound frame of a file begins, at byte `start` or later; None if none follows.

    Needs little memory however long the damage is.
    """
    position = start
    while True:
        file.seek(position)
        data = file.read(WINDOW_BYTES)
        at = data.find(_SYNC_BYTES, SYNC_AT)  # a frame cut off by the window's end is read from the file
        while at >= 0 and at - SYNC_AT + HEADER_SIZE <= len(data):
            candidate = at - SYNC_AT
            if _is_sound_in_file(file, data, position, candidate, tag):
                return position + candidate
            at = data.find(_SYNC_BYTES, at + 1)
        if len(data) < WINDOW_BYTES:
            return None
        position += len(data) - HEADER_SIZE + 1


def _is_sound_in_file(file: BinaryIO, data: bytes, position: int, candidate: int, tag: int | None) -> bool:
    """Return whether a frame begins at `candidate` of `data`, which was read at `position` and may end within the frame."""
    end = claimed_end(data, candidate)
    if end is None:
        return False
    if end <= len(data):
        return is_sound(memoryview(data), candidate, end, tag)
    file.seek(position + len(data))
    rest = file.read(end - len(data))
    return len(rest) == end - len(data) and is_sound(data[candidate:] + rest, 0, end - candidate, tag)


def frame_at(file: BinaryIO, position: int, tag: int | None = None) -> bytes | None:
    """Return the bytes of the sound frame that begins at byte `position` of a file; None if there is none."""
    file.seek(position)
    head = file.read(HEADER_SIZE)
    end = claimed_end(head, 0) if len(head) == HEADER_SIZE else None
    if end is None:
        return None
    frame = head + file.read(end - HEADER_SIZE)
    return frame if len(frame) == end and is_sound(frame, 0, end, tag) else None


def frames_in(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield where the sound frames of a buffer begin and end, from `start` on and past damage."""
    view, position = memoryview(data), start
    while position + HEADER_SIZE <= len(data):
        end = claimed_end(view, position)
        if end is not None and end <= len(data) and is_sound(view, position, end):
            yield position, end
            position = end
            continue
        found = find_frame(data, position + 1, at_end=True)
        if found is None:
            return
        position = found


def schema_frames(file: BinaryIO, start: int, end: int, tag: int | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Yield offset, schema id and payload of the sound SCHEMA frames that begin between two bytes of a file."""
    position = start
    while position < end:
        file.seek(position)
        data = file.read(min(WINDOW_BYTES, end - position) + len(_SCHEMA_MARK) - 1)
        at = data.find(_SCHEMA_MARK, KIND_AT if position == start else 0)
        while at >= 0:
            offset = position + at - KIND_AT
            frame = frame_at(file, offset, tag)
            if frame is not None:
                yield offset, int(FRAME_HEADER.unpack_from(frame)[5]), frame[HEADER_SIZE:]
            at = data.find(_SCHEMA_MARK, at + 1)
        position += WINDOW_BYTES
