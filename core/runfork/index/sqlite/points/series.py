"""Reading points: pieces of all writers along a lineage, cut, laid over each other, each step once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.rules.edits import decode_value
from runfork.index.rules.progressions import joined, part_of
from runfork.index.sqlite.points.summaries import WIDTH, empty_summaries, merge_summaries, summarise
from runfork.index.sqlite.points.writer import COLUMN_BITS, decode_tail, part_of_row
from runfork.model.attributes import AttributeType
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from runfork.index.rules.progressions import Progression
    from runfork.index.sqlite.points.source import SeriesReader

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

__all__ = ["Contribution", "Piece", "Points", "PreviewPoint", "SeriesPoints", "Summary", "decoded"]


@dataclass(frozen=True)
class Contribution:
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


@dataclass(frozen=True)
class Points:
    """Points by increasing step. `values` are float64[n], or a list as the journal holds them; `times` None if not asked for."""

    steps: Integers
    times: Integers | None
    values: Any
    sources: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.steps)

    def part(self, chosen: slice) -> Points:
        """Return some of the points."""
        times = None if self.times is None else self.times[chosen]
        return Points(self.steps[chosen], times, self.values[chosen], self.sources[chosen])


@dataclass(frozen=True)
class PreviewPoint:
    """A preview: its step, time, value, completion, and the position of its segment."""

    step: int
    time: int
    value: float
    completion: float
    source: int


@dataclass(frozen=True)
class Summary:
    """What a series amounts to. `floats` is a row of `summaries`, or None; `last` holds its last point."""

    count: int
    first_step: int
    last: Points
    floats: Floats | None


@dataclass(frozen=True)
class Piece:
    """A stretch of one journal's points, not loaded yet: a column of a piece of the tail, or of a row of chunks."""

    position: int
    writer: str
    is_tail: bool
    number: int
    column: int
    count: int
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
        end = self.count if self.high <= self.cut else int(steps.searchsorted(np.array([self.cut + 1]))[0])
        return first, end


@dataclass(frozen=True)
class _Loaded:
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


class SeriesPoints:
    """One series as seen from one run."""

    def __init__(self, reader: SeriesReader, kind: AttributeType, contributions: Sequence[Contribution]) -> None:
        self._reader = reader
        self._connection = reader.connection
        self._codec = reader.codec
        self._is_float = kind is AttributeType.FLOAT_SERIES
        self._contributions = contributions

    # Which pieces

    def _pieces(self, low: int, high: int) -> list[Piece]:
        found = []
        for part in self._contributions:
            cut = min(part.high, high)
            for stream, (writer, column) in part.columns.items():
                for query in (_CHUNKS, _TAILS) if self._is_float else (_CHUNKS,):
                    for row in self._connection.execute(query, (column, stream, cut, low)):
                        number, at, count, first, last, is_increasing, statistics = row
                        about = part.position, writer, query is _TAILS, number, at, count, first, last, low, cut
                        found.append(Piece(*about, bool(is_increasing), statistics))
        return found

    def clusters(self, low: int, high: int) -> list[list[Piece]]:
        """Return the pieces by step, those that overlap together."""
        clusters: list[list[Piece]] = []
        end = -(2**63)
        for piece in sorted(self._pieces(low, high), key=lambda piece: (piece.low, piece.position)):
            if clusters and piece.low <= end:
                clusters[-1].append(piece)
            else:
                clusters.append([piece])
            end = max(end, min(piece.high, piece.cut))
        return clusters

    # Reading

    def points(
        self,
        low: int = 0,
        high: int = MAX_MICRO_STEP,
        *,
        tail: int | None = None,
        with_times: bool = True,
    ) -> Points:
        """Return the points with ``low <= step <= high``, or the last `tail` of them."""
        if tail is not None:
            return self._tail(low, high, tail)
        clusters = self.clusters(low, high)
        size = sum(piece.count for cluster in clusters for piece in cluster)
        steps = np.empty(size, np.int64)
        times = np.empty(size, np.int64) if with_times else None
        values: Any = np.empty(size) if self._is_float else []
        sources = np.empty(size, np.int32)
        end = 0
        for cluster in clusters:
            start = end
            if len(cluster) == 1 and cluster[0].is_whole:
                end += cluster[0].count
                part = slice(start, end)
                self._fill(cluster[0], steps[part], None if times is None else times[part], values, start)
                sources[part] = cluster[0].position
                continue
            found = self.merged(cluster, low)
            end += len(found)
            part = slice(start, end)
            steps[part], sources[part] = found.steps, found.sources
            if times is not None and found.times is not None:
                times[part] = found.times
            if self._is_float:
                values[part] = found.values
            else:
                values.extend(found.values)
        everything = Points(steps, times, values, sources)
        return everything if end == size else everything.part(slice(end))

    def replaced(self, low: int, high: int, *, tail: int | None = None) -> Points:
        """Return the points at whose step the same run has a later one; of the last `tail` of them if that is given."""
        loaded = [
            self._load(piece)
            for cluster in self.clusters(low, high)
            if len(cluster) > 1 or not cluster[0].is_whole  # else no step occurs twice
            for piece in cluster
        ]
        laid = _Laid.of(loaded, low)
        found = laid.points(laid.is_replaced)
        found = found.part(slice(0 if tail is None else max(0, len(found) - tail), None))
        return found if self._is_float else Points(found.steps, found.times, list(found.values), found.sources)

    def load_chunks(self, pieces: Sequence[Piece]) -> tuple[Progression | Integers, npt.NDArray[Any]]:
        """Return the steps and the values of chunks of a float series, both in as little space as holds them exactly.

        The chunks are sorted, and lie one after another. What is cut off them is left out.
        """
        rows = [self._chunk(_SOME_DATA, piece) for piece in pieces]
        values = self._codec.decode_floats([data for *_, data in rows], [piece.count for piece in pieces])
        steps: list[Progression | Integers] = []
        kept: list[list[int]] = []
        start = 0
        for piece, (data, *_) in zip(pieces, rows, strict=True):
            axis = self._codec.decode_steps(data, piece.count)
            first, end = piece.places(axis)
            if first < end:
                steps.append(part_of(axis, first, end))
                if kept and kept[-1][1] == start + first:
                    kept[-1][1] = start + end
                else:
                    kept.append([start + first, start + end])
            start += piece.count
        parts = [values[first:end] for first, end in kept]
        return joined(steps), parts[0] if len(parts) == 1 else np.concatenate([values[:0], *parts])

    def load_tail(self, piece: Piece) -> tuple[Integers, Floats]:
        """Return the steps and the values of a sorted piece of the tail, without what is cut off."""
        loaded = self._load_tail(piece)
        kept = slice(*piece.places(loaded.steps))
        return loaded.steps[kept], loaded.values[kept]

    def _fill(self, piece: Piece, steps: Integers, times: Integers | None, values: Any, start: int) -> None:
        """Load a whole piece into its place in the result: one copy of each number."""
        if piece.is_tail:
            loaded = self._load_tail(piece)
            steps[:] = loaded.steps
            if times is not None:
                times[:] = loaded.times
            values[start : start + piece.count] = loaded.values
            return
        query = _SOME_DATA if times is None else _TIMED_DATA
        step_data, time_data, _, data = self._chunk(query, piece)
        self._codec.decode_integers(step_data, steps)
        if times is not None:
            self._codec.decode_integers(time_data, times)
        if self._is_float:
            values[start : start + piece.count] = self._codec.decode_floats([data], [piece.count])
        else:
            values.extend(self._codec.decode_values(data))

    def _load(self, piece: Piece) -> _Loaded:
        if piece.is_tail:
            return self._load_tail(piece)
        *columns, data = self._chunk(_DATA, piece)
        numbers = np.empty((3, piece.count), np.int64)
        for column, out in zip(columns, numbers, strict=True):
            self._codec.decode_integers(column, out)
        if self._is_float:
            values: Any = self._codec.decode_floats([data], [piece.count]).astype(np.float64, copy=False)
        else:
            values = _objects(self._codec.decode_values(data))
        return _Loaded(numbers[0], numbers[1], numbers[2], values, piece)

    def _chunk(self, query: str, piece: Piece) -> tuple[bytes, bytes, bytes, bytes]:
        """Return steps, times, sequences and values, as far as `query` asks for them, as they were encoded."""
        *shared, ends, data = self._connection.execute(query, (piece.number,)).fetchone()
        return *shared, part_of_row(ends, data, piece.column)

    def _load_tail(self, piece: Piece) -> _Loaded:
        data = self._reader.tail(piece.number)
        block = decode_tail(data, piece.count, len(data) // (8 * piece.count) - 3)
        return _Loaded(block.steps, block.times, block.sequences, block.columns[piece.column], piece)

    def merged(self, pieces: Sequence[Piece], low: int) -> Points:
        """Return the points of pieces that overlap, from step `low` on."""
        return _overlaid([self._load(piece) for piece in pieces], low)

    def _tail(self, low: int, high: int, tail: int) -> Points:
        """Load pieces from the end, until so many points lie beyond all pieces that are left."""
        waiting = sorted(self._pieces(low, high), key=lambda piece: min(piece.high, piece.cut))
        loaded: list[_Loaded] = []
        found = _overlaid(loaded, low)
        if not self._is_float:
            found = Points(found.steps, found.times, _objects([]), found.sources)
        wave = 1
        while waiting and tail > 0:
            loaded += [self._load(waiting.pop()) for _ in range(min(wave, len(waiting)))]
            wave *= 2
            found = _overlaid(loaded, low)
            bound = min(waiting[-1].high, waiting[-1].cut) if waiting else -1
            if len(found) - int(np.searchsorted(found.steps, bound, side="right")) >= tail:
                break
        found = found.part(slice(max(0, len(found) - tail), None))
        return found if self._is_float else Points(found.steps, found.times, list(found.values), found.sources)

    # Summaries

    def summary(self) -> Summary | None:
        """Return what all the points amount to, from the statistics of chunks where they hold; None without points."""
        clusters = self.clusters(0, MAX_MICRO_STEP)
        if not clusters:
            return None
        last = self.merged(clusters[-1], 0)
        first_step = min(piece.low for piece in clusters[0])
        count = len(last)
        floats = [summarise(last.values.reshape(1, -1))[0]] if self._is_float else []
        for cluster in clusters[-2::-1]:
            piece = cluster[0]
            if len(cluster) == 1 and piece.is_whole and not (self._is_float and piece.statistics is None):
                count += piece.count
                if piece.statistics is not None:
                    floats.append(np.frombuffer(piece.statistics, np.float64, WIDTH))
                continue
            found = self.merged(cluster, 0)
            count += len(found)
            if self._is_float:
                floats.append(summarise(found.values.reshape(1, -1))[0])
        floats.reverse()
        merged = _merge_all(np.array(floats)) if self._is_float else None
        return Summary(count, int(first_step), last.part(slice(len(last) - 1, None)), merged)

    def previews(self, after: int) -> list[PreviewPoint]:
        """Return the previews beyond step `after`, by step: of several at one step the later one."""
        found: dict[int, PreviewPoint] = {}
        for part in self._contributions if self._is_float else ():
            rows = self._connection.execute(
                "SELECT step, time, value, completion FROM preview JOIN journal ON journal.id = journal"
                " WHERE preview.run = ? AND path = ? AND step > ? AND step <= ? ORDER BY writer, sequence",
                (part.run, part.path, after, part.high),
            )
            for step, time, value, completion in rows:
                number = float(np.frombuffer(value, np.float64)[0])
                ratio = float("nan") if completion is None else completion
                found[step] = PreviewPoint(step, time, number, ratio, part.position)
        return [found[step] for step in sorted(found)]


def _merge_all(summaries: Floats) -> Floats:
    """Merge summaries in order, halves at a time."""
    while len(summaries) > 1:
        if len(summaries) % 2:
            summaries = np.concatenate([summaries, empty_summaries(1)])
        summaries = merge_summaries(summaries[::2], summaries[1::2])
    found: Floats = summaries[0]
    return found


def _overlaid(loaded: Sequence[_Loaded], low: int) -> Points:
    """Lay pieces over each other: at one step the later run in the lineage wins, then the later writer, then the later frame."""
    laid = _Laid.of(loaded, low)
    return laid.points(laid.is_last)


@dataclass(frozen=True)
class _Laid:
    """Points of several pieces by step, those of one step as they were laid over each other."""

    everything: Points
    order: npt.NDArray[np.intp]

    @classmethod
    def of(cls, loaded: Sequence[_Loaded], low: int) -> _Laid:
        """Lay out what pieces hold from step `low` on, up to their cuts."""
        if not loaded:
            nothing = np.empty(0, np.int64)
            everything = Points(nothing, nothing, np.empty(0), np.empty(0, np.int32))
            return cls(everything, np.empty(0, np.intp))
        loaded = sorted(loaded, key=lambda part: (part.piece.position, part.piece.writer, int(part.sequences[0])))
        steps = np.concatenate([part.steps for part in loaded])
        times = np.concatenate([part.times for part in loaded])
        values = np.concatenate([part.values for part in loaded])
        counts = [len(part.steps) for part in loaded]
        sources = np.repeat(np.array([part.piece.position for part in loaded], np.int32), counts)
        cuts = np.repeat(np.array([part.piece.cut for part in loaded], np.int64), counts)
        kept = np.flatnonzero((steps >= low) & (steps <= cuts))
        order = kept[_order(loaded, counts, steps, kept)]
        return cls(Points(steps, times, values, sources), order)

    @property
    def is_last(self) -> npt.NDArray[np.bool_]:
        """Which points stand: the last of each step."""
        ordered = self.everything.steps[self.order]
        found = np.ones(len(ordered), np.bool_)
        found[:-1] = ordered[1:] != ordered[:-1]
        return found

    @property
    def is_replaced(self) -> npt.NDArray[np.bool_]:
        """Which points have a later one of the same run at their step."""
        sources = self.everything.sources[self.order]
        found = ~self.is_last
        found[:-1] &= sources[1:] == sources[:-1]
        return found

    def points(self, chosen: npt.NDArray[np.bool_]) -> Points:
        """Return some of the points, in order."""
        whole, at = self.everything, self.order[chosen]
        times = None if whole.times is None else whole.times[at]
        return Points(whole.steps[at], times, whole.values[at], whole.sources[at])


def _order(loaded: Sequence[_Loaded], counts: list[int], steps: Integers, kept: Integers) -> npt.NDArray[np.intp]:
    """Return the order by step, at equal steps as the pieces are; where pieces of one journal interlock, that of its frames."""
    origins = [(part.piece.position, part.piece.writer) for part in loaded]
    for earlier, later in pairwise(range(len(loaded))):
        if origins[earlier] == origins[later] and loaded[earlier].sequences[-1] > loaded[later].sequences[0]:
            ranks = {origin: rank for rank, origin in enumerate(dict.fromkeys(origins))}
            rank = np.repeat(np.array([ranks[origin] for origin in origins], np.int32), counts)
            sequences = np.concatenate([part.sequences for part in loaded])
            return np.lexsort((sequences[kept], rank[kept], steps[kept]))
    return np.argsort(steps[kept], kind="stable")


def _objects(values: list[Any]) -> npt.NDArray[Any]:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def decoded(kind: AttributeType, values: Any) -> Any:
    """Return values as readers see them."""
    if kind in (AttributeType.FLOAT_SERIES, AttributeType.STRING_SERIES):
        return values
    return [decode_value(kind, value) for value in values]
