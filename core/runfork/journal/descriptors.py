"""File descriptors that nobody else's bytes reach, nor ours anybody else's file.

A program may have closed its standard streams, whose numbers are then given anew: ours lie above. And it, or a library that makes
it a daemon, may close ours, whose numbers are then given to files of its own: an open file of ours carries a sign.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST = 3
"""Those below are stdin, stdout and stderr."""

_SIGNS = (1 << 40, 1 << 31)
"""Signs lie below; a file system whose files cannot be as large as the first takes the second."""


def open_descriptor(path: str | os.PathLike[str], flags: int, mode: int = 0o666) -> int:
    """Open a file as ``os.open`` does, above the standard streams; usable as ``opener`` of ``open``.

    Raises:
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, flags, mode)
    if descriptor >= _FIRST:
        return descriptor
    try:
        return duplicate(descriptor)
    finally:
        os.close(descriptor)


def duplicate(descriptor: int) -> int:
    """Return another descriptor of the same file, above the standard streams.

    Raises:
        OSError: There are too many.
    """
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST)


def _append(descriptor: int, data: bytes | memoryview, end: int, /) -> int:
    del end
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    written = os.write(descriptor, data)
    os.lseek(descriptor, position, os.SEEK_SET)
    return written


append: Callable[[int, bytes | memoryview, int], int] = getattr(os, "pwrite", _append)
"""Write to the end of a file that was opened with ``os.O_APPEND``, and leave its position alone.

Linux appends wherever it is told to write; other systems write at `end`, which is the end as long as there is one writer.
"""


def close_own(descriptor: int, known: os.stat_result) -> None:
    """Close a file that was open while others ran, unless its number was given to another one meanwhile.

    Args:
        descriptor: Its number.
        known: What ``os.fstat`` said of it when it was opened.
    """
    with suppress(OSError):  # closed by somebody else
        if os.path.samestat(os.fstat(descriptor), known):
            os.close(descriptor)


def sign(descriptor: int) -> int:
    """Give an open file of ours a sign by which it is known again: a position, at random, at which nothing is ever read or written.

    For files that are written with `append` only, which leaves the position alone. All duplicates of a descriptor share it.

    Returns:
        What ``os.lseek(descriptor, 0, os.SEEK_CUR)`` says as long as the number stands for this file.

    Raises:
        OSError: The file has no positions.
    """
    number = int.from_bytes(os.urandom(8), "little")
    for limit in _SIGNS:
        try:
            return os.lseek(descriptor, limit // 2 + number % (limit // 2 - 1), os.SEEK_SET)
        except OSError:
            if limit == _SIGNS[-1]:
                raise
    raise AssertionError  # pragma: no cover


def is_signed(descriptor: int, signed: int) -> bool:
    """Return whether a number still stands for the file that `sign` gave this sign."""
    try:
        return os.lseek(descriptor, 0, os.SEEK_CUR) == signed
    except OSError:  # closed; or a pipe
        return False


def close_signed(descriptor: int, signed: int) -> None:
    """Close a file of ours, and nobody else's. Never raises: it is closed whatever that says, and what is lost a sync has told."""
    if is_signed(descriptor, signed):
        with suppress(OSError):
            os.close(descriptor)
