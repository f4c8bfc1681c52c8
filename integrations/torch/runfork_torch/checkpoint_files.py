"""Finding the mark inside a checkpoint file without torch, without reading its tensors, and without running its pickle.

A torch checkpoint is a zip archive: ``<name>/data.pkl`` holds the structure, every tensor's bytes are a member of their own.
Only the structure is read, with an unpickler that looks up no class at all: whatever is not a plain container or scalar
becomes an inert placeholder. So the mark is found in files that ``torch.load(weights_only=True)`` refuses too (a user's own
classes among the hyperparameters), and a malicious file cannot run code.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.model.marks import MARK_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_STRUCTURE_BYTES = 256 * 1024**2
_METADATA_FILES = ("meta.pt", "*/mp_rank_00_model_states.pt", "mp_rank_00_model_states.pt")
"""Where sharded checkpoints (directories) keep what is not a tensor: FSDP and model-parallel, DeepSpeed."""


def find_mark_in_checkpoint(path: str | Path) -> Mapping[str, Any] | None:
    """Return the mark in a torch or Lightning checkpoint, or None if it is none or holds no mark.

    Args:
        path: A checkpoint file, or the directory of a sharded checkpoint.

    Raises:
        OSError: The file cannot be read.
        pickle.UnpicklingError: It is a torch file, and damaged.
        ValueError: It is none that torch writes: its structure is compressed, or larger than any.
    """
    for file in _candidates(Path(path)):
        structure = _read_structure(file)
        found = structure.get(MARK_KEY) if isinstance(structure, dict) else None
        if isinstance(found, dict):
            return found
    return None


def _candidates(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for pattern in _METADATA_FILES:
        yield from sorted(path.glob(pattern))


def _read_structure(file: Path) -> object:
    if not zipfile.is_zipfile(file):
        return None
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.filename.count("/") == 1 and member.filename.endswith("/data.pkl"):
                _check_structure(member)
                return _InertUnpickler(io.BytesIO(archive.read(member))).load()
    return None


def _check_structure(member: zipfile.ZipInfo) -> None:
    """Refuse what would take more memory than the file has bytes; torch compresses nothing."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename!r} is compressed, which torch does not do: no mark is looked for in it")
    if member.file_size > _MAX_STRUCTURE_BYTES:
        raise ValueError(
            f"{member.filename!r} has {member.file_size} bytes, more than {_MAX_STRUCTURE_BYTES}: no mark is looked for in it"
        )


class _Inert:
    """Stands for any object of a class that was not looked up; takes whatever a pickle does to it."""

    def __new__(cls, *_args: object, **_options: object) -> Any:
        return super().__new__(cls)

    def __init__(self, *args: object, **options: object) -> None:
        pass

    def __call__(self, *_args: object, **_options: object) -> _Inert:
        return self

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Take an element."""

    def extend(self, values: object) -> None:
        """Take elements."""

    def add(self, value: object) -> None:
        """Take an element."""


class _PlainDict(dict[Any, Any]):
    def __setstate__(self, state: object) -> None:
        pass


class _InertUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a placeholder for every class; the ordered dict that torch uses for state stays a dict."""
        return _PlainDict if (module, name) == ("collections", "OrderedDict") else _Inert

    def persistent_load(self, _pid: object) -> object:
        """Return a placeholder for a tensor's storage."""
        return _Inert()
