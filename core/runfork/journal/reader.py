"""Reading a journal: bytes to records and columns, from any frame boundary, past any damage.

A frame that is not whole at the end of the file is left for the next read: a live writer may be in the middle of it. A frame
that does not fit its checksum is skipped up to the next one that does, and reported. What is read does not depend on how the
file is split into reads.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO
from zlib import crc32

import numpy as np

from runfork.journal.bodies import EARLIEST, LATEST, check_body
from runfork.journal.checksums import LONGEST_STRIDE, first_unsound
from runfork.journal.definitions import Definitions, decode_paths
from runfork.journal.format import FLAGS_TIMES, FRAME_HEADER, FRAME_LENGTH, MAX_PAYLOAD, SYNC, Flag, Kind
from runfork.journal.frames import (
    HEADER_SIZE,
    belongs,
    claimed_end,
    find_frame,
    find_in_file,
    frame_at,
    open_journal,
    why_unreadable,
)
from runfork.journal.heading import read_heading, read_identity
from runfork.journal.records import Batch, Damage, MetricRows, Record
from runfork.journal.scattered import Stretch, rows_of_many_schemas, rows_of_selections
from runfork.steps import MAX_MICRO_STEP, NO_STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from runfork.journal.heading import Heading
    from runfork.journal.records import JournalKey

__all__ = ["DAMAGED_HEADER", "JournalReader", "read_identity"]

READ_BYTES = 64 * 1024 * 1024
RECORD_BYTES = 8 * 1024 * 1024
"""So many bytes of JSON are read at once: as Python objects they take ten times as much."""
_SEALED_BYTES = 64
_IDENTIFYING = ("project", "run_id", "writer", "created", "tag")
DAMAGED_HEADER = "a damaged header; whose journal this is was worked out from its first record, its folder and its name"
_ROWS = frozenset((int(Kind.METRICS), int(Kind.PREVIEW), int(Kind.SELECTION)))
_POINTS = frozenset((Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES))
_STEPPED = _POINTS | {Kind.MARK}
_FEW_ROWS, _MANY_SETS = 64, 64
"""Where so many sets of names have less than so many rows each in a buffer, names vary."""
_FIRST_BLOCK, _LARGEST_BLOCK = 16, 16 * 1024
"""Rows alike that are looked for at once; more with each success, so that damage costs little of what was looked at."""


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
        carried = carry or {}
        self._heading: Heading | None = None
        self._order_time = int(carried.get("order_time", 0))
        self._definitions = Definitions(carried.get("schemas", {}), carried.get("lost", ()))

    def key(self) -> JournalKey | None:
        """Return whose journal it is; None while its header is being written.

        Raises:
            FormatError: The file is no journal, or is of a newer version.
            OSError: It cannot be read.
        """
        if self._heading is None:
            with open_journal(self.path) as file:
                self._heading = read_heading(file, self.path)
        return None if self._heading is None else self._heading.key

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
        with open_journal(self.path) as file:
            if self._heading is None:
                self._heading = read_heading(file, self.path)
            if self._heading is None:
                return None
            heading = self._heading
            self._definitions.tag = heading.tag
            position = max(start, heading.first_frame)
            parsed = self._read_frames(file, position, limit)
            if parsed.end == position and start > 0:
                return None
            rows = parsed.collect_rows(lambda schema: self._definitions.at(file, schema, parsed.base))
            seal = _seal(file, parsed.end)
        self._definitions.add(parsed.schema_offsets)
        self.end = parsed.end
        if start == 0 and heading.is_recovered:
            parsed.damage.insert(0, Damage(0, heading.first_frame, DAMAGED_HEADER))
        return Batch(
            key=heading.key,
            identity=heading.identity,
            start=start,
            end=parsed.end,
            records=parsed.records,
            rows=rows,
            damage=parsed.damage,
            last_time=parsed.last_time(is_flagged=heading.identity.get(FLAGS_TIMES) is True),
            carry={"order_time": self._order_time, "seal": seal, **self._definitions.carry()},
        )

    def continues(self, identity: Mapping[str, Any], end: int, carry: Mapping[str, Any]) -> bool:
        """Return whether the journal is still the one that was read up to `end`, and not another in its place.

        It tells by the header and by the bytes before `end`: a record with its time and its checksum is among them.

        Args:
            identity: The header as it was.
            end: `Batch.end` of the last read.
            carry: `Batch.carry` of that read.

        Raises:
            FormatError: The file is no journal, or is of a newer version.
            OSError: It cannot be read.
        """
        with open_journal(self.path) as file:
            heading = read_heading(file, self.path)
            if heading is None or any(heading.identity.get(name) != identity.get(name) for name in _IDENTIFYING):
                return False
            return file.seek(0, 2) >= end and _seal(file, end) == carry.get("seal")

    def _read_frames(self, file: BinaryIO, position: int, limit: int) -> _Parser:
        size = file.seek(0, 2)
        file.seek(position)
        data = file.read(min(limit, max(size - position, 0) + 1))  # no larger buffer than it takes: they are many
        at_end = len(data) < limit
        parsed = self._parse(file, data, position, at_end=at_end)
        if parsed.end > position or at_end:
            return parsed
        # one frame is longer than the limit, or one damaged stretch
        tag = self._definitions.tag
        if (frame := frame_at(file, position, tag)) is not None:
            return self._parse(file, frame, position, at_end=False)
        found = find_in_file(file, position + 1, tag)
        if found is None:
            return parsed
        reason = _why(file, position)
        parsed = self._read_frames(file, found, limit)
        parsed.damage.insert(0, Damage(position, found - position, reason))
        return parsed

    def _parse(self, file: BinaryIO, data: bytes, base: int, *, at_end: bool) -> _Parser:
        parser = _Parser(
            data, base, self._order_time, lambda schema: self._definitions.before(file, schema), self._definitions.tag
        )
        parser.parse(at_end=at_end)
        self._order_time = parser.order_time
        return parser


def _check_step(step: int, body: Mapping[str, Any]) -> None:
    """Check the step of a record; texts of a list stand one micro-step apart.

    Raises:
        ValueError: It is out of range.
    """
    longest = max((len(value) for value in body.values() if isinstance(value, list)), default=1)
    if not 0 <= step <= MAX_MICRO_STEP - longest + 1:
        raise ValueError(f"its step must be from 0 to {MAX_MICRO_STEP} micro-steps, found {step}")


def _seal(file: BinaryIO, end: int) -> int:
    """Return a checksum of the last bytes before `end`."""
    start = max(0, end - _SEALED_BYTES)
    file.seek(start)
    return crc32(file.read(end - start))


def _why(file: BinaryIO, position: int) -> str:
    size = file.seek(0, 2) - position
    file.seek(position)
    head = file.read(HEADER_SIZE)
    end = claimed_end(head, 0) if len(head) == HEADER_SIZE else None
    return why_unreadable(head + file.read(end - HEADER_SIZE) if end is not None and end <= size else head, 0, size)


class _Parser:
    """Parses one buffer.

    Args:
        data: The buffer.
        base: Its place in the file.
        order_time: The largest time of any record before it.
        defined: Gives the paths that a schema id has before the buffer.
        tag: The journal's; None if it has none.
    """

    def __init__(
        self,
        data: bytes,
        base: int,
        order_time: int,
        defined: Callable[[int], tuple[str, ...] | None],
        tag: int | None,
    ) -> None:
        self.data = data
        self.base = base
        self.view = memoryview(data)
        self.position = 0
        self.records: list[Record] = []
        self.damage: list[Damage] = []
        self.order_time = order_time
        self._record_time = 0
        self._point_time = 0
        self._row_time = 0
        self.schema_offsets: dict[int, int] = {}
        self._record_bytes = 0
        self._defined = defined
        self._tag = tag
        self._definitions: dict[int, list[tuple[str, ...]]] = {}
        self._runs: dict[tuple[int, int, int, int, int], list[Stretch]] = {}
        """By kind, flags, schema, length, and how often the schema was defined anew in this buffer before."""

    @property
    def end(self) -> int:
        """File offset after the last whole frame."""
        return self.base + self.position

    def parse(self, *, at_end: bool) -> None:
        """Walk the frames; stops before one that is not whole, or when there are many records."""
        size = len(self.data)
        unpack, view, tag = FRAME_HEADER.unpack_from, self.view, self._tag
        length_crcs: dict[int, int] = {}
        position = 0
        while position + HEADER_SIZE <= size and self._record_bytes < RECORD_BYTES:
            length, crc, kind, flags, sync, schema, step, time = unpack(view, position)
            end = position + HEADER_SIZE + length
            if sync == SYNC and length <= MAX_PAYLOAD and end <= size:
                start_crc = length_crcs.get(length)
                if start_crc is None:
                    start_crc = length_crcs[length] = crc32(FRAME_LENGTH.pack(length))
                if crc32(view[position + 8 : end], start_crc) == crc and (tag is None or belongs(tag, kind, schema)):
                    if kind in _ROWS:
                        end = self._take_rows(position, (kind, flags, schema, length), crc=start_crc)
                    else:
                        self._take_record(position, kind, flags, schema, step, time, view[position + HEADER_SIZE : end])
                    position = end
                    continue
            elif sync == SYNC and length <= MAX_PAYLOAD and not at_end:
                break  # it may go on beyond this buffer
            found = find_frame(self.data, position + 1, at_end=at_end, tag=tag)
            if found is None:
                break
            self.damage.append(Damage(self.base + position, found - position, why_unreadable(view, position, size)))
            position = found
        self.position = position

    def _take_rows(self, position: int, key: tuple[int, int, int, int], *, crc: int) -> int:
        """Take this row and all of its kind that follow at once; returns where the next frame begins."""
        stride = HEADER_SIZE + key[3]
        block = _FIRST_BLOCK
        offset = position + stride
        while self._is_alike(position, offset, stride):
            alike = self._count_alike(position, offset, stride, block)
            end = self._check_rows(offset, offset + alike * stride, stride, crc)
            is_through = end < offset + block * stride
            offset = end
            if is_through:
                break
            block = min(block * 4, _LARGEST_BLOCK)
        definitions = self._definitions.get(key[2])
        runs = self._runs.setdefault((*key, len(definitions) if definitions is not None else 0), [])
        taken = (offset - position) // stride
        if runs and runs[-1].offset + runs[-1].frames * stride == position:
            runs[-1] = Stretch(runs[-1].offset, runs[-1].frames + taken)
        else:
            runs.append(Stretch(position, taken))
        return offset

    def _is_alike(self, position: int, at: int, stride: int) -> bool:
        """Return whether the frame at `at` has length, kind, flags and schema of the one at `position`."""
        data = self.data
        return (
            at + stride <= len(data)
            and data[position + 8 : position + 16] == data[at + 8 : at + 16]
            and data[position : position + 4] == data[at : at + 4]
        )

    def _check_rows(self, offset: int, end: int, stride: int, crc: int) -> int:
        """Return where the first row whose checksum differs begins, `end` if all fit."""
        if stride <= LONGEST_STRIDE and end - offset > _FIRST_BLOCK * stride:
            return first_unsound(self.data, offset, end, stride=stride, crc=crc)
        view = self.view
        while offset < end:
            stored = int.from_bytes(view[offset + 4 : offset + 8], "little")
            if crc32(view[offset + 8 : offset + stride], crc) != stored:
                break
            offset += stride
        return offset

    def _count_alike(self, position: int, at: int, stride: int, most: int) -> int:
        """Return how many frames from `at` on have length, kind, flags and schema of the one at `position`; `most` at most."""
        data = self.data
        head_length, head_rest = data[position : position + 4], data[position + 8 : position + 16]
        most = min(most, (len(data) - at) // stride)
        if most <= _FIRST_BLOCK:
            for count in range(most):
                if data[at : at + 4] != head_length or data[at + 8 : at + 16] != head_rest:
                    return count
                at += stride
            return most
        heads = np.frombuffer(data, np.uint8, most * stride, at).reshape(most, stride)
        expected = np.frombuffer(head_length + head_rest, np.uint8)
        same = (heads[:, :4] == expected[:4]).all(1) & (heads[:, 8:16] == expected[4:]).all(1)
        return most if same.all() else int(same.argmin())

    def _take_record(
        self, position: int, kind: int, flags: int, schema: int, step: int, time: int, payload: memoryview
    ) -> None:
        offset = self.base + position
        self._record_bytes += len(payload)
        if kind == Kind.FILLER:
            return
        time = min(max(time, EARLIEST), LATEST)
        if kind not in _POINTS or step == NO_STEP:  # the time of a point is the user's to say
            self.order_time = max(self.order_time, time)
            self._record_time = max(self._record_time, time)
        elif not flags & Flag.GIVEN_TIME:
            self._point_time = max(self._point_time, time)
        try:
            if kind == Kind.SCHEMA:
                self._define(schema, decode_paths(payload))
                self.schema_offsets[schema] = offset
                return
            known = Kind(kind)
            body = json.loads(bytes(payload)) if payload else {}
            check_body(known, body)
            if known in _STEPPED and (step != NO_STEP or known != Kind.FILES):
                _check_step(step, body)
        except (ValueError, RecursionError) as error:
            if kind in Kind._value2member_map_:
                reason = f"a {Kind(kind).name} record whose contents cannot be understood: {error}"
                self.damage.append(Damage(offset, HEADER_SIZE + len(payload), reason, is_sound=True))
            return  # a kind of a later version: not ours to read
        clock_axis = bool(flags & Flag.CLOCK_AXIS)
        self.records.append(Record(known, offset, time, self.order_time, step, clock_axis, body))

    def _define(self, schema: int, paths: tuple[str, ...]) -> None:
        """Note the paths of the rows that follow; writers repeat what they said, and mean the same."""
        here = self._definitions.get(schema)
        if paths != (here[-1] if here else self._defined(schema)):
            self._definitions.setdefault(schema, []).append(paths)

    def collect_rows(self, resolve: Callable[[int], tuple[str, ...] | None]) -> list[MetricRows]:
        """Return the metric rows as columns, one item per schema and kind, or, where names vary, per names of the same rows.

        Args:
            resolve: Gives the paths of rows whose schema id was not defined in this buffer before them.
        """
        collected: list[MetricRows] = []
        scattered: dict[int, list[tuple[tuple[str, ...], int, list[Stretch]]]] = defaultdict(list)
        selections: dict[tuple[int, tuple[str, ...]], list[tuple[int, Stretch]]] = defaultdict(list)
        for (kind, flags, schema, length, generation), runs in self._runs.items():
            paths = self._definitions[schema][generation - 1] if generation else resolve(schema)
            if paths is not None and kind == Kind.SELECTION:
                selections[flags, paths] += [(length, run) for run in runs]
                continue
            width = length // 8 - (kind == Kind.PREVIEW)
            if paths is None or len(paths) != width or length % 8:
                size = sum(run.frames for run in runs) * (HEADER_SIZE + length)
                self._note_lost(self.base + runs[0].offset, size, f"rows of schema {schema}, whose paths are lost")
            elif kind == Kind.METRICS and sum(run.frames for run in runs) < _FEW_ROWS:
                scattered[flags].append((paths, length, runs))
            else:
                collected.append(self._columns(paths, kind, flags, length, runs))
        for (flags, paths), stretches in selections.items():
            collected += self._selected(flags, paths, stretches)
        for flags, sets in scattered.items():
            if len(sets) < _MANY_SETS:
                collected += [
                    self._columns(paths, int(Kind.METRICS), flags, length, runs) for paths, length, runs in sets
                ]
            else:
                collected += self._gathered(flags, sets)
        return [rows for found in collected if len((rows := self._within_range(found)).steps)]

    def _within_range(self, rows: MetricRows) -> MetricRows:
        """Return rows without those whose step is none, and with times that a calendar holds."""
        steps, times = rows.steps, rows.times
        if len(steps) and (steps.min() < 0 or steps.max() > MAX_MICRO_STEP):
            is_right = (steps >= 0) & (steps <= MAX_MICRO_STEP)
            wrong = rows.sequences[~is_right]
            size = len(wrong) * (HEADER_SIZE + 8 * len(rows.paths))
            self._note_lost(int(wrong[0]), size, f"rows whose steps are not from 0 to {MAX_MICRO_STEP} micro-steps")
            columns = (
                "steps",
                "times",
                "values",
                "sequences",
                *(["completion"] if rows.completion is not None else []),
            )
            rows = replace(rows, **{name: getattr(rows, name)[is_right] for name in columns})
            times = rows.times
        if len(times) and (times.min() < EARLIEST or times.max() > LATEST):
            rows = replace(rows, times=times.clip(EARLIEST, LATEST))
        return rows

    def _note_lost(self, offset: int, size: int, reason: str) -> None:
        self.damage.append(Damage(offset, size, reason, is_sound=True))

    def _selected(self, flags: int, paths: tuple[str, ...], stretches: list[tuple[int, Stretch]]) -> list[MetricRows]:
        clock_axis = bool(flags & Flag.CLOCK_AXIS)
        found, wrong = rows_of_selections(self.data, self.base, paths, stretches, clock_axis=clock_axis)
        for offset, size in wrong:
            self._note_lost(offset, size, "a row of some of a schema's paths, whose values are not as many")
        self._note_row_times(flags, found)
        return found

    def _gathered(self, flags: int, sets: list[tuple[tuple[str, ...], int, list[Stretch]]]) -> list[MetricRows]:
        rows = [
            (run.offset + place * (HEADER_SIZE + length), paths)
            for paths, length, runs in sets
            for run in runs
            for place in range(run.frames)
        ]
        found = rows_of_many_schemas(self.data, self.base, rows, clock_axis=bool(flags & Flag.CLOCK_AXIS))
        self._note_row_times(flags, found)
        return found

    def _note_row_times(self, flags: int, found: list[MetricRows]) -> None:
        if not flags & Flag.GIVEN_TIME:
            self._row_time = max([self._row_time, *(int(rows.times.max()) for rows in found)])

    def last_time(self, *, is_flagged: bool) -> int:
        """Return `Batch.last_time`; `is_flagged` says that the journal tells given times from others."""
        found = max(self._record_time, self._point_time, self._row_time) if is_flagged else self._record_time
        return min(found, LATEST)

    def _columns(self, paths: tuple[str, ...], kind: int, flags: int, length: int, runs: list[Stretch]) -> MetricRows:
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
        found = MetricRows(
            paths=paths,
            steps=np.ascontiguousarray(rows["step"]),
            times=np.ascontiguousarray(rows["time"]),
            values=values[:, 1:] if is_preview else values,
            completion=np.ascontiguousarray(values[:, 0]) if is_preview else None,
            clock_axis=bool(flags & Flag.CLOCK_AXIS),
            sequences=sequences,
        )
        self._note_row_times(flags, [found])
        return found
