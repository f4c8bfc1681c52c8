"""The index in memory: the plain reference. It keeps every record and works out each answer from them anew."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.errors import ArgumentError, NotFoundError
from runfork.index.interface import (
    Buckets,
    BucketsRequest,
    Definition,
    PointsRequest,
    RunRow,
    RunsPage,
    RunsQuery,
    Series,
    SeriesKey,
    Writer,
)
from runfork.index.memory.record_view import RecordView, Seen
from runfork.index.rules.conditions import holds, sort_key
from runfork.index.rules.grid import Grid, bucketed
from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy.typing as npt

    from runfork.index.interface import CheckpointMark, Sort
    from runfork.journal.records import Batch, JournalKey
    from runfork.model.lineage import RunNode
    from runfork.model.patterns import Pattern


class MemoryIndex:
    """An index that lives as long as the process. Slow, and right: other indexes are compared with it."""

    def __init__(self) -> None:
        self._batches: dict[JournalKey, list[Batch]] = defaultdict(list)
        self._states: dict[str, str] = {}
        self._look: Any = None
        self._view: RecordView | None = None

    def together(self) -> AbstractContextManager[None]:
        """Do nothing; see `Index.together`."""
        return nullcontext()

    def apply(self, batch: Batch) -> None:
        """Take in a batch; see `Index.apply`."""
        taken = self._batches[batch.key]
        applied = taken[-1].end if taken else 0
        if batch.start > applied:
            raise ArgumentError(
                f"a batch of {batch.key} must begin at byte {applied}, found {batch.start}; read the journal from there"
            )
        if batch.start == applied and batch.end > applied:
            taken.append(batch)
            self._look = self._view = None

    def remove(self, run_ids: Collection[str]) -> None:
        """Forget runs; see `Index.remove`."""
        for key in [key for key in self._batches if key.run_id in run_ids]:
            del self._batches[key]
        for run_id in run_ids:
            self._states.pop(run_id, None)
        self._look = self._view = None

    def keep_look(self, look: Any) -> None:
        """Keep what a reader saw; see `Index.keep_look`."""
        self._look = look

    def last_look(self) -> Any:
        """Return what a reader saw; see `Index.last_look`."""
        return self._look

    def set_states(self, states: Mapping[str, str]) -> None:
        """Store the states of runs; see `Index.set_states`."""
        for run_id in states:
            if run_id not in self.view.runs:
                raise NotFoundError(f"run {run_id!r} is not in this index; refresh the project first")
        self._states.update(states)
        self._view = None

    @property
    def view(self) -> RecordView:
        """What all the records amount to."""
        if self._view is None:
            self._view = RecordView({key: taken for key, taken in self._batches.items() if taken}, self._states)
        return self._view

    def states(self) -> dict[str, str]:
        """Return the states of runs; see `Index.states`."""
        return dict(self._states)

    def writers(self, run_ids: Collection[str] | None = None) -> dict[JournalKey, Writer]:
        """Return journals; see `Index.writers`."""
        return {
            key: _writer(key, taken)
            for key, taken in sorted(self._batches.items())
            if taken and (run_ids is None or key.run_id in run_ids)
        }

    def nodes(self) -> dict[str, RunNode]:
        """Return every run; see `Index.nodes`."""
        return dict(self.view.nodes)

    def marks(self, run_ids: Sequence[str]) -> dict[str, list[CheckpointMark]]:
        """Return checkpoint marks; see `Index.marks`."""
        runs = self.view.runs
        return {run_id: list(runs[run_id].listed_marks) for run_id in run_ids if run_id in runs}

    def runs(self, query: RunsQuery) -> RunsPage:
        """Return runs; see `Index.runs`."""
        view = self.view
        found = [
            node
            for node in sorted(view.nodes.values(), key=lambda node: (-node.created, node.run_id))
            if (query.run_ids is None or node.run_id in query.run_ids)
            and (query.include_archived or not node.is_archived)
            and (not query.heads_only or node.run_id in view.heads)
            and (query.filter is None or holds(query.filter, view.values(node.run_id)))
        ]
        for sort in reversed(query.sorts):
            found = _sorted(found, sort, view.values)
        end = None if query.limit is None else query.offset + query.limit
        page = [RunRow(node, node.run_id in view.heads) for node in found[query.offset : end]]
        return RunsPage(page, len(found))

    def definitions(
        self,
        *,
        run_ids: Sequence[str] | None = None,
        pattern: Pattern | None = None,
        types: Sequence[AttributeType] | None = None,
    ) -> list[Definition]:
        """Return paths and types; see `Index.definitions`."""
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for run_id in set(self.view.runs) & set(self.view.runs if run_ids is None else run_ids):
            for path, value in self.view.values(run_id).items():
                if (pattern is None or pattern.matches(path)) and (types is None or value.type in types):
                    counts[path, value.type.value] += 1
        return sorted(Definition(path, kind, count) for (path, kind), count in counts.items())

    def values(
        self, run_ids: Sequence[str], *, paths: Sequence[str] | None = None, pattern: Pattern | None = None
    ) -> dict[str, dict[str, Value]]:
        """Return attributes; see `Index.values`."""
        return {
            run_id: {
                path: value
                for path, value in sorted(self.view.values(run_id).items())
                if (path in paths if paths is not None else pattern is None or pattern.matches(path))
            }
            for run_id in run_ids
            if run_id in self.view.runs
        }

    def points(self, request: PointsRequest) -> list[Series]:
        """Return points; see `Index.points`."""
        found = []
        for key in request.series:
            seen = self.view.seen(key.run_id, key.path, request.inherit)
            if seen is not None:
                found.append(_series(key, seen, request))
        return found

    def buckets(self, request: BucketsRequest) -> Buckets:
        """Return aggregates on one grid; see `Index.buckets`."""
        lines: dict[SeriesKey, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}
        for key in request.series:
            seen = self.view.seen(key.run_id, key.path, request.inherit)
            if seen is not None and seen.type is AttributeType.FLOAT_SERIES:
                points = [(getattr(point, request.x), point.value) for point, _ in seen.committed]
                points.sort(key=lambda point: point[0])
                xs, values = zip(*points, strict=True) if points else ((), ())
                lines[key] = np.array(xs, np.int64), np.array(values, np.float64)
        low, high = request.x_range
        inside = [x for xs, _ in lines.values() for x in xs.tolist()]
        inside = [x for x in inside if (low is None or low <= x) and (high is None or x <= high)]
        if low is None:
            low = min(inside, default=0 if high is None else high)
        if high is None:
            high = max(inside, default=low)
        on_grid = [(xs >= low) & (xs <= high) for xs, _ in lines.values()]
        parts = [(xs[some], values[some]) for (xs, values), some in zip(lines.values(), on_grid, strict=True)]
        return bucketed(Grid(low, high, request.count), list(lines), parts)

    def close(self) -> None:
        """Forget everything."""
        self._batches.clear()
        self._view = None


def _writer(key: JournalKey, taken: list[Batch]) -> Writer:
    records = [record for batch in taken for record in batch.records]
    states = [record for record in records if record.kind in (Kind.STATUS, Kind.CLOSE)]
    return Writer(
        key,
        taken[0].identity,
        taken[-1].end,
        max([int(taken[0].identity.get("created", 0)), *(batch.last_time for batch in taken)]),
        (states[-1].body.get("state") if states else None) or "running",
        bool(states) and states[-1].kind == Kind.CLOSE,
        tuple((damage.offset, damage.length, damage.reason) for batch in taken for damage in batch.damage),
        taken[-1].carry,
    )


def _sorted(nodes: list[RunNode], sort: Sort, values: Callable[[str], Mapping[str, Value]]) -> list[RunNode]:
    """Sort stably: by kind, within each by value; then values without order, then runs without the attribute."""
    groups: dict[int, list[tuple[Any, RunNode]]] = defaultdict(list)
    without: list[RunNode] = []
    for node in nodes:
        key = sort_key(values(node.run_id).get(sort.attribute.name), sort)
        if key is None:
            without.append(node)
        else:
            groups[key[0]].append((key[1], node))
    for entries in groups.values():
        entries.sort(key=lambda entry: entry[0], reverse=sort.descending)
    return [node for place in sorted(groups) for _, node in groups[place]] + without


def _series(key: SeriesKey, seen: Seen, request: PointsRequest) -> Series:
    first, last = request.step_range
    chosen = seen.replaced if request.replaced else seen.committed + (seen.previews if request.previews else [])
    chosen = [
        (point, segment)
        for point, segment in chosen
        if (first is None or point.step >= first) and (last is None or point.step <= last)
    ]
    if request.tail is not None:
        chosen = chosen[max(0, len(chosen) - request.tail) :]
    values: Any = [point.value for point, _ in chosen]
    completion = [1.0 if point.completion is None else point.completion for point, _ in chosen]
    return Series(
        key,
        seen.type,
        seen.clock_axis,
        np.array([point.step for point, _ in chosen], np.int64),
        np.array([point.time for point, _ in chosen], np.int64),
        np.array(values, np.float64) if seen.type is AttributeType.FLOAT_SERIES else values,
        np.array([segment for _, segment in chosen], np.int32),
        seen.segments,
        np.array(completion, np.float64) if request.previews else None,
        np.array([point.completion is not None for point, _ in chosen], np.bool_) if request.previews else None,
    )
