"""Rows whose names vary from one to the next, put together series by series: names that come together once cost next to nothing."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from runfork.journal.frames import HEADER_SIZE
from runfork.journal.records import MetricRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

__all__ = ["gather_rows"]

_STEP_AND_TIME = slice(16, HEADER_SIZE)
"""Where a frame holds them."""


def gather_rows(
    data: bytes, base: int, rows: Iterable[tuple[int, tuple[str, ...]]], *, clock_axis: bool
) -> list[MetricRows]:
    """Return rows of metrics as columns: names that stand in the same rows together, each row in as many groups as it takes.

    Args:
        data: The bytes of a journal.
        base: Their place in it.
        rows: Where the frame of each begins in `data`, and its paths.
        clock_axis: Whether their steps are Unix time.
    """
    places = sorted(rows, key=lambda row: row[0])
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    widths = np.fromiter((len(paths) for _, paths in places), np.int64, len(places))
    series = np.fromiter(
        chain.from_iterable(map(numbers.__getitem__, paths) for _, paths in places), np.int32, int(widths.sum())
    )
    heads = np.frombuffer(
        b"".join(data[at + _STEP_AND_TIME.start : at + _STEP_AND_TIME.stop] for at, _ in places), "<i8"
    )
    steps, times = np.ascontiguousarray(heads.reshape(-1, 2).T)
    sequences = base + np.fromiter((at for at, _ in places), np.int64, len(places))
    bodies = b"".join(data[at + HEADER_SIZE : at + HEADER_SIZE + 8 * len(paths)] for at, paths in places)
    points = _by_series(series, np.frombuffer(bodies, "<f8"), np.repeat(np.arange(len(places), dtype=np.int32), widths))
    together: dict[bytes, list[tuple[str, Integers, npt.NDArray[np.float64]]]] = defaultdict(list)
    for name, (places_of_points, values) in zip(numbers, points, strict=True):
        together[places_of_points.tobytes()].append((name, places_of_points, values))
    return [
        MetricRows(
            paths=tuple(name for name, _, _ in group),
            steps=steps[group[0][1]],
            times=times[group[0][1]],
            values=np.stack([values for _, _, values in group], axis=1),
            completion=None,
            clock_axis=clock_axis,
            sequences=sequences[group[0][1]],
        )
        for group in together.values()
    ]


def _by_series(
    series: npt.NDArray[np.int32], values: npt.NDArray[np.float64], rows: npt.NDArray[np.int32]
) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]]:
    """Yield the rows and values of the points of each series in turn, in their order."""
    order = np.argsort(series, kind="stable")
    ends = np.cumsum(np.bincount(series))
    for first, last in zip(chain([0], ends[:-1].tolist()), ends.tolist(), strict=True):
        chosen = order[first:last]
        yield rows[chosen], values[chosen]
