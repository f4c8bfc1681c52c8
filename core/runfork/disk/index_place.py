"""Where the index of a data directory lies: a file that only readers of one machine share, on a disk of that machine's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runfork.model.identifiers import directory_name

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX_NAME = ".index"
_NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb smb2 smb3 smbfs lustre gpfs beegfs ceph glusterfs afs orangefs pvfs2 panfs wekafs 9p virtiofs vboxsf "
    "fuse.glusterfs fuse.sshfs fuse.s3fs fuse.gcsfuse fuse.ceph fuse.ceph-fuse fuse.juicefs fuse.rclone fuse.mount-s3 "
    "fuse.vmhgfs-fuse fuse.lizardfs fuse.moosefs fuse.mfs fuse.seaweedfs".split()
)
_SHARED_WITH_A_HOST = frozenset(("9p", "virtiofs", "vboxsf"))
_REMEDY = "set RUNFORK_INDEX_DIR to a folder on a disk of this machine"


class IndexPlace(NamedTuple):
    """Where indexes lie.

    Args:
        directory: Their folder; None where there is none, and they are to be made in memory.
        reason: Why it is not where it is looked for first and next, if that is to be told; a sentence.
    """

    directory: Path | None
    reason: str | None = None


def index_place(data: Path, *, mounts: str | None = None) -> IndexPlace:
    """Return where the indexes of a data directory lie.

    In it, as a rule. Where it is on a network file system, whose files hosts must not share as SQLite does, or cannot be written:
    in the user's cache directory; where that is on a network file system, too, in a folder of this user's among the temporary files
    of the machine; and where that cannot be, nowhere.

    Args:
        data: The data directory.
        mounts: As `is_on_network_file_system` takes it.
    """
    if _is_own_disk(data, mounts):
        return IndexPlace(data / INDEX_NAME)
    cache = _cache_directory()
    if cache is not None and _is_own_disk(cache, mounts):
        return IndexPlace(cache / "runfork" / directory_name(str(data)))
    for folder in _temporary_folders():
        if _is_own_disk(folder, mounts) and (own := _private_folder(folder)) is not None:
            reason = f"this user has no home directory: indexes are kept in {own}; {_REMEDY} to have them elsewhere"
            return IndexPlace(own / directory_name(str(data)), reason if cache is None else None)
    reason = f"no folder for the index of {data} was found on a disk of this machine; {_REMEDY}"
    return IndexPlace(None, reason)


def _is_own_disk(path: Path, mounts: str | None) -> bool:
    return not is_on_network_file_system(path, mounts) and _is_writable(path)


def _cache_directory() -> Path | None:
    """Return the user's cache directory; None where the user has no home."""
    told = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if told.is_absolute():
        return told
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  pathlib's raises where there is none
    return home / ".cache" if home.is_absolute() else None


def _temporary_folders() -> Iterator[Path]:
    told = os.environ.get("TMPDIR", "")
    for folder in map(Path, (told, "/tmp", "/var/tmp")):  # noqa: S108  what is made there is this user's alone
        if folder.is_absolute() and folder.is_dir():
            yield folder


def _private_folder(folder: Path) -> Path | None:
    """Return this user's folder among temporary files, made if it is not there; None if somebody else holds its name."""
    if not hasattr(os, "geteuid"):
        return folder / "runfork"
    own = folder / f"runfork-{os.geteuid()}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
    except OSError:
        return None
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return own if is_own else None


def is_on_network_file_system(path: str | Path, mounts: str | None = None) -> bool:
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
    is_machine = best == "/" and kind in _SHARED_WITH_A_HOST  # a virtual machine or sandbox: all it has lies there
    return kind in _NETWORK_FILE_SYSTEMS and not is_machine


def _is_writable(path: Path) -> bool:
    while not path.exists() and path != path.parent:
        path = path.parent
    return os.access(path, os.W_OK)
