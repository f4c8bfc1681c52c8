"""The bytes of columns: integers, floats and JSON values of a chunk. Lossless, to the last bit.

The first byte says how the rest is coded::

    0  integers in arithmetic progression    start i64, stride i64
    1  integers                              first i64, smallest difference i64, width u8, then zstd of the differences above
                                             the smallest, as unsigned integers of that width, byte-shuffled
    2  floats that are all the same          f64
    3  floats that are exact as float32      zstd of f32s, byte-shuffled
    4  floats                                zstd of f64s, byte-shuffled
    5  JSON values                           zstd of a JSON array (ASCII)

"Byte-shuffled": first the lowest byte of every number, then the next, and so on, which brings like bytes together. The number
of values is known to who stores the column. Level 1 of zstd: higher ones cost more time than they save space on noise.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

__all__ = ["ColumnCodec"]

_PROGRESSION, _INTEGERS, _SAME, _FLOAT32, _FLOAT64, _JSON = range(6)
_WIDEST = 8
_PROGRESSION_HEAD = struct.Struct("<Bqq")
_INTEGERS_HEAD = struct.Struct("<BqqB")


class ColumnCodec:
    """Encodes and decodes columns. Not to be shared between threads: it holds zstd's working memory."""

    def __init__(self) -> None:
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def encode_integers(self, values: Integers) -> bytes:
        """Encode int64[n], n >= 1."""
        first = int(values[0])
        if len(values) == 1:
            return _PROGRESSION_HEAD.pack(_PROGRESSION, first, 0)
        differences = np.diff(values)  # may wrap around, and wraps back when they are added up
        smallest = int(differences.min())
        above = (differences - smallest).view(np.uint64)
        largest = int(above.max())
        if largest == 0:
            return _PROGRESSION_HEAD.pack(_PROGRESSION, first, smallest)
        width = next(width for width in (1, 2, 4, 8) if largest < 1 << (8 * width))
        shuffled = above.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T.tobytes()
        return _INTEGERS_HEAD.pack(_INTEGERS, first, smallest, width) + self._compress(shuffled)

    def decode_integers(self, data: bytes, out: Integers) -> None:
        """Decode into int64[n], contiguous."""
        if data[0] == _PROGRESSION:
            _, first, stride = _PROGRESSION_HEAD.unpack(data)
            last = first + stride * len(out)
            if stride and -(2**63) <= last < 2**63:
                out[:] = np.arange(first, last, stride)
                return
            out[:] = np.arange(len(out))
            out *= stride
            out += first
            return
        _, first, smallest, width = _INTEGERS_HEAD.unpack_from(data)
        count = len(out) - 1
        planes = np.frombuffer(self._decompress(data[_INTEGERS_HEAD.size :]), np.uint8).reshape(width, count)
        above = np.empty(count, f"<u{width}")
        _unshuffle(planes, above)
        out[0] = first
        rest = out[1:]
        rest[:] = above if width < _WIDEST else above.view(np.int64)
        rest += smallest
        np.cumsum(out, out=out)

    def encode_floats(self, columns: Floats) -> list[bytes]:
        """Encode float64[m, n], contiguous, n >= 1: one result per row."""
        with np.errstate(all="ignore"):
            short = columns.astype(np.float32)
            widened = short.astype(np.float64)
        bits = columns.view(np.int64)
        is_same = (bits == bits[:, :1]).all(axis=1)
        is_short = (widened.view(np.int64) == bits).all(axis=1)
        found = []
        for column, narrow, same, fits in zip(columns, short, is_same.tolist(), is_short.tolist(), strict=True):
            if same:
                found.append(bytes([_SAME]) + column[:1].tobytes())
            elif fits:
                found.append(bytes([_FLOAT32]) + self._compress(_shuffle(narrow, 4)))
            else:
                found.append(bytes([_FLOAT64]) + self._compress(_shuffle(column, 8)))
        return found

    def decode_floats(self, data: bytes, out: Floats) -> None:
        """Decode into float64[n], contiguous."""
        if data[0] == _SAME:
            out[:] = np.frombuffer(data, "<f8", offset=1)
            return
        planes = np.frombuffer(self._decompress(data[1:]), np.uint8).reshape(-1, len(out))
        if data[0] == _FLOAT64:
            _unshuffle(planes, out)
            return
        narrow = np.empty(len(out), "<f4")
        _unshuffle(planes, narrow)
        out[:] = narrow

    def encode_values(self, values: list[Any]) -> bytes:
        """Encode values that JSON can hold."""
        return bytes([_JSON]) + self._compress(json.dumps(values, separators=(",", ":")).encode("ascii"))

    def decode_values(self, data: bytes) -> list[Any]:
        """Decode what `encode_values` gave."""
        return json.loads(self._decompress(data[1:]))  # type: ignore[no-any-return]


def _shuffle(values: npt.NDArray[Any], width: int) -> bytes:
    shuffled: bytes = values.view(np.uint8).reshape(-1, width).T.tobytes()
    return shuffled


def _unshuffle(planes: npt.NDArray[np.uint8], out: npt.NDArray[Any]) -> None:
    """Put bytes back together plane by plane: three times as fast as a transposing copy."""
    target = out.view(np.uint8).reshape(len(out), len(planes))
    for place, plane in enumerate(planes):
        target[:, place] = plane
