"""Where things lie on disk: the data directory and what is in it.

::

    .runfork/
      <workspace>/<project>/<run>/<writer>.journal
      <workspace>/<project>/<run>/files/<sha256>
      .index/<workspace>/<project>.sqlite3          derived, may be deleted
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runfork.disk.starting_directory import STARTED_IN, starting_directory
from runfork.errors import FormatError
from runfork.journal.descriptors import open_descriptor
from runfork.model.identifiers import directory_name, generated_prefix, name_of_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runfork.disk.index_place import IndexPlace

DIRECTORY_NAME = ".runfork"
JOURNAL_SUFFIX = ".journal"
GIT_IGNORE = ".gitignore"
_REPOSITORIES = (".git", ".hg")
_BLOCK_BYTES = 1024**2


def find_data_directory(explicit: str | os.PathLike[str] | None = None) -> Path:
    """Return the data directory.

    It is `explicit`, else ``RUNFORK_DIR``, else the nearest ``.runfork`` from the working directory upward, else ``.runfork`` in
    the root of the repository that the working directory lies in, else in the working directory.
    """
    if explicit:
        return Path(os.path.expanduser(explicit)).absolute()  # noqa: PTH111  pathlib's raises where there is no home
    if chosen := os.environ.get("RUNFORK_DIR"):
        return from_start(chosen)
    here = working_directory()
    for place in _upward(here):
        if _holds_runs(place):
            return Path(place, DIRECTORY_NAME)
    base = find_code_base()
    return (base if os.access(base, os.W_OK) else here) / DIRECTORY_NAME


def find_code_base() -> Path:
    """Return the folder of the program that runs: it holds ``.runfork`` or a repository, whichever is nearest upward.

    Without either it is the working directory, or the one that the program was started in, if the working directory lies below it:
    a job may be given a folder of its own there.
    """
    here, home = working_directory(), os.path.expanduser("~")  # noqa: PTH111  it never raises
    for place in _upward(here):
        if _holds_runs(place):
            return Path(place)
        # Settings that somebody keeps in git do not make all that lies in their home directory one program.
        if place != home and any(os.path.exists(f"{place}/{name}") for name in _REPOSITORIES):  # noqa: PTH110
            return Path(place)
    return _started_in(here)


def _upward(here: Path) -> Iterator[str]:
    """Yield a folder and those above it, as texts: with pathlib, what is asked of each takes longer than the system's answer."""
    place, below = str(here), ""
    while place != below:
        yield place
        place, below = os.path.dirname(place), place  # noqa: PTH120


def _holds_runs(place: str) -> bool:
    return os.path.isdir(f"{place}/{DIRECTORY_NAME}")  # noqa: PTH112  pathlib's raises where a folder may not be searched


def default_project() -> str:
    """Return the project of runs that name none: ``local/<name of the folder of the code base>``."""
    name = find_code_base().name.strip(" .").replace("/", "-")
    return f"local/{name or 'default'}"


def working_directory() -> Path:
    """Return the working directory, or that in which cells of a notebook began; where it is gone, where the program was started."""
    try:
        return starting_directory()
    except OSError:
        return _START


def from_start(path: str) -> Path:
    """Return what a path of the environment means: a relative one is meant from where the program was started."""
    return Path(path) if os.path.isabs(path) else _started_in(working_directory()) / Path(path).expanduser()  # noqa: PTH117


def _started_in(here: Path) -> Path:
    """Return where the program was started, if that is above `here`; else `here`."""
    return _START if _START in here.parents and _START.parent != _START else here


_START = Path(STARTED_IN)


class Store:
    """A data directory. Making one touches no file.

    Args:
        directory: Its path.
        index_directory: Where indexes lie; None chooses by the file system.
    """

    def __init__(self, directory: Path, index_directory: Path | None = None) -> None:
        self.directory = directory
        self._index_directory = index_directory

    def let_git_ignore(self, changed: Sequence[Path]) -> None:
        """Put a file into the data directory that keeps git from what it holds, when the first project is made in it.

        Args:
            changed: The folders that got a new entry when a run was made.
        """
        if self.directory not in changed:
            return
        with suppress(OSError):
            is_new = self.directory.parent in changed
            # One that was there before may be anything of somebody's, unless it has our name and nothing else is in it.
            if is_new or (self.directory.name == DIRECTORY_NAME and len(os.listdir(self.directory)) == 1):  # noqa: PTH208
                with open(self.directory / GIT_IGNORE, "x", opener=open_descriptor) as file:
                    file.write("*\n")

    def projects(self) -> list[str]:
        """Return the names of all projects that hold a run, sorted."""
        return sorted(
            _project_of(project)
            for workspace in _folders(self.directory)
            for project in _folders(workspace)
            if next(_folders(project), None) is not None
        )

    def project_directory(self, project: str) -> Path:
        """Return the folder of a project's runs."""
        workspace, _, name = project.partition("/")
        return self.directory / directory_name(workspace) / directory_name(name)

    def run_directory(self, project: str, run_id: str) -> Path:
        """Return the folder of a run."""
        return self.project_directory(project) / directory_name(run_id)

    def journals(self, project: str) -> list[Path]:
        """Return every journal of a project, sorted by run folder and writer."""
        return [path for run in self.run_directories(project) for path in journals_of(run)]

    def run_directories(self, project: str) -> list[Path]:
        """Return the folders of a project's runs, sorted."""
        return sorted(_folders(self.project_directory(project)))

    def find_short(self, project: str, beginning: str) -> list[str]:
        """Return the generated run ids of a project's runs that begin so, sorted."""
        names = (name_of_directory(folder.name) for folder in _folders(self.project_directory(project)))
        return sorted(
            name
            for name in names
            if name.startswith(beginning) and generated_prefix(name) and journals_of(self.run_directory(project, name))
        )

    def index_path(self, project: str) -> Path | None:
        """Return where the project's index lies; None where it is to be made in memory."""
        directory = self.index_place().directory
        workspace, _, name = project.partition("/")
        return None if directory is None else directory / directory_name(workspace) / f"{directory_name(name)}.sqlite3"

    def index_place(self) -> IndexPlace:
        """Return the folder of indexes, and why it is another than one might think."""
        from runfork.disk.index_place import IndexPlace, index_place

        told = self._index_directory
        if told is None and (explicit := os.environ.get("RUNFORK_INDEX_DIR")):
            told = from_start(explicit)
        # a folder for each data directory: projects of one name may be in many
        return index_place(self.directory) if told is None else IndexPlace(told / directory_name(str(self.directory)))


def journals_of(run_directory: Path) -> list[Path]:
    """Return a run's journals, the earliest writer first; none if the folder is not there."""
    try:
        with os.scandir(run_directory) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(JOURNAL_SUFFIX) and _is_file(entry))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return [run_directory / name for name in names]


def holds(run_directory: Path, text: bytes) -> bool:
    """Return whether one of a run's journals holds some bytes, the latest looked through first, from its end."""
    return any(_file_holds(path, text) for path in reversed(journals_of(run_directory)))


def _file_holds(path: Path, text: bytes) -> bool:
    with suppress(OSError), path.open("rb") as file:
        end, rest = file.seek(0, os.SEEK_END), b""
        while end > 0:
            begin = max(0, end - _BLOCK_BYTES)
            file.seek(begin)
            block = file.read(end - begin)
            if text in block + rest:
                return True
            end, rest = begin, block[: len(text) - 1]
    return False


def journal_sizes(run_directory: str | os.PathLike[str]) -> dict[str, int] | None:
    """Return how many bytes each journal of a run holds, by writer; None if the folder cannot be read. One look, never raises."""
    try:
        with os.scandir(run_directory) as entries:
            journals = [entry for entry in entries if entry.name.endswith(JOURNAL_SUFFIX)]
            return {entry.name[: -len(JOURNAL_SUFFIX)]: entry.stat().st_size for entry in journals}
    except (OSError, ValueError):
        return None


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether it is a regular file, or a link to one."""
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _project_of(folder: Path) -> str:
    """Return the project whose runs lie in `folder`; a shortened name stands whole in the journals."""
    name = f"{name_of_directory(folder.parent.name)}/{name_of_directory(folder.name)}"
    if "~" not in folder.parent.name + folder.name:
        return name
    from runfork.journal.header import read_identity

    for path in (path for run in _folders(folder) for path in journals_of(run)):
        try:
            header = read_identity(path)
        except (OSError, FormatError):
            continue
        if header is not None:
            return str(header[0]["project"])
    return name


def _folders(path: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir() and not entry.name.startswith("."):
                yield Path(entry.path)
