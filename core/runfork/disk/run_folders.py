"""From the folder of one run to that of another: what is copied, and what is left, when a process goes on as another run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from runfork.disk.layout import journals_of
from runfork.disk.logged_files import FOLDER, sync_file

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["copy_files", "leave"]


def copy_files(names: Collection[str], source: Path, target: Path) -> None:
    """Copy logged files from one run's folder to that of another.

    Raises:
        OSError: One cannot be copied.
    """
    if names:
        (target / FOLDER).mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(source / FOLDER / name, target / FOLDER / name)


def leave(folder: Path, journal: Path | None, *, names: Collection[str], target: Path) -> None:
    """Remove a journal whose records the disk keeps elsewhere, and its folder unless other sessions wrote to the run.

    Raises:
        OSError: It cannot be removed, or the disk does not keep a file that was copied.
    """
    for name in names:
        sync_file(target / FOLDER / name)
    if journal is None:
        return
    if journals_of(folder) == [journal]:
        shutil.rmtree(folder)
    else:
        journal.unlink()
