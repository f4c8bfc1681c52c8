"""What a set of journal records amounts to, worked out plainly: the in-memory index answers from it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from runfork.index.memory.run_records import Point, RunRecords, gather
from runfork.index.rules.edits import Edit, fold, is_inherited, members_of
from runfork.index.rules.origins import CONFLICTS, default_values, derived_values, fork_of
from runfork.model import lineage
from runfork.model.attributes import AttributeType, Value
from runfork.model.lineage import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runfork.journal.records import Batch, JournalKey
    from runfork.model.lineage import RunNode, Segment


@dataclass(frozen=True)
class Seen:
    """A series as seen from a run: one point per step, and those that others of the same run replaced there.

    Each has its position among the segments.
    """

    type: AttributeType
    clock_axis: bool
    segments: list[Segment]
    committed: list[tuple[Point, int]]
    previews: list[tuple[Point, int]]
    replaced: list[tuple[Point, int]]


class RecordView:
    """What a set of records amounts to. Answers are remembered; the records do not change under it."""

    def __init__(self, batches: Mapping[JournalKey, list[Batch]], states: Mapping[str, str]) -> None:
        by_run: dict[str, dict[JournalKey, list[Batch]]] = defaultdict(dict)
        for key, taken in batches.items():
            by_run[key.run_id][key] = taken
        self.runs = {run_id: gather(journals) for run_id, journals in by_run.items()}
        self.states = states
        self.nodes = self._nodes()
        self.heads = set(lineage.heads(self.nodes.values()).values())
        self._values: dict[str, dict[str, Value]] = {}

    def _nodes(self) -> dict[str, RunNode]:
        plain: dict[str, RunNode] = {}
        for run_id, run in self.runs.items():
            origin = run.origin
            archived = _own_single(run, "sys/archived")
            fork, born = fork_of(origin, None, None), origin.created
            plain[run_id] = lineage.RunNode(
                run_id, born, origin.experiment_name, fork, is_archived=archived is True, born=born
            )
        nodes = {}
        for run_id, run in self.runs.items():
            node, origin = plain[run_id], run.origin
            parent = self.runs.get(origin.parent or "")
            mark = parent.marks.get(origin.mark or "") if parent else None
            fork = fork_of(origin, mark, self._last_inherited_time(run_id, plain))
            nodes[run_id] = node._replace(
                created=lineage.ordering_time(run_id, plain),
                fork=fork,
                is_empty=not run.has_points and self.states.get(run_id) != "running",
            )
        return nodes

    def _last_inherited_time(self, run_id: str, nodes: Mapping[str, RunNode]) -> int | None:
        inherited = lineage.segments(run_id, nodes)[:-1]
        times = [
            time
            for segment in inherited
            for step, time in self.runs[segment.run_id].metric_times
            if step <= segment.high
        ]
        return max(times, default=None)

    def values(self, run_id: str) -> dict[str, Value]:
        """Return all attributes of a run."""
        if run_id not in self._values:
            self._values[run_id] = self._all_values(run_id)
        return self._values[run_id]

    def _all_values(self, run_id: str) -> dict[str, Value]:
        run, node = self.runs[run_id], self.nodes[run_id]
        found = default_values(node)
        for path in {path for one in lineage.ancestors(run_id, self.nodes) for path in self.runs[one].paths()}:
            value = self._single(run_id, path) or self._summary(run_id, path)
            if value is not None:
                found[path] = value
        derived = derived_values(
            node,
            run.origin,
            self.nodes,
            is_head=run_id in self.heads,
            last_time=run.last_time,
            running_seconds=run.running_seconds,
            state=self.states.get(run_id),
        )
        conflicts = sum(map(run.conflicts, run.paths()))
        if conflicts:
            derived[CONFLICTS] = Value(AttributeType.INT, conflicts, run_id, run.last_time)
        return {**found, **derived}

    def _visible(self, run_id: str, path: str) -> Iterator[tuple[str, AttributeType, list[Edit]]]:
        """Yield the runs whose values of `path` the run sees, itself first: type, and the edits if it is single-valued."""
        line = lineage.ancestors(run_id, self.nodes)
        configs, is_replaced = True, False
        for position, one in enumerate(line):
            run = self.runs[one]
            child = self.runs[line[position - 1]] if position else None
            if child is not None:
                configs = configs and child.origin.inherit_configs
            snapshot = self._snapshot(line, position)
            replaced = run.replaced(path, snapshot)
            behind, is_replaced = is_replaced, is_replaced or replaced is not None
            kind = run.standing(path, snapshot)
            if kind is None:
                continue
            if kind.is_series:
                own = run.series[path][kind]
                if own.lowest <= self._high(run_id, one, path, clock_axis=own.clock_axis):
                    yield one, kind, []
                continue
            edits = [
                edit
                for edit in sorted(run.edits[path], key=lambda edit: edit.key)
                if kind.takes(edit.type) and snapshot.holds(edit.key) and (replaced is None or edit.key >= replaced)
            ]
            if edits and not behind and (child is None or is_inherited(path, kind, configs=configs)):
                yield one, kind, edits

    def _snapshot(self, line: list[str], position: int) -> Snapshot:
        """Return what of a run of a lineage single values come from: all of the first one."""
        fork = self.nodes[line[position - 1]].fork if position else None
        return Snapshot() if fork is None else fork.snapshot

    def _high(self, run_id: str, ancestor: str, path: str, *, clock_axis: bool) -> int:
        found = self._segments(run_id, path, clock_axis=clock_axis)
        return next(segment.high for segment in found if segment.run_id == ancestor)

    def _segments(self, run_id: str, path: str, *, clock_axis: bool) -> list[Segment]:
        found = lineage.segments(run_id, self.nodes, path=path, clock_axis=clock_axis)
        pairs = pairwise(lineage.ancestors(run_id, self.nodes))
        return lineage.without(found, {parent for child, parent in pairs if self._was_missing(child, parent, path)})

    def _was_missing(self, run_id: str, parent: str, path: str) -> bool:
        """Return whether a run's parent had no point of a series on the step axis yet when it wrote the mark."""
        fork = self.nodes[run_id].fork
        if fork is None or not fork.is_marked or path in fork.cuts:
            return False
        kind = self.runs[parent].standing(path, fork.snapshot)
        if kind is None or not kind.is_series:
            return False
        own = self.runs[parent].series[path][kind]
        return not own.clock_axis and not any(map(fork.snapshot.holds, own.starts.values()))

    def _single(self, run_id: str, path: str) -> Value | None:
        gathered: list[Edit] = []
        source = family = ""
        for one, kind, edits in self._visible(run_id, path):
            if kind.is_series or (gathered and kind.family != family):
                break
            source, family = source or one, kind.family
            gathered = edits + gathered
            if kind is not AttributeType.STRING_SET or any(edit.replaces for edit in edits):
                break
        if not gathered:
            return None
        last = gathered[-1]
        return Value(last.type, fold(gathered), source, last.time, members=members_of(last))

    def _summary(self, run_id: str, path: str) -> Value | None:
        seen = self.seen(run_id, path, "lineage")
        if seen is None:
            return None
        committed = [point for point, _ in seen.committed]
        last, segment = (seen.committed or seen.previews)[-1]
        statistics = _statistics(committed, floats=seen.type is AttributeType.FLOAT_SERIES)
        value = last.value if committed else None
        return Value(seen.type, value, seen.segments[segment].run_id, last.time, statistics)

    def seen(self, run_id: str, path: str, inherit: str) -> Seen | None:
        """Return a series as seen from a run, or None if `path` is none there."""
        if run_id not in self.runs:
            return None
        reach = self._reach(run_id, inherit)
        nearest = next((entry for entry in self._visible(run_id, path) if entry[0] in reach), None)
        if nearest is None or not nearest[1].is_series:
            return None
        kind = nearest[1]
        clock_axis = self.runs[nearest[0]].series[path][kind].clock_axis
        segments = [
            segment for segment in self._segments(run_id, path, clock_axis=clock_axis) if segment.run_id in reach
        ]
        committed: dict[int, tuple[Point, int]] = {}
        previews: dict[int, tuple[Point, int]] = {}
        replaced: list[tuple[Point, int]] = []
        line = lineage.ancestors(run_id, self.nodes)
        for position, segment in enumerate(segments):
            run = self.runs[segment.run_id]
            own = run.series.get(path, {}).get(kind)
            stands = run.standing(path, self._snapshot(line, line.index(segment.run_id)))
            if own is None or stands is not kind or own.clock_axis != clock_axis:
                continue
            inherited = [point for point in own.points if point.step <= segment.high]
            for point in sorted(inherited, key=attrgetter("place")):
                if point.completion is None and committed.get(point.step, (point, -1))[1] == position:
                    replaced.append(committed[point.step])
                (committed if point.completion is None else previews)[point.step] = (point, position)
        last = max(committed, default=-1)
        return Seen(
            kind,
            clock_axis,
            segments,
            [committed[step] for step in sorted(committed)],
            [previews[step] for step in sorted(previews) if step > last],
            sorted(replaced, key=lambda entry: (entry[0].step, entry[1], entry[0].place)),
        )

    def _reach(self, run_id: str, inherit: str) -> list[str]:
        line = lineage.ancestors(run_id, self.nodes)
        name = self.nodes[run_id].experiment_name
        if inherit == "own" or (inherit == "experiment" and name is None):
            return line[:1]
        if inherit == "experiment":
            others = (position for position, one in enumerate(line) if self.nodes[one].experiment_name != name)
            return line[: next(others, len(line))]
        return line


def _own_single(run: RunRecords, path: str) -> Any:
    kind = run.standing(path, Snapshot())
    if kind is None:
        return None
    edits = sorted((edit for edit in run.edits.get(path, ()) if kind.takes(edit.type)), key=lambda edit: edit.key)
    return fold(edits) if edits else None


def _statistics(points: list[Point], *, floats: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"last_step": points[-1].step if points else None, "count": len(points)}
    if not floats:
        return found
    finite = [point.value for point in points if math.isfinite(point.value)]
    average = mean(finite)
    return found | {
        "first_step": points[0].step if points else None,
        "min": min(finite, default=None),
        "max": max(finite, default=None),
        "average": average,
        "variance": None if average is None else mean([(value - average) * (value - average) for value in finite]),
        "nan": sum(math.isnan(point.value) for point in points),
        "positive_infinity": sum(point.value == math.inf for point in points),
        "negative_infinity": sum(point.value == -math.inf for point in points),
    }


def mean(values: list[float]) -> float | None:
    """Return the average, None of nothing."""
    if not values:
        return None
    found = 2 * math.fsum(value / len(values) / 2 for value in values)  # halves: the sum of no floats overflows
    return min(max(found, min(values)), max(values))
