"""Writing points: rows of metrics gather in the tail until they fill a row group; texts and files fill chunks one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.sqlite.points.summaries import merge_summaries, summarise
from runfork.index.sqlite.sealing import check_seal, sealed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from runfork.index.sqlite.points.columns import ColumnCodec
    from runfork.journal.records import MetricRows
    from runfork.model.arrays import Floats, Integers

COLUMN_BITS = 24
_PART_NUMBERS = 64 * 1024
"""So many numbers are worked on at once, half a megabyte; measured."""
_END_BYTES = 4


@dataclass(frozen=True)
class ChunkSizes:
    """When points become chunks.

    Args:
        rows: A chunk's points. Fewer take more space and time, by a tenth at 4096; more are slow to read in part.
        tail_bytes: Rows are made a row group when they take this much, however few they are.
        text_characters: A chunk of texts is full with so many.
        sealed_rows: Fewer rows than this are not worth a chunk per metric, even if no more are to come.
        shared_bytes: Chunks share a row of the table until it takes this much. More are slow to read one by one.
        alone_bytes: None is added behind a chunk that is shorter: SQLite puts short rows side by side itself.
    """

    rows: int = 16384
    tail_bytes: int = 8 * 1024 * 1024
    text_characters: int = 64 * 1024
    sealed_rows: int = 32
    shared_bytes: int = 32 * 1024
    alone_bytes: int = 1024


@dataclass(frozen=True)
class Block:
    """Rows of one schema: int64[n] each, and float64[m, n], contiguous."""

    steps: Integers
    times: Integers
    sequences: Integers
    columns: Floats

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def size(self) -> int:
        """Bytes of the columns."""
        return self.columns.nbytes


@dataclass(frozen=True)
class TextPoint:
    """A point of a string, histogram or file series, its value as in the journal."""

    step: int
    time: int
    sequence: int
    value: Any


class PointWriter:
    """Writes points of journals, within the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, codec: ColumnCodec, sizes: ChunkSizes) -> None:
        self._connection = connection
        self._codec = codec
        self._sizes = sizes

    def fits(self, rows: MetricRows) -> bool:
        """Return whether rows of a stream make one block, for `store`."""
        return len(rows.steps) < self._sizes.rows and rows.values.nbytes < self._sizes.tail_bytes

    def store(self, first: int, blocks: Sequence[Block], summaries: Sequence[Floats]) -> None:
        """Store all the rows of streams whose journals are done, each a block that fits, with the summaries of its columns.

        Args:
            first: The number of the first stream; those of others follow it.
            blocks: By stream.
            summaries: By stream.
        """
        tails = []
        for stream, (block, found) in enumerate(zip(blocks, summaries, strict=True), first):
            if len(block) < self._sizes.sealed_rows:
                tails.append(_tail_row(stream, block))
            else:
                self._write_group(stream, block, found)
        self._connection.executemany(_NEW_TAIL, tails)

    def append_rows(self, stream: int, rows: MetricRows, *, is_new: bool) -> Floats:
        """Store rows of metrics; return the summaries of their columns.

        Args:
            stream: Which they belong to.
            rows: The rows.
            is_new: There are none of the stream yet.
        """
        columns = len(rows.paths)
        waiting = [] if is_new else self._waiting(stream)
        total = sum(count for _, count in waiting) + len(rows.steps)
        if total < self._sizes.rows and total * columns * 8 < self._sizes.tail_bytes:
            block = _block(rows, 0, len(rows.steps))
            self._append_tail(stream, waiting, block)
            return _summarised(block.columns)
        before = self._take_tail(waiting, columns)
        position = 0
        summaries: Floats | None = None
        while position < len(rows.steps):
            taken = min(self._sizes.rows - (len(before) if before else 0), len(rows.steps) - position)
            fresh = _block(rows, position, position + taken)
            position += taken
            found: Floats | None = _summarised(fresh.columns)
            assert found is not None
            summaries = found if summaries is None else merge_summaries(summaries, found)
            if before is not None:
                fresh, found, before = _joined([before, fresh]), None, None
            if len(fresh) == self._sizes.rows or fresh.size >= self._sizes.tail_bytes:
                self._write_group(stream, fresh, found)
            else:
                self._write_tail(stream, fresh)
        assert summaries is not None
        return summaries

    def _waiting(self, stream: int) -> list[tuple[int, int]]:
        return self._connection.execute("SELECT id, count FROM tail WHERE stream = ? ORDER BY id", (stream,)).fetchall()

    def _append_tail(self, stream: int, waiting: list[tuple[int, int]], block: Block) -> None:
        """Add a piece to the tail, joined with those before it that are not much longer: few pieces, little rewriting."""
        blocks = [block]
        joined = len(block)
        while waiting and waiting[-1][1] < 2 * joined:
            number, count = waiting.pop()
            joined += count
            blocks.insert(0, self._remove_tail(number, count, len(block.columns)))
        self._write_tail(stream, _joined(blocks))

    def _take_tail(self, waiting: list[tuple[int, int]], columns: int) -> Block | None:
        blocks = [self._remove_tail(number, count, columns) for number, count in waiting]
        return _joined(blocks) if blocks else None

    def _remove_tail(self, number: int, count: int, columns: int) -> Block:
        (data,) = self._connection.execute("SELECT data FROM tail WHERE id = ?", (number,)).fetchone()
        self._connection.execute("DELETE FROM tail WHERE id = ?", (number,))
        return decode_tail(data, count, columns)

    def _write_tail(self, stream: int, block: Block) -> None:
        self._connection.execute(_NEW_TAIL, _tail_row(stream, block))

    def _write_group(self, stream: int, block: Block, summaries: Floats | None) -> None:
        group = self._insert_group(stream, block.steps, block.times, block.sequences)
        if summaries is None:
            summaries = _summarised(block.columns)
        encoded = (data for part in _parts(block.columns) for data in self._codec.encode_floats(part))
        rows = (
            (chunk_number(group, first), summaries[first : first + len(columns)].tobytes(), *_row(columns))
            for first, columns in self._gathered(encoded)
        )
        self._connection.executemany("INSERT INTO chunk VALUES (?, ?, ?, ?)", rows)

    def _gathered(self, encoded: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the columns that share a row of chunks, and the first one's number: each row leaves some of a page unused."""
        first, columns = 0, []
        for data in encoded:
            columns.append(data)
            if len(data) < self._sizes.alone_bytes or sum(map(len, columns)) >= self._sizes.shared_bytes:
                yield first, columns
                first, columns = first + len(columns), []
        if columns:
            yield first, columns

    def _insert_group(
        self, stream: int, steps: Integers, times: Integers, sequences: Integers, *, is_open: bool = False
    ) -> int:
        cursor = self._connection.execute(
            "INSERT INTO row_group (stream, count, low_step, high_step, is_increasing, high_time, is_open, steps, times,"
            " sequences) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (stream, *_extent(steps, times), is_open, *map(self._codec.encode_integers, (steps, times, sequences))),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def seal(self, stream: int, columns: int) -> None:
        """Make chunks of the tail of a stream whose journal is done."""
        waiting = self._waiting(stream)
        if sum(count for _, count in waiting) >= self._sizes.sealed_rows:
            block = self._take_tail(waiting, columns)
            assert block is not None
            self._write_group(stream, block, None)

    def append_previews(self, run: int, journal: int, paths: Sequence[int], rows: MetricRows) -> None:
        """Store previews: of several at one step the later one."""
        assert rows.completion is not None
        columns = (rows.steps, rows.sequences, rows.times, rows.completion)
        shared = list(zip(*(column.tolist() for column in columns), strict=True))
        for path, column in zip(paths, np.ascontiguousarray(rows.values.T), strict=True):
            self._connection.executemany(
                "INSERT INTO preview VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence,"
                " time = excluded.time, value = excluded.value, completion = excluded.completion"
                " WHERE excluded.sequence > sequence",
                [
                    (run, path, step, journal, sequence, time, value.tobytes(), completion)
                    for (step, sequence, time, completion), value in zip(shared, column, strict=True)
                ],
            )

    def append_texts(self, stream: int, points: list[TextPoint]) -> None:
        """Store points of a series that is not made of floats."""
        opened = self._connection.execute(_OPEN_GROUP, (stream,)).fetchone()
        if opened is not None:
            group, count, *columns = opened
            chunk = chunk_number(group, 0)
            (data,) = self._connection.execute("SELECT data FROM chunk WHERE id = ?", (chunk,)).fetchone()
            points = self._decode_texts(data, count, columns) + points
            self._connection.execute("DELETE FROM chunk WHERE id = ?", (chunk,))
            self._connection.execute("DELETE FROM row_group WHERE id = ?", (group,))
        for part, is_full in _text_parts(points, self._sizes):
            self._write_texts(stream, part, is_open=not is_full)

    def _decode_texts(self, data: bytes, count: int, columns: list[bytes]) -> list[TextPoint]:
        numbers = np.empty((3, count), np.int64)
        for column, out in zip(columns, numbers, strict=True):
            self._codec.decode_integers(column, out)
        values = self._codec.decode_values(data)
        return [TextPoint(*row) for row in zip(*numbers.tolist(), values, strict=True)]

    def _write_texts(self, stream: int, points: list[TextPoint], *, is_open: bool) -> None:
        steps, times, sequences = (
            np.array([getattr(point, name) for point in points], np.int64) for name in ("step", "time", "sequence")
        )
        group = self._insert_group(stream, steps, times, sequences, is_open=is_open)
        data = self._codec.encode_values([point.value for point in points])
        self._connection.execute("INSERT INTO chunk VALUES (?, NULL, ?, ?)", (chunk_number(group, 0), *_row([data])))


_NEW_TAIL = """
INSERT INTO tail (stream, count, low_step, high_step, is_increasing, high_time, data) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_OPEN_GROUP = "SELECT id, count, steps, times, sequences FROM row_group WHERE stream = ? AND is_open"


def chunk_number(group: int, column: int) -> int:
    """Return the number of a chunk: that of its row group, and its column."""
    return group << COLUMN_BITS | column


def _row(columns: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return where columns end that share a row of chunks, as it is stored, and their bytes."""
    ends = accumulate(map(len, columns))
    return b"".join(end.to_bytes(_END_BYTES, "little") for end in ends), b"".join(columns)


def part_of_row(ends: bytes, data: bytes, column: int) -> bytes:
    """Return one of the columns that share a row of chunks."""
    at = column * _END_BYTES
    begin, end = ends[max(0, at - _END_BYTES) : at], ends[at : at + _END_BYTES]
    return data[int.from_bytes(begin, "little") : int.from_bytes(end, "little")]


def parts_of_row(ends: bytes, data: bytes) -> list[bytes]:
    """Return all the columns that share a row of chunks."""
    return [part_of_row(ends, data, column) for column in range(len(ends) // _END_BYTES)]


def _summarised(columns: Floats) -> Floats:
    return np.concatenate([summarise(part) for part in _parts(columns)])


def _parts(columns: Floats) -> Iterator[Floats]:
    """Yield some columns at a time: what is worked out on the way stays in the processor's cache."""
    some = max(1, _PART_NUMBERS // columns.shape[1])
    return (columns[first : first + some] for first in range(0, len(columns), some))


def _tail_row(stream: int, block: Block) -> tuple[Any, ...]:
    """Return what `_NEW_TAIL` stores of a piece of the tail."""
    data = sealed(b"".join(part.tobytes() for part in (block.steps, block.times, block.sequences, block.columns)))
    return (stream, *_extent(block.steps, block.times), data)


def decode_tail(data: bytes, count: int, columns: int) -> Block:
    """Decode a piece of the tail: views into `data`.

    Raises:
        ValueError: It is not as it was stored.
    """
    check_seal(data)
    numbers = np.frombuffer(data, np.int64, 3 * count).reshape(3, count)
    values = np.frombuffer(data, np.float64, columns * count, offset=24 * count).reshape(columns, count)
    return Block(numbers[0], numbers[1], numbers[2], values)


def _block(rows: MetricRows, first: int, last: int) -> Block:
    columns = np.ascontiguousarray(rows.values[first:last].T)
    return Block(rows.steps[first:last], rows.times[first:last], rows.sequences[first:last], columns)


def _joined(blocks: list[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    return Block(
        np.concatenate([block.steps for block in blocks]),
        np.concatenate([block.times for block in blocks]),
        np.concatenate([block.sequences for block in blocks]),
        np.concatenate([block.columns for block in blocks], axis=1),
    )


def _extent(steps: Integers, times: Integers) -> tuple[int, ...]:
    """Return count, low_step, high_step, is_increasing, high_time."""
    is_increasing = bool((steps[1:] > steps[:-1]).all())
    low, high = (steps[0], steps[-1]) if is_increasing else (steps.min(), steps.max())
    return len(steps), int(low), int(high), is_increasing, int(times.max())


def _text_parts(points: list[TextPoint], sizes: ChunkSizes) -> list[tuple[list[TextPoint], bool]]:
    """Cut points into chunks of about 64 KiB, and say which are full."""
    found: list[tuple[list[TextPoint], bool]] = []
    part: list[TextPoint] = []
    size = 0
    for point in points:
        part.append(point)
        size += len(point.value) if isinstance(point.value, str) else len(json.dumps(point.value))
        if size >= sizes.text_characters or len(part) == sizes.rows:
            found.append((part, True))
            part, size = [], 0
    return [*found, (part, False)] if part else found
