"""The first records of a run, read without the columnar reader, so that reopening a run stays quick."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runfork.journal.format import FRAME_HEADER, Kind, is_of_newer_version
from runfork.journal.frames import HEADER_SIZE, frames_in, open_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["creation_in", "files_named_in", "frames_to_take_over", "read_creation"]

_FIRST_BYTES = 256 * 1024


def read_creation(journals: Iterable[Path]) -> Mapping[str, Any] | None:
    """Return the body of the first CREATE record in `journals`, which are ordered by start.

    Args:
        journals: Journals of one run, the earliest first.

    Returns:
        The CREATE body, with ``fork`` taken from a LINEAGE record that follows it if it has none; None if there is no
        readable one.
    """
    for path in journals:
        try:
            with open_journal(path) as file:
                data = file.read(_FIRST_BYTES)
        except OSError:
            continue
        found = None if is_of_newer_version(data) else creation_in(data)
        if found is not None:
            return found
    return None


def frames_to_take_over(data: bytes) -> bytes:
    """Return a journal's frames without header, identity and lineage: what another run's journal can go on with.

    Args:
        data: A journal from its beginning, or frames of one.
    """
    kept = []
    for kind, payload, frame in _frames(data):
        is_identity = kind == Kind.CONFIGS and b'"sys/custom_run_id"' in payload
        if kind not in (Kind.CREATE, Kind.LINEAGE) and not is_identity:
            kept.append(frame)
    return b"".join(kept)


def files_named_in(data: bytes) -> set[str]:
    """Return the digests of the logged files that frames name."""
    bodies = [json.loads(payload) for kind, payload, _ in _frames(data) if kind == Kind.FILES]
    return {file["sha256"] for body in bodies for file in body.values()}


def creation_in(data: bytes) -> dict[str, Any] | None:
    """Return what `read_creation` does, of the bytes of one journal."""
    created: dict[str, Any] | None = None
    for kind, payload, _ in _frames(data):
        if kind == Kind.CREATE and created is None:
            created = json.loads(payload)
        elif kind == Kind.CREATE and created is not None and created.get("experiment_name") is None:
            created["experiment_name"] = json.loads(payload).get("experiment_name")
        elif kind == Kind.LINEAGE and created is not None and created.get("fork") is None:
            created["fork"] = json.loads(payload)
    return created


def _frames(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield kind, payload and bytes of the frames that can be read, wherever they begin."""
    for start, end in frames_in(data, 0):
        yield FRAME_HEADER.unpack_from(data, start)[2], data[start + HEADER_SIZE : end], data[start:end]
