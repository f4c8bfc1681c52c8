"""Reading a journal from any frame boundary, in batches, past any damage.

A frame that is not whole at the end of the file is left for the next read: a live writer may be in the middle of it. A frame
that does not fit its checksum is skipped up to the next one that does, and reported. What is read does not depend on how the
file is split into reads.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO
from zlib import crc32

from runfork.journal.format import FLAGS_TIMES, HEADER_SIZE
from runfork.journal.frame_search import claimed_end, find_in_file, frame_at, open_journal, why_unreadable
from runfork.journal.header import read_header
from runfork.journal.parser import Parser
from runfork.journal.records import Batch, Damage
from runfork.journal.row_schemas import RowSchemas
from runfork.journal.rows import RowCollector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runfork.journal.header import Header
    from runfork.journal.records import JournalKey

READ_BYTES = 64 * 1024 * 1024
_SMALL = 64 * 1024
"""A journal of so many bytes at most is opened once: who asked whose it is will want to read it."""
_SEALED_BYTES = 64
_IDENTIFYING = ("project", "run_id", "writer", "created", "tag")
DAMAGED_HEADER = "a damaged header; whose journal this is was worked out from its first record, its folder and its name"


class JournalReader:
    """Reads one journal. Not for several threads at a time.

    Args:
        path: The journal.
        carry: `Batch.carry` of the batch after which to go on; not needed to read from the beginning.
    """

    def __init__(self, path: str | Path, carry: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.end = -1
        """Where the last read ended; -1 before the first."""
        carried = carry or {}
        self._header: Header | None = None
        self._whole: BytesIO | None = None
        """What a small journal holds, from `key` until the next `read`."""
        self._order_time = int(carried.get("order_time", 0))
        self._schemas = RowSchemas(carried.get("schemas", {}), carried.get("lost", ()))

    def key(self) -> JournalKey | None:
        """Return whose journal it is; None while its header is being written.

        Raises:
            FormatError: The file is no journal, or is of a newer version.
            OSError: It cannot be read.
        """
        if self._header is None:
            file = self._open()
            if isinstance(file, BytesIO):
                self._whole = file
            else:
                file.close()
        return None if self._header is None else self._header.key

    @property
    def held_bytes(self) -> int:
        """How many bytes of the journal are held until the next `read`."""
        return 0 if self._whole is None else self._whole.getbuffer().nbytes

    def _open(self) -> BinaryIO:
        """Open the journal, and look whose it is where that is not known yet."""
        if self._header is not None:
            return open_journal(self.path)
        file = open_journal(self.path, at_once=_SMALL)
        try:
            self._header = read_header(file, self.path)
        except BaseException:  # an interrupt, too: nobody will hold the file
            file.close()
            raise
        return file

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
        whole, self._whole = self._whole, None
        with self._open() if whole is None or self._header is None else whole as file:
            if self._header is None:
                return None
            header = self._header
            self._schemas.tag = header.tag
            position = max(start, header.first_frame)
            parsed = self._read_frames(file, position, limit)
            if parsed.end == position and start > 0:
                return None
            collector = RowCollector(parsed.data, parsed.base)
            rows = collector.collect(parsed.rows(lambda schema: self._schemas.at(file, schema, parsed.base)))
            seal = parsed.seal_of(_SEALED_BYTES) or _seal(file, parsed.end)
        self._schemas.add(parsed.schema_offsets)
        self.end = parsed.end
        header_damage = [Damage(0, header.first_frame, DAMAGED_HEADER)] if start == 0 and header.is_recovered else []
        tells_given_times = header.identity.get(FLAGS_TIMES) is True
        return Batch(
            key=header.key,
            identity=header.identity,
            start=start,
            end=parsed.end,
            records=parsed.records,
            rows=rows,
            damage=header_damage + parsed.damage + collector.damage,
            last_time=max(parsed.record_time, parsed.point_time, collector.last_time)
            if tells_given_times
            else parsed.record_time,
            carry={"order_time": self._order_time, "seal": seal, **self._schemas.carry()},
        )

    def batches(self, start: int = 0, *, limit: int = READ_BYTES) -> Iterator[Batch]:
        """Yield what `read` returns, one after the other, until there is nothing new; arguments and errors are those of `read`."""
        while (batch := self.read(start, limit=limit)) is not None and batch.end > start:
            yield batch
            start = batch.end

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
            header = read_header(file, self.path)
            if header is None or any(header.identity.get(name) != identity.get(name) for name in _IDENTIFYING):
                return False
            return file.seek(0, 2) >= end and _seal(file, end) == carry.get("seal")

    def _read_frames(self, file: BinaryIO, position: int, limit: int) -> Parser:
        size = file.seek(0, 2)
        file.seek(position)
        data = file.read(min(limit, max(size - position, 0) + 1))  # no larger buffer than it takes: they are many
        at_end = len(data) < limit
        parsed = self._parse(file, data, position, at_end=at_end)
        if parsed.end > position or at_end:
            return parsed
        # one frame is longer than the limit, or one damaged stretch
        tag = self._schemas.tag
        if (frame := frame_at(file, position, tag)) is not None:
            return self._parse(file, frame, position, at_end=False)
        found = find_in_file(file, position + 1, tag)
        if found is None:
            return parsed
        reason = _why(file, position)
        parsed = self._read_frames(file, found, limit)
        parsed.damage.insert(0, Damage(position, found - position, reason))
        return parsed

    def _parse(self, file: BinaryIO, data: bytes, base: int, *, at_end: bool) -> Parser:
        parser = Parser(
            data, base, self._order_time, lambda schema: self._schemas.before(file, schema), self._schemas.tag
        )
        parser.parse(at_end=at_end)
        self._order_time = parser.order_time
        return parser


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
