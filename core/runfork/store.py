"""Where things lie on disk: the data directory and what is in it.

::

    .runfork/
      <workspace>/<project>/<run>/<writer>.journal
      <workspace>/<project>/<run>/files/<sha256>
      .index/<workspace>/<project>.sqlite3          derived, may be deleted
"""

from __future__ import annotations

import os
from pathlib import Path

from runfork.errors import FormatError
from runfork.identifiers import directory_name, name_of_directory

__all__ = ["DIRECTORY_NAME", "JOURNAL_SUFFIX", "Store", "default_project", "find_data_directory"]

DIRECTORY_NAME = ".runfork"
JOURNAL_SUFFIX = ".journal"
INDEX_NAME = ".index"
_NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb smb2 smb3 smbfs lustre gpfs beegfs ceph glusterfs fuse.glusterfs fuse.sshfs afs orangefs pvfs2 "
    "panfs wekafs 9p fuse.s3fs fuse.gcsfuse".split()
)


def find_data_directory(explicit: str | os.PathLike[str] | None = None) -> Path:
    """Return the data directory: `explicit`, else ``RUNFORK_DIR``, else the nearest ``.runfork`` upward, else ``./.runfork``."""
    chosen = explicit or os.environ.get("RUNFORK_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    here = Path.cwd()
    for place in (here, *here.parents):
        candidate = place / DIRECTORY_NAME
        if candidate.is_dir():
            return candidate
    return here / DIRECTORY_NAME


def default_project() -> str:
    """Return the project of runs that name none: ``local/<name of the working directory>``."""
    name = Path.cwd().name.strip(" .").replace("/", "-")
    return f"local/{name or 'default'}"


class Store:
    """A data directory. Making one touches no file.

    Args:
        directory: Its path.
        index_directory: Where indexes lie; None chooses by the file system.
    """

    def __init__(self, directory: Path, index_directory: Path | None = None) -> None:
        self.directory = directory
        self._index_directory = index_directory

    def projects(self) -> list[str]:
        """Return the names of all projects that hold a run, sorted."""
        return sorted(
            _project_of(project)
            for workspace in _folders(self.directory)
            for project in _folders(workspace)
            if any(True for _ in _folders(project))
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

    def index_path(self, project: str) -> Path:
        """Return where the project's index lies."""
        workspace, _, name = project.partition("/")
        return self.index_directory() / directory_name(workspace) / f"{directory_name(name)}.sqlite3"

    def index_directory(self) -> Path:
        """Return the folder of indexes: in the data directory, or in the user's cache where that is shared between hosts."""
        if self._index_directory is not None:
            return self._index_directory
        if explicit := os.environ.get("RUNFORK_INDEX_DIR"):
            return Path(explicit).expanduser().absolute()
        beside = self.directory / INDEX_NAME
        if is_on_network_file_system(self.directory) or not _is_writable(self.directory):
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            return cache / "runfork" / directory_name(str(self.directory))
        return beside


def journals_of(run_directory: Path) -> list[Path]:
    """Return a run's journals, the earliest writer first; none if the folder is not there."""
    try:
        with os.scandir(run_directory) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(JOURNAL_SUFFIX) and _is_file(entry))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return [run_directory / name for name in names]


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether it is a regular file, or a link to one."""
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def is_on_network_file_system(path: Path, mounts: str | None = None) -> bool:
    """Return whether `path` lies on a file system that several hosts may share, as far as the system tells.

    Args:
        path: Any path; it need not exist.
        mounts: Text of ``/proc/mounts``; None reads it (and answers False where there is none).
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
    best, kind = "", ""
    target = os.path.realpath(path)
    for line in mounts.splitlines():
        parts = line.split()
        if len(parts) < 3:  # noqa: PLR2004
            continue
        point = parts[1].replace("\\040", " ")
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, parts[2]
    return kind in _NETWORK_FILE_SYSTEMS


def _project_of(folder: Path) -> str:
    """Return the project whose runs lie in `folder`; a shortened name stands whole in the journals."""
    name = f"{name_of_directory(folder.parent.name)}/{name_of_directory(folder.name)}"
    if "~" not in folder.parent.name + folder.name:
        return name
    from runfork.journal.format import MAX_FILE_HEADER, decode_file_header

    for path in (path for run in _folders(folder) for path in journals_of(run)):
        try:
            with path.open("rb") as file:
                header = decode_file_header(file.read(MAX_FILE_HEADER), source=str(path))
        except (OSError, FormatError):
            continue
        if header is not None:
            return str(header[0]["project"])
    return name


def _is_writable(path: Path) -> bool:
    while not path.exists() and path != path.parent:
        path = path.parent
    return os.access(path, os.W_OK)


def _folders(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
