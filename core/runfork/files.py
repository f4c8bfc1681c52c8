"""Contents of logged files: copied at the call into the run's ``files/`` folder, named by their SHA-256."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runfork.descriptors import open_descriptor
from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.identifiers import random_suffix
from runfork.types import File, FileReference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["FOLDER", "PART", "keep_file", "sync_file"]

FOLDER = "files"
PART = ".part-"
"""How the name of a file begins that is not complete."""
_CHUNK = 1024 * 1024
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"RIFF", "audio/wav"),
)
_EXTENSIONS = {
    ".ckpt": "application/x-pytorch-checkpoint",
    ".ipynb": "application/x-ipynb+json",
    ".keras": "application/zip",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".patch": "application/patch",
    ".pt": "application/x-pytorch-checkpoint",
    ".r": "text/x-r",
    ".sql": "application/sql",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


def keep_file(value: object, run_directory: Path) -> FileReference:
    """Copy a file's contents into the run's folder, durable against the process being killed when the call returns.

    Args:
        value: A path (str or PathLike), the contents as bytes, or a `File`.
        run_directory: Folder of the run.

    Returns:
        What stands for the file in the journal.

    Raises:
        ArgumentTypeError: `value` is none of these.
        ArgumentError: The path is not a readable file.
        OSError: The contents could not be written.
    """
    file = value if isinstance(value, File) else File(value)  # type: ignore[arg-type]
    source = file.source
    if isinstance(source, (bytes, bytearray, memoryview)):
        digest = hashlib.sha256(source).hexdigest()
        name = file.name or digest[:12] + (mimetypes.guess_extension(file.mime_type or "") or "")
        _write_once(run_directory / FOLDER / digest, bytes(source))
        return FileReference(digest, len(source), file.mime_type or _mime_type(name, bytes(source[:16])), name)
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentTypeError(f"a file must be a path, bytes or runfork.File, found {type(source).__name__}")
    path = Path(source)
    with _open(path) as opened:
        digest, size, head = _copy(opened, run_directory / FOLDER)
    name = file.name or path.name
    return FileReference(digest, size, file.mime_type or _mime_type(name, head), name)


def sync_file(path: Path) -> None:
    """Ask the disk to keep a file and its name; blocks the calling thread.

    Raises:
        OSError: The disk refuses.
    """
    for one in (path, path.parent):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _open(path: Path) -> BinaryIO:
    try:
        if stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for whoever writes to it
            return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArgumentError(f"{str(path)!r} is not a readable file ({reason}); pass the path of a file") from error
    raise ArgumentError(f"{str(path)!r} is not a readable file (a folder, pipe or device); pass the path of a file")


def _write_once(target: Path, contents: bytes) -> None:
    if target.exists():
        return
    with _part(target.parent) as (temporary, file):
        file.write(contents)
        file.close()
        temporary.replace(target)


def _copy(source: BinaryIO, folder: Path) -> tuple[str, int, bytes]:
    """Copy a stream into `folder` under its digest; returns digest, size and the first bytes."""
    digest, size, head = hashlib.sha256(), 0, b""
    with _part(folder) as (temporary, target):
        while chunk := source.read(_CHUNK):
            head = head or chunk[:16]
            digest.update(chunk)
            target.write(chunk)
            size += len(chunk)
        target.close()
        temporary.replace(folder / digest.hexdigest())
    return digest.hexdigest(), size, head


@contextmanager
def _part(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new file in `folder`, which is removed unless it was renamed; as readable for others as the journals."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{PART}{random_suffix(12)}"
    try:
        with open(temporary, "xb", opener=open_descriptor) as file:
            yield temporary, file
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _mime_type(name: str, head: bytes) -> str:
    extension = Path(name).suffix.lower()
    by_name = _EXTENSIONS.get(extension) or mimetypes.guess_type(name)[0]
    return by_name or next((mime for magic, mime in _MAGIC if head.startswith(magic)), "application/octet-stream")
