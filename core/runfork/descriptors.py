"""File descriptors that no ``print`` reaches: a program may have closed its standard streams, whose numbers are then given anew."""

from __future__ import annotations

import os

__all__ = ["duplicate", "open_descriptor"]

_FIRST = 3
"""Those below are stdin, stdout and stderr."""


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
