"""Applying a batch: records and rows go to their tables, and every attribute that they touch is added to, or marked.

A run inherits first. Then points that collide with none that is seen are added to what the attribute table holds; everything
else is marked, for the run and for those descendants that see what is new. `Updates` works it out later.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runfork.errors import ArgumentError
from runfork.index.rules.edits import EditKey, edits_of, fold, is_inherited, points_of, replacements_of
from runfork.index.rules.origins import Origin
from runfork.index.sqlite import journals
from runfork.index.sqlite.inheritance.attributes import NewPoints, some_of
from runfork.index.sqlite.inheritance.lineage_view import LineageView, SeenEdits, SeenSeries
from runfork.index.sqlite.journals import JournalState
from runfork.index.sqlite.points.series import SeriesPoints
from runfork.index.sqlite.points.summaries import text_summary
from runfork.index.sqlite.points.writer import TextPoint
from runfork.index.sqlite.run_log import Stream, standing, stream_key
from runfork.index.sqlite.runs import RunEntry, storable
from runfork.index.sqlite.values.run_values import Row
from runfork.index.sqlite.values.shape import SINGLE_CODES, code_of
from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Collection

    from runfork.index.sqlite.tables import Tables
    from runfork.index.sqlite.updating import Updates
    from runfork.journal.records import Batch, MetricRows, Record
    from runfork.model.arrays import Floats, Integers

_ARCHIVED = "sys/archived"
_WITHOUT_VALUES = frozenset(
    (Kind.CREATE, Kind.LINEAGE, Kind.MARK, Kind.STATUS, Kind.CLOSE, Kind.HEARTBEAT, Kind.SCHEMA)
)


@dataclass(frozen=True)
class _Journal:
    id: int
    writer: str
    order_time: int


class Application:
    """Applies one batch, within the caller's transaction; what it marks is to be caught up before the transaction ends."""

    def __init__(self, tables: Tables, updates: Updates) -> None:
        self._tables = tables
        self._connection = tables.connection
        self._runs = tables.runs
        self._updates = updates
        self._writer = tables.writer
        self._reader = tables.reader
        self._logs = tables.logs
        self._values = tables.values
        self._attributes = updates.attributes
        self._forks = updates.forks
        self._stale = tables.stale
        self._first: set[int] = set()

    def apply(self, batch: Batch) -> None:
        """Take in a batch; one that begins before what was applied was seen already.

        Raises:
            ArgumentError: It begins after that.
        """
        entry = self._runs.runs.get(batch.key.run_id)
        noted = JournalState() if entry is None else journals.find(self._connection, entry.id, batch.key.writer)
        if batch.start > noted.applied:
            raise ArgumentError(
                f"a batch of {batch.key} must begin at byte {noted.applied}, found {batch.start}; read the journal from there"
            )
        if batch.start < noted.applied or batch.end <= noted.applied:
            return
        run_id = batch.key.run_id
        self._first = set()  # paths to which the run logged nothing before this batch
        self._stale.taken.add(run_id)
        self._stale.paths[run_id].update()
        is_new = self._find_run(run_id, int(batch.identity.get("created", 0)))
        self._run = self._runs.runs[run_id]
        if not is_new:
            self._logs.spell_out(self._run.id)
        self._log = self._logs.of(self._run.id)
        self._journal = self._note_journal(batch, noted)
        self._apply_records(batch)
        self._apply_origins(batch, is_new=is_new)
        self._run = self._runs.runs[run_id]  # with its parent
        self._inherit(is_new=is_new)
        is_plain = is_new and self._apply_plain(batch)
        for record in () if is_plain else batch.records:
            self._apply_edits(record)
        self._apply_points(batch)
        if any(record.kind == Kind.CLOSE for record in batch.records):
            self._seal()
        archived = self._runs.paths.get(_ARCHIVED)
        if archived in self._stale.paths[run_id] and archived in self._log.edits:
            self._change_archived(archived)
        if is_plain:
            self._logs.let_go(self._run.id)
        self._runs.flush()

    # Runs and journals

    def _find_run(self, run_id: str, created: int) -> bool:
        """Return whether the run is new."""
        if run_id in self._runs.runs:
            return False
        entry = RunEntry(self._runs.new_number(), run_id, Origin(created), created)
        self._runs.save(entry)
        self._logs.add_run(entry.id)
        self._values.add_run(entry.id)
        self._forks.change_defaults(run_id)
        for child in self._runs.children.get(run_id, ()):
            self._forks.change_origin(child)  # they waited for it
        return True

    def _note_journal(self, batch: Batch, before: JournalState) -> _Journal:
        number = journals.go_on(self._connection, self._run.id, before, batch)
        created = int(batch.identity.get("created", 0))
        return _Journal(number, batch.key.writer, created if before.id is None else before.order_time)

    def _apply_origins(self, batch: Batch, *, is_new: bool) -> None:
        run_id, writer = batch.key.run_id, batch.key.writer
        kinds = {record.kind for record in batch.records}
        for record in batch.records if Kind.MARK in kinds else ():
            if record.kind == Kind.MARK:
                self._forks.apply_mark(run_id, writer, record)
        created = int(batch.identity.get("created", 0))
        # when a journal was created counts where no CREATE is
        if is_new or batch.start == 0 or not kinds.isdisjoint((Kind.CREATE, Kind.LINEAGE)):
            created = created if is_new else self._forks.first_journal_time(self._run.id)
            self._forks.save_origin(run_id, self._log.origins, created=created)

    def _inherit(self, *, is_new: bool) -> None:
        """If the run's place in the lineage has changed, work it out now, so that what comes can be added to it."""
        run_id, parent = self._run.run_id, self._run.origin.parent
        if run_id not in self._stale.runs:
            return
        if is_new and parent not in self._runs.runs:
            self._stale.runs.discard(run_id)  # there is nothing yet, of its own or from above
        else:
            self._updates.catch_up_line(run_id)
            self._run = self._runs.runs[run_id]

    # Single values

    def _apply_records(self, batch: Batch) -> None:
        """Store records that count for long, and take note of those that say where the run comes from."""
        self._logs.add_records(self._run.id, self._journal.id, batch.records)
        self._log.origins += [
            (self._journal.writer, record) for record in batch.records if record.kind in (Kind.CREATE, Kind.LINEAGE)
        ]

    def _apply_plain(self, batch: Batch) -> bool:
        """Take in the single values of a run that is new, if they need no thought: most do not, and they take a third of the time.

        Returns:
            Whether that could be done: no value is beside another at its path, none waits for a parent or for children.
        """
        run, known, path_id = self._run, self._runs.paths, self._runs.path_id
        if run.origin.parent in self._runs.runs or self._runs.children.get(run.run_id):
            return False
        rows: dict[int, Row | None] = {}
        count = 0
        for record in batch.records:
            if record.kind == Kind.CONFIGS:
                if not SINGLE_CODES.keys() >= {name for name, _ in record.body.values()}:
                    return False
                number, time = run.id, record.time
                for path, (name, value) in record.body.items():
                    rows[known.get(path) or path_id(path)] = Row(SINGLE_CODES[name], value, number, time)
                count += len(record.body)
            elif record.kind not in _WITHOUT_VALUES:
                return False
        series = {path for part in batch.rows for path in self._runs.path_ids(part.paths)}
        if len(rows) < count or not series.isdisjoint(rows) or self._runs.paths.get(_ARCHIVED) in rows:
            return False
        self._attributes.add_new(run.run_id, rows)
        self._stale.paths[run.run_id].clear()  # but for what is derived
        return True

    def _apply_edits(self, record: Record) -> None:
        self._apply_replacements(record)
        path_id = self._runs.path_id
        edits = [(path_id(path), edit) for path, edit in edits_of(record, self._journal.writer)]
        if not edits:
            return
        run_id, log = self._run.run_id, self._log
        paths = {path for path, _ in edits}
        if self._run.origin.parent is not None:
            self._first.update(path for path in paths if path not in log)
        changed = log.add_edits(edits)
        if log.replacements:
            changed = [path for path in paths if path in changed or log.replaced(path) is not None]
        self._mark_below(changed)
        if self._runs.children.get(run_id):
            for path, edit in edits:
                if is_inherited(self._runs.path_names[path], edit.type, configs=True):
                    self._forks.touch_edit(run_id, path, edit.key)
        self._stale.paths[run_id] |= paths

    def _apply_replacements(self, record: Record) -> None:
        replacements = list(replacements_of(record, self._journal.writer))
        if not replacements:
            return
        run_id, run = self._run.run_id, self._run.id
        self._log.replacements += replacements
        names = self._runs.path_names
        spaces = tuple(storable(one.namespace) for one in replacements)
        held = {*self._log.paths(), *self._values.of(run).shape.places}
        self._stale.paths[run_id].update(path for path in held if names[path].startswith(spaces))
        self._forks.touch_replacement(run_id, replacements[0].key)

    def _mark_below(self, paths: Collection[int]) -> None:
        """Mark paths of the run and of all below it: what stands there is of another family."""
        if paths:
            for one in (self._run.run_id, *self._runs.descendants(self._run.run_id)):
                self._stale.paths[one].update(paths)

    def _note_points(self) -> None:
        """Note that the run has a point on a step axis: it may be the head of its experiment."""
        self._run = self._runs.runs[self._run.run_id]._replace(has_points=True)
        self._runs.save(self._run)
        if self._run.origin.experiment_name is not None:
            self._stale.names.add(self._run.origin.experiment_name)

    def _change_archived(self, path: int) -> None:
        seen = LineageView(self._tables, self._run.run_id).see(path, "own")
        is_archived = isinstance(seen, SeenEdits) and fold(seen.edits) is True
        entry = self._runs.runs[self._run.run_id]
        if entry.is_archived != is_archived:
            self._runs.save(entry._replace(is_archived=is_archived))
            if entry.origin.experiment_name is not None:
                self._stale.names.add(entry.origin.experiment_name)

    # Points

    def _apply_points(self, batch: Batch) -> None:
        texts: dict[tuple[int, AttributeType], list[tuple[Record, list[TextPoint]]]] = defaultdict(list)
        for record in batch.records:
            for path, kind, values in points_of(record):
                points = [
                    TextPoint(record.step + position, record.time, record.offset, value)
                    for position, value in enumerate(values)
                ]
                texts[self._runs.path_id(path), kind].append((record, points))
        for (number, kind), found in texts.items():
            self._apply_texts(number, kind, found)
        order_times = _order_times(batch, self._journal.order_time)
        groups = [(rows, times) for rows, times in zip(batch.rows, order_times, strict=True) if len(rows.steps)]
        for rows, times in sorted(groups, key=lambda group: int(group[0].sequences[0])):
            self._apply_rows(rows, times)

    def _place(
        self, paths: list[int], kind: AttributeType, first: EditKey, low: int, *, clock_axis: bool
    ) -> tuple[int, bool]:
        """Take note of points; return the number of their stream, and whether it is new."""
        if not clock_axis and not self._run.has_points:
            self._note_points()
        log = self._log
        stream = log.streams.get((first.writer, kind, clock_axis, stream_key(paths)))
        is_new = stream is None
        if self._run.origin.parent is not None:
            self._first.update(path for path in paths if path not in log)
        changed: list[int] = []
        if stream is None:
            stream = Stream(0, kind, clock_axis, first, low, paths)
            stream.id = self._logs.add_streams([(self._run.id, self._journal.id, stream)])
            changed = log.add_stream(first.writer, stream)
        elif low < stream.lowest:
            self._logs.lower(stream, low)
            changed = log.add_stream(first.writer, stream)
        if log.replacements:
            changed += [path for path in paths if log.replaced(path) is not None]
        self._mark_below(changed)
        return stream.id, is_new

    def _apply_texts(self, path: int, kind: AttributeType, found: list[tuple[Record, list[TextPoint]]]) -> None:
        by_axis: dict[bool, list[tuple[Record, list[TextPoint]]]] = defaultdict(list)
        for record, points in found:
            by_axis[record.clock_axis].append((record, points))
        placed = []
        for clock_axis, part in by_axis.items():
            record, low = part[0][0], min(one.step for one, _ in part)
            first = EditKey(record.order_time, self._journal.writer, record.offset)
            stream, _ = self._place([path], kind, first, low, clock_axis=clock_axis)
            placed.append((stream, [point for _, points in part for point in points]))
        points = [point for _, points in found for point in points]
        steps = np.array([point.step for point in points], np.int64)
        added = text_summary(len(points)).reshape(1, -1)
        last = points[int(steps.argmax())]
        own = self._log.series[path][kind]
        new = NewPoints(kind, steps, own.clock_axis, int(steps.min()), last.step, last.time, [last.value])
        columns = self._addable([path], new)
        for stream, some in placed:
            self._writer.append_texts(stream, some)
        self._add([path], columns, new, added)
        self._forks.touch_points(self._run, [path], kind, new.low)

    def _apply_rows(self, rows: MetricRows, order_times: Integers) -> None:
        kind = AttributeType.FLOAT_SERIES
        paths = self._runs.path_ids(rows.paths)
        low = int(rows.steps.min())
        first = EditKey(int(order_times[0]), self._journal.writer, int(rows.sequences[0]))
        stream, is_new = self._place(paths, kind, first, low, clock_axis=rows.clock_axis)
        if rows.completion is not None:
            self._apply_previews(paths, rows, low)
            return
        at = int(rows.steps.argmax())
        last, time, high = rows.values[at].tolist(), int(rows.times[at]), int(rows.steps[at])
        new = NewPoints(kind, rows.steps, rows.clock_axis, low, high, time, last)
        columns = self._addable(paths, new)
        added = self._writer.append_rows(stream, rows, is_new=is_new)
        self._add(paths, columns, new, added)
        self._forks.touch_points(self._run, paths, kind, low)
        if not rows.clock_axis:
            self._forks.touch_clocks(self._run.run_id, rows.steps, rows.times)

    def _add(self, paths: list[int], columns: list[int], new: NewPoints, added: Floats) -> None:
        if len(columns) < len(paths):
            paths, new, added = some_of(columns, paths, new, added)
        if paths:
            self._attributes.add_points(self._run.id, paths, new, added)

    def _addable(self, paths: list[int], new: NewPoints) -> list[int]:
        """Find out, before points are stored, which of them can be added to the values of the run; mark the others.

        Those can that collide with no point that the run sees, and belong to the series that it sees.
        """
        run_id = self._run.run_id
        if run_id in self._stale.runs:
            return []
        is_unique = _are_unique(new.steps)
        if is_unique and self._values.has_none_of(self._run.id, paths) and not self._log.edits:
            return [*range(len(paths))]
        values = self._values.of(self._run.id)
        places = values.places(paths)
        stale, mixed = self._stale.paths[run_id], self._log.mixed
        is_known = values.hold(places, new.code)
        is_beyond = (places < 0) | (is_known & (new.low > values.last_steps(places)))
        if is_unique and is_beyond.all() and stale.isdisjoint(paths) and mixed.isdisjoint(paths):
            found = list(range(len(paths)))
        else:
            found = []
            with self._reader.keeping_tails():
                for column, path in enumerate(paths):
                    if (
                        is_unique
                        and path not in stale
                        and (path not in mixed or self._stands(path, new))
                        and (is_beyond[column] or (is_known[column] and self._is_free(path, new)))
                    ):
                        found.append(column)
                    else:
                        stale.add(path)
        self._keep_inherited(paths)
        return found

    def _stands(self, path: int, new: NewPoints) -> bool:
        own = standing(self._log.kinds(path))
        return own.type is new.type and own.clock_axis == new.clock_axis

    def _is_free(self, path: int, new: NewPoints) -> bool:
        """Return whether the run sees no point at the steps of new ones."""
        if len(new.steps) > _COMPARED_POINTS:
            return False
        seen = LineageView(self._tables, self._run.run_id).see(path)
        if not isinstance(seen, SeenSeries):
            return False
        existing = SeriesPoints(self._reader, new.type, seen.contributions).points(new.low, new.high, with_times=False)
        return not bool(np.isin(new.steps, existing.steps).any())

    def _keep_inherited(self, paths: list[int]) -> None:
        """Before the first own points of series are added: what the run has there is what it inherits."""
        if first := self._first.intersection(paths):
            self._attributes.keep_inherited(self._run.id, first)
            self._first -= first

    def _seal(self) -> None:
        for (writer, kind, _, _), stream in self._log.streams.items():
            if writer == self._journal.writer and kind is AttributeType.FLOAT_SERIES:
                self._writer.seal(stream.id, len(stream.paths))

    def _apply_previews(self, paths: list[int], rows: MetricRows, low: int) -> None:
        self._writer.append_previews(self._run.id, self._journal.id, paths, rows)
        self._keep_inherited(paths)
        values = self._values.of(self._run.id)
        for path, place in zip(paths, values.places(paths).tolist(), strict=True):
            own = standing(self._log.kinds(path))
            if place < 0 or values.shape.codes[place] != code_of(own.type, clock_axis=own.clock_axis):
                self._stale.paths[self._run.run_id].add(path)
        self._forks.touch_points(self._run, paths, AttributeType.FLOAT_SERIES, low)


_COMPARED_POINTS = 100_000


def _are_unique(steps: Integers) -> bool:
    return bool((steps[1:] > steps[:-1]).all()) or len(np.unique(steps)) == len(steps)


def _order_times(batch: Batch, before: int) -> list[Integers]:
    """Return, for each group of rows, the order_time of the last record before each row."""
    offsets = np.array([record.offset for record in batch.records], np.int64)
    times = np.array([before, *(max(before, record.order_time) for record in batch.records)], np.int64)
    return [times[np.searchsorted(offsets, rows.sequences)] for rows in batch.rows]
