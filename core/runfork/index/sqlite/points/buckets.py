"""Float series that are to be cut into buckets, by step or by time.

Where each series begins and ends is asked first, for the grid that all share. Points are read when their turn comes, and again if
their ends were asked for: a few series fit into memory, a thousand may not. One thread reads, as SQLite wants it; where there are
many points, others decode them and cut them into buckets, which lets go of the interpreter most of the time.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from runfork.index.rules.grid import aggregate, no_points
from runfork.index.rules.progressions import joined, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    import numpy.typing as npt

    from runfork.index.interface import Buckets, SeriesKey
    from runfork.index.rules.grid import Grid
    from runfork.index.rules.progressions import Progression
    from runfork.index.sqlite.points.pieces import Piece
    from runfork.index.sqlite.points.series import SeriesPoints
    from runfork.model.arrays import Integers

    Line: TypeAlias = tuple[Progression | Integers, npt.NDArray[Any]]
    Decoded: TypeAlias = Callable[[], Line]

_MANY_POINTS = 500_000
"""Of fewer, threads cost more than they save."""
_MOST_THREADS = 4
"""One reader feeds no more."""


def bucketed(grid: Grid, lines: Mapping[SeriesKey, StepLine | TimeLine]) -> Buckets:
    """Aggregate series on a grid on which all their points lie."""
    found = no_points(grid, list(lines))

    def fill(line: int, decoded: Decoded) -> None:
        aggregate(found, line, grid, *decoded())

    threads = min(_MOST_THREADS, _cores()) if sum(one.size for one in lines.values()) >= _MANY_POINTS else 1
    if threads == 1:
        for line, one in enumerate(lines.values()):
            fill(line, one.read())
        return found
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[None]] = deque()
        for line, one in enumerate(lines.values()):
            if len(begun) == 2 * threads:
                begun.popleft().result()
            begun.append(pool.submit(fill, line, one.read()))
        for future in begun:
            future.result()
    return found


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class StepLine:
    """A series by step, between two of them."""

    def __init__(self, points: SeriesPoints, low: int, high: int) -> None:
        self._points = points
        self._low = low
        self._clusters = points.clusters(low, high)
        self.size = sum(piece.size for cluster in self._clusters for piece in cluster)
        """How many points are decoded by what `read` returns, at most."""

    @cached_property
    def ends(self) -> tuple[int, int] | None:
        """The first and the last step, None without points."""
        places = range(len(self._clusters))
        first = next(filter(None, map(self._ends_of, places)), None)
        last = next(filter(None, map(self._ends_of, reversed(places))), None)
        return (first[0], last[1]) if first and last else None

    def _ends_of(self, place: int) -> tuple[int, int] | None:
        cluster = self._clusters[place]
        if len(cluster) == 1 and cluster[0].is_whole:
            return cluster[0].low, cluster[0].high
        steps = numbers(self._load(cluster)[0])
        return (int(steps[0]), int(steps[-1])) if len(steps) else None

    def _load(self, cluster: Sequence[Piece]) -> tuple[Progression | Integers, npt.NDArray[Any]]:
        if len(cluster) == 1 and cluster[0].is_increasing:
            return (
                self._points.reader.load_chunks(cluster)
                if _is_chunk(cluster)
                else self._points.reader.load_tail(cluster[0])
            )
        points = self._points.merged(cluster, self._low)
        return points.steps, points.values

    def read(self) -> Decoded:
        """Read what is stored; what is returned gives steps and values, both in as little space as holds them exactly."""
        parts: list[Decoded] = []
        for are_chunks, clusters in groupby(self._clusters, _is_chunk):
            if are_chunks:
                parts.append(self._points.reader.read_chunks([*chain(*clusters)]))
            else:
                parts += [partial(_as_it_is, self._load(cluster)) for cluster in clusters]
        return partial(_joined, parts)


def _as_it_is(found: Line) -> Line:
    return found


def _joined(parts: Sequence[Decoded]) -> Line:
    found = [(steps, values) for steps, values in (part() for part in parts) if len(steps)]
    if len(found) == 1:
        return found[0]
    values = np.concatenate([np.empty(0, np.float32), *(values for _, values in found)])
    return joined([steps for steps, _ in found]), values


def _is_chunk(cluster: Sequence[Piece]) -> bool:
    """Return whether a cluster is one sorted chunk."""
    (piece, *others) = cluster
    return not others and piece.is_increasing and not piece.is_tail


class TimeLine:
    """A series by the time that its points were logged, between two times where they are given; at equal times by step."""

    size = 0
    """`read` decodes all."""

    def __init__(self, points: SeriesPoints, low: int | None, high: int | None) -> None:
        self._points = points
        self._low = low
        self._high = high

    @cached_property
    def ends(self) -> tuple[int, int] | None:
        """The first and the last time, None without points."""
        times, _ = self._load()
        return (int(times[0]), int(times[-1])) if len(times) else None

    def read(self) -> Decoded:
        """Read times and values; what is returned gives them."""
        return partial(_as_it_is, self._load())

    def _load(self) -> tuple[Integers, npt.NDArray[Any]]:
        points = self._points.points()
        times, values = points.times, points.values
        assert times is not None
        if not (times[1:] >= times[:-1]).all():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        first = 0 if self._low is None else int(np.searchsorted(times, self._low, side="left"))
        end = len(times) if self._high is None else int(np.searchsorted(times, self._high, side="right"))
        return times[first:end], values[first:end]
