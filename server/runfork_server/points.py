"""Points of one series as they were logged: in portions that fit into memory, and those at or before some x."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from runfork.errors import ArgumentError, NotFoundError
from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.model.steps import MAX_MICRO_STEP, MICRO, from_micro_steps
from runfork.query.documents import json_number, json_time
from runfork.types import FileReference, Histogram
from runfork_server.drawing.seen import EVERYWHERE, SeriesReader, ends_of, places, run_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from runfork.index.interface import Index, Series
    from runfork.model.arrays import Integers
    from runfork_server.drawing.memory import SeriesMemory
    from runfork_server.drawing.request import AxisKind

Inherit = Literal["lineage", "own"]
Format = Literal["csv", "ndjson"]
FORMATS: tuple[Format, ...] = ("csv", "ndjson")
POINTS_AT_ONCE = 65_536
_LAST_TIME = 253_402_300_799_999_999
"""The end of the year 9999, in microseconds."""
MOST_STEPS = 1000
CSV_HEAD = "step,time,value,source_run\r\n"
_KINDS = (AttributeType.FLOAT_SERIES, AttributeType.STRING_SERIES)


class StepRange(NamedTuple):
    """First and last micro-step."""

    low: int
    high: int


def find_series(index: Index, key: SeriesKey, inherit: Inherit, wanted: Sequence[AttributeType]) -> Series:
    """Return a series without its points.

    Raises:
        NotFoundError: The run has no such series.
        ArgumentError: It is of another type.
    """
    found = index.points(PointsRequest([key], inherit=inherit, step_range=(1, 0)))
    if not found:
        value = index.values([key.run_id], paths=[key.path]).get(key.run_id, {}).get(key.path)
        if value is not None and not value.type.is_series:
            raise ArgumentError(
                f"{key.path!r} of run {key.run_id!r} is no series, but a single value ({value.type.value})"
            )
        raise NotFoundError(f"run {key.run_id!r} has no series {key.path!r}; `runfork show` lists what it has")
    (series,) = found
    if series.type not in wanted:
        kinds = " or ".join(kind.value for kind in wanted)
        raise ArgumentError(f"{key.path!r} of run {key.run_id!r} is a {series.type.value}, not a {kinds}")
    return series


def split(index: Index, key: SeriesKey, inherit: Inherit, asked: StepRange) -> list[StepRange]:
    """Return step ranges that hold at most `POINTS_AT_ONCE` points each, from the first to the last.

    They are found from the end: how points lie among steps is not known before, and may be anything.

    Raises:
        NotFoundError: The run has no such series.
        ArgumentError: It has neither numbers nor texts.
    """
    find_series(index, key, inherit, _KINDS)
    found: list[StepRange] = []
    high = asked.high
    while high >= asked.low:
        request = PointsRequest([key], inherit=inherit, step_range=(asked.low, high), tail=POINTS_AT_ONCE)
        steps = index.points(request)[0].steps
        if not len(steps):
            break
        found.append(StepRange(int(steps[0]), high))
        high = int(steps[0]) - 1
        if len(steps) < POINTS_AT_ONCE:
            break
    return found[::-1]


def read_portion(index: Index, key: SeriesKey, inherit: Inherit, steps: StepRange) -> Series | None:
    """Return the points of one range of steps; None where the series is gone meanwhile."""
    found = index.points(PointsRequest([key], inherit=inherit, step_range=steps))
    return found[0] if found else None


def write_points(series: Series, kind: Format) -> bytes:
    """Return points as lines of CSV or JSON; any thread may do so."""
    sources = [segment.run_id for segment in series.segments]
    rows = zip(
        _shown_steps(series.steps),
        _shown_times(series.times),
        _shown_values(series.values),
        [sources[at] for at in series.sources.tolist()],
        strict=True,
    )
    if kind == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode("utf-8", "replace")
    names = CSV_HEAD.strip().split(",")
    lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _shown_steps(steps: Integers) -> list[int | float]:
    whole, rest = np.divmod(steps, MICRO)
    if rest.any():
        return [from_micro_steps(step) for step in steps.tolist()]
    found: list[int | float] = whole.tolist()
    return found


def _shown_times(times: Integers) -> list[Any]:
    """Return times as `json_time` does, all at once as far as they are of a time that calendars know."""
    if len(times) and (times.min() < 0 or times.max() > _LAST_TIME):
        return [json_time(time) for time in times.tolist()]
    found: list[Any] = np.datetime_as_string(times.astype("datetime64[us]"), timezone="UTC").tolist()
    return found


def _shown_values(values: npt.NDArray[np.float64] | list[Any]) -> list[Any]:
    if isinstance(values, list):
        return values
    found: list[Any] = values.tolist()
    return found if np.isfinite(values).all() else [json_number(value) for value in found]


# The point at some x


def points_at(reader: SeriesReader, keys: Sequence[SeriesKey], kind: AxisKind, x: int) -> list[dict[str, Any]]:
    """Return the last point at or before x of each float series that has one.

    Args:
        reader: Asks the index.
        keys: The series.
        kind: What x is: "step" also of series on the clock axis, whose steps are Unix time.
        x: Micro-step or microsecond.
    """
    found = []
    for one in reader.see(keys):
        place = places(reader, [one], kind).get(one.key)
        series = (
            _last_by_step(reader, one.key, x + (place.shift if place else 0))
            if place is None or place.axis == "step"
            else _last_by_time(reader, one.key, x + place.shift)
        )
        if series is not None and len(series.steps):
            found.append(describe_point(reader, series))
    return found


def _last_by_step(reader: SeriesReader, key: SeriesKey, step: int) -> Series | None:
    high = min(step, MAX_MICRO_STEP)
    found = reader.index.points(PointsRequest([key], inherit=reader.inherit, step_range=(None, high), tail=1))
    return found[0] if found else None


def _last_by_time(reader: SeriesReader, key: SeriesKey, time: int) -> Series | None:
    """Return the point that was logged last up to a time; of several at that time the one with the greatest step."""
    request = BucketsRequest([key], 1, x="time", x_range=(EVERYWHERE[0], time), inherit=reader.inherit)
    ends = ends_of(reader.index.buckets(request)).get(key)
    high = MAX_MICRO_STEP
    while ends is not None and high >= 0:
        asked = PointsRequest([key], inherit=reader.inherit, step_range=(None, high), tail=POINTS_AT_ONCE)
        found = reader.index.points(asked)
        if not found or not len(found[0].steps):
            return None
        series = found[0]
        there = np.flatnonzero(series.times == ends.last_x)
        if len(there):
            return _last_by_step(reader, key, int(series.steps[there[-1]]))
        high = int(series.steps[0]) - 1
    return None


def describe_point(reader: SeriesReader, series: Series) -> dict[str, Any]:
    """Return the last point of a series as JSON: step, value, time, the run that logged it."""
    time = int(series.times[-1])
    return {
        "run_id": series.key.run_id,
        "source_run": series.segments[int(series.sources[-1])].run_id,
        "step": from_micro_steps(int(series.steps[-1])),
        "value": json_number(float(series.values[-1])),
        "time": json_time(time),
        "relative": from_micro_steps(time - reader.root_created(series.key.run_id)),
    }


# Other series: histograms and files


def value_at(index: Index, key: SeriesKey, step: int | None) -> dict[str, Any]:
    """Return the last histogram, file or text of a series at or before a step, and at which steps there are some.

    Args:
        index: The project's index.
        key: The series.
        step: Micro-step; None is the last one.

    Raises:
        NotFoundError: The run has no such series.
        ArgumentError: It holds numbers.
    """
    kinds = (AttributeType.HISTOGRAM_SERIES, AttributeType.FILE_SERIES, AttributeType.STRING_SERIES)
    series = find_series(index, key, "lineage", kinds)
    value = index.values([key.run_id], paths=[key.path]).get(key.run_id, {}).get(key.path)
    total = int((value.statistics or {}).get("count") or 0) if value is not None else 0
    some = index.points(PointsRequest([key], tail=MOST_STEPS))[0]
    high = MAX_MICRO_STEP if step is None else min(step, MAX_MICRO_STEP)
    last = index.points(PointsRequest([key], step_range=(None, high), tail=1))[0]
    has_one = len(last.steps) > 0
    return {
        "type": series.type.value,
        "points_total": total,
        "steps": [from_micro_steps(one) for one in some.steps.tolist()],
        "step": from_micro_steps(int(last.steps[0])) if has_one else None,
        "time": json_time(int(last.times[0])) if has_one else None,
        "source_run": last.segments[int(last.sources[0])].run_id if has_one else None,
        "value": _document(last.values[0]) if has_one else None,
    }


def _document(value: Any) -> Any:
    if isinstance(value, (Histogram, FileReference)):
        from runfork.query.documents import json_content

        kind = AttributeType.HISTOGRAM_SERIES if isinstance(value, Histogram) else AttributeType.FILE_SERIES
        return json_content(kind, value)
    return value


def page_of_texts(memory: SeriesMemory, key: SeriesKey, offset: int, limit: int) -> dict[str, Any]:
    """Return some points of a string series by step, and how many there are.

    Args:
        memory: The project's index, and what was found in it before.
        key: The series.
        offset: Leave out so many first.
        limit: At most so many.

    Raises:
        NotFoundError: The run has no such series.
        ArgumentError: It holds something else.
    """
    find_series(memory.index, key, "lineage", [AttributeType.STRING_SERIES])
    kept = memory.read(
        "steps", [key], lambda keys: {one: _steps_of(memory.index, one) for one in keys}, run_of=run_of, size_of=_size
    )
    steps = kept[key]
    asked = steps[offset : offset + limit]
    found: list[dict[str, Any]] = []
    if len(asked):
        request = PointsRequest([key], step_range=(int(asked[0]), int(asked[-1])))
        found = [_text(series, at) for series in memory.index.points(request) for at in range(len(series.steps))]
    return {"total": len(steps), "points": found[:limit]}


def _size(steps: Integers) -> int:
    return steps.nbytes


def _steps_of(index: Index, key: SeriesKey) -> Integers:
    """Return the steps of a series, reading a portion of it at a time, from its end."""
    parts: list[Integers] = []
    high: int | None = None
    while True:
        found = index.points(PointsRequest([key], step_range=(None, high), tail=POINTS_AT_ONCE))
        if not found or not len(found[0].steps):
            return np.concatenate([np.empty(0, np.int64), *parts[::-1]])
        parts.append(found[0].steps)
        high = int(found[0].steps[0]) - 1


def _text(series: Series, at: int) -> dict[str, Any]:
    return {
        "step": from_micro_steps(int(series.steps[at])),
        "time": json_time(int(series.times[at])),
        "value": series.values[at],
        "source_run": series.segments[int(series.sources[at])].run_id,
    }
