"""From bytes to records: the frames of one buffer, past any damage in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from runfork.journal.checksums import LONGEST_STRIDE, first_unsound
from runfork.journal.format import FRAME_HEADER, FRAME_LENGTH, HEADER_SIZE, MAX_PAYLOAD, SYNC, Flag, Kind, read_json
from runfork.journal.frame_search import belongs, find_frame, why_unreadable
from runfork.journal.records import Damage, Record
from runfork.journal.row_schemas import decode_paths
from runfork.journal.rows import AlikeRows
from runfork.journal.validation import EARLIEST, LATEST, check_body
from runfork.journal.varying_rows import Stretch
from runfork.model.steps import MAX_MICRO_STEP, NO_STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RECORD_BYTES = 8 * 1024 * 1024
"""So many bytes of JSON are read at once: as Python objects they take ten times as much."""
_KINDS = {int(kind): kind for kind in Kind}
_FILLER, _SCHEMA = int(Kind.FILLER), int(Kind.SCHEMA)
_CLOCK_AXIS, _GIVEN_TIME = int(Flag.CLOCK_AXIS), int(Flag.GIVEN_TIME)
"""Plain numbers: an operation on flags of an enumeration makes a new one of them."""
_ROWS = frozenset((int(Kind.METRICS), int(Kind.PREVIEW), int(Kind.SELECTION)))
_POINTS = frozenset((Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES))
_STEPPED = _POINTS | {Kind.MARK}
_FIRST_BLOCK, _LARGEST_BLOCK = 16, 16 * 1024
"""Rows alike that are looked for at once; more with each success, so that damage costs little of what was looked at."""


class Parser:
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
        self.record_time = 0
        self.point_time = 0
        """The largest time of a record that is no point, and of a point whose time is the writer's own; 0 if there are none."""
        self.schema_offsets: dict[int, int] = {}
        self._record_bytes = 0
        self._defined = defined
        self._tag = tag
        self._definitions: dict[int, list[tuple[str, ...]]] = {}
        self._stretches: dict[tuple[int, int, int, int, int], list[Stretch]] = {}
        """By kind, flags, schema, length, and how often the schema was defined anew in this buffer before."""

    @property
    def end(self) -> int:
        """File offset after the last whole frame."""
        return self.base + self.position

    def seal_of(self, count: int) -> int | None:
        """Return a checksum of the last bytes before `end`; None if they are not all in the buffer."""
        position = self.position
        return crc32(self.view[position - count : position]) if position >= count else None

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
                if crc32(view[position + 8 : end], start_crc) == crc and (schema == tag or belongs(tag, kind, schema)):
                    if kind in _ROWS:
                        end = self._take_rows(position, (kind, flags, schema, length), crc=start_crc)
                    else:
                        self._take_record(position, end, kind, flags, schema, step, time)
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
        stretches = self._stretches.setdefault((*key, len(definitions) if definitions is not None else 0), [])
        taken = (offset - position) // stride
        if stretches and stretches[-1].offset + stretches[-1].frames * stride == position:
            stretches[-1] = Stretch(stretches[-1].offset, stretches[-1].frames + taken)
        else:
            stretches.append(Stretch(position, taken))
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

    def _take_record(self, position: int, end: int, kind: int, flags: int, schema: int, step: int, time: int) -> None:
        offset = self.base + position
        self._record_bytes += end - position - HEADER_SIZE
        if kind == _FILLER:
            return
        if not EARLIEST <= time <= LATEST:
            time = min(max(time, EARLIEST), LATEST)
        if kind not in _POINTS or step == NO_STEP:  # the time of a point is the user's to say
            self.order_time = max(self.order_time, time)
            self.record_time = max(self.record_time, time)
        elif not flags & _GIVEN_TIME and time > self.point_time:
            self.point_time = time
        known = _KINDS.get(kind)
        if known is None:
            return  # of a later version: not ours to read
        payload = self.data[position + HEADER_SIZE : end]
        try:
            if kind == _SCHEMA:
                self._define(schema, decode_paths(payload))
                self.schema_offsets[schema] = offset
                return
            body = _body_of(known, payload, step)
        except (ValueError, RecursionError) as error:
            reason = f"a {known.name} record whose contents cannot be understood: {error}"
            self.damage.append(Damage(offset, end - position, reason, is_sound=True))
            return
        self.records.append(Record(known, offset, time, self.order_time, step, bool(flags & _CLOCK_AXIS), body))

    def _define(self, schema: int, paths: tuple[str, ...]) -> None:
        """Note the paths of the rows that follow; writers repeat what they said, and mean the same."""
        here = self._definitions.get(schema)
        if paths != (here[-1] if here else self._defined(schema)):
            self._definitions.setdefault(schema, []).append(paths)

    def rows(self, resolve: Callable[[int], tuple[str, ...] | None]) -> Iterator[AlikeRows]:
        """Yield the rows that are alike, with their paths.

        Args:
            resolve: Gives the paths of rows whose schema id was not defined in this buffer before them.
        """
        for (kind, flags, schema, length, generation), stretches in self._stretches.items():
            paths = self._definitions[schema][generation - 1] if generation else resolve(schema)
            yield AlikeRows(kind, flags, schema, length, paths, stretches)


def _body_of(kind: Kind, payload: bytes, step: int) -> Any:
    """Return the JSON of a record.

    Raises:
        ValueError: It is none, or does not hold what it must.
        RecursionError: It is nested too deep.
    """
    body = read_json(payload) if payload else {}
    check_body(kind, body)
    if kind in _STEPPED and (step != NO_STEP or kind != Kind.FILES):
        _check_step(step, body)
    return body


def _check_step(step: int, body: Mapping[str, Any]) -> None:
    """Check the step of a record; texts of a list stand one micro-step apart.

    Raises:
        ValueError: It is out of range.
    """
    longest = max((len(value) for value in body.values() if isinstance(value, list)), default=1)
    if not 0 <= step <= MAX_MICRO_STEP - longest + 1:
        raise ValueError(f"its step must be from 0 to {MAX_MICRO_STEP} micro-steps, found {step}")
