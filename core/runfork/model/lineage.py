"""Lineage: what a run inherits, from whom, and up to where. Pure: no I/O, no clock, no lock.

A run that was forked sees its parent's points up to and including a **cut**. Further up, an ancestor's points are seen up to
the smallest cut on the way down. The cut of a series on the step axis is the fork step, unless the checkpoint mark recorded
another for that series (validation batches counted on their own, say). Of a series on the step axis that had no point yet when
the mark was written, nothing is inherited that the parent logged later. The cut of a series on the clock axis is the moment
at which the checkpoint was written.

A run's own point wins over an inherited one at the same step; elsewhere both are seen.

Single values are inherited as they stood in the parent's journals when the fork was marked: by place, not by a clock (`Snapshot`).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

NOTHING, EVERYTHING = -(2**63), 2**63 - 1

StepRange = tuple[int, int]
"""First and last micro-step of something."""


class Snapshot(NamedTuple):
    """Which records of a parent's journals count for a fork: those that stood there when it was marked.

    Args:
        sizes: Of these journals, by writer: what begins before so many bytes.
        others: Of all other journals: what has an order_time up to this. `NOTHING` and `EVERYTHING` say so.
    """

    sizes: Mapping[str, int] = {}
    others: int = EVERYTHING

    def holds(self, place: tuple[int, str, int]) -> bool:
        """Return whether it holds the record at a place: order_time, writer, offset."""
        order_time, writer, offset = place
        size = self.sizes.get(writer)
        return order_time <= self.others if size is None else offset < size


class Fork(NamedTuple):
    """Where a run left its parent.

    Args:
        parent: The parent's run id.
        step: Fork step in micro-steps, inclusive: the cut of series on the step axis.
        clock: Cut of series on the clock axis, in microseconds since 1970.
        cuts: Cuts of single series that a checkpoint mark recorded, path to micro-step.
        snapshot: What of the parent's journals single values come from.
        is_marked: A mark of the parent says all this. Of a series on the step axis that had no point in the snapshot, and for
            which the mark recorded no cut, nothing of the parent's own is inherited: it may count something else.
    """

    parent: str
    step: int
    clock: int = MAX_MICRO_STEP
    cuts: Mapping[str, int] = {}
    snapshot: Snapshot = Snapshot()
    is_marked: bool = False

    def cut(self, path: str, *, clock_axis: bool = False) -> int:
        """Return the last micro-step of `path` that the child inherits."""
        recorded = self.cuts.get(path)
        if recorded is not None:
            return recorded
        return self.clock if clock_axis else self.step


class RunNode(NamedTuple):
    """A run as lineage sees it.

    Args:
        run_id: Its id.
        created: Creation time, microseconds since 1970; see `ordering_time`.
        experiment_name: The name it claims, or None.
        fork: Its fork, or None for a root.
        is_archived: Archived runs are no heads.
        is_empty: It has ended, or nobody knows of it that it runs, and it has no point on a step axis: it is a head only where
            all runs of its name are like that.
        born: When it was created by its own account; tells which of two runs is later whose parents are too late for both.
    """

    run_id: str
    created: int
    experiment_name: str | None = None
    fork: Fork | None = None
    is_archived: bool = False
    is_empty: bool = False
    born: int = 0


class Segment(NamedTuple):
    """The part of a lineage that one run contributes to a series: its points with ``step <= high``."""

    run_id: str
    high: int = MAX_MICRO_STEP


class Extent(NamedTuple):
    """What became of the steps that one run logged, as seen from a head.

    Args:
        own: First and last step that the run logged itself; None if it logged no point.
        kept: The part of it that the head shows; None if there is none.
        pruned: The part that an ancestor logged beyond its cut; its first bound itself is kept where `kept` ends there. None if
            there is none, and of runs beside the lineage, from which nothing was taken.
        is_in_lineage: Whether the run is the head or one of its ancestors.
    """

    own: StepRange | None
    kept: StepRange | None
    pruned: StepRange | None
    is_in_lineage: bool


def ancestors(run_id: str, runs: Mapping[str, RunNode]) -> list[str]:
    """Return the lineage from `run_id` up to the root, itself first.

    It ends at a root, at a parent that is not there (a pending fork), or before a run that was already met (damaged data).
    """
    path: list[str] = []
    seen: set[str] = set()
    current: str | None = run_id
    while current is not None and current in runs and current not in seen:
        path.append(current)
        seen.add(current)
        fork = runs[current].fork
        current = fork.parent if fork else None
    return path


def segments(
    run_id: str, runs: Mapping[str, RunNode], *, path: str = "", clock_axis: bool = False, inherit: bool = True
) -> list[Segment]:
    """Return the segments of a series as seen from `run_id`: root first, the run itself last, each overlaying those before.

    Args:
        run_id: The run from which to look.
        runs: Every known run of the project.
        path: The series, for cuts of its own.
        clock_axis: Whether the series is on the clock axis.
        inherit: False gives the run's own segment only.
    """
    found = [Segment(run_id)]
    if not inherit:
        return found
    high = MAX_MICRO_STEP
    lineage = ancestors(run_id, runs)
    for child, parent in pairwise(lineage):
        fork = runs[child].fork
        assert fork is not None
        high = min(high, fork.cut(path, clock_axis=clock_axis))
        found.append(Segment(parent, high))
    return found[::-1]


def without(found: Sequence[Segment], missing: Collection[str]) -> list[Segment]:
    """Return segments with nothing of those runs in them."""
    return [one._replace(high=-1) if one.run_id in missing else one for one in found]


def ordering_time(run_id: str, runs: Mapping[str, RunNode]) -> int:
    """Return when a run counts as created: after its parent at any rate, whatever the clocks of their hosts said.

    Args:
        run_id: The run.
        runs: Every known run.
    """
    return max(runs[one].born + generation for generation, one in enumerate(ancestors(run_id, runs)))


def depth(run_id: str, runs: Mapping[str, RunNode]) -> int:
    """Return how many forks lie between `run_id` and its root; a pending parent counts as one more."""
    lineage = ancestors(run_id, runs)
    return len(lineage) - 1 + is_pending(lineage[-1], runs) if lineage else 0


def is_pending(run_id: str, runs: Mapping[str, RunNode]) -> bool:
    """Return whether `run_id` names a parent that is not there yet."""
    fork = runs[run_id].fork if run_id in runs else None
    return fork is not None and fork.parent not in runs


def children_of(runs: Iterable[RunNode]) -> dict[str, list[str]]:
    """Return each parent's children, ordered by creation."""
    found: dict[str, list[str]] = defaultdict(list)
    forked = ((node.created, node.run_id, node.fork.parent) for node in runs if node.fork is not None)
    for _, run_id, parent in sorted(forked):
        found[parent].append(run_id)
    return dict(found)


def heads(runs: Iterable[RunNode]) -> dict[str, str]:
    """Return the head of each experiment: the run created last with that name, archived ones left out.

    A run that ended without a point is none while another run of the name has points or still runs.
    """
    found: dict[str, RunNode] = {}
    for node in runs:
        if node.experiment_name is None or node.is_archived:
            continue
        best = found.get(node.experiment_name)
        if best is None or _rank(node) > _rank(best):
            found[node.experiment_name] = node
    return {name: node.run_id for name, node in found.items()}


def _rank(node: RunNode) -> tuple[bool, int, int, str]:
    return not node.is_empty, node.created, node.born, node.run_id


def lineage_extents(head: str, nodes: Mapping[str, RunNode], own: Mapping[str, StepRange | None]) -> dict[str, Extent]:
    """Return the extent of every run in `own` or in the lineage of `head`, on the step axis.

    Args:
        head: The run from which to look.
        nodes: Every known run of the project.
        own: First and last own step of each run of interest; None of one without points.
    """
    cuts = {segment.run_id: segment.high for segment in segments(head, nodes)}
    return {run_id: _extent(own.get(run_id), cuts.get(run_id)) for run_id in {**cuts, **own}}


def _extent(own: StepRange | None, cut: int | None) -> Extent:
    if own is None:
        return Extent(None, None, None, is_in_lineage=cut is not None)
    low, high = own
    if cut is None:
        return Extent(own, None, None, is_in_lineage=False)
    if cut < low:
        return Extent(own, None, own, is_in_lineage=True)
    if cut >= high:
        return Extent(own, own, None, is_in_lineage=True)
    return Extent(own, (low, cut), (cut, high), is_in_lineage=True)
