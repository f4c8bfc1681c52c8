"""Which paths the rows of a schema id have: by the SCHEMA frame before them, or any other copy of it that can still be read."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from runfork.journal.format import FRAME_HEADER, HEADER_SIZE, Kind
from runfork.journal.frame_search import frame_at, schema_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_Copies = dict[int, list[tuple[int, tuple[str, ...]]]]


def decode_paths(payload: bytes) -> tuple[str, ...]:
    """Return the paths in a SCHEMA frame's payload, mostly those of the journal before, too.

    Raises:
        ValueError: It is not UTF-8, a path is empty, or one is there twice.
    """
    return _decode_again(payload) if len(payload) <= _SHORT else _decode(payload)


def _decode(payload: bytes) -> tuple[str, ...]:
    paths = tuple(payload.decode("utf-8").split("\0"))
    if len(set(paths)) < len(paths) or not all(paths):
        raise ValueError("a path is empty, or is there twice")
    return paths


_decode_again = lru_cache(maxsize=64)(_decode)
_SHORT = 4096


class RowSchemas:
    """The SCHEMA frames of one journal.

    Args:
        offsets: Of the latest SCHEMA frame of each id before what is read next.
        lost: Ids of which rows were passed over, because no SCHEMA frame could be read.
    """

    tag: int | None = None
    """The journal's, once it is known."""

    def __init__(self, offsets: Mapping[Any, int], lost: Iterable[int]) -> None:
        self._offsets = {int(schema): int(offset) for schema, offset in offsets.items()}
        self._lost = set(lost)
        self._read: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._copies: _Copies = {}
        self._searched = 0

    def add(self, offsets: Mapping[int, int]) -> None:
        """Take over where SCHEMA frames stand that were read by now."""
        self._offsets.update(offsets)

    def carry(self) -> dict[str, Any]:
        """Return what another process needs to go on."""
        carried: dict[str, Any] = {"schemas": {str(schema): offset for schema, offset in self._offsets.items()}}
        return {**carried, "lost": sorted(self._lost)} if self._lost else carried

    def before(self, file: BinaryIO, schema: int) -> tuple[str, ...] | None:
        """Return the paths that the latest SCHEMA frame gave an id, if it can (still) be read."""
        offset = self._offsets.get(schema)
        if offset is None:
            return None
        known = self._read.get(schema)
        if known is None or known[0] != offset:
            frame = frame_at(file, offset)
            if frame is None:
                return None
            kind, _, _, found = FRAME_HEADER.unpack_from(frame)[2:6]
            if (kind, found) != (Kind.SCHEMA, schema):
                return None
            known = self._read[schema] = (offset, decode_paths(frame[HEADER_SIZE:]))
        return known[1]

    def at(self, file: BinaryIO, schema: int, position: int) -> tuple[str, ...] | None:
        """Return the paths of rows that are read from byte `position` on, before which their id was not defined anew.

        The nearest SCHEMA frame before them counts, else the first one after them: writers repeat these frames.
        """
        paths = self.before(file, schema)
        if paths is None:
            copies = self._search(file, schema)
            earlier = [found for offset, found in copies if offset < position]
            later = (found for offset, found in copies if offset >= position)
            paths = earlier[-1] if earlier else next(later, None)
        if paths is None:
            self._lost.add(schema)
        return paths

    def _search(self, file: BinaryIO, schema: int) -> list[tuple[int, tuple[str, ...]]]:
        """Return all SCHEMA frames of an id; the file is gone through once for all ids, and again where it has grown."""
        size = file.seek(0, 2)
        if schema not in self._copies and self._searched < size:
            for offset, found, payload in schema_frames(file, self._searched, size, self.tag):
                try:
                    paths = decode_paths(payload)
                except ValueError:
                    continue
                self._copies.setdefault(found, []).append((offset, paths))
            self._searched = size
        return self._copies.get(schema, [])
