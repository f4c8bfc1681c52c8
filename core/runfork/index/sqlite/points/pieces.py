"""Pieces of series: where they lie in the tables, and loading them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from runfork.index.rules.progressions import joined, part_of
from runfork.index.sqlite.points.columns import ColumnCodec
from runfork.index.sqlite.points.summaries import WIDTH
from runfork.index.sqlite.points.writer import COLUMN_BITS, decode_tail, part_of_row

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from runfork.index.rules.progressions import Progression
    from runfork.model.arrays import Floats, Integers

_KEPT_PIECES = 16
"""More than one run's tail is cut into."""


class Contribution(NamedTuple):
    """What one run adds to a series: its own points up to a cut.

    Args:
        position: That of its segment; later ones win.
        run: The run.
        path: The path.
        columns: By stream that holds points of it, the writer, and in which column.
        high: The last step that counts.
    """

    position: int
    run: int
    path: int
    columns: Mapping[int, tuple[str, int]]
    high: int


class Piece(NamedTuple):
    """A stretch of one journal's points, not loaded yet: a column of a piece of the tail, or of a row of chunks."""

    position: int
    writer: str
    is_float: bool
    is_tail: bool
    number: int
    column: int
    size: int
    low: int
    high: int
    begin: int
    cut: int
    is_increasing: bool
    statistics: bytes | None

    @property
    def is_whole(self) -> bool:
        """Whether it can be taken as it is: sorted, and nothing cut off."""
        return self.is_increasing and self.begin <= self.low and self.high <= self.cut

    def places(self, steps: Progression | Integers) -> tuple[int, int]:
        """Return from where up to where its sorted steps count."""
        first = 0 if self.begin <= self.low else int(steps.searchsorted(np.array([self.begin]))[0])
        end = self.size if self.high <= self.cut else int(steps.searchsorted(np.array([self.cut + 1]))[0])
        return first, end


@dataclass(frozen=True)
class Loaded:
    """What a piece holds, as it stands in it."""

    steps: Integers
    times: Integers
    sequences: Integers
    values: Any
    piece: Piece


_COLUMN = f"(row_group.id << {COLUMN_BITS} | ?1)"
_CHUNKS = f"""
SELECT chunk.id, {_COLUMN} - chunk.id, count, low_step, high_step, is_increasing,
    substr(statistics, 1 + ({_COLUMN} - chunk.id) * {WIDTH * 8}, {WIDTH * 8})
FROM row_group JOIN chunk ON chunk.id = (SELECT max(id) FROM chunk WHERE id <= {_COLUMN})
WHERE stream = ?2 AND low_step <= ?3 AND high_step >= ?4
"""  # noqa: S608
_TAILS = """
SELECT id, ?1, count, low_step, high_step, is_increasing, NULL FROM tail WHERE stream = ?2 AND low_step <= ?3 AND high_step >= ?4
"""
_DATA_OF_CHUNK = f"ends, data FROM chunk JOIN row_group ON row_group.id = chunk.id >> {COLUMN_BITS} WHERE chunk.id = ?"
_DATA = "SELECT steps, times, sequences, " + _DATA_OF_CHUNK
_SOME_DATA = "SELECT steps, NULL, NULL, " + _DATA_OF_CHUNK
_TIMED_DATA = "SELECT steps, times, NULL, " + _DATA_OF_CHUNK


class PieceReader:
    """Finds and loads pieces, in the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.codec = ColumnCodec()
        self._tails: dict[int, bytes] | None = None

    @contextmanager
    def keeping_tails(self) -> Iterator[None]:
        """While nothing is written, keep what was read of the tail: the next series is likely a column of the same rows."""
        self._tails = {}
        try:
            yield
        finally:
            self._tails = None

    def _tail(self, number: int) -> bytes:
        if self._tails is not None and number in self._tails:
            return self._tails[number]
        data: bytes = self.connection.execute("SELECT data FROM tail WHERE id = ?", (number,)).fetchone()[0]
        if self._tails is not None:
            if len(self._tails) == _KEPT_PIECES:
                self._tails.pop(next(iter(self._tails)))
            self._tails[number] = data
        return data

    def find(self, is_float: bool, contributions: Iterable[Contribution], low: int, high: int) -> list[Piece]:
        """Return the pieces of a series, of floats or of others, that hold steps between two."""
        found = []
        for part in contributions:
            cut = min(part.high, high)
            for stream, (writer, column) in part.columns.items():
                for query in (_CHUNKS, _TAILS) if is_float else (_CHUNKS,):
                    for row in self.connection.execute(query, (column, stream, cut, low)):
                        number, at, count, first, last, is_increasing, statistics = row
                        about = (
                            part.position,
                            writer,
                            is_float,
                            query is _TAILS,
                            number,
                            at,
                            count,
                            first,
                            last,
                            low,
                            cut,
                        )
                        found.append(Piece(*about, bool(is_increasing), statistics))
        return found

    def load_chunks(self, pieces: Sequence[Piece]) -> tuple[Progression | Integers, npt.NDArray[Any]]:
        """Return the steps and the values of chunks of a float series, both in as little space as holds them exactly.

        The chunks are sorted, and lie one after another. What is cut off them is left out.
        """
        rows = [self._chunk(_SOME_DATA, piece) for piece in pieces]
        values = self.codec.decode_floats([data for *_, data in rows], [piece.size for piece in pieces])
        steps: list[Progression | Integers] = []
        kept: list[list[int]] = []
        start = 0
        for piece, (data, *_) in zip(pieces, rows, strict=True):
            axis = self.codec.decode_steps(data, piece.size)
            first, end = piece.places(axis)
            if first < end:
                steps.append(part_of(axis, first, end))
                if kept and kept[-1][1] == start + first:
                    kept[-1][1] = start + end
                else:
                    kept.append([start + first, start + end])
            start += piece.size
        parts = [values[first:end] for first, end in kept]
        return joined(steps), parts[0] if len(parts) == 1 else np.concatenate([values[:0], *parts])

    def load_tail(self, piece: Piece) -> tuple[Integers, Floats]:
        """Return the steps and the values of a sorted piece of the tail, without what is cut off."""
        loaded = self._loaded_tail(piece)
        kept = slice(*piece.places(loaded.steps))
        return loaded.steps[kept], loaded.values[kept]

    def fill(self, piece: Piece, steps: Integers, times: Integers | None, values: Any, start: int) -> None:
        """Load a whole piece into its place in the result: one copy of each number."""
        if piece.is_tail:
            loaded = self._loaded_tail(piece)
            steps[:] = loaded.steps
            if times is not None:
                times[:] = loaded.times
            values[start : start + piece.size] = loaded.values
            return
        query = _SOME_DATA if times is None else _TIMED_DATA
        step_data, time_data, _, data = self._chunk(query, piece)
        self.codec.decode_integers(step_data, steps)
        if times is not None:
            self.codec.decode_integers(time_data, times)
        if piece.is_float:
            values[start : start + piece.size] = self.codec.decode_floats([data], [piece.size])
        else:
            values.extend(self.codec.decode_values(data))

    def load(self, piece: Piece) -> Loaded:
        """Return what a piece holds."""
        if piece.is_tail:
            return self._loaded_tail(piece)
        *columns, data = self._chunk(_DATA, piece)
        numbers = np.empty((3, piece.size), np.int64)
        for column, out in zip(columns, numbers, strict=True):
            self.codec.decode_integers(column, out)
        if piece.is_float:
            values: Any = self.codec.decode_floats([data], [piece.size]).astype(np.float64, copy=False)
        else:
            values = objects(self.codec.decode_values(data))
        return Loaded(numbers[0], numbers[1], numbers[2], values, piece)

    def _chunk(self, query: str, piece: Piece) -> tuple[bytes, bytes, bytes, bytes]:
        """Return steps, times, sequences and values, as far as `query` asks for them, as they were encoded."""
        *shared, ends, data = self.connection.execute(query, (piece.number,)).fetchone()
        return *shared, part_of_row(ends, data, piece.column)

    def _loaded_tail(self, piece: Piece) -> Loaded:
        data = self._tail(piece.number)
        block = decode_tail(data, piece.size, len(data) // (8 * piece.size) - 3)
        return Loaded(block.steps, block.times, block.sequences, block.columns[piece.column], piece)


def objects(values: list[Any]) -> npt.NDArray[Any]:
    """Return values as an array of objects."""
    found = np.empty(len(values), object)
    found[:] = values
    return found
