"""Reading a journal: bytes to records and columns, from any frame boundary, past any damage.

A frame that is not whole at the end of the file is left for the next read: a live writer may be in the middle of it. A frame
that does not fit its checksum is skipped up to the next one that does, and reported.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np

from runfork.journal.format import (
    FRAME_HEADER,
    FRAME_LENGTH,
    MAX_FILE_HEADER,
    MAX_PAYLOAD,
    SYNC,
    Flag,
    Kind,
    decode_file_header,
)
from runfork.journal.records import Batch, Damage, JournalKey, MetricRows, Record
from runfork.steps import NO_STEP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["JournalReader", "read_identity"]

READ_BYTES = 64 * 1024 * 1024
HEADER_SIZE = FRAME_HEADER.size
_SYNC_BYTES = SYNC.to_bytes(2, "little")
_SYNC_OFFSET = 10
_POINTS = frozenset((Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES))


class _Stretch(NamedTuple):
    """Frames of equal length, kind and schema that follow each other: byte offset of the first, and how many."""

    offset: int
    frames: int


def read_identity(path: Path) -> tuple[Mapping[str, Any], int] | None:
    """Return a journal's header and where its first frame begins; None while the header is still being written.

    Raises:
        FormatError: It is no journal, is damaged, or is of a newer version.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return decode_file_header(file.read(MAX_FILE_HEADER), source=str(path))


class JournalReader:
    """Reads one journal. Not for several threads at a time.

    Args:
        path: The journal.
        carry: `Batch.carry` of the batch after which to go on; not needed to read from the beginning.
    """

    def __init__(self, path: Path, carry: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.end = -1
        """Where the last read ended; -1 before the first."""
        self._identity: Mapping[str, Any] | None = None
        self._first_frame = 0
        self._order_time = int((carry or {}).get("order_time", 0))
        self._schema_offsets = {int(key): int(at) for key, at in (carry or {}).get("schemas", {}).items()}
        self._schemas: dict[int, tuple[str, ...]] = {}

    def read(self, start: int = 0, *, limit: int = READ_BYTES) -> Batch | None:
        """Read whole frames from `start`, about `limit` bytes of them.

        Args:
            start: 0, or `Batch.end` of an earlier read.
            limit: Bytes to read at most, unless a single frame is longer.

        Returns:
            What was read; None if there is nothing new.

        Raises:
            FormatError: The file is no journal, or is of a newer version.
            OSError: It cannot be read.
        """
        if self._identity is None:
            header = read_identity(self.path)
            if header is None:
                return None
            self._identity, self._first_frame = header
        position = max(start, self._first_frame)
        with self.path.open("rb") as file:
            file.seek(position)
            data = file.read(limit)
            at_end = len(data) < limit
            parsed = self._parse(data, position, at_end=at_end)
            while parsed.end == position and not at_end:  # one frame, or one damaged stretch, is longer than the limit
                more = file.read(limit)
                at_end = len(more) < limit
                data += more
                parsed = self._parse(data, position, at_end=at_end)
        if parsed.end == position and start > 0:
            return None
        self.end = parsed.end
        key = JournalKey(str(self._identity["run_id"]), str(self._identity["writer"]))
        return Batch(
            key=key,
            identity=self._identity,
            start=start,
            end=parsed.end,
            records=parsed.records,
            rows=parsed.collect_rows(),
            damage=parsed.damage,
            carry={"order_time": self._order_time, "schemas": {str(k): v for k, v in self._schema_offsets.items()}},
        )

    def _parse(self, data: bytes, base: int, *, at_end: bool) -> _Parser:
        parser = _Parser(data, base, self._schemas_at, self._order_time)
        parser.parse(at_end=at_end)
        self._order_time = parser.order_time
        self._schema_offsets.update(parser.schema_offsets)
        return parser

    def _schemas_at(self, schema: int) -> tuple[str, ...] | None:
        """Return the paths of a schema whose frame stands before what is being read."""
        known = self._schemas.get(schema)
        offset = self._schema_offsets.get(schema)
        if known is not None or offset is None:
            return known
        with self.path.open("rb") as file:
            file.seek(offset)
            head = file.read(HEADER_SIZE)
            if len(head) < HEADER_SIZE:
                return None
            length, _, kind, _, _, found, _, _ = FRAME_HEADER.unpack(head)
            if kind != Kind.SCHEMA or found != schema:
                return None
            self._schemas[schema] = _decode_paths(file.read(length))
        return self._schemas[schema]


def _decode_paths(payload: bytes) -> tuple[str, ...]:
    return tuple(payload.decode("utf-8").split("\0"))


class _Parser:
    """Parses one buffer."""

    def __init__(self, data: bytes, base: int, outer_schemas: Any, order_time: int) -> None:
        self.data = data
        self.base = base
        self.view = memoryview(data)
        self.position = 0
        self.records: list[Record] = []
        self.damage: list[Damage] = []
        self.order_time = order_time
        self.schema_offsets: dict[int, int] = {}
        self._schemas: dict[int, tuple[str, ...]] = {}
        self._outer_schemas = outer_schemas
        self._runs: dict[tuple[int, int, int, int], list[_Stretch]] = {}  # (kind, flags, schema, length)

    @property
    def end(self) -> int:
        """File offset after the last whole frame."""
        return self.base + self.position

    def parse(self, *, at_end: bool) -> None:
        """Walk the frames; stops before one that is not whole."""
        size = len(self.data)
        unpack, view = FRAME_HEADER.unpack_from, self.view
        length_crcs: dict[int, int] = {}
        position = 0
        while position + HEADER_SIZE <= size:
            length, crc, kind, flags, sync, schema, step, time = unpack(view, position)
            end = position + HEADER_SIZE + length
            if sync == SYNC and length <= MAX_PAYLOAD and end <= size:
                start_crc = length_crcs.get(length)
                if start_crc is None:
                    start_crc = length_crcs[length] = crc32(FRAME_LENGTH.pack(length))
                if crc32(view[position + 8 : end], start_crc) == crc:
                    if kind == Kind.METRICS or kind == Kind.PREVIEW:  # noqa: PLR1714  (hot loop)
                        end = self._take_rows(position, (kind, flags, schema, length), crc=start_crc)
                    else:
                        self._take_record(position, kind, flags, schema, step, time, view[position + HEADER_SIZE : end])
                    position = end
                    continue
            found = self._resynchronise(position, at_end=at_end)
            if found is None:
                break
            self._note_damage(position, found - position, sync=sync, end=end)
            position = found
        self.position = position

    def _take_rows(self, position: int, key: tuple[int, int, int, int], *, crc: int) -> int:
        """Take this row and all of its kind that follow at once; returns where the next frame begins."""
        length = key[3]
        stride = HEADER_SIZE + length
        count = self._count_alike(position, stride)
        view = self.view
        valid = 1
        offset = position + stride
        while valid < count:
            stored = int.from_bytes(view[offset + 4 : offset + 8], "little")
            if crc32(view[offset + 8 : offset + stride], crc) != stored:
                break
            valid += 1
            offset += stride
        runs = self._runs.setdefault(key, [])
        if runs and runs[-1].offset + runs[-1].frames * stride == position:
            runs[-1] = _Stretch(runs[-1].offset, runs[-1].frames + valid)
        else:
            runs.append(_Stretch(position, valid))
        return offset

    def _count_alike(self, position: int, stride: int) -> int:
        """Return how many frames from `position` on have the same length, kind, flags and schema."""
        data = self.data
        possible = (len(data) - position) // stride
        head_length, head_rest = data[position : position + 4], data[position + 8 : position + 16]
        step = 16
        count = 1
        while count < possible:
            block = min(step, possible - count)
            at = position + count * stride
            if block <= 16:  # noqa: PLR2004
                for _ in range(block):
                    if data[at : at + 4] != head_length or data[at + 8 : at + 16] != head_rest:
                        return count
                    at += stride
                    count += 1
            else:
                heads = np.frombuffer(data, np.uint8, block * stride, at).reshape(block, stride)
                expected = np.frombuffer(head_length + head_rest, np.uint8)
                same = (heads[:, :4] == expected[:4]).all(1) & (heads[:, 8:16] == expected[4:]).all(1)
                if not same.all():
                    return count + int(same.argmin())
                count += block
            step *= 4
        return count

    def _take_record(
        self, position: int, kind: int, flags: int, schema: int, step: int, time: int, payload: memoryview
    ) -> None:
        offset = self.base + position
        if kind not in _POINTS or step == NO_STEP:  # the time of a point is the user's to say
            self.order_time = max(self.order_time, time)
        try:
            if kind == Kind.SCHEMA:
                self._schemas[schema] = _decode_paths(bytes(payload))
                self.schema_offsets[schema] = offset
                return
            known = Kind(kind)
            body = json.loads(bytes(payload)) if payload else {}
        except ValueError as error:
            if kind in Kind._value2member_map_:
                self.damage.append(Damage(offset, HEADER_SIZE + len(payload), f"unreadable payload: {error}"))
            return  # a kind of a later version: not ours to read
        clock_axis = bool(flags & Flag.CLOCK_AXIS)
        self.records.append(Record(known, offset, time, self.order_time, step, clock_axis, body))

    def _resynchronise(self, position: int, *, at_end: bool) -> int | None:
        """Return where the next readable frame begins; None if none follows, or none can be told from this buffer."""
        data, view, size = self.data, self.view, len(self.data)
        found = data.find(_SYNC_BYTES, position + _SYNC_OFFSET + 1)
        while found >= 0:
            candidate = found - _SYNC_OFFSET
            if candidate + HEADER_SIZE > size:
                break
            length, crc = FRAME_HEADER.unpack_from(view, candidate)[:2]
            end = candidate + HEADER_SIZE + length
            if (
                length <= MAX_PAYLOAD
                and end <= size
                and crc32(view[candidate + 8 : end], crc32(FRAME_LENGTH.pack(length))) == crc
            ):
                if not at_end and self._may_be_cut(position):
                    return None
                return candidate
            found = data.find(_SYNC_BYTES, found + 1)
        return None

    def _may_be_cut(self, position: int) -> bool:
        """Return whether the frame at `position` may continue past this buffer."""
        length, _, _, _, sync = FRAME_HEADER.unpack_from(self.view, position)[:5]
        end = position + HEADER_SIZE + int(length)
        return sync == SYNC and length <= MAX_PAYLOAD and end > len(self.data)

    def _note_damage(self, position: int, length: int, *, sync: int, end: int) -> None:
        if sync != SYNC:
            reason = "no frame begins here"
        elif end > len(self.data):
            reason = "a frame that is longer than the file"
        else:
            reason = "a frame whose checksum differs"
        self.damage.append(Damage(self.base + position, length, reason))

    def collect_rows(self) -> list[MetricRows]:
        """Return the metric rows as columns, one item per schema and kind."""
        collected = []
        for (kind, flags, schema, length), runs in self._runs.items():
            paths = self._schemas.get(schema) or self._outer_schemas(schema)
            width = length // 8 - (kind == Kind.PREVIEW)
            if paths is None or len(paths) != width or length % 8:
                first = runs[0]
                size = sum(run.frames for run in runs) * (HEADER_SIZE + length)
                self.damage.append(
                    Damage(self.base + first.offset, size, f"rows of schema {schema}, whose paths are lost")
                )
                continue
            collected.append(self._columns(paths, kind, flags, length, runs))
        return collected

    def _columns(self, paths: tuple[str, ...], kind: int, flags: int, length: int, runs: list[_Stretch]) -> MetricRows:
        dtype = np.dtype(
            {
                "names": ["step", "time", "values"],
                "formats": ["<i8", "<i8", ("<f8", (length // 8,))],
                "offsets": [16, 24, HEADER_SIZE],
                "itemsize": HEADER_SIZE + length,
            }
        )
        views = [np.frombuffer(self.data, dtype, run.frames, run.offset) for run in runs]
        rows = views[0] if len(views) == 1 else np.concatenate(views)
        values: npt.NDArray[np.float64] = rows["values"]
        stride = HEADER_SIZE + length
        sequences = np.concatenate([self.base + run.offset + stride * np.arange(run.frames) for run in runs])
        is_preview = kind == Kind.PREVIEW
        return MetricRows(
            paths=paths,
            steps=np.ascontiguousarray(rows["step"]),
            times=np.ascontiguousarray(rows["time"]),
            values=values[:, 1:] if is_preview else values,
            completion=np.ascontiguousarray(values[:, 0]) if is_preview else None,
            clock_axis=bool(flags & Flag.CLOCK_AXIS),
            sequences=sequences,
        )
