"""Looking at the journals of a project again and again, at little cost where nothing has changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from runfork.store import JOURNAL_SUFFIX, is_on_network_file_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["JournalWatch"]

_SETTLED_SECONDS = 60.0
"""A folder that changed less long ago is listed anew: its time may not tell two changes apart, or come from another's clock."""


class JournalWatch:
    """The journals in the folders of a project's runs.

    A folder is listed again when the time of its last change is another, and always on file systems that other hosts write to.

    Args:
        directory: The folder of the project.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.done: set[str] = set()
        """Journals that are not expected to grow: looked at only when their folder has changed."""
        self._trusts_times: bool | None = None
        self._listed: dict[str, tuple[int, list[str]]] = {}
        self.unreadable: dict[str, str] = {}
        """Journals that could not be looked at the last time, and why."""

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield path and size in bytes of each journal; those that are done are left out where their folder has not changed."""
        if self._trusts_times is None:
            self._trusts_times = not is_on_network_file_system(self._directory)
        self.unreadable = {}
        listed, self._listed = self._listed, {}
        for folder in _entries(self._directory, are_folders=True):
            try:
                changed = os.stat(folder).st_mtime_ns  # noqa: PTH116  (twenty thousand paths: a `Path` of each takes longer)
            except OSError:
                continue  # it was deleted meanwhile
            before = listed.get(folder)
            is_known = before is not None and before[0] == changed
            paths = before[1] if before is not None and is_known else _entries(folder, are_folders=False)
            if self._trusts_times and time.time() - changed / 1e9 > _SETTLED_SECONDS:
                self._listed[folder] = (changed, paths)
            for path in paths:
                if not (is_known and path in self.done) and (size := self._size(path)) is not None:
                    yield path, size

    def _size(self, path: str) -> int | None:
        try:
            return os.stat(path).st_size  # noqa: PTH116
        except OSError as error:
            self.unreadable[path] = str(error)
            return None


def _entries(folder: str | Path, *, are_folders: bool) -> list[str]:
    """Return the paths of the journals in a folder, or of the folders; none if it is not there."""
    try:
        with os.scandir(folder) as entries:
            if are_folders:
                return [entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
            return [entry.path for entry in entries if entry.name.endswith(JOURNAL_SUFFIX)]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
