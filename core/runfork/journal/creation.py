"""The first records of a run, read without the columnar reader, so that reopening a run stays quick."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zlib import crc32

from runfork.errors import FormatError
from runfork.journal.format import FRAME_HEADER, FRAME_LENGTH, MAGIC, Kind, decode_file_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["frames_to_take_over", "read_creation"]

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
            with path.open("rb") as file:
                data = file.read(_FIRST_BYTES)
            header = decode_file_header(data, source=str(path))
        except (OSError, FormatError):
            continue
        found = _creation_in(data, header[1]) if header else None
        if found is not None:
            return found
    return None


def frames_to_take_over(data: bytes) -> bytes:
    """Return a journal's frames without header, identity and lineage: what another run's journal can go on with.

    Args:
        data: A journal from its beginning, or frames of one.
    """
    header = decode_file_header(data, source="this journal") if data.startswith(MAGIC) else None
    kept = []
    for kind, payload, frame in _frames(data, header[1] if header else 0):
        is_identity = kind == Kind.CONFIGS and b'"sys/custom_run_id"' in payload
        if kind not in (Kind.CREATE, Kind.LINEAGE) and not is_identity:
            kept.append(frame)
    return b"".join(kept)


def _creation_in(data: bytes, position: int) -> dict[str, Any] | None:
    created: dict[str, Any] | None = None
    for kind, payload, _ in _frames(data, position):
        if kind == Kind.CREATE and created is None:
            created = json.loads(payload)
        elif kind == Kind.CREATE and created is not None and created.get("experiment_name") is None:
            created["experiment_name"] = json.loads(payload).get("experiment_name")
        elif kind == Kind.LINEAGE and created is not None and created.get("fork") is None:
            created["fork"] = json.loads(payload)
    return created


def _frames(data: bytes, position: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield kind, payload and bytes of the frames up to the first that is not whole."""
    while position + FRAME_HEADER.size <= len(data):
        length, crc, kind = FRAME_HEADER.unpack_from(data, position)[:3]
        end = position + FRAME_HEADER.size + length
        if end > len(data) or crc32(data[position + 8 : end], crc32(FRAME_LENGTH.pack(length))) != crc:
            return
        yield kind, data[position + FRAME_HEADER.size : end], data[position:end]
        position = end
