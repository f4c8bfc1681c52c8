"""What a run sees along its lineage: for each path the nearest type, the edits or the series that make it up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runfork.index.rules.edits import Edit, is_inherited
from runfork.index.sqlite.points.pieces import Contribution
from runfork.model import lineage
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runfork.index.sqlite.run_log import Own
    from runfork.index.sqlite.runs import RunEntry
    from runfork.index.sqlite.tables import Tables
    from runfork.model.lineage import Segment, Snapshot


@dataclass(frozen=True)
class SeenEdits:
    """The edits that make up a single value, in order, and the run that it comes from."""

    edits: list[Edit]
    source: str


@dataclass(frozen=True)
class SeenSeries:
    """The series that make up one, the segments, and the nearest run that has points."""

    type: AttributeType
    clock_axis: bool
    segments: list[Segment]
    contributions: list[Contribution]


class LineageView:
    """What one run sees, worked out by going up its whole lineage. Holds for one state of the index."""

    def __init__(self, tables: Tables, run_id: str) -> None:
        self._runs = tables.runs
        self._logs = tables.logs
        self._run_id = run_id
        self._nodes = tables.runs.nodes
        self._segments: dict[bool, list[Segment]] = {}

    @cached_property
    def line(self) -> list[str]:
        """The lineage, the run itself first."""
        return lineage.ancestors(self._run_id, self._nodes)

    @property
    def is_on_loop(self) -> bool:
        """Whether the run is its own ancestor (damaged data)."""
        fork = self._nodes[self.line[-1]].fork
        return fork is not None and fork.parent == self._run_id

    @cached_property
    def _entries(self) -> list[RunEntry]:
        return [self._runs.runs[one] for one in self.line]

    @cached_property
    def _paths_with_cuts(self) -> set[str]:
        forks = [self._nodes[one].fork for one in self.line]
        return {path for fork in forks if fork is not None for path in fork.cuts}

    def all_paths(self) -> set[int]:
        """Return every path that a run of the lineage logged to."""
        return {path for entry in self._entries for path in self._logs.of(entry.id).paths()}

    def reach(self, inherit: str) -> int:
        """Return how many runs of the lineage count."""
        name = self._nodes[self._run_id].experiment_name
        if inherit == "own" or (inherit == "experiment" and name is None):
            return 1
        if inherit == "experiment":
            others = (place for place, one in enumerate(self.line) if self._nodes[one].experiment_name != name)
            return next(others, len(self.line))
        return len(self.line)

    def see(self, path_id: int, inherit: str = "lineage", *, first: int = 0) -> SeenEdits | SeenSeries | None:
        """Return what the run sees at a path, None if nothing; with ``first=1`` as if it had logged nothing itself."""
        path = self._runs.path_names[path_id]
        reach = self.reach(inherit)
        gathered: list[Edit] = []
        source = family = ""
        for run_id, own, edits in self._visible(path_id, path, reach, first):
            if own.type.is_series:
                if not gathered:
                    return self._series(path_id, path, own, reach, first)
                break
            if gathered and own.type.family != family:
                break
            source, family = source or run_id, own.type.family
            gathered = edits + gathered
            if own.type is not AttributeType.STRING_SET or any(edit.replaces for edit in edits):
                break
        return SeenEdits(gathered, source) if gathered else None

    def _visible(self, path_id: int, path: str, reach: int, first: int) -> Iterator[tuple[str, Own, list[Edit]]]:
        """Yield the runs whose values of a path are seen, the nearest first, with the edits if it is single-valued there."""
        configs, is_replaced = True, False
        for place, entry in enumerate(self._entries[:reach]):
            log, snapshot = self._logs.of(entry.id), self._snapshot(place)
            behind = is_replaced
            is_replaced = is_replaced or log.replaced(path_id, snapshot) is not None
            configs = configs and (place == 0 or self._entries[place - 1].origin.inherit_configs)
            own = log.standing(path_id, snapshot) if place >= first else None
            if own is None:
                continue
            if own.type.is_series:
                high = self.segments(path, clock_axis=own.clock_axis)[-1 - place].high
                if own.lowest <= high and not self._was_missing(place, path, own):
                    yield entry.run_id, own, []
            elif not behind and (place == 0 or is_inherited(path, own.type, configs=configs)):
                edits = [edit for edit in log.edits_at(path_id, snapshot) if own.type.takes(edit.type)]
                if edits:
                    yield entry.run_id, own, edits

    def _snapshot(self, place: int) -> Snapshot | None:
        """Return what of a run of the lineage single values come from; None of the run itself."""
        fork = self._nodes[self.line[place - 1]].fork if place else None
        return None if fork is None else fork.snapshot

    def _series(self, path_id: int, path: str, nearest: Own, reach: int, first: int) -> SeenSeries:
        segments = self.segments(path, clock_axis=nearest.clock_axis)[-reach:]
        contributions = []
        missing = set()
        for position, segment in enumerate(segments):
            place = len(segments) - 1 - position
            run = self._entries[place].id
            own = self._logs.of(run).standing(path_id, self._snapshot(place))
            if own is None or not own.type.is_series:
                continue
            if self._was_missing(place, path, own):
                missing.add(segment.run_id)
            elif place >= first and own.lowest <= segment.high and self._is_same(own, nearest):
                contributions.append(Contribution(position, run, path_id, own.columns, segment.high))
        return SeenSeries(nearest.type, nearest.clock_axis, lineage.without(segments, missing), contributions)

    def _is_same(self, own: Own, nearest: Own) -> bool:
        return own.type is nearest.type and own.clock_axis == nearest.clock_axis

    def segments(self, path: str, *, clock_axis: bool) -> list[Segment]:
        """Return the segments of a series, root first; shared by all paths without cuts of their own."""
        if path in self._paths_with_cuts:
            return lineage.segments(self._run_id, self._nodes, path=path, clock_axis=clock_axis)
        if clock_axis not in self._segments:
            self._segments[clock_axis] = lineage.segments(self._run_id, self._nodes, clock_axis=clock_axis)
        return self._segments[clock_axis]

    def _was_missing(self, place: int, path: str, own: Own) -> bool:
        """Return whether a run of the lineage had no point of a series on the step axis yet when it wrote the mark."""
        fork = self._nodes[self.line[place - 1]].fork if place else None
        if fork is None or not fork.is_marked or own.clock_axis or path in fork.cuts:
            return False
        return not own.was_there(fork.snapshot)
