"""Looking at the journals of a project again and again, at little cost where nothing has changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from runfork.disk.index_place import is_on_network_file_system
from runfork.disk.layout import JOURNAL_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["JournalFile", "JournalWatch"]

_SETTLED_SECONDS = 60.0
"""A folder that changed less long ago is listed anew: its time may not tell two changes apart, or come from another's clock."""


class JournalFile(NamedTuple):
    """What a file system says of a journal at one moment. While all of it is the same, so is the file.

    Args:
        size: Bytes.
        node: The number of the file: another one is another file.
        changed_ns: When anything of it changed last, which nobody can set.
        modified_ns: When it was written to last.
    """

    size: int
    node: int
    changed_ns: int
    modified_ns: int


class JournalWatch:
    """The journals in the folders of a project's runs.

    A folder is listed again when the time of its last change is another, and always on file systems that other hosts write to.

    Args:
        directory: The folder of the project.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._trusts_times: bool | None = None
        self._now = 0.0
        self._listed: dict[str, tuple[int, list[str]]] = {}
        self._settled: set[str] = set()
        self._files: dict[str, JournalFile] = {}
        self.unreadable: dict[str, str] = {}
        """Journals and folders that could not be looked at the last time, and why."""
        self._unknown: set[str] = set()

    def look(self) -> dict[str, JournalFile]:
        """Return every journal that is there, by path.

        What cannot be looked at (for lack of a right, or of a connection) is as it was: only what is not there is gone.
        """
        if self._trusts_times is None:
            self._trusts_times = not is_on_network_file_system(self._directory)
        self.unreadable, self._unknown = {}, set()
        self._now = time.time()
        listed, self._listed = self._listed, {}
        files, self._files = self._files, {}
        for folder in self._entries(self._directory, sorted(listed), are_folders=True):
            for path in self._paths(folder, listed.get(folder)):
                file = self._file(path, files.get(path))
                if file is not None:
                    self._files[path] = file
        self._settled &= self._listed.keys()
        return self._files

    def is_gone(self, path: str) -> bool:
        """Return whether a journal was not there at the last look; False where that could not be told."""
        folder = os.path.dirname(path)  # noqa: PTH120
        return path not in self._files and self._unknown.isdisjoint((path, folder, self._directory))

    def _paths(self, folder: str, before: tuple[int, list[str]] | None) -> list[str]:
        """Return the paths of the journals in a folder."""
        try:
            changed = os.stat(folder).st_mtime_ns  # noqa: PTH116  (twenty thousand paths: a `Path` of each takes longer)
        except FileNotFoundError:
            return []  # it was deleted meanwhile
        except OSError as error:
            self._tell(folder, error)
            changed = -1
        known = [] if before is None else before[1]
        if before is not None and changed in (before[0], -1) and (folder in self._settled or changed == -1):
            paths = known
        else:
            paths = self._entries(folder, known, are_folders=False)
        self._listed[folder] = (changed, paths)
        is_settled = self._trusts_times and self._now - changed / 1e9 > _SETTLED_SECONDS
        (self._settled.add if is_settled else self._settled.discard)(folder)
        return paths

    def _file(self, path: str, before: JournalFile | None) -> JournalFile | None:
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                self.unreadable[path] = str(error)  # a link to what is not there
                return None
            self._tell(path, error)
            return before
        file = JournalFile(found.st_size, found.st_ino, found.st_ctime_ns, found.st_mtime_ns)
        return before if before == file else file  # one for all looks: many new ones make work for the collector

    def _entries(self, folder: str, known: list[str], *, are_folders: bool) -> list[str]:
        """Return the paths of the journals in a folder, or of the folders in it; `known` if it is there and cannot be listed."""
        try:
            with os.scandir(folder) as entries:
                if are_folders:
                    return [entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
                return [entry.path for entry in entries if entry.name.endswith(JOURNAL_SUFFIX)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._tell(folder, error)
            return known

    def _tell(self, path: str, error: OSError) -> None:
        self.unreadable[path] = str(error)
        self._unknown.add(path)
