"""Contents of logged files: copied at the call into the run's ``files/`` folder, named by their SHA-256."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.types import File, FileReference

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["FOLDER", "keep_file"]

FOLDER = "files"
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
    try:
        with path.open("rb") as opened:
            digest, size, head = _copy(opened, run_directory / FOLDER)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename is not None and Path(error.filename) != path:
            raise
        raise ArgumentError(
            f"{str(source)!r} is not a readable file ({error.strerror}); pass the path of a file"
        ) from error
    name = file.name or path.name
    return FileReference(digest, size, file.mime_type or _mime_type(name, head), name)


def _write_once(target: Path, contents: bytes) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
        Path(temporary).replace(target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _copy(source: BinaryIO, folder: Path) -> tuple[str, int, bytes]:
    """Copy a stream into `folder` under its digest; returns digest, size and the first bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".part-")
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        with os.fdopen(handle, "wb") as target:
            while chunk := source.read(_CHUNK):
                head = head or chunk[:16]
                digest.update(chunk)
                target.write(chunk)
                size += len(chunk)
        Path(temporary).replace(folder / digest.hexdigest())
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size, head


def _mime_type(name: str, head: bytes) -> str:
    extension = Path(name).suffix.lower()
    by_name = _EXTENSIONS.get(extension) or mimetypes.guess_type(name)[0]
    return by_name or next((mime for magic, mime in _MAGIC if head.startswith(magic)), "application/octet-stream")
