"""Looking at the journals of a project again and again, at little cost where nothing has changed."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.disk.index_place import is_on_network_file_system
from runfork.disk.layout import JOURNAL_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    _Sign = tuple[int, ...]

_UNKNOWN: tuple[int, ...] = ()
_SETTLED_SECONDS = 60.0
"""A folder that changed less long ago is listed anew: its time may not tell two changes apart, or come from another's clock."""
_TURNS = 5
"""Every so many looks it is the turn of a folder that may be passed over."""


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
        self._listed: dict[str, tuple[_Sign, list[str]]] = {}
        self._settled: set[str] = set()
        self._folders: tuple[_Sign, list[str]] = _UNKNOWN, []
        self._turn = 0
        self.files: dict[str, JournalFile] = {}
        """What was there at the last look, by path."""
        self.unreadable: dict[str, str] = {}
        """Journals and folders that could not be looked at the last time, and why."""
        self._unknown: set[str] = set()

    def look(self, awake: Collection[str] | None = None) -> dict[str, JournalFile]:
        """Return every journal that is there, by path.

        What cannot be looked at (for lack of a right, or of a connection) is as it was: only what is not there is gone.

        Args:
            awake: The folders in which something is likely to change. Of the others, those that are known and have not changed for
                long are looked at in turns, a few each time, and are taken to be as they were. None looks at all.
        """
        if self._trusts_times is None:
            self._trusts_times = not is_on_network_file_system(self._directory)
        if not self._trusts_times:
            self._settled.clear()
        told = {place for path in self.unreadable for place in (path, os.path.dirname(path))}  # noqa: PTH120
        self.unreadable, self._unknown = {}, set()
        self._now = time.time()
        self._turn = (self._turn + 1) % _TURNS
        listed, self._listed = self._listed, {}
        files, self.files = self.files, {}
        passed_over = self._settled.difference(awake, told) if awake is not None else ()
        for folder in self._run_folders(listed):
            before = listed.get(folder)
            if before is not None and folder in passed_over and hash(folder) % _TURNS != self._turn:
                self._listed[folder] = before
                for path in before[1]:
                    if path in files:
                        self.files[path] = files[path]
                continue
            for path in self._paths(folder, before):
                file = self._file(path, files.get(path))
                if file is not None:
                    self.files[path] = file
        self._settled &= self._listed.keys()
        return self.files

    def is_gone(self, path: str) -> bool:
        """Return whether a journal was not there at the last look; False where that could not be told."""
        folder = os.path.dirname(path)  # noqa: PTH120
        return path not in self.files and self._unknown.isdisjoint((path, folder, self._directory))

    # From one process to the next

    def remembered(self) -> list[Any]:
        """Return what was seen at the last look, as JSON can hold it: of folders that changed long ago what they are known by."""
        journals: dict[str, list[Any]] = {folder: [] for folder in self._listed}
        for path, file in self.files.items():
            folder, name = os.path.split(path)
            journals[folder].append([name, *file])
        return [
            [os.path.basename(folder), self._listed[folder][0] if folder in self._settled else None, files]  # noqa: PTH119
            for folder, files in journals.items()
        ]

    def recall(self, remembered: list[Any]) -> dict[str, JournalFile]:
        """Know what another process remembered before the first look, and return the journals that were there."""
        for name, sign, files in remembered:
            folder = os.path.join(self._directory, name)  # noqa: PTH118  (many)
            paths = []
            for journal, *file in files:
                paths.append(path := f"{folder}{os.sep}{journal}")
                self.files[path] = JournalFile(*file)
            if sign is not None:
                self._listed[folder] = (*sign,), paths
                self._settled.add(folder)
        return self.files

    @property
    def settled_count(self) -> int:
        """How many folders changed so long ago that their journals need not be listed again."""
        return len(self._settled)

    def _run_folders(self, known: Iterable[str]) -> list[str]:
        """Return the folders of runs: as they were listed, where the folder that they are in has not changed for long."""
        sign = _UNKNOWN
        if self._trusts_times:
            with suppress(OSError):  # listing says what is wrong
                found = os.stat(self._directory)  # noqa: PTH116
                changed = max(found.st_mtime_ns, found.st_ctime_ns)  # the latter is not that on Windows
                if self._now - changed / 1e9 > _SETTLED_SECONDS:
                    sign = changed, found.st_ino
        if sign == _UNKNOWN or sign != self._folders[0]:
            folders = self._entries(self._directory, sorted(known), are_folders=True)
            self._folders = _UNKNOWN if self._directory in self._unknown else sign, folders
        return self._folders[1]

    def _paths(self, folder: str, before: tuple[_Sign, list[str]] | None) -> list[str]:
        """Return the paths of the journals in a folder."""
        try:
            found = os.stat(folder)  # noqa: PTH116  (twenty thousand paths: a `Path` of each takes longer)
            sign: _Sign = (found.st_mtime_ns, found.st_ino)
        except FileNotFoundError:
            return []  # it was deleted meanwhile
        except OSError as error:
            self._tell(folder, error)
            sign = _UNKNOWN
        known = [] if before is None else before[1]
        if before is not None and (sign == _UNKNOWN or (sign == before[0] and folder in self._settled)):
            paths = known
        else:
            paths = self._entries(folder, known, are_folders=False)
        self._listed[folder] = sign, paths
        is_settled = self._trusts_times and sign != _UNKNOWN and self._now - sign[0] / 1e9 > _SETTLED_SECONDS
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
