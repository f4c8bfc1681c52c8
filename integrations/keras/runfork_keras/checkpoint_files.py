"""Finding the mark inside a Keras file with h5py alone, without Keras and without reading its tensors."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATASET = "_runfork_identity/vars/mark"
_WEIGHTS_IN_ARCHIVE = "model.weights.h5"
_IN_DIRECTORY = ("latest.weights.h5", "latest.weights.h5.bkp", _WEIGHTS_IN_ARCHIVE)
"""What ``BackupAndRestore`` writes, its last but one backup, and a model that was saved unzipped."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
MAX_MARK_BYTES = 1024**2


def find_mark_in_checkpoint(path: str | Path) -> Mapping[str, Any] | None:
    """Return the mark in a Keras checkpoint, or None if it is none or holds no mark.

    Args:
        path: A ``.keras`` or ``.weights.h5`` file, the ``.weights.json`` of a sharded one, or a directory with one.

    Raises:
        OSError: It is one of these, and cannot be read: it was cut short, say.
        zipfile.BadZipFile: The same.
        ValueError: The mark is damaged, or the file is none that Keras writes: it is compressed.
    """
    place = Path(path)
    if place.is_dir():
        file = next((place / name for name in _IN_DIRECTORY if (place / name).exists()), None)
        return find_mark_in_checkpoint(file) if file is not None else None
    if place.name.endswith(".weights.json"):
        shards = sorted(place.parent.glob("*.weights.h5"))
        return next((mark for mark in map(find_mark_in_checkpoint, shards) if mark), None)
    if place.suffix == ".keras" or (zipfile.is_zipfile(place) and _is_keras_archive(place)):
        with zipfile.ZipFile(place) as archive:
            return _mark_in_archive(archive)
    with place.open("rb") as start:
        is_hdf5 = start.read(len(_HDF5)) == _HDF5
    if not is_hdf5:
        return None
    return _mark_in_hdf5(place)


def _is_keras_archive(place: Path) -> bool:
    with zipfile.ZipFile(place) as archive:
        return _WEIGHTS_IN_ARCHIVE in archive.namelist()


def _mark_in_archive(archive: zipfile.ZipFile) -> Mapping[str, Any] | None:
    if _WEIGHTS_IN_ARCHIVE not in archive.namelist():
        return None
    if archive.getinfo(_WEIGHTS_IN_ARCHIVE).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{_WEIGHTS_IN_ARCHIVE!r} is compressed, which Keras does not do: no mark is looked for in it")
    with archive.open(_WEIGHTS_IN_ARCHIVE) as member:  # stored uncompressed, so that nothing else of it is read
        return _mark_in_hdf5(member)


def _mark_in_hdf5(source: Any) -> Mapping[str, Any] | None:
    import h5py

    with h5py.File(source, "r") as file:
        found = file.get(_DATASET)
        if not isinstance(found, h5py.Dataset):
            return None
        if found.size > MAX_MARK_BYTES or found.dtype != "uint8" or not _lies_plainly(found):
            raise ValueError(f"the mark in the checkpoint is damaged: {found.size} elements of {found.dtype}")
        mark = json.loads(found[()].tobytes())
    if not isinstance(mark, dict):
        raise ValueError(f"the mark in the checkpoint is damaged: {mark!r:.80}")  # noqa: TRY004  a damaged file, no wrong type
    return mark


def _lies_plainly(dataset: Any) -> bool:
    """Return whether a data set lies in its file as Keras writes it: neither compressed, nor in chunks, nor in another file."""
    return dataset.chunks is None and not dataset.is_virtual and not dataset.external
