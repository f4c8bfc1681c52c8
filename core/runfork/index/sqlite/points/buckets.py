"""Float series that are to be cut into buckets, by step or by time.

Where each series begins and ends is asked first, for the grid that all share. Points are read when their turn comes, and again if
their ends were asked for: one series fits into memory, a thousand may not.
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.rules.progressions import joined, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from runfork.index.rules.progressions import Progression
    from runfork.index.sqlite.points.pieces import Piece
    from runfork.index.sqlite.points.series import SeriesPoints
    from runfork.model.arrays import Integers


class StepLine:
    """A series by step, between two of them."""

    def __init__(self, points: SeriesPoints, low: int, high: int) -> None:
        self._points = points
        self._low = low
        self._clusters = points.clusters(low, high)

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

    def load(self) -> tuple[Progression | Integers, npt.NDArray[Any]]:
        """Return the steps and the values, both in as little space as holds them exactly."""
        steps: list[Progression | Integers] = []
        values: list[npt.NDArray[Any]] = []
        for are_chunks, clusters in groupby(self._clusters, _is_chunk):
            found = list(clusters)
            parts = [self._points.reader.load_chunks([*chain(*found)])] if are_chunks else map(self._load, found)
            for some_steps, some_values in parts:
                if len(some_steps):
                    steps.append(some_steps)
                    values.append(some_values)
        return joined(steps), values[0] if len(values) == 1 else np.concatenate([np.empty(0, np.float32), *values])


def _is_chunk(cluster: Sequence[Piece]) -> bool:
    """Return whether a cluster is one sorted chunk."""
    (piece, *others) = cluster
    return not others and piece.is_increasing and not piece.is_tail


class TimeLine:
    """A series by the time that its points were logged, between two times where they are given; at equal times by step."""

    def __init__(self, points: SeriesPoints, low: int | None, high: int | None) -> None:
        self._points = points
        self._low = low
        self._high = high

    @cached_property
    def ends(self) -> tuple[int, int] | None:
        """The first and the last time, None without points."""
        times, _ = self.load()
        return (int(times[0]), int(times[-1])) if len(times) else None

    def load(self) -> tuple[Integers, npt.NDArray[Any]]:
        """Return the times and the values."""
        points = self._points.points()
        times, values = points.times, points.values
        assert times is not None
        if not (times[1:] >= times[:-1]).all():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        first = 0 if self._low is None else int(np.searchsorted(times, self._low, side="left"))
        end = len(times) if self._high is None else int(np.searchsorted(times, self._high, side="right"))
        return times[first:end], values[first:end]
