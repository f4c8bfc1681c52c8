"""Folders of the data directory: made and synced so that power loss takes no name of a file that lies in them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from runfork.journal.descriptors import close_own

if TYPE_CHECKING:
    from pathlib import Path

_NOT_HERE = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EISDIR))
"""Why a folder cannot be synced on some systems and file systems, and need not be."""


def make_folders(path: Path) -> list[Path]:
    """Make a folder and those above it that are missing.

    Returns:
        Those whose entries name something new, once a file is made in `path`: what is to be synced, the outermost last.

    Raises:
        OSError: One cannot be made.
    """
    try:
        os.mkdir(path)  # noqa: PTH102  as a rule the folder of a new run, in one that is there
    except OSError:
        return _make_missing(path)
    return [path, path.parent]


def _make_missing(path: Path) -> list[Path]:
    """Make a folder that may be there, in one that may not."""
    changed, place = [path], path
    while not os.path.exists(place):  # noqa: PTH110  it never raises
        place = place.parent
        changed.append(place)
    if not os.path.isdir(place):  # noqa: PTH112  nor does this
        raise NotADirectoryError(errno.ENOTDIR, "this is a file, and no folder", str(place))
    path.mkdir(parents=True, exist_ok=True)
    return changed


def sync_path(path: str | os.PathLike[str]) -> None:
    """Ask the disk to keep a file, or the entries of a folder; blocks this thread. Where folders cannot be synced, nothing is done.

    Raises:
        OSError: The disk refuses.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        known = os.fstat(descriptor)
        try:
            os.fsync(descriptor)
        finally:
            close_own(descriptor, known)
    except OSError as error:
        if error.errno not in _NOT_HERE or not os.path.isdir(path):  # noqa: PTH112  it never raises
            raise
