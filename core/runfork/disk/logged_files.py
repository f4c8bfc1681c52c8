"""Contents of logged files: copied at the call into the run's ``files/`` folder, named by their SHA-256."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.journal.descriptors import open_descriptor
from runfork.journal.folders import sync_path
from runfork.model.identifiers import random_suffix
from runfork.model.messages import described, shown, type_name
from runfork.types import File, FileReference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

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
        value: A path (str or PathLike), the contents as bytes, or a `File`; or what was returned for one, which this run keeps.
        run_directory: Folder of the run.

    Returns:
        What stands for the file in the journal.

    Raises:
        ArgumentTypeError: `value` is none of these.
        ArgumentError: The path is not a readable file, or the run does not keep it.
        OSError: The contents could not be written.
    """
    if type(value) is FileReference:  # what somebody's own object says of its class may raise
        if not (run_directory / FOLDER / value.sha256).is_file():
            raise ArgumentError(f"this run keeps no file of the contents of {value.name!r}; pass the path of a file")
        return value
    source, mime_type, name = _understood(value)
    if isinstance(source, bytes):
        digest = hashlib.sha256(source).hexdigest()
        name = name or digest[:12] + (mimetypes.guess_extension(mime_type or "") or "")
        _write_once(run_directory / FOLDER / digest, source)
        return FileReference(digest, len(source), mime_type or guess_mime_type(name, source[:16]), name)
    with _open(source) as opened:
        digest, size, head = _copy(opened, run_directory / FOLDER)
    name = name or source.name
    return FileReference(digest, size, mime_type or guess_mime_type(name, head), name)


def _understood(value: object) -> tuple[Path | bytes, str | None, str | None]:
    """Return contents or path of a file, its media type and its name, as plain objects."""
    try:
        file: Any = value if issubclass(type(value), File) else File(value)  # type: ignore[arg-type]
        return _source(file.source), _text(file.mime_type, "mime_type"), _text(file.name, "name")
    except ArgumentError:
        raise
    except Exception as error:  # a path of somebody's own may raise anything
        raise ArgumentError(f"it could not be read ({described(error)}); pass a path or bytes") from error


def _source(source: Any) -> Path | bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        return Path(str.__str__(os.fsdecode(source)))
    raise ArgumentTypeError(
        f"a file must be a path, bytes or runfork.File, found {type_name(source)}; pass its contents as bytes"
    )


def _text(text: Any, what: str) -> str | None:
    if text is not None and not issubclass(type(text), str):
        raise ArgumentTypeError(f"{what} of a file must be a string, found {shown(text)}")
    return None if text is None else str.__str__(text)


def sync_file(path: Path) -> None:
    """Ask the disk to keep a logged file, its name, and that of the folder that it lies in; blocks the calling thread.

    Raises:
        OSError: The disk refuses.
    """
    for one in (path, path.parent, path.parent.parent):
        sync_path(one)


def _open(path: Path) -> BinaryIO:
    try:
        if stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for whoever writes to it
            return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArgumentError(f"{str(path)!r} is not a readable file ({reason}); pass the path of a file") from error
    raise ArgumentError(f"{str(path)!r} is not a readable file (a folder, pipe or device); pass the path of a file")


def _write_once(target: Path, contents: bytes) -> None:
    if target.exists() and target.stat().st_size == len(contents):  # power loss may have left less of it
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
    except BaseException:  # an interrupt, too
        # Whether it was renamed is not looked for: a round trip on a network file system.
        temporary.unlink(missing_ok=True)
        raise


def guess_mime_type(name: str, head: bytes = b"") -> str:
    """Return the media type that a file's name says, else its first bytes; ``application/octet-stream`` if neither does."""
    extension = Path(name).suffix.lower()
    by_name = _EXTENSIONS.get(extension) or mimetypes.guess_type(name)[0]
    return by_name or next((mime for magic, mime in _MAGIC if head.startswith(magic)), "application/octet-stream")
