"""Checksums of many short frames at once.

CRC-32 is linear: that of a message is that of as many zero bytes, XORed with what each byte adds at its place. Of frames of one
length, NumPy looks up what all their bytes at one place add; that is several times as fast as one call per frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from runfork.journal.format import CHECKSUM_AT, HEADER_SIZE, KIND_AT

if TYPE_CHECKING:
    import numpy.typing as npt

LONGEST_STRIDE = HEADER_SIZE + 12 * 8
"""From longer frames on, a call of `zlib.crc32` per frame is faster; measured."""

_POLYNOMIAL = 0xEDB88320
_ROWS = 8192
"""Frames that are looked at together: what is worked on stays in the processor's cache."""


def first_unsound(data: bytes, offset: int, end: int, *, stride: int, crc: int) -> int:
    """Return where the first frame begins whose checksum differs, `end` if all fit.

    Args:
        data: The buffer.
        offset: Where the first frame begins.
        end: Where the last one ends.
        stride: Length of each frame with its header; of its first eight bytes the checksum covers the length only.
        crc: Checksum of that length.
    """
    covered = stride - KIND_AT
    tables = _tables(covered)
    plain = np.uint32(crc32(bytes(covered), crc))
    frames = np.frombuffer(data, np.uint8, end - offset, offset).reshape(-1, stride)
    for first in range(0, len(frames), _ROWS):
        part = frames[first : first + _ROWS]
        found = np.full(len(part), plain)
        for table, column in zip(tables, np.ascontiguousarray(part[:, KIND_AT:].T), strict=True):
            found ^= table[column]
        stored = np.ascontiguousarray(part[:, CHECKSUM_AT:KIND_AT]).view("<u4")[:, 0]
        if not (is_sound := found == stored).all():
            return offset + (first + int(is_sound.argmin())) * stride
    return end


@lru_cache(maxsize=32)
def _tables(length: int) -> npt.NDArray[np.uint32]:
    """Return what each byte value adds to the CRC of a message of `length` bytes, by its place: uint32[length, 256]."""
    last = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        last = (last >> 1) ^ np.where(last & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    found = [last]
    while len(found) < length:
        found.append((found[-1] >> 8) ^ last[found[-1] & 0xFF])
    return np.array(found[::-1], np.uint32)
