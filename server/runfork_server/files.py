"""Logged files of a run: which there are, and their contents."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from runfork.disk.logged_files import FOLDER, guess_mime_type
from runfork.errors import NotFoundError
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.journal.descriptors import open_descriptor
from runfork.model.attributes import AttributeType
from runfork.model.steps import MAX_MICRO_STEP, format_step, from_micro_steps

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.index.interface import Index
    from runfork.reading.project import Project
    from runfork.types import FileReference

OTHER_TYPE = "application/octet-stream"
_KINDS = (AttributeType.FILE, AttributeType.FILE_SERIES)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}(?:; ?[\w-]{1,50}=[\w.+-]{1,100}){0,4}", re.ASCII)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\"\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_LONGEST_NAME = 150


class FoundFile(NamedTuple):
    """A file of a run.

    Args:
        path: Its attribute.
        step: Micro-step in a file series; None of a single file.
        reference: What is known of it.
        source_run: The run that logged it: the run itself or an ancestor.
    """

    path: str
    step: int | None
    reference: FileReference
    source_run: str


def find_files(index: Index, run_id: str) -> list[FoundFile]:
    """Return all files that a run has, inherited ones included, by path and step."""
    paths = {one.path for one in index.definitions(run_ids=[run_id], types=_KINDS)}
    values = index.values([run_id], paths=sorted(paths)).get(run_id, {})
    found = [
        _found(path, None, value.value, value.source_run)
        for path, value in values.items()
        if value.type is AttributeType.FILE
    ]
    keys = [SeriesKey(run_id, path) for path, value in values.items() if value.type is AttributeType.FILE_SERIES]
    for series in index.points(PointsRequest(keys)) if keys else ():
        sources = [segment.run_id for segment in series.segments]
        points = zip(series.steps.tolist(), series.values, series.sources.tolist(), strict=True)
        found += [_found(series.key.path, step, value, sources[source]) for step, value, source in points]
    return sorted(found, key=lambda one: (one.path, -1 if one.step is None else one.step))


def find_file(index: Index, run_id: str, path: str, step: int | None) -> FoundFile:
    """Return a file of a run; of a series the last one at or before a micro-step, or the last one of all.

    Raises:
        NotFoundError: There is none.
    """
    value = index.values([run_id], paths=[path]).get(run_id, {}).get(path)
    if value is None or value.type not in _KINDS:
        what = "no such attribute" if value is None else f"a {value.type.value} there"
        raise NotFoundError(f"run {run_id!r} has no file {path!r}, but {what}; `runfork show` lists what it has")
    if value.type is AttributeType.FILE:
        return _found(path, None, value.value, value.source_run)
    high = MAX_MICRO_STEP if step is None else min(step, MAX_MICRO_STEP)
    for series in index.points(PointsRequest([SeriesKey(run_id, path)], step_range=(None, high), tail=1)):
        if len(series.steps):
            source = series.segments[int(series.sources[0])].run_id
            return _found(path, int(series.steps[0]), series.values[0], source)
    raise NotFoundError(f"run {run_id!r} has no file {path!r} at or before step {format_step(max(high, 0))}")


def _found(path: str, step: int | None, reference: FileReference, source_run: str) -> FoundFile:
    """Return a file; bytes that were logged have no name, then the path tells of which type they are."""
    if reference.mime_type == OTHER_TYPE:
        reference = replace(reference, mime_type=guess_mime_type(path))
    return FoundFile(path, step, reference, source_run)


def folder_of(project: Project, file: FoundFile) -> Path:
    """Return where the contents of a file lie."""
    return project.store.run_directory(project.name, file.source_run) / FOLDER


def describe(file: FoundFile, folder: Path) -> dict[str, Any]:
    """Return a file as JSON."""
    reference = file.reference
    return {
        "path": file.path,
        "step": None if file.step is None else from_micro_steps(file.step),
        "name": reference.name,
        "size_bytes": reference.size_bytes,
        "mime_type": reference.mime_type,
        "sha256": reference.sha256,
        "source_run": file.source_run,
        "is_there": is_there(folder, reference),
    }


def is_there(folder: Path, reference: FileReference) -> bool:
    """Return whether the contents lie where they are to."""
    if _SHA256.fullmatch(reference.sha256) is None:
        return False
    try:
        about = (folder / reference.sha256).lstat()
    except OSError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size == reference.size_bytes and not folder.is_symlink()


def open_contents(folder: Path, file: FoundFile) -> int:
    """Open the contents of a file, and return the descriptor. Nothing is followed that leads elsewhere.

    Raises:
        NotFoundError: They are not there, or not as they were logged.
    """
    reference, place = file.reference, folder / file.reference.sha256
    missing = f"the contents of {file.path!r} are not at {str(place)!r}"
    if _SHA256.fullmatch(reference.sha256) is None:
        raise NotFoundError(f"{file.path!r} names contents that cannot be: {reference.sha256!r:.80} is no SHA-256")
    if folder.is_symlink():
        raise NotFoundError(f"{missing}, but behind a link; copy them there")
    try:
        descriptor = open_descriptor(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise NotFoundError(f"{missing} ({error.strerror or error}); copy them there") from error
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_size == reference.size_bytes:
        return descriptor
    os.close(descriptor)
    if not stat.S_ISREG(about.st_mode):
        raise NotFoundError(f"{missing}, but no file; copy them there")
    raise NotFoundError(
        f"{missing} as they were logged: {about.st_size} bytes of {reference.size_bytes}; copy them there again"
    )


# Headers


def media_type(reference: FileReference) -> str:
    """Return the media type that a file is sent as; text is UTF-8 unless it says otherwise."""
    kind = reference.mime_type
    if _MEDIA_TYPE.fullmatch(kind) is None:
        return OTHER_TYPE
    return f"{kind}; charset=utf-8" if kind.startswith("text/") and ";" not in kind else kind


def disposition(reference: FileReference, *, is_download: bool) -> str:
    """Return the ``Content-Disposition`` of a file, whatever it is called."""
    name = _UNSAFE.sub("_", reference.name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if len(name) > _LONGEST_NAME and dot and len(ending) < _LONGEST_NAME // 4:
        name = f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}"
    name = name[:_LONGEST_NAME] or "file"
    kind = "attachment" if is_download else "inline"
    plain = re.sub(r"[^A-Za-z0-9 ._()+,=@-]", "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class Stretch(NamedTuple):
    """A stretch of bytes: the first one, and how many."""

    first: int
    size: int


_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII)


def read_range(header: str | None, size: int) -> Stretch | None:
    """Return what a ``Range`` header asks for of so many bytes: nothing where it asks for several, or for something else.

    Raises:
        ValueError: There is nothing there.
    """
    asked = _RANGE.fullmatch(header or "")
    if asked is None or not (asked[1] or asked[2]):
        return None
    if not asked[1]:
        length = min(int(asked[2]), size)
        if not length:
            raise ValueError(header)
        return Stretch(size - length, length)
    first, last = int(asked[1]), int(asked[2] or size)
    if last < first:
        return None
    if first >= size:
        raise ValueError(header)
    return Stretch(first, min(last, size - 1) - first + 1)
