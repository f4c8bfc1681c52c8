"""Sets of metric names, as rows of them are packed: every row has all names of a schema, or some of those of a pool."""

from __future__ import annotations

import struct
import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zlib import crc32

from runfork.journal.format import (
    FRAME_BODY_FORMAT,
    FRAME_LENGTH,
    FRAME_PREFIX,
    SYNC,
    Kind,
    encode_frame,
    selection_bytes,
)
from runfork.model.steps import NO_STEP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SELECTION = int(Kind.SELECTION)
_FIRST = itemgetter(0)


class Schema:
    """An ordered set of metric names, with what is needed to pack a row of them."""

    __slots__ = ("identifier", "length_crc", "pack", "paths", "payload_length", "repeat_at")

    def __init__(self, identifier: int, paths: tuple[str, ...], *, is_preview: bool) -> None:
        self.identifier = identifier
        self.paths = paths
        count = len(paths) + is_preview
        self.pack = struct.Struct(f"{FRAME_BODY_FORMAT}{count}d").pack
        self.payload_length = 8 * count
        self.length_crc = crc32(FRAME_LENGTH.pack(self.payload_length))
        self.repeat_at = 0

    def definition(self) -> bytes:
        """Return the SCHEMA frame."""
        payload = "\0".join(self.paths).encode("utf-8")
        return encode_frame(Kind.SCHEMA, payload, time=time.time_ns() // 1000, step=NO_STEP, schema=self.identifier)

    def row(self, values: Sequence[float], *, micro: int, moment: int, completion: float | None, flags: int) -> bytes:
        """Return the frame of a row."""
        kind, head = (Kind.METRICS, ()) if completion is None else (Kind.PREVIEW, (completion,))
        body = self.pack(kind, flags, SYNC, self.identifier, micro, moment, *head, *values)
        return FRAME_PREFIX.pack(self.payload_length, crc32(body, self.length_crc)) + body


class Pool(Schema):
    """Names of which each row has some: where names vary, a schema for every set of them would cost more than the values."""

    __slots__ = ("bits_size", "places")

    def __init__(self, identifier: int, paths: tuple[str, ...]) -> None:
        super().__init__(identifier, paths, is_preview=False)
        self.places = {path: place for place, path in enumerate(paths)}
        self.bits_size = selection_bytes(len(paths))

    def selection(self, data: Mapping[str, Any], *, micro: int, moment: int, flags: int) -> bytes | None:
        """Return the frame of a row; None if it has a name that is not in the pool, or no name at all.

        Raises:
            Exception: Whatever a value raises that cannot be packed.
        """
        try:
            places = list(map(self.places.__getitem__, data))
        except KeyError:
            return None
        if not places:
            return None
        ordered = sorted(zip(places, data.values(), strict=True), key=_FIRST)
        bits = 0
        for place in places:
            bits |= 1 << place
        body = struct.pack(
            f"{FRAME_BODY_FORMAT}{self.bits_size}s{len(places)}d",
            _SELECTION,
            flags,
            SYNC,
            self.identifier,
            micro,
            moment,
            bits.to_bytes(self.bits_size, "little"),
            *[value for _, value in ordered],
        )
        length = self.bits_size + 8 * len(places)
        return FRAME_PREFIX.pack(length, crc32(body, crc32(FRAME_LENGTH.pack(length)))) + body
