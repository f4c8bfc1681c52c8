"""Reading points: pieces of all writers along a lineage, cut, laid over each other, each step once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.rules.edits import decode_value
from runfork.index.sqlite.points.pieces import objects
from runfork.index.sqlite.points.summaries import WIDTH, empty_summaries, merge_summaries, summarise, text_summary
from runfork.model.attributes import AttributeType
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from runfork.index.sqlite.points.pieces import Contribution, Loaded, Piece, PieceReader
    from runfork.model.arrays import Bools, Floats, Integers


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
    """What a series amounts to: its first step, its last point, and a row of `summaries`."""

    first_step: int
    last: Points
    numbers: Floats


class SeriesPoints:
    """One series as seen from one run."""

    def __init__(self, reader: PieceReader, kind: AttributeType, contributions: Sequence[Contribution]) -> None:
        self.reader = reader
        self._is_float = kind is AttributeType.FLOAT_SERIES
        self._contributions = contributions

    # Which pieces

    def clusters(self, low: int, high: int) -> list[list[Piece]]:
        """Return the pieces by step, those that overlap together."""
        clusters: list[list[Piece]] = []
        if low > high:  # as where only segments and axis of a series are asked for
            return clusters
        end = -(2**63)
        for piece in sorted(
            self.reader.find(self._is_float, self._contributions, low, high),
            key=lambda piece: (piece.low, piece.position),
        ):
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
        size = sum(piece.size for cluster in clusters for piece in cluster)
        steps = np.empty(size, np.int64)
        times = np.empty(size, np.int64) if with_times else None
        values: Any = np.empty(size) if self._is_float else []
        sources = np.empty(size, np.int32)
        end = 0
        for cluster in clusters:
            start = end
            if len(cluster) == 1 and cluster[0].is_whole:
                end += cluster[0].size
                part = slice(start, end)
                self.reader.fill(cluster[0], steps[part], None if times is None else times[part], values, start)
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
            self.reader.load(piece)
            for cluster in self.clusters(low, high)
            if len(cluster) > 1 or not cluster[0].is_whole  # else no step occurs twice
            for piece in cluster
        ]
        laid = _Laid.of(loaded, low)
        found = laid.points(laid.is_replaced)
        found = found.part(slice(0 if tail is None else max(0, len(found) - tail), None))
        return found if self._is_float else Points(found.steps, found.times, list(found.values), found.sources)

    def merged(self, pieces: Sequence[Piece], low: int) -> Points:
        """Return the points of pieces that overlap, from step `low` on."""
        return _overlaid([self.reader.load(piece) for piece in pieces], low)

    def _tail(self, low: int, high: int, tail: int) -> Points:
        """Load pieces from the end, until so many points lie beyond all pieces that are left."""
        found_pieces = self.reader.find(self._is_float, self._contributions, low, high) if low <= high else []
        waiting = sorted(found_pieces, key=lambda piece: min(piece.high, piece.cut))
        loaded: list[Loaded] = []
        found = _overlaid(loaded, low)
        if not self._is_float:
            found = Points(found.steps, found.times, objects([]), found.sources)
        wave = 1
        while waiting and tail > 0:
            loaded += [self.reader.load(waiting.pop()) for _ in range(min(wave, len(waiting)))]
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
        found = [self._summarised(last)]
        for cluster in clusters[-2::-1]:
            (piece, *others) = cluster
            if others or not piece.is_whole or (self._is_float and piece.statistics is None):
                found.append(self._summarised(self.merged(cluster, 0)))
            elif piece.statistics is None:
                found.append(text_summary(piece.size))
            else:
                found.append(np.frombuffer(piece.statistics, np.float64, WIDTH))
        found.reverse()
        first_step = min(piece.low for piece in clusters[0])
        return Summary(int(first_step), last.part(slice(len(last) - 1, None)), _merge_all(np.array(found)))

    def _summarised(self, points: Points) -> Floats:
        if not self._is_float:
            return text_summary(len(points))
        found: Floats = summarise(points.values.reshape(1, -1))[0]
        return found

    def previews(self, after: int) -> list[PreviewPoint]:
        """Return the previews beyond step `after`, by step: of several at one step the later one."""
        found: dict[int, PreviewPoint] = {}
        for part in self._contributions if self._is_float else ():
            rows = self.reader.connection.execute(
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


def _overlaid(loaded: Sequence[Loaded], low: int) -> Points:
    """Lay pieces over each other: at one step the later run in the lineage wins, then the later writer, then the later frame."""
    laid = _Laid.of(loaded, low)
    return laid.points(laid.is_last)


@dataclass(frozen=True)
class _Laid:
    """Points of several pieces by step, those of one step as they were laid over each other."""

    everything: Points
    order: npt.NDArray[np.intp]

    @classmethod
    def of(cls, loaded: Sequence[Loaded], low: int) -> _Laid:
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
    def is_last(self) -> Bools:
        """Which points stand: the last of each step."""
        ordered = self.everything.steps[self.order]
        found = np.ones(len(ordered), np.bool_)
        found[:-1] = ordered[1:] != ordered[:-1]
        return found

    @property
    def is_replaced(self) -> Bools:
        """Which points have a later one of the same run at their step."""
        sources = self.everything.sources[self.order]
        found = ~self.is_last
        found[:-1] &= sources[1:] == sources[:-1]
        return found

    def points(self, chosen: Bools) -> Points:
        """Return some of the points, in order."""
        whole, at = self.everything, self.order[chosen]
        times = None if whole.times is None else whole.times[at]
        return Points(whole.steps[at], times, whole.values[at], whole.sources[at])


def _order(loaded: Sequence[Loaded], counts: list[int], steps: Integers, kept: Integers) -> npt.NDArray[np.intp]:
    """Return the order by step, at equal steps as the pieces are; where pieces of one journal interlock, that of its frames."""
    origins = [(part.piece.position, part.piece.writer) for part in loaded]
    for earlier, later in pairwise(range(len(loaded))):
        if origins[earlier] == origins[later] and loaded[earlier].sequences[-1] > loaded[later].sequences[0]:
            ranks = {origin: rank for rank, origin in enumerate(dict.fromkeys(origins))}
            rank = np.repeat(np.array([ranks[origin] for origin in origins], np.int32), counts)
            sequences = np.concatenate([part.sequences for part in loaded])
            return np.lexsort((sequences[kept], rank[kept], steps[kept]))
    return np.argsort(steps[kept], kind="stable")


def decoded(kind: AttributeType, values: Any) -> Any:
    """Return values as readers see them."""
    if kind in (AttributeType.FLOAT_SERIES, AttributeType.STRING_SERIES):
        return values
    return [decode_value(kind, value) for value in values]
