"""What is exported: tables of columns, in pieces small enough to hold in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType, is_system_path
from runfork.model.steps import from_micro_steps
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runfork.index.interface import Index, Series
    from runfork.model.attributes import Value
    from runfork.model.patterns import Pattern

__all__ = ["POINT_COLUMNS", "Frame", "FrameColumn", "points_frames", "runs_frame"]

Kind = Literal["string", "float", "int", "bool", "time", "strings"]
POINTS_AT_ONCE, ROWS_AT_ONCE = 1_000_000, 100_000
"""So many points are read at once, as arrays, and so many rows made of them, as objects that take ten times as much."""
ABOUT = (
    "sys/state",
    "sys/creation_time",
    "sys/modification_time",
    "sys/running_time_seconds",
    "sys/tags",
    "sys/group_tags",
    "sys/description",
    "sys/forking/parent",
    "sys/forking/step",
)
"""What is told of every run, in this order, where no attributes were asked for."""
_KINDS: Mapping[AttributeType, Kind] = {
    AttributeType.FLOAT: "float",
    AttributeType.FLOAT_SERIES: "float",
    AttributeType.INT: "int",
    AttributeType.BOOL: "bool",
    AttributeType.DATETIME: "time",
    AttributeType.STRING_SET: "strings",
}


@dataclass(frozen=True)
class FrameColumn:
    """A column's name and what it holds: time is microseconds since 1970, strings a list of str, None is nothing."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Frame:
    """Columns of equal length.

    Args:
        columns: Their names and kinds.
        values: The cells of each.
    """

    columns: Sequence[FrameColumn]
    values: Sequence[Sequence[Any]]


POINT_COLUMNS = (
    FrameColumn("run_id", "string"),
    FrameColumn("experiment", "string"),
    FrameColumn("path", "string"),
    FrameColumn("step", "float"),
    FrameColumn("time", "time"),
    FrameColumn("value", "float"),
    FrameColumn("text", "string"),
    FrameColumn("source_run", "string"),
)
"""Columns of exported points; `value` is of float series, `text` of string series, `source_run` logged the point."""


def runs_frame(index: Index, run_ids: Sequence[str], pattern: Pattern | None) -> Frame:
    """Return one row per run and one column per attribute; series stand for their last value.

    Args:
        index: The project's index.
        run_ids: The rows.
        pattern: Which attributes; None is all but those that runfork itself fills in, and `ABOUT`.
    """
    nodes = index.nodes()
    values = index.values(list(run_ids), pattern=pattern)
    found_paths = {path for some in values.values() for path in some}
    if pattern is None:
        about = [path for path in ABOUT if path in found_paths]
        paths = about + sorted(path for path in found_paths if not is_system_path(path))
    else:
        paths = sorted(found_paths)
    columns = [FrameColumn("run_id", "string"), FrameColumn("experiment", "string")]
    cells: list[Sequence[Any]] = [list(run_ids), [nodes[run_id].experiment_name for run_id in run_ids]]
    for path in paths:
        found = [values.get(run_id, {}).get(path) for run_id in run_ids]
        kind = _kind([value for value in found if value is not None and value.value is not None])
        columns.append(FrameColumn(path, kind))
        cells.append([_cell(value, kind) for value in found])
    return Frame(columns, cells)


def _kind(values: Sequence[Value]) -> Kind:
    """Return what a column of these values holds: numbers of both types are floats, if each of them is one."""
    kinds: set[Kind] = {_KINDS.get(value.type, "string") for value in values}
    if kinds == {"int", "float"} and all(
        float(value.value) == value.value or value.value != value.value for value in values
    ):
        return "float"
    return kinds.pop() if len(kinds) == 1 else "string"


def _cell(value: Value | None, kind: Kind) -> Any:
    if value is None or value.value is None:
        return None
    content = value.content
    if isinstance(content, list):
        return content if kind == "strings" else ", ".join(content)
    if isinstance(content, FileReference):
        return content.name
    if isinstance(content, Histogram):
        return f"{content.kind} {list(content.bin_edges)} {list(content.values)}"
    if kind == "float":
        return float(content)
    return str(content) if kind == "string" else content


def points_frames(
    index: Index, run_ids: Sequence[str], pattern: Pattern | None, *, is_own: bool = False, is_replaced: bool = False
) -> Iterator[Frame]:
    """Yield points in the order of runs, paths and steps, in frames of `ROWS_AT_ONCE` rows at most.

    Args:
        index: The project's index.
        run_ids: Whose.
        pattern: Which float and string series; None is the user's own.
        is_own: Only what each run logged itself.
        is_replaced: What was replaced at the same step, instead of what stands.
    """
    nodes = index.nodes()
    kinds = [AttributeType.FLOAT_SERIES, AttributeType.STRING_SERIES]
    for run_id in run_ids:
        paths = [
            definition.path
            for definition in index.definitions(run_ids=[run_id], pattern=pattern, types=kinds)
            if pattern is not None or not is_system_path(definition.path)
        ]
        experiment = nodes[run_id].experiment_name
        for portion in _portions(index, run_id, paths):
            keys = [SeriesKey(run_id, path) for path in portion]
            request = PointsRequest(keys, inherit="own" if is_own else "lineage", replaced=is_replaced)
            for series in index.points(request):
                for first in range(0, len(series.steps), ROWS_AT_ONCE):
                    yield _points_frame(series, experiment, slice(first, first + ROWS_AT_ONCE))


def _portions(index: Index, run_id: str, paths: Sequence[str]) -> Iterator[list[str]]:
    """Yield paths of series that are read together: not too many points."""
    values = index.values([run_id], paths=paths).get(run_id, {})
    portion: list[str] = []
    count = 0
    for path in paths:
        statistics = values[path].statistics if path in values else None
        size = int((statistics or {}).get("count") or 0)
        if portion and count + size > POINTS_AT_ONCE:
            yield portion
            portion, count = [], 0
        portion.append(path)
        count += size
    if portion:
        yield portion


def _points_frame(series: Series, experiment: str | None, rows: slice) -> Frame:
    steps = series.steps[rows].tolist()
    count = len(steps)
    is_float = series.type is AttributeType.FLOAT_SERIES
    values = [float(one) for one in series.values[rows]] if is_float else [str(one) for one in series.values[rows]]
    nothing = [None] * count
    cells: list[Sequence[Any]] = [
        [series.key.run_id] * count,
        [experiment] * count,
        [series.key.path] * count,
        [from_micro_steps(step) for step in steps],
        series.times[rows].tolist(),
        values if is_float else nothing,
        nothing if is_float else values,
        [series.segments[source].run_id for source in series.sources[rows].tolist()],
    ]
    return Frame(POINT_COLUMNS, cells)
