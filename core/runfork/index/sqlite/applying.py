"""Applying a batch: records and rows go to their tables, and every attribute that they touch is added to, or marked.

A run inherits first. Then points that collide with none that is seen are added to what the attribute table holds; everything
else is marked, for the run and for those descendants that see what is new. `Settlement` works it out later.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.errors import ArgumentError
from runfork.index.edits import EditKey, edits_of, fold, is_inherited, points_of, replacements_of
from runfork.index.origins import Origin
from runfork.index.sqlite import journal_table, summaries
from runfork.index.sqlite.attributes import SeriesChange
from runfork.index.sqlite.catalogue import standing
from runfork.index.sqlite.journal_table import JournalState
from runfork.index.sqlite.overlay import Overlay
from runfork.index.sqlite.pieces import TextPoint
from runfork.index.sqlite.run_entries import RunEntry, storable
from runfork.index.sqlite.sight import SeenSeries, Sight
from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    import sqlite3

    import numpy.typing as npt

    from runfork.index.sqlite.attributes import SeriesState
    from runfork.index.sqlite.catalogue import Catalogue, Own
    from runfork.index.sqlite.pieces import PieceWriter
    from runfork.index.sqlite.series_reader import SeriesReader
    from runfork.index.sqlite.settling import Settlement
    from runfork.journal.records import Batch, MetricRows, Record

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

__all__ = ["Application"]

_ARCHIVED = "sys/archived"


@dataclass(frozen=True)
class _Journal:
    id: int
    writer: str
    order_time: int


@dataclass(frozen=True)
class _NewPoints:
    """Points of series with shared steps, on their way in; `time` and `last` (by series) are those of the largest step."""

    type: AttributeType
    steps: Integers
    clock_axis: bool
    time: int
    last: list[Any]

    @cached_property
    def low(self) -> int:
        return int(self.steps.min())

    @cached_property
    def high(self) -> int:
        return int(self.steps.max())


@dataclass(frozen=True)
class _Merge:
    """What the attribute table holds of the series at `paths`; those at `columns` can be added to."""

    paths: list[int]
    states: dict[int, SeriesState]
    columns: list[int]
    held: Floats


class Application:
    """Applies one batch, within the caller's transaction; what it marks is to be settled before the transaction ends."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        catalogue: Catalogue,
        settlement: Settlement,
        *,
        writer: PieceWriter,
        reader: SeriesReader,
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._settlement = settlement
        self._writer = writer
        self._reader = reader
        self._edits = settlement.edits
        self._attributes = settlement.attributes
        self._ancestry = settlement.ancestry
        self._dirty = settlement.dirty
        self._first: set[int] = set()

    def apply(self, batch: Batch) -> None:
        """Take in a batch; one that begins before what was applied was seen already.

        Raises:
            ArgumentError: It begins after that.
        """
        entry = self._catalogue.runs.get(batch.key.run_id)
        noted = JournalState() if entry is None else journal_table.find(self._connection, entry.id, batch.key.writer)
        if batch.start > noted.applied:
            raise ArgumentError(
                f"a batch of {batch.key} must begin at byte {noted.applied}, found {batch.start}; read the journal from there"
            )
        if batch.start < noted.applied or batch.end <= noted.applied:
            return
        run_id = batch.key.run_id
        self._first = set()  # paths to which the run logged nothing before this batch
        self._dirty.taken.add(run_id)
        self._dirty.paths[run_id].update()
        is_new = self._find_run(run_id, int(batch.identity.get("created", 0)))
        self._run = self._catalogue.runs[run_id]
        self._journal = self._note_journal(batch, noted)
        self._apply_origins(batch, is_new=is_new)
        self._run = self._catalogue.runs[run_id]  # with its parent
        self._inherit(is_new=is_new)
        order_times = _order_times(batch, self._journal.order_time)
        texts: dict[tuple[int, AttributeType], list[TextPoint]] = defaultdict(list)
        for record in batch.records:
            self._apply_edits(record)
            self._gather_texts(record, texts)
        for (path, kind), points in texts.items():
            self._apply_texts(path, kind, points)
        groups = [(rows, times) for rows, times in zip(batch.rows, order_times, strict=True) if len(rows.steps)]
        for rows, times in sorted(groups, key=lambda group: int(group[0].sequences[0])):
            self._apply_rows(rows, times)
        if any(record.kind == Kind.CLOSE for record in batch.records):
            self._writer.seal(self._journal.id)
        archived = self._catalogue.path_id(_ARCHIVED)
        if archived in self._dirty.paths[run_id] and self._catalogue.own_value(self._run.id, archived):
            self._change_archived()
        self._catalogue.flush()

    # Runs and journals

    def _find_run(self, run_id: str, created: int) -> bool:
        """Return whether the run is new."""
        if run_id in self._catalogue.runs:
            return False
        entry = RunEntry(self._catalogue.new_run_number(), run_id, Origin(created), created)
        self._catalogue.add_run(entry)
        self._attributes.add_run(entry.id)
        self._ancestry.change_defaults(run_id)
        for child in self._catalogue.children.get(run_id, ()):
            self._ancestry.change_origin(child)  # they waited for it
        return True

    def _note_journal(self, batch: Batch, before: JournalState) -> _Journal:
        number = journal_table.go_on(self._connection, self._run.id, before, batch)
        self._catalogue.add_journal(number, self._run.id, batch.key.writer)
        created = int(batch.identity.get("created", 0))
        return _Journal(number, batch.key.writer, created if before.id is None else before.order_time)

    def _apply_origins(self, batch: Batch, *, is_new: bool) -> None:
        run, writer = self._run.id, batch.key.writer
        found = []
        for record in batch.records:
            if record.kind in (Kind.CREATE, Kind.LINEAGE):
                body = json.dumps(dict(record.body))
                row = (run, writer, record.offset, record.kind, record.order_time, body)
                self._connection.execute("INSERT INTO origin_record VALUES (?, ?, ?, ?, ?, ?)", row)
                found.append((writer, record))
            elif record.kind == Kind.MARK:
                self._ancestry.apply_mark(batch.key.run_id, writer, record)
        if is_new:
            self._ancestry.save_origin(batch.key.run_id, found, created=int(batch.identity.get("created", 0)))
        elif found or batch.start == 0:  # when a journal was created counts where no CREATE is
            records, created = self._ancestry.stored_origins(run)
            self._ancestry.save_origin(batch.key.run_id, records, created=created)

    def _inherit(self, *, is_new: bool) -> None:
        """If the run's place in the lineage has changed, work it out now, so that what comes can be added to it."""
        run_id, parent = self._run.run_id, self._run.origin.parent
        if run_id not in self._dirty.runs:
            return
        if is_new and parent not in self._catalogue.runs:
            self._dirty.runs.discard(run_id)  # there is nothing yet, of its own or from above
        else:
            self._settlement.settle_line(run_id)
            self._run = self._catalogue.runs[run_id]

    # Single values

    def _apply_edits(self, record: Record) -> None:
        self._apply_replacements(record)
        path_id = self._catalogue.path_id
        edits = [(path_id(path), edit) for path, edit in edits_of(record, self._journal.writer)]
        if not edits:
            return
        run_id, run = self._run.run_id, self._run.id
        paths = {path for path, _ in edits}
        self._first |= paths.difference(self._catalogue.own_values(run))
        for path, edit in self._catalogue.note_new_values(run, edits):
            self._note(path, edit.type, edit.key, clock_axis=False, lowest=0)
        if self._catalogue.children.get(run_id):
            for path, edit in edits:
                if is_inherited(self._catalogue.path_names[path], edit.type, configs=True):
                    self._ancestry.touch_edit(run_id, path, edit.key)
        self._dirty.paths[run_id] |= paths
        self._edits.add(run, self._journal.id, edits, self._first)

    def _apply_replacements(self, record: Record) -> None:
        replacements = list(replacements_of(record, self._journal.writer))
        if not replacements:
            return
        run_id, run = self._run.run_id, self._run.id
        self._edits.add_replacements(run, self._journal.id, replacements)
        names = self._catalogue.path_names
        spaces = tuple(storable(one.namespace) for one in replacements)
        held = {*self._catalogue.own_values(run), *self._attributes.paths(run)}
        self._dirty.paths[run_id].update(path for path in held if names[path].startswith(spaces))
        self._ancestry.touch_replacement(run_id, replacements[0].key)

    def _note(self, path: int, kind: AttributeType, first: EditKey, *, clock_axis: bool, lowest: int) -> int:
        """Note what the run logged to a path; if that changes the path's type, all below see something else."""
        if not self._catalogue.own_value(self._run.id, path):
            self._first.add(path)
        is_started = kind.is_series and self._catalogue.note_start(self._run.id, path, kind, first)
        own, is_changed = self._catalogue.note_own(
            self._run.id, path, kind, first, clock_axis=clock_axis, lowest=lowest
        )
        if is_changed or is_started or self._edits.replaced(self._run.id, path) is not None:
            for one in (self._run.run_id, *self._catalogue.descendants(self._run.run_id)):
                self._dirty.paths[one].add(path)
        return own.id

    def _note_points(self, *, clock_axis: bool) -> None:
        """Note that the run has points; with one on a step axis it may be the head of its experiment."""
        if clock_axis or self._run.has_points:
            return
        self._run = replace(self._catalogue.runs[self._run.run_id], has_points=True)
        self._catalogue.save_run(self._run)
        if self._run.origin.experiment_name is not None:
            self._dirty.names.add(self._run.origin.experiment_name)

    def _change_archived(self) -> None:
        sight = Sight(self._catalogue, self._edits, self._run.run_id, paths=1)
        seen = sight.see(self._catalogue.path_id(_ARCHIVED), "own")
        is_archived = not isinstance(seen, SeenSeries) and seen is not None and fold(seen.edits) is True
        entry = self._catalogue.runs[self._run.run_id]
        if entry.is_archived != is_archived:
            self._catalogue.save_run(replace(entry, is_archived=is_archived))
            if entry.origin.experiment_name is not None:
                self._dirty.names.add(entry.origin.experiment_name)

    # Points

    def _gather_texts(self, record: Record, texts: dict[tuple[int, AttributeType], list[TextPoint]]) -> None:
        for path, kind, values in points_of(record):
            number = self._catalogue.path_id(path)
            first = EditKey(record.order_time, self._journal.writer, record.offset)
            self._note(number, kind, first, clock_axis=record.clock_axis, lowest=record.step)
            self._note_points(clock_axis=record.clock_axis)
            texts[number, kind] += [
                TextPoint(record.step + position, record.time, record.offset, value)
                for position, value in enumerate(values)
            ]

    def _apply_texts(self, path: int, kind: AttributeType, points: list[TextPoint]) -> None:
        own = self._catalogue.own_value(self._run.id, path)[kind]
        steps = np.array([point.step for point in points], np.int64)
        added = summaries.empty_summaries(1)
        added[:, summaries.COUNT] = len(points)
        last = points[int(steps.argmax())]
        new = _NewPoints(kind, steps, own.clock_axis, last.time, [last.value])
        merge = self._prepare_merge([path], new)
        self._writer.append_texts(self._journal.id, own.id, points)
        self._merge(merge, new, added)
        self._ancestry.touch_points(self._run, [path], kind, new.low)

    def _apply_rows(self, rows: MetricRows, order_times: Integers) -> None:
        paths = [self._catalogue.path_id(path) for path in rows.paths]
        low = int(rows.steps.min())
        self._note_points(clock_axis=rows.clock_axis)
        first = EditKey(int(order_times[0]), self._journal.writer, int(rows.sequences[0]))
        kind = AttributeType.FLOAT_SERIES
        known = self._catalogue.own_values(self._run.id)
        self._first.update(
            self._catalogue.note_new_series(self._run.id, paths, kind, first, clock_axis=rows.clock_axis, lowest=low)
        )
        series = []
        for path in paths:
            own = known.get(path, {}).get(kind)
            is_known = own is not None and self._catalogue.is_started(own, first.writer)
            if own is not None and is_known and own.lowest <= low and own.first <= first:
                series.append(own.id)
            else:
                series.append(self._note(path, kind, first, clock_axis=rows.clock_axis, lowest=low))
        if rows.completion is not None:
            self._apply_previews(paths, series, rows)
            return
        schema, is_new = self._writer.schema_id(self._journal.id, rows.paths, clock_axis=rows.clock_axis)
        if is_new:
            self._writer.name_columns(schema, series)
        place = int(rows.steps.argmax())
        new = _NewPoints(kind, rows.steps, rows.clock_axis, int(rows.times[place]), rows.values[place].tolist())
        merge = self._prepare_merge(paths, new)
        added = self._writer.append_rows(self._journal.id, schema, series, rows)
        self._merge(merge, new, added)
        self._ancestry.touch_points(self._run, paths, kind, new.low)
        if not rows.clock_axis:
            self._ancestry.touch_clocks(self._run.run_id, rows.steps, rows.times)

    def _prepare_merge(self, paths: list[int], new: _NewPoints) -> _Merge:
        """Find out, before points are stored, which of them can be added to what the attribute table holds."""
        run_id = self._run.run_id
        if run_id in self._dirty.runs:
            return _Merge([], {}, [], summaries.empty_summaries(0))
        states, held = self._attributes.states(self._run.id, paths)
        steps = new.steps
        is_unique = bool((steps[1:] > steps[:-1]).all()) or len(np.unique(steps)) == len(steps)
        sight = Sight(self._catalogue, self._edits, run_id, paths=len(paths))
        columns = []
        dirty, logged = self._dirty.paths[run_id], self._catalogue.own_values(self._run.id)
        with self._reader.keeping_tails():
            for column, path in enumerate(paths):
                is_open = is_unique and path not in dirty
                if is_open and self._is_mergeable(sight, path, standing(logged[path]), states.get(path), new):
                    columns.append(column)
                else:
                    dirty.add(path)
        self._keep_inherited(paths, states)
        return _Merge(paths, states, columns, held)

    def _keep_inherited(self, paths: list[int], states: dict[int, SeriesState]) -> None:
        """Before the first own points of series are added: what the table holds of them is what the run inherits."""
        if self._run.origin.parent is not None and (first := self._first.intersection(paths)):
            self._attributes.keep_inherited(self._run.id, first & states.keys())
            self._first -= first

    def _is_mergeable(self, sight: Sight, path: int, own: Own, state: SeriesState | None, new: _NewPoints) -> bool:
        """Return whether points collide with none that the run sees, and belong to the series that it sees."""
        if own.type is not new.type or own.clock_axis != new.clock_axis:
            return False
        if state is None:
            return True  # nothing is seen there, from any run
        if state.type is not new.type or state.clock_axis != new.clock_axis:
            return False
        if new.low > state.last_step:
            return True
        if len(new.steps) > _COMPARED_POINTS:
            return False
        seen = sight.see(path)
        if not isinstance(seen, SeenSeries):
            return False
        existing = Overlay(self._reader, new.type, seen.contributions).points(new.low, new.high, with_times=False)
        return not bool(np.isin(new.steps, existing.steps).any())

    def _merge(self, merge: _Merge, new: _NewPoints, added: Floats) -> None:
        changes = []
        for column in merge.columns:
            path = merge.paths[column]
            state = merge.states.get(path)
            first_step, last_step = new.low, new.high
            if state is not None and state.count:
                first_step, last_step = min(state.first_step, new.low), max(state.last_step, new.high)
            is_last = last_step == new.high
            changes.append(
                SeriesChange(path, state is None, first_step, last_step, new.last[column], new.time, is_last)
            )
        numbers = summaries.merge_summaries(merge.held[merge.columns], added[merge.columns])
        self._attributes.add_to_series(self._run.id, new.type, changes, numbers, clock_axis=new.clock_axis)

    def _apply_previews(self, paths: list[int], series: list[int], rows: MetricRows) -> None:
        self._writer.append_previews(self._journal.id, series, rows)
        states, _ = self._attributes.states(self._run.id, paths)
        self._keep_inherited(paths, states)
        for path in paths:
            own = standing(self._catalogue.own_value(self._run.id, path))
            state = states.get(path)
            if state is None or not state.count or (state.type, state.clock_axis) != (own.type, own.clock_axis):
                self._dirty.paths[self._run.run_id].add(path)
        self._ancestry.touch_points(self._run, paths, AttributeType.FLOAT_SERIES, int(rows.steps.min()))


_COMPARED_POINTS = 100_000


def _order_times(batch: Batch, before: int) -> list[Integers]:
    """Return, for each group of rows, the order_time of the last record before each row."""
    offsets = np.array([record.offset for record in batch.records], np.int64)
    times = np.array([before, *(max(before, record.order_time) for record in batch.records)], np.int64)
    return [times[np.searchsorted(offsets, rows.sequences)] for rows in batch.rows]
