"""Runs and the lineage between them, kept as journals arrive, and who must look again when something upstream changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from runfork.index.interface import CheckpointMark
from runfork.index.rules.origins import DEFAULTS, Origin, RecordedMark, by_step, listed_mark, mark_of, origin_of
from runfork.index.sqlite.points.writer import decode_tail
from runfork.index.sqlite.runs import RunEntry, read_snapshot, snapshot_text, storable
from runfork.index.sqlite.schema import TYPE_NUMBERS
from runfork.model import lineage
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runfork.index.rules.edits import EditKey
    from runfork.index.sqlite.tables import Tables
    from runfork.journal.records import Record
    from runfork.model.arrays import Integers


class Forks:
    """Keeps the runs table as CREATE, LINEAGE and MARK records arrive, and marks what they make stale."""

    def __init__(self, tables: Tables) -> None:
        self._connection = tables.connection
        self._runs = tables.runs
        self._logs = tables.logs
        self._codec = tables.reader.codec
        self._stale = tables.stale

    def save_origin(self, run_id: str, records: Sequence[tuple[str, Record]], *, created: int) -> None:
        """Work out a run's origin from its records, given with their writers; `created` is when its first journal was."""
        entry = self._runs.runs[run_id]
        origin = origin_of(records, created=created)
        if origin == entry.origin:
            return
        self._runs.save(entry._replace(origin=origin, created=origin.created))
        self._stale.names.update(
            name for name in (entry.origin.experiment_name, origin.experiment_name) if name is not None
        )
        self.change_defaults(run_id)
        is_older_or_younger = origin.created != entry.origin.created and bool(self._runs.children.get(run_id))
        if (origin.parent or entry.origin.parent) is not None or is_older_or_younger:
            self.change_origin(run_id)

    def first_journal_time(self, run: int) -> int:
        """Return when the first journal of a run was created."""
        query = "SELECT min(created) FROM journal WHERE run = ?"
        return int(self._connection.execute(query, (run,)).fetchone()[0])

    def change_defaults(self, run_id: str) -> None:
        """Take note that a run is new, or another than it seemed: so is what every run has."""
        self._stale.paths[run_id].update(self._runs.path_id(path) for path in DEFAULTS)

    def _find_mark(self, origin: Origin) -> RecordedMark | None:
        parent = self._runs.runs.get(origin.parent or "")
        if parent is None or origin.mark is None:
            return None
        rows = self._connection.execute(
            "SELECT time, cuts, snapshot FROM mark WHERE run = ? AND mark = ?", (parent.id, origin.mark)
        )
        row = rows.fetchone()
        return None if row is None else RecordedMark(row[0], json.loads(row[1]), read_snapshot(row[2]))

    def apply_mark(self, run_id: str, writer: str, record: Record) -> None:
        """Store a checkpoint mark, and let the children that were forked from it cut by it."""
        name = record.body["mark"]
        mark, listed = mark_of(record, writer), listed_mark(record)
        self._connection.execute(
            "INSERT INTO mark VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET writer = excluded.writer,"
            " position = excluded.position, time = excluded.time, cuts = excluded.cuts, snapshot = excluded.snapshot,"
            " step = excluded.step, epoch = excluded.epoch"
            " WHERE (excluded.writer, excluded.position) < (writer, position)",
            (
                self._runs.runs[run_id].id,
                name,
                writer,
                record.offset,
                mark.time,
                json.dumps(dict(mark.cuts)),
                snapshot_text(mark.snapshot),
                listed.step,
                listed.epoch,
            ),
        )
        for child in self._runs.children.get(run_id, ()):
            if self._runs.runs[child].origin.mark == name:
                self.change_origin(child)

    def listed(self, run_ids: Collection[str]) -> dict[str, list[CheckpointMark]]:
        """Return the marks that runs wrote themselves."""
        runs = self._runs.runs
        found: dict[str, list[CheckpointMark]] = {}
        for run_id in run_ids:
            if run_id in runs:
                rows = self._connection.execute(
                    "SELECT mark, step, time, epoch FROM mark WHERE run = ?", (runs[run_id].id,)
                )
                found[run_id] = sorted((CheckpointMark(*row) for row in rows), key=by_step)
        return found

    def change_origin(self, run_id: str) -> None:
        """Take note that a run's place in the lineage is another: it and all below it see other things."""
        waiting = [run_id]
        while waiting:
            one = waiting.pop()
            if one not in self._stale.runs:  # else all below it are, too
                self._stale.runs.add(one)
                waiting += self._runs.children.get(one, ())

    def place(self, run_id: str) -> None:
        """Work out where a run stands in the lineage, after its parent."""
        entry = self._runs.runs[run_id]
        mark, time = self._find_mark(entry.origin), None
        if entry.origin.parent is not None:
            time = self._inherited_time(run_id)
        created = self._ordering_time(entry)
        if created != entry.created and entry.origin.experiment_name is not None:
            self._stale.names.add(entry.origin.experiment_name)
        if (mark, time, created) != (entry.mark, entry.inherited_time, entry.created):
            self._runs.save(entry._replace(mark=mark, inherited_time=time, created=created))

    def _ordering_time(self, entry: RunEntry) -> int:
        """Return when a run counts as created, once its parent is placed."""
        runs, nodes = self._runs.runs, self._runs.nodes
        line = lineage.ancestors(entry.run_id, nodes)
        if runs[line[-1]].origin.parent == entry.run_id:
            return lineage.ordering_time(entry.run_id, nodes)
        own = entry.origin.created
        return own if len(line) == 1 else max(own, runs[line[1]].created + 1)

    def _inherited_time(self, run_id: str) -> int | None:
        """Return the largest time of the step-axis metric points that a run inherits.

        It goes up only as far as a cut leaves out some of what a run inherits; of the others it is known.
        """
        runs = self._runs.runs
        line = lineage.ancestors(run_id, self._runs.nodes)
        is_on_loop = runs[line[-1]].origin.parent == run_id
        high = runs[run_id].origin.step
        best: int | None = None
        for parent in line[1:]:
            entry = runs[parent]
            best = self._own_time(entry.id, high, best)
            if entry.origin.step <= high and not is_on_loop:
                return max((time for time in (best, entry.inherited_time) if time is not None), default=None)
            high = min(high, entry.origin.step)
        return best

    def _own_time(self, run: int, high: int, best: int | None) -> int | None:
        """Return the largest time of a run's step-axis metric points up to step `high`, or `best` if that is larger."""
        for query in (_GROUP_TIMES, _TAIL_TIMES):
            for high_step, high_time, *data in self._connection.execute(query, (run, high)):
                if best is not None and high_time <= best:
                    continue
                time = high_time if high_step <= high else self._time_up_to(high, *data)
                best = time if best is None else max(best, time)
        return best

    def _time_up_to(self, high: int, count: int, steps: bytes, times: bytes | None) -> int:
        if times is None:
            block = decode_tail(steps, count, 0)
            numbers = [block.steps, block.times]
        else:
            numbers = [np.empty(count, np.int64), np.empty(count, np.int64)]
            for data, out in zip((steps, times), numbers, strict=True):
                self._codec.decode_integers(data, out)
        return int(numbers[1][numbers[0] <= high].max())

    def elect(self) -> None:
        """Find the heads of experiments anew, those that are marked."""
        self._runs.flush()
        for name in self._stale.names:
            head = self._connection.execute(_NEWEST, (storable(name),)).fetchone()
            for (run_id,) in self._connection.execute(_HEADS, (storable(name),)).fetchall():
                if head != (run_id,):
                    self._set_head(run_id, is_head=False)
            if head is not None and not self._runs.runs[head[0]].is_head:
                self._set_head(head[0], is_head=True)

    def _set_head(self, run_id: str, *, is_head: bool) -> None:
        self._runs.save(self._runs.runs[run_id]._replace(is_head=is_head))
        self._stale.paths[run_id].update()

    def touch_edit(self, run_id: str, path: int, key: EditKey) -> None:
        """Mark the descendants that see an edit made at a place."""
        for child in self._runs.children.get(run_id, ()):
            if child not in self._stale.runs and self._sees(child, key):
                for one in (child, *self._runs.descendants(child)):
                    self._stale.paths[one].add(path)

    def touch_replacement(self, run_id: str, key: EditKey) -> None:
        """Mark the descendants that see that a namespace was replaced."""
        for child in self._runs.children.get(run_id, ()):
            if self._sees(child, key):
                self.change_origin(child)

    def _sees(self, child: str, key: EditKey) -> bool:
        fork = self._runs.nodes[child].fork
        return fork is not None and fork.snapshot.holds(key)

    def touch_points(self, run: RunEntry, paths: Sequence[int], kind: AttributeType, low: int) -> None:
        """Mark the descendants whose cuts lie at or beyond `low`, the lowest of some new steps."""
        if self._stale.runs.issuperset(self._runs.children.get(run.run_id, ())):
            return
        nodes = self._runs.nodes
        series = self._logs.of(run.id).series
        names = [(path, self._runs.path_names[path], series[path][kind].clock_axis) for path in paths]
        waiting = [(child, names) for child in self._runs.children.get(run.run_id, ())]
        seen = {run.run_id}
        while waiting:
            one, candidates = waiting.pop()
            fork = nodes[one].fork
            if one in seen or one in self._stale.runs or fork is None:
                continue
            seen.add(one)
            inherited = [series for series in candidates if fork.cut(series[1], clock_axis=series[2]) >= low]
            if inherited:
                self._stale.paths[one].update(path for path, _, _ in inherited)
                waiting += [(child, inherited) for child in self._runs.children.get(one, ())]

    def touch_clocks(self, run_id: str, steps: Integers, times: Integers) -> None:
        """Move the clock cuts of descendants that inherit a step-axis metric point with a later time than any before."""
        waiting = [(child, 2**63 - 1) for child in self._runs.children.get(run_id, ())]
        low = int(steps.min())
        seen = {run_id}
        while waiting:
            one, high = waiting.pop()
            entry = self._runs.runs[one]
            high = min(high, entry.origin.step)
            if one in seen or high < low or one in self._stale.runs:
                continue
            seen.add(one)
            time = int(times[steps <= high].max())
            if entry.inherited_time is None or time > entry.inherited_time:
                self._runs.save(entry._replace(inherited_time=time))
                if entry.mark is None:
                    self.change_origin(one)
            waiting += [(child, high) for child in self._runs.children.get(one, ())]


_NEWEST = """
SELECT run_id FROM run WHERE experiment_name = ? AND NOT is_archived ORDER BY is_empty, created DESC, born DESC, run_id DESC LIMIT 1
"""
_HEADS = "SELECT run_id FROM run WHERE experiment_name = ? AND is_head"
_GROUP_TIMES = f"""
SELECT high_step, high_time, count, steps, times FROM stream JOIN row_group ON row_group.stream = stream.id
WHERE run = ? AND NOT clock_axis AND type = {TYPE_NUMBERS[AttributeType.FLOAT_SERIES]} AND low_step <= ? ORDER BY high_time DESC
"""  # noqa: S608
_TAIL_TIMES = """
SELECT high_step, high_time, count, data, NULL FROM stream JOIN tail ON tail.stream = stream.id
WHERE run = ? AND NOT clock_axis AND low_step <= ? ORDER BY high_time DESC
"""
