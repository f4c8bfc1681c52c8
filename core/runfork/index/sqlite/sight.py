"""What a run sees along its lineage: for each path the nearest type, the edits or the series that make it up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runfork import lineage
from runfork.attributes import AttributeType
from runfork.index.edits import Edit, EditKey, is_inherited
from runfork.index.sqlite.catalogue import standing
from runfork.index.sqlite.overlay import Contribution
from runfork.index.sqlite.schema import TYPES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from runfork.index.sqlite.catalogue import Catalogue, Own
    from runfork.lineage import Segment

__all__ = ["SeenEdits", "SeenSeries", "Sight"]

_MANY_PATHS = 50
"""From so many paths on, all that a run logged is read at once."""


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


class Sight:
    """What one run sees. Holds for one state of the index."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue, run_id: str, *, paths: int) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._run_id = run_id
        self._nodes = catalogue.nodes
        self.line = lineage.ancestors(run_id, catalogue.nodes)
        self._entries = [catalogue.runs[one] for one in self.line]
        self._segments: dict[bool, list[Segment]] = {}
        self._edits: list[dict[int, list[Edit]]] | None = None
        forks = [self._nodes[one].fork for one in self.line]
        self._paths_with_cuts = {path for fork in forks if fork is not None for path in fork.cuts}
        if paths >= _MANY_PATHS:
            for entry in self._entries:
                catalogue.own_values(entry.id)

    def all_paths(self) -> set[int]:
        """Return every path that a run of the lineage logged to."""
        return {path for entry in self._entries for path in self._catalogue.own_values(entry.id)}

    def load_edits(self) -> None:
        """Read all edits of the lineage at once: for those who will ask for every path."""
        self._edits = []
        for entry in self._entries:
            found: dict[int, list[Edit]] = {}
            query = f"SELECT path, {_EDIT} FROM edit WHERE run = ?"  # noqa: S608
            for path, *row in self._connection.execute(query, (entry.id,)):
                found.setdefault(path, []).append(self._edit(row))
            self._edits.append({path: sorted(edits, key=_by_key) for path, edits in found.items()})

    def reach(self, inherit: str) -> int:
        """Return how many runs of the lineage count."""
        name = self._nodes[self._run_id].experiment_name
        if inherit == "own" or (inherit == "experiment" and name is None):
            return 1
        if inherit == "experiment":
            others = (place for place, one in enumerate(self.line) if self._nodes[one].experiment_name != name)
            return next(others, len(self.line))
        return len(self.line)

    def see(self, path_id: int, inherit: str = "lineage") -> SeenEdits | SeenSeries | None:
        """Return what the run sees at a path, None if nothing."""
        path = self._catalogue.path_names[path_id]
        reach = self.reach(inherit)
        gathered: list[Edit] = []
        source = ""
        configs = True
        for place, entry in enumerate(self._entries[:reach]):
            configs = configs and (place == 0 or self._entries[place - 1].origin.inherit_configs)
            kinds = self._catalogue.own_value(entry.id, path_id)
            if not kinds:
                continue
            own = standing(kinds)
            if own.type.is_series:
                if own.lowest > self._high(place, path, clock_axis=own.clock_axis):
                    continue
                if not gathered:
                    return self._series(path_id, path, own, reach)
                break
            if place and not is_inherited(path, own.type, configs=configs):
                continue
            edits = self._seen_edits(place, path_id, own.type)
            if not edits:
                continue
            if gathered and own.type is not gathered[0].type:
                break
            source = source or entry.run_id
            gathered = edits + gathered
            if own.type is not AttributeType.STRING_SET or any(edit.replaces for edit in edits):
                break
        return SeenEdits(gathered, source) if gathered else None

    def _seen_edits(self, place: int, path_id: int, kind: AttributeType) -> list[Edit]:
        if self._edits is not None:
            edits: Sequence[Edit] = self._edits[place].get(path_id, ())
        else:
            query = f"SELECT {_EDIT} FROM edit WHERE run = ? AND path = ?"  # noqa: S608
            rows = self._connection.execute(query, (self._entries[place].id, path_id))
            edits = sorted(map(self._edit, rows), key=_by_key)
        found = [edit for edit in edits if edit.type is kind]
        if place == 0:
            return found
        created = self._entries[place - 1].origin.created
        return [edit for edit in found if edit.key.order_time <= created]

    def _edit(self, row: Sequence[Any]) -> Edit:
        order_time, journal, position, time, kind, value, replaces = row
        key = EditKey(order_time, self._catalogue.writer(journal), position)
        return Edit(key, time, TYPES[kind], json.loads(value), bool(replaces))

    def _series(self, path_id: int, path: str, nearest: Own, reach: int) -> SeenSeries:
        segments = self.segments(path, clock_axis=nearest.clock_axis)[-reach:]
        contributions = []
        for position, segment in enumerate(segments):
            entry = self._entries[len(segments) - 1 - position]
            kinds = self._catalogue.own_value(entry.id, path_id)
            own = standing(kinds) if kinds else None
            if own and own.type is nearest.type and own.clock_axis == nearest.clock_axis and own.lowest <= segment.high:
                contributions.append(Contribution(position, own.id, segment.high))
        return SeenSeries(nearest.type, nearest.clock_axis, segments, contributions)

    def segments(self, path: str, *, clock_axis: bool) -> list[Segment]:
        """Return the segments of a series, root first; shared by all paths without cuts of their own."""
        if path in self._paths_with_cuts:
            return lineage.segments(self._run_id, self._nodes, path=path, clock_axis=clock_axis)
        if clock_axis not in self._segments:
            self._segments[clock_axis] = lineage.segments(self._run_id, self._nodes, clock_axis=clock_axis)
        return self._segments[clock_axis]

    def _high(self, place: int, path: str, *, clock_axis: bool) -> int:
        return self.segments(path, clock_axis=clock_axis)[-1 - place].high


_EDIT = "order_time, journal, position, time, type, value, replaces"


def _by_key(edit: Edit) -> EditKey:
    return edit.key
