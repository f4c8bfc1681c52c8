"""Locks of files and folders, among threads and processes, as far as their file system has locks."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runfork.journal.descriptors import close_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed; returns whether nobody else has it, which is so where there are no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        pass  # a system or file system without such locks
    return True


@contextmanager
def lock_held(descriptor: int, seconds: float) -> Iterator[bool]:
    """Hold the lock of an open file or folder, which is closed then; yields whether nobody else has it.

    Args:
        descriptor: Its number. What the program gave this number meanwhile stays open.
        seconds: So long another one that has the lock is waited for; then things go on without.
    """
    known = os.fstat(descriptor)
    deadline = time.monotonic() + seconds
    try:
        while not (is_held := try_lock(descriptor)) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield is_held
    finally:
        close_own(descriptor, known)


@contextmanager
def locked(folder: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of a folder; where it is not there, there is no lock.

    Args:
        folder: The folder.
        seconds: As in `lock_held`.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    with lock_held(descriptor, seconds):
        yield
