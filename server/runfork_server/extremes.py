"""The least and the greatest value of a metric among runs, and the points that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType
from runfork_server.points import describe_point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.index.interface import Index
    from runfork_server.drawing.seen import SeriesReader

Extreme = Literal["min", "max"]
_BUCKETS = 256


def extreme_point(reader: SeriesReader, run_ids: Sequence[str], path: str, extreme: Extreme) -> dict[str, Any] | None:
    """Return the point with the least or the greatest finite value that runs show of a metric: of several the first one.

    Args:
        reader: Asks the index.
        run_ids: The runs, those that come first before others with the same value.
        path: The metric.
        extreme: "min" for the least, "max" for the greatest.

    Returns:
        The point, as `points_at` describes one; None where no run has a finite value.
    """
    numbers = {
        run_id: attributes[path].statistics[extreme]  # type: ignore[index]
        for run_id, attributes in reader.index.values(run_ids, paths=[path]).items()
        if path in attributes
        and attributes[path].type is AttributeType.FLOAT_SERIES
        and (attributes[path].statistics or {}).get(extreme) is not None
    }
    ordered = [run_id for run_id in run_ids if run_id in numbers]
    if not ordered:
        return None
    sign = 1 if extreme == "min" else -1
    key = SeriesKey(min(ordered, key=lambda run_id: sign * numbers[run_id]), path)
    step = _first_step(reader.index, key, extreme)
    found = [] if step is None else reader.index.points(PointsRequest([key], step_range=(step, step)))
    return describe_point(reader, found[0]) if found and len(found[0].steps) else None


def _first_step(index: Index, key: SeriesKey, extreme: Extreme) -> int | None:
    """Return the first micro-step at which a series has its least or greatest value: each look at it is 256 times as close."""
    low: int | None = None
    high: int | None = None
    while True:
        buckets = index.buckets(BucketsRequest([key], _BUCKETS, x_range=(low, high)))
        if not buckets.keys:
            return None
        values = (buckets.minimum if extreme == "min" else buckets.maximum)[0]
        if np.isnan(values).all():
            return None
        at = int(np.nanargmin(values) if extreme == "min" else np.nanargmax(values))
        low, high = int(buckets.first_x[0, at]), int(buckets.last_x[0, at])
        if buckets.counts[0, at] == 1 or low == high:
            return low
