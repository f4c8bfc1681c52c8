"""Smoothed lines that do not move when one zooms.

A line is smoothed on what it consists of as a whole, joined over all forks: on its points, up to `MOST_POINTS` of them; on means of
equal ranges where there are more, with the number of points as weights. These ranges are powers of two wide and do not depend on
what is asked for. Then its values at what is drawn are read off.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from runfork.index.interface import BucketsRequest, PointsRequest
from runfork.model.steps import MICRO
from runfork.query.smoothing import scale_of, smooth
from runfork_server.drawing.seen import run_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runfork.index.interface import SeriesKey
    from runfork.model.arrays import Floats
    from runfork.query.smoothing import Smoothing
    from runfork_server.drawing.seen import Ends, IndexAxis, SeriesReader

MOST_POINTS = 16_384
_KEYS_AT_ONCE = 16
"""Series of which means are read together: all their ranges take memory at once."""


class Curve(NamedTuple):
    """What is smoothed, of a whole series: finite values only.

    Args:
        x: float64[n], in micro-steps or microseconds: of points, or where the last point of each range lies.
        middle: float64[n], the middle of each range.
        y: float64[n].
        weights: float64[n], how many points each stands for.
        scale: Of the axis.
    """

    x: Floats
    middle: Floats
    y: Floats
    weights: Floats
    scale: float


def read_curves(reader: SeriesReader, ends: Mapping[SeriesKey, Ends], axis: IndexAxis) -> dict[SeriesKey, Curve]:
    """Return what is smoothed of each series."""

    def ask(missing: list[SeriesKey]) -> dict[SeriesKey, Curve]:
        few = [key for key in missing if ends[key].points <= MOST_POINTS]
        found = dict(_of_points(reader, few, ends, axis))
        by_grid = defaultdict(list)
        for key in missing:
            if ends[key].points > MOST_POINTS:
                by_grid[_grid(ends[key])].append(key)
        for (low, width, count), keys in by_grid.items():
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                request = BucketsRequest(
                    keys[start : start + _KEYS_AT_ONCE],
                    count,
                    x=axis,
                    x_range=(low, low + width * count),
                    inherit=reader.inherit,
                )
                found.update(_of_buckets(reader, request, ends))
        return found

    return reader.memory.read(("curve", reader.inherit, axis), [*ends], ask, run_of=run_of, size_of=_size)


def _size(curve: Curve) -> int:
    return int(sum(array.nbytes for array in (curve.x, curve.y, curve.weights))) + (
        0 if curve.middle is curve.x else curve.middle.nbytes
    )


def _grid(ends: Ends) -> tuple[int, int, int]:
    """Return where a grid of whole ranges begins, how wide they are, and how many there are."""
    width = next(width for width in _widths() if ends.last_x // width - ends.first_x // width < MOST_POINTS)
    first = ends.first_x // width
    return first * width, width, ends.last_x // width - first + 1


def _widths() -> Iterator[int]:
    """Yield powers of two, of a millionth at first, then of whole steps and seconds and the parts of them that are exact."""
    width = 1
    while width < MICRO >> 6:
        yield width
        width *= 2
    width = MICRO >> 6
    while True:
        yield width
        width *= 2


def _of_points(
    reader: SeriesReader, keys: Sequence[SeriesKey], ends: Mapping[SeriesKey, Ends], axis: IndexAxis
) -> Iterator[tuple[SeriesKey, Curve]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        request = PointsRequest(keys[start : start + _KEYS_AT_ONCE], inherit=reader.inherit)
        for one in reader.index.points(request):
            values = np.asarray(one.values, dtype=np.float64)
            x = one.steps if axis == "step" else one.times
            order = np.argsort(x, kind="stable")
            kept = order[np.isfinite(values[order])]
            places = x[kept].astype(np.float64)
            yield one.key, Curve(places, places, values[kept], np.ones(len(kept)), _scale(ends[one.key]))


def _of_buckets(
    reader: SeriesReader, request: BucketsRequest, ends: Mapping[SeriesKey, Ends]
) -> Iterator[tuple[SeriesKey, Curve]]:
    buckets = reader.index.buckets(request)
    infinite = buckets.nan + buckets.positive_infinity + buckets.negative_infinity
    for line, key in enumerate(buckets.keys):
        finite = (buckets.counts[line] - infinite[line]).astype(np.float64)
        kept = np.flatnonzero(finite)
        last, first = buckets.last_x[line, kept], buckets.first_x[line, kept]
        yield key, Curve(last, (first + last) / 2, buckets.mean[line, kept], finite[kept], _scale(ends[key]))


def _scale(ends: Ends) -> float:
    return scale_of((ends.last_x - ends.first_x) / MICRO) * MICRO


def smoothed_at(curves: Sequence[Curve], smoothing: Smoothing, x: Sequence[Floats]) -> list[Floats]:
    """Return smoothed curves at some x of each, in micro-steps or microseconds; NaN where nothing of a curve is finite.

    Curves with points at the same x, as runs of one training script have, are smoothed together.
    """
    found = [np.full(len(at), np.nan) for at in x]
    groups: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for place, (curve, at) in enumerate(zip(curves, x, strict=True)):
        if len(curve.y) and len(at):
            groups[curve.scale, len(curve.x), float(curve.x[0]), float(curve.x[-1]), len(at), float(at[0])].append(
                place
            )
    for waiting in groups.values():
        while waiting:
            curve, at = curves[waiting[0]], x[waiting[0]]
            alike = [place for place in waiting if _is_alike(curve, curves[place]) and _is_same(at, x[place])]
            nodes = curve.middle if smoothing.looks_ahead else curve.x
            values = np.stack([curves[place].y for place in alike])
            for place, one in zip(
                alike, smooth(nodes, values, curve.weights, smoothing, curve.scale, at=at), strict=True
            ):
                found[place] = one
            waiting = sorted(set(waiting).difference(alike))  # noqa: PLW2901
    return found


def _is_alike(one: Curve, other: Curve) -> bool:
    names = ("x", "middle", "weights")
    return all(_is_same(getattr(one, name), getattr(other, name)) for name in names)


def _is_same(one: Floats, other: Floats) -> bool:
    return one is other or bool((one == other).all())
