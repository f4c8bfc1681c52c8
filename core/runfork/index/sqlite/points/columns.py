"""The bytes of columns: integers, floats and JSON values of a chunk. Lossless, to the last bit.

The last byte says how the rest is coded, which stands first: pcodec reads on only as far as it wrote::

    0  integers in arithmetic progression    start i64, stride i64
    1  integers                              pcodec of i64s
    2  floats that are all the same          f64
    3  floats that are exact as float32      pcodec of f32s
    4  floats                                pcodec of f64s
    5  JSON values                           zlib of a JSON array (ASCII)

Behind it stand four bytes of a checksum, see `sealed`: a disk that returns other bytes than it was given must not change a number.
The number of values is known to who stores the column. pcodec packs numbers into as few bits as their spread takes. It can also
look for a pattern (numbers that grow evenly, or are multiples of something), which takes longer than the packing itself: noise,
which most metrics are, is spared that. In short columns half the work gives nearly as much.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from pcodec import ChunkConfig, DeltaSpec, ModeSpec, standalone  # pyright: ignore[reportAttributeAccessIssue]

from runfork.index.rules.progressions import Progression
from runfork.index.sqlite.sealing import SEAL, check_seal, sealed, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from runfork.model.arrays import Bools, Floats, Integers

    Values = Floats | npt.NDArray[np.float32]

_PROGRESSION, _INTEGERS, _SAME, _FLOAT32, _FLOAT64, _JSON = range(6)
_PROGRESSION_BYTES = struct.Struct("<qqB")
_CODE = -1 - SEAL.size
"""Where the byte stands that says how a column is coded."""
_SAMPLE = 64
_SHORT = 1024


class ColumnCodec:
    """Encodes and decodes columns."""

    def __init__(self) -> None:
        self._searching = ChunkConfig(compression_level=4)
        classic, no_differences = ModeSpec.classic(), DeltaSpec.no_op()
        self._plain = ChunkConfig(compression_level=6, mode_spec=classic, delta_spec=no_differences)
        self._short = ChunkConfig(compression_level=3, mode_spec=classic, delta_spec=no_differences)
        self._differences = ChunkConfig(
            compression_level=4, mode_spec=ModeSpec.classic(), delta_spec=DeltaSpec.try_consecutive(1)
        )

    def encode_integers(self, values: Integers) -> bytes:
        """Encode int64[n], n >= 1."""
        first = int(values[0])
        if len(values) == 1:
            return sealed(_PROGRESSION_BYTES.pack(first, 0, _PROGRESSION))
        differences = values[1:] - values[:-1]  # may wrap around, and wraps back when they are added up
        stride = int(differences[0])
        if (differences == stride).all():
            return sealed(_PROGRESSION_BYTES.pack(first, stride, _PROGRESSION))
        return _column(_packed(values, self._differences), _INTEGERS)

    def decode_integers(self, data: bytes, out: Integers) -> None:
        """Decode into int64[n], contiguous."""
        check_seal(data)
        if data[_CODE] != _PROGRESSION:
            standalone.simple_decompress_into(data, out)
            return
        first, stride, _ = _PROGRESSION_BYTES.unpack_from(data)
        last = first + stride * len(out)
        if stride and -(2**63) <= last < 2**63:
            out[:] = np.arange(first, last, stride)
            return
        out[:] = np.arange(len(out))
        out *= stride
        out += first

    def decode_steps(self, data: bytes, count: int) -> Progression | Integers:
        """Decode int64[count] that increase."""
        check_seal(data)
        if data[_CODE] == _PROGRESSION:
            first, stride, _ = _PROGRESSION_BYTES.unpack_from(data)
            return Progression(first, stride if count > 1 else 1, count)
        out = np.empty(count, np.int64)
        standalone.simple_decompress_into(data, out)
        return out

    def encode_floats(self, columns: Floats) -> list[bytes]:
        """Encode float64[m, n], contiguous, n >= 1: one result per row."""
        with np.errstate(all="ignore"):
            short = columns.astype(np.float32)
            widened = short.astype(np.float64)
        bits = columns.view(np.int64)
        is_same = (bits == bits[:, :1]).all(axis=1).tolist()
        is_short = (widened.view(np.int64) == bits).all(axis=1).tolist()
        plain = self._short if columns.shape[1] < _SHORT else self._plain
        found = []
        for place, is_noise in enumerate(_are_noise(columns).tolist()):
            config = plain if is_noise else self._searching
            if is_same[place]:
                found.append(_column(columns[place, :1].tobytes(), _SAME))
            elif is_short[place]:
                found.append(_column(_packed(short[place], config), _FLOAT32))
            else:
                found.append(_column(_packed(columns[place], config), _FLOAT64))
        return found

    def decode_floats(self, columns: Sequence[bytes], counts: Sequence[int]) -> Values:
        """Decode columns that follow each other into one array, of the shorter type that holds them exactly."""
        for data in columns:
            check_seal(data)
        is_short = all(data[_CODE] == _FLOAT32 or _is_short(data) for data in columns)
        found: npt.NDArray[Any] = np.empty(sum(counts), np.float32 if is_short else np.float64)
        end = 0
        for data, count in zip(columns, counts, strict=True):
            part = found[end : end + count]
            end += count
            if data[_CODE] == _SAME:
                part[:] = np.frombuffer(data, "<f8", 1)
            elif data[_CODE] == _FLOAT32 and not is_short:
                part[:] = _unpacked(data, np.empty(count, np.float32))
            else:
                _unpacked(data, part)
        return found

    def encode_values(self, values: list[Any]) -> bytes:
        """Encode values that JSON can hold."""
        return _column(zlib.compress(to_json(values).encode("ascii"), 1), _JSON)

    def decode_values(self, data: bytes) -> list[Any]:
        """Decode what `encode_values` gave."""
        check_seal(data)
        return json.loads(zlib.decompress(data[:_CODE]))  # type: ignore[no-any-return]


def _column(data: bytes, code: int) -> bytes:
    return sealed(data + bytes([code]))


def _is_short(data: bytes) -> bool:
    """Return whether all numbers of a column are the same, and single precision holds them exactly."""
    if data[_CODE] != _SAME:
        return False
    (number,) = np.frombuffer(data, "<f8", 1)
    with np.errstate(all="ignore"):
        return bool(np.array(np.float32(number), "<f8").tobytes() == number.tobytes())


def _packed(values: npt.NDArray[Any], config: ChunkConfig) -> bytes:
    packed: bytes = standalone.simple_compress(values, config)
    return packed


def _unpacked(data: bytes, out: npt.NDArray[Any]) -> npt.NDArray[Any]:
    standalone.simple_decompress_into(data, out)
    return out


def _are_noise(columns: Floats) -> Bools:
    """Return which rows, by a sample, jump about as far from one number to the next as they spread at all, and repeat none."""
    count = columns.shape[1]
    if count == 1:
        return np.ones(len(columns), np.bool_)
    spread = columns[:, :: max(1, count // _SAMPLE)]
    begin = max(0, count - _SAMPLE) // 2
    stretch = columns[:, begin : begin + _SAMPLE]
    ordered = np.sort(spread, axis=1)
    with np.errstate(all="ignore"):
        is_repeated = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        jump = np.abs(stretch[:, 1:] - stretch[:, :-1]).mean(axis=1)
        distance = np.abs(spread - spread.mean(axis=1, keepdims=True)).mean(axis=1)
        found: Bools = ~is_repeated & ~(jump < distance / 2)
    return found
