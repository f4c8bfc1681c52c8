"""Writing points: rows of metrics gather in the tail until they fill a row group; texts and files fill chunks one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.sqlite.columns import check_seal, sealed
from runfork.index.sqlite.summaries import merge_summaries, summarise

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from runfork.index.sqlite.columns import ColumnCodec
    from runfork.journal.records import MetricRows

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

__all__ = ["Block", "ChunkSizes", "PieceWriter", "TextPoint", "decode_tail"]


_PART_NUMBERS = 64 * 1024
"""So many numbers are worked on at once, half a megabyte; measured."""


@dataclass(frozen=True)
class ChunkSizes:
    """When points become chunks.

    Args:
        rows: A chunk's points. Fewer take more space and time, by a tenth at 4096; more are slow to read in part.
        tail_bytes: Rows are made a row group when they take this much, however few they are.
        text_characters: A chunk of texts is full with so many.
        sealed_rows: Fewer rows than this are not worth a chunk per metric, even if no more are to come.
    """

    rows: int = 16384
    tail_bytes: int = 8 * 1024 * 1024
    text_characters: int = 64 * 1024
    sealed_rows: int = 32


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


class PieceWriter:
    """Writes points of journals, within the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, codec: ColumnCodec, sizes: ChunkSizes) -> None:
        self._connection = connection
        self._codec = codec
        self._sizes = sizes

    def schema_id(self, journal: int, paths: Sequence[str], *, clock_axis: bool) -> tuple[int, bool]:
        """Return the number of a schema and whether it is new."""
        text = json.dumps([clock_axis, *paths])
        digest = blake2b(text.encode("ascii"), digest_size=16).digest()
        found = self._connection.execute("SELECT id FROM schema WHERE journal = ? AND digest = ?", (journal, digest))
        row = found.fetchone()
        if row is not None:
            return row[0], False
        cursor = self._connection.execute("INSERT INTO schema (journal, digest) VALUES (?, ?)", (journal, digest))
        assert cursor.lastrowid is not None
        return cursor.lastrowid, True

    def name_columns(self, schema: int, series: Sequence[int]) -> None:
        """Store which series the columns of a new schema are."""
        rows = [(number, schema, position) for position, number in enumerate(series)]
        self._connection.executemany("INSERT OR REPLACE INTO schema_column VALUES (?, ?, ?)", rows)

    def append_rows(self, journal: int, schema: int, series: Sequence[int], rows: MetricRows) -> Floats:
        """Store rows of metrics; return the summaries of their columns."""
        is_step_axis = not rows.clock_axis
        waiting = self._connection.execute(
            "SELECT id, count FROM tail WHERE schema = ? ORDER BY id", (schema,)
        ).fetchall()
        held = sum(count for _, count in waiting)
        total = held + len(rows.steps)
        if total < self._sizes.rows and total * len(series) * 8 < self._sizes.tail_bytes:
            block = _block(rows, 0, len(rows.steps))
            self._append_tail(journal, schema, waiting, block, is_step_axis=is_step_axis)
            return _summarised(block.columns)
        before = self._take_tail(waiting, len(series))
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
                self._write_group(journal, series, fresh, found, is_step_axis=is_step_axis)
            else:
                self._write_tail(journal, schema, fresh, is_step_axis=is_step_axis)
        assert summaries is not None
        return summaries

    def _append_tail(
        self, journal: int, schema: int, waiting: list[tuple[int, int]], block: Block, *, is_step_axis: bool
    ) -> None:
        """Add a piece to the tail, joined with those before it that are not much longer: few pieces, little rewriting."""
        blocks = [block]
        joined = len(block)
        while waiting and waiting[-1][1] < 2 * joined:
            number, count = waiting.pop()
            joined += count
            blocks.insert(0, self._remove_tail(number, count, len(block.columns)))
        self._write_tail(journal, schema, _joined(blocks), is_step_axis=is_step_axis)

    def _take_tail(self, waiting: list[tuple[int, int]], columns: int) -> Block | None:
        blocks = [self._remove_tail(number, count, columns) for number, count in waiting]
        return _joined(blocks) if blocks else None

    def _remove_tail(self, number: int, count: int, columns: int) -> Block:
        (data,) = self._connection.execute("SELECT data FROM tail WHERE id = ?", (number,)).fetchone()
        self._connection.execute("DELETE FROM tail WHERE id = ?", (number,))
        return decode_tail(data, count, columns)

    def _write_tail(self, journal: int, schema: int, block: Block, *, is_step_axis: bool) -> None:
        data = sealed(b"".join(part.tobytes() for part in (block.steps, block.times, block.sequences, block.columns)))
        self._connection.execute(
            "INSERT INTO tail (schema, journal, count, low_step, high_step, is_increasing, is_step_axis, low_time,"
            " high_time, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (schema, journal, *_extent(block.steps, block.times, is_step_axis=is_step_axis), data),
        )

    def _write_group(
        self, journal: int, series: Sequence[int], block: Block, summaries: Floats | None, *, is_step_axis: bool
    ) -> None:
        group = self._insert_group(journal, block.steps, block.times, block.sequences, is_step_axis=is_step_axis)
        if summaries is None:
            summaries = _summarised(block.columns)
        encoded = (data for part in _parts(block.columns) for data in self._codec.encode_floats(part))
        self._connection.executemany(
            "INSERT INTO chunk (series, row_group, statistics, data) VALUES (?, ?, ?, ?)",
            (
                (number, group, summary.tobytes(), data)
                for number, summary, data in zip(series, summaries, encoded, strict=True)
            ),
        )

    def _insert_group(
        self, journal: int, steps: Integers, times: Integers, sequences: Integers, *, is_step_axis: bool
    ) -> int:
        cursor = self._connection.execute(
            "INSERT INTO row_group (journal, count, low_step, high_step, is_increasing, is_step_axis, low_time,"
            " high_time, steps, times, sequences) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                journal,
                *_extent(steps, times, is_step_axis=is_step_axis),
                *map(self._codec.encode_integers, (steps, times, sequences)),
            ),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def seal(self, journal: int) -> None:
        """Make chunks of the tail of a journal that is done."""
        schemas = self._connection.execute(
            "SELECT schema, sum(count), max(is_step_axis) FROM tail WHERE journal = ? GROUP BY schema", (journal,)
        ).fetchall()
        for schema, held, is_step_axis in schemas:
            if held < self._sizes.sealed_rows:
                continue
            series = [
                number
                for (number,) in self._connection.execute(
                    "SELECT series FROM schema_column WHERE schema = ? ORDER BY position", (schema,)
                )
            ]
            pieces = self._connection.execute("SELECT id, count FROM tail WHERE schema = ? ORDER BY id", (schema,))
            block = self._take_tail(pieces.fetchall(), len(series))
            assert block is not None
            self._write_group(journal, series, block, None, is_step_axis=bool(is_step_axis))

    def append_previews(self, journal: int, series: Sequence[int], rows: MetricRows) -> None:
        """Store previews: of several at one step the later one."""
        assert rows.completion is not None
        shared = list(
            zip(
                rows.steps.tolist(), rows.sequences.tolist(), rows.times.tolist(), rows.completion.tolist(), strict=True
            )
        )
        for number, column in zip(series, np.ascontiguousarray(rows.values.T), strict=True):
            self._connection.executemany(
                "INSERT INTO preview VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence,"
                " time = excluded.time, value = excluded.value, completion = excluded.completion"
                " WHERE excluded.sequence > sequence",
                [
                    (number, step, journal, sequence, time, value.tobytes(), completion)
                    for (step, sequence, time, completion), value in zip(shared, column, strict=True)
                ],
            )

    def append_texts(self, journal: int, series: int, points: list[TextPoint]) -> None:
        """Store points of a series that is not made of floats."""
        group = None
        opened = self._connection.execute(
            "SELECT chunk.id, row_group, data, count, steps, times, sequences FROM open_chunk"
            " JOIN chunk ON chunk.id = chunk JOIN row_group ON row_group.id = row_group"
            " WHERE open_chunk.series = ? AND open_chunk.journal = ?",
            (series, journal),
        ).fetchone()
        if opened is not None:
            chunk, group, data, count, *columns = opened
            points = self._decode_texts(data, count, columns) + points
            self._connection.execute("DELETE FROM chunk WHERE id = ?", (chunk,))
            self._connection.execute("DELETE FROM row_group WHERE id = ?", (group,))
            self._connection.execute("DELETE FROM open_chunk WHERE series = ? AND journal = ?", (series, journal))
        for part, is_full in _text_parts(points, self._sizes):
            chunk = self._write_texts(journal, series, part)
            if not is_full:
                self._connection.execute("INSERT INTO open_chunk VALUES (?, ?, ?)", (series, journal, chunk))

    def _decode_texts(self, data: bytes, count: int, columns: list[bytes]) -> list[TextPoint]:
        numbers = np.empty((3, count), np.int64)
        for column, out in zip(columns, numbers, strict=True):
            self._codec.decode_integers(column, out)
        values = self._codec.decode_values(data)
        return [TextPoint(*row) for row in zip(*numbers.tolist(), values, strict=True)]

    def _write_texts(self, journal: int, series: int, points: list[TextPoint]) -> int:
        steps, times, sequences = (
            np.array([getattr(point, name) for point in points], np.int64) for name in ("step", "time", "sequence")
        )
        group = self._insert_group(journal, steps, times, sequences, is_step_axis=False)
        data = self._codec.encode_values([point.value for point in points])
        cursor = self._connection.execute(
            "INSERT INTO chunk (series, row_group, data) VALUES (?, ?, ?)", (series, group, data)
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def _summarised(columns: Floats) -> Floats:
    return np.concatenate([summarise(part) for part in _parts(columns)])


def _parts(columns: Floats) -> Iterator[Floats]:
    """Yield some columns at a time: what is worked out on the way stays in the processor's cache."""
    some = max(1, _PART_NUMBERS // columns.shape[1])
    return (columns[first : first + some] for first in range(0, len(columns), some))


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


def _extent(steps: Integers, times: Integers, *, is_step_axis: bool) -> tuple[int, ...]:
    """Return count, low_step, high_step, is_increasing, is_step_axis, low_time, high_time."""
    is_increasing = bool((steps[1:] > steps[:-1]).all())
    low, high = (steps[0], steps[-1]) if is_increasing else (steps.min(), steps.max())
    return len(steps), int(low), int(high), is_increasing, is_step_axis, int(times.min()), int(times.max())


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
