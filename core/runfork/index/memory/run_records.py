"""What the journals of one run say, each record where it belongs. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runfork.index.rules.edits import (
    Edit,
    EditKey,
    Replacement,
    decode_value,
    edits_of,
    families_left_out,
    newest_replacement,
    points_of,
    replacements_of,
)
from runfork.index.rules.origins import Origin, RecordedMark, by_step, listed_mark, mark_of, origin_of, running_seconds
from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType
from runfork.model.lineage import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork.index.interface import CheckpointMark
    from runfork.journal.records import Batch, JournalKey, MetricRows


@dataclass(frozen=True)
class Point:
    """A point as it was logged. Points of a run at one step are ordered by `place`: writer, frame, position in the frame."""

    step: int
    time: int
    value: Any
    place: tuple[str, int, int]
    completion: float | None = None


@dataclass
class OwnSeries:
    """What a run logged to one path as one series type."""

    first: EditKey
    clock_axis: bool
    points: list[Point] = field(default_factory=list)
    starts: dict[str, EditKey] = field(default_factory=dict)
    """By writer, the first point in its journal."""

    @cached_property
    def lowest(self) -> int:
        """The least step of its points; asked once they are all there."""
        return min(point.step for point in self.points)


@dataclass
class RunRecords:
    """What the journals of one run say, each record where it belongs."""

    origin: Origin
    last_time: int
    running_seconds: float
    marks: dict[str, RecordedMark]
    listed_marks: list[CheckpointMark]
    edits: dict[str, list[Edit]]
    series: dict[str, dict[AttributeType, OwnSeries]]
    metric_times: list[tuple[int, int]]
    replacements: list[Replacement] = field(default_factory=list)
    has_points: bool = False

    def replaced(self, path: str, snapshot: Snapshot) -> EditKey | None:
        """Return the place of the last replacement of a namespace that `path` is below, in what a snapshot holds."""
        return newest_replacement((one for one in self.replacements if snapshot.holds(one.key)), path)

    def types(self, path: str, snapshot: Snapshot) -> list[AttributeType]:
        """Return the types of values that were logged to `path`, in the order of their first values; None comes last.

        Values that were replaced in what `snapshot` holds do not count.
        """
        replaced = self.replaced(path, snapshot)
        first: dict[AttributeType, EditKey] = {kind: own.first for kind, own in self.series.get(path, {}).items()}
        for edit in self.edits.get(path, ()):
            if replaced is None or edit.key >= replaced:
                first[edit.type] = min(edit.key, first.get(edit.type, edit.key))
        return sorted(first, key=lambda kind: (kind is AttributeType.NONE, first[kind]))

    def standing(self, path: str, snapshot: Snapshot) -> AttributeType | None:
        """Return the type whose family stands at `path`: that of the first value which is not None."""
        return next(iter(self.types(path, snapshot)), None)

    def conflicts(self, path: str) -> int:
        """Return how many families are left out at `path`."""
        return families_left_out(self.types(path, Snapshot()))

    def paths(self) -> set[str]:
        """Return all that was logged to."""
        return {*self.edits, *self.series}


def gather(journals: Mapping[JournalKey, list[Batch]]) -> RunRecords:
    """Bring the records of one run's journals to where they belong."""
    created = min(int(taken[0].identity.get("created", 0)) for taken in journals.values())
    about_origin = []
    spans: list[tuple[int, int]] = []
    marks: dict[str, tuple[RecordedMark, CheckpointMark]] = {}
    run = RunRecords(Origin(created), 0, 0.0, {}, [], defaultdict(list), defaultdict(dict), [])
    for key, taken in sorted(journals.items()):
        for record in (record for batch in taken for record in batch.records):
            if record.kind in (Kind.CREATE, Kind.LINEAGE):
                about_origin.append((key.writer, record))
            elif record.kind == Kind.MARK:
                marks.setdefault(record.body["mark"], (mark_of(record, key.writer), listed_mark(record)))
            run.replacements += replacements_of(record, key.writer)
            for path, edit in edits_of(record, key.writer):
                run.edits[path].append(edit)
            for path, kind, values in points_of(record):
                first = EditKey(record.order_time, key.writer, record.offset)
                own = own_series(run, path, kind, first, clock_axis=record.clock_axis)
                run.has_points = run.has_points or not record.clock_axis
                for position, value in enumerate(values):
                    place = (key.writer, record.offset, position)
                    own.points.append(Point(record.step + position, record.time, decode_value(kind, value), place))
        _gather_metrics(run, key.writer, taken)
        began = int(taken[0].identity.get("created", 0))
        spans.append((began, max([began, *(batch.last_time for batch in taken)])))
    run.last_time = max(last for _, last in spans)
    run.running_seconds = running_seconds(spans)
    run.origin = origin_of(about_origin, created=created)
    run.marks = {name: mark for name, (mark, _) in marks.items()}
    run.listed_marks = sorted((mark for _, mark in marks.values()), key=by_step)
    return run


def own_series(run: RunRecords, path: str, kind: AttributeType, first: EditKey, *, clock_axis: bool) -> OwnSeries:
    """Return what a run logged to a series; `first` is the place of a record of it."""
    own = run.series[path].setdefault(kind, OwnSeries(first, clock_axis))
    if first < own.first:
        own.first, own.clock_axis = first, clock_axis
    own.starts[first.writer] = min(first, own.starts.get(first.writer, first))
    return own


def _gather_metrics(run: RunRecords, writer: str, taken: list[Batch]) -> None:
    """Add the metric rows of one journal."""
    frames: list[tuple[int, int, MetricRows | None, int]] = []
    for batch in taken:
        frames += [(record.offset, record.order_time, None, 0) for record in batch.records]
        for rows in batch.rows:
            frames += [(int(offset), 0, rows, row) for row, offset in enumerate(rows.sequences)]
    latest = int(taken[0].identity.get("created", 0))
    for offset, order_time, found, row in sorted(frames, key=lambda frame: frame[0]):
        if found is None:
            latest = max(latest, order_time)
            continue
        run.has_points = run.has_points or not found.clock_axis
        step, time = int(found.steps[row]), int(found.times[row])
        completion = None if found.completion is None else float(found.completion[row])
        if completion is None and not found.clock_axis:
            run.metric_times.append((step, time))
        for path, value in zip(found.paths, found.values[row], strict=True):
            first = EditKey(latest, writer, offset)
            own = own_series(run, path, AttributeType.FLOAT_SERIES, first, clock_axis=found.clock_axis)
            own.points.append(Point(step, time, float(value), (writer, offset, 0), completion))
