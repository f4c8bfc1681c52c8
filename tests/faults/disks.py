"""Real small disks for tests: file systems in memory that are mounted, filled, turned read-only, and taken away again."""

from __future__ import annotations

import errno
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = 4096
"""What a file on such a disk takes at least; the disk cuts writes short where its last page ends."""


class SmallDisk:
    """A file system of a given size, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    @property
    def free_bytes(self) -> int:
        """How much fits still."""
        found = os.statvfs(self.path)
        return found.f_bfree * found.f_frsize

    def fill(self, *, leave: int = 0) -> None:
        """Take all space but `leave` bytes, rounded to pages."""
        with self._ballast.open("ab", buffering=0) as file:
            while self.free_bytes > leave:
                try:
                    file.write(bytes(min(1024 * 1024, max(PAGE, self.free_bytes - leave))))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def clear(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Refuse what is opened meanwhile; what is open for writing already goes on, as it does after a remount."""
        place = str(self.path)
        for command in (["mount", "--bind", place, place], ["mount", "-o", "remount,bind,ro", place]):
            subprocess.run(command, check=True, capture_output=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", place], check=True, capture_output=True)


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a file system of `size` (as ``mount`` writes it) at `path`; skips the test where that is not allowed."""
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(
            f"a disk of {size} was not tried: mounting needs root ({mounted.stderr.strip()}); "
            "run with sudo; refusals of other kinds (RLIMIT_FSIZE, /dev/full) are tried without"
        )
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Refuse every write to a file or folder, by root and through open descriptors too; skips the test where that is impossible."""
    marked = subprocess.run(["chattr", "+i", str(path)], check=False, capture_output=True, text=True)
    if marked.returncode != 0:
        pytest.skip(
            f"{path.name} could not be made immutable, which needs root and ext4, XFS or Btrfs: {marked.stderr.strip()}"
        )
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True, capture_output=True)
