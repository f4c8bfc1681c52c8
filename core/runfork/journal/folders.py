"""Folders of the data directory: made and synced so that power loss takes no name of a file that lies in them."""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runfork.journal.descriptors import close_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["lock_held", "locked", "make_folders", "sync_path"]

_NOT_HERE = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EISDIR))
"""Why a folder cannot be synced on some systems and file systems, and need not be."""


def make_folders(path: Path) -> list[Path]:
    """Make a folder and those above it that are missing.

    Returns:
        Those whose entries name something new, once a file is made in `path`: what is to be synced, the outermost last.

    Raises:
        OSError: One cannot be made.
    """
    changed, place = [path], path
    while not os.path.exists(place):  # noqa: PTH110  it never raises
        place = place.parent
        changed.append(place)
    path.mkdir(parents=True, exist_ok=True)
    return changed


@contextmanager
def locked(folder: Path, seconds: float) -> Iterator[None]:
    """Hold a lock that threads and processes have for a folder, as far as its file system has locks: nobody else has it meanwhile.

    Args:
        folder: It need not exist; then there is no lock.
        seconds: So long another one that has the lock is waited for; then things go on without.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    with lock_held(descriptor, seconds):
        yield


@contextmanager
def lock_held(descriptor: int, seconds: float) -> Iterator[None]:
    """Hold the lock of an open file or folder, which is closed then; go on without it as `locked` does.

    Args:
        descriptor: Its number. What the program gave this number meanwhile stays open.
        seconds: As in `locked`.
    """
    known = os.fstat(descriptor)
    try:
        _take_lock(descriptor, seconds)
        yield
    finally:
        close_own(descriptor, known)


def _take_lock(descriptor: int, seconds: float) -> None:
    try:
        import fcntl
    except ImportError:
        return
    deadline = time.monotonic() + seconds
    with suppress(OSError):
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
            else:
                return


def sync_path(path: str | os.PathLike[str]) -> None:
    """Ask the disk to keep a file, or the entries of a folder; blocks this thread. Where folders cannot be synced, nothing is done.

    Raises:
        OSError: The disk refuses.
    """
    is_folder = os.path.isdir(path)  # noqa: PTH112  it never raises
    try:
        descriptor = os.open(path, os.O_RDONLY)
        known = os.fstat(descriptor)
        try:
            os.fsync(descriptor)
        finally:
            close_own(descriptor, known)
    except OSError as error:
        if not is_folder or error.errno not in _NOT_HERE:
            raise
