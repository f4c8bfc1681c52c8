"""Families: all runs that descend from one root, with what each fork changed and what the head still shows of each run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runfork.index.interface import BucketsRequest, SeriesKey
from runfork.model.attributes import AttributeType, is_system_path, state_in
from runfork.model.differences import config_changes
from runfork.model.lineage import ancestors, children_of, heads, lineage_extents
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.index.interface import Index
    from runfork.model.attributes import Value
    from runfork.model.differences import Change
    from runfork.model.lineage import Extent, RunNode, StepRange

_CONFIGS_AND_STATE = "!^(sys|runtime|source_code)/ | ^sys/state$"


@dataclass(frozen=True)
class Member:
    """One run of a family.

    Args:
        node: The run as lineage sees it.
        extent: Its steps, as seen from the family's focus.
        state: running, finished, failed, ...; None if nobody has worked it out.
        changes: Configs that differ from its parent's; empty for a root and for a run whose parent is not there.
        is_head: Whether it is the head of its experiment.
        is_pending: Whether it names a parent that is not there yet.
    """

    node: RunNode
    extent: Extent
    state: str | None
    changes: list[Change]
    is_head: bool
    is_pending: bool


@dataclass(frozen=True)
class Family:
    """All runs below the roots that a focus, and the experiment that it was asked for by, descend from.

    Args:
        focus: The run from which kept and pruned are told: an experiment's head, or the run that was named.
        experiment_name: The experiment that was asked for; None if it was a run.
        roots: Roots, the focus' own first, then by creation.
        members: Every run by id, parents before their children.
        children: Each parent's children, by creation.
    """

    focus: str
    experiment_name: str | None
    roots: list[str]
    members: dict[str, Member]
    children: dict[str, list[str]]

    @property
    def lineage(self) -> list[str]:
        """The runs from the root down to the focus."""
        return ancestors(self.focus, {run_id: member.node for run_id, member in self.members.items()})[::-1]


def read_family(index: Index, focus: str, *, experiment_name: str | None = None) -> Family:
    """Read the family of a run.

    Args:
        index: The project's index, up to date.
        focus: The run from which to look.
        experiment_name: Take in the families of all runs that ever had this name, too.
    """
    nodes = index.nodes()
    children = children_of(nodes.values())
    roots = _roots(nodes, focus, experiment_name)
    run_ids = _descendants(roots, children)
    values = index.values(run_ids, pattern=compile_pattern(_CONFIGS_AND_STATE))
    ranges = own_step_ranges(index, nodes, values)
    extents = lineage_extents(focus, nodes, {run_id: ranges.get(run_id) for run_id in run_ids})
    head_ids = set(heads(nodes.values()).values())

    def member(run_id: str) -> Member:
        node, fork = nodes[run_id], nodes[run_id].fork
        known_parent = fork.parent if fork is not None and fork.parent in values else None
        return Member(
            node=node,
            extent=extents[run_id],
            state=state_in(values.get(run_id, {})),
            changes=[] if known_parent is None else config_changes(values[known_parent], values.get(run_id, {})),
            is_head=run_id in head_ids,
            is_pending=fork is not None and fork.parent not in nodes,
        )

    members = {run_id: member(run_id) for run_id in run_ids}
    return Family(focus, experiment_name, roots, members, {run_id: children.get(run_id, []) for run_id in run_ids})


def _roots(nodes: Mapping[str, RunNode], focus: str, experiment_name: str | None) -> list[str]:
    same_name = (node for node in nodes.values() if experiment_name and node.experiment_name == experiment_name)
    others = sorted(
        {ancestors(node.run_id, nodes)[-1] for node in same_name}, key=lambda one: (nodes[one].created, one)
    )
    own = ancestors(focus, nodes)[-1]
    return [own, *(root for root in others if root != own)]


def _descendants(roots: Iterable[str], children: Mapping[str, list[str]]) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(roots)
    while waiting:
        run_id = waiting.pop(0)
        if run_id not in found:  # damaged data may hold a circle
            found[run_id] = None
            waiting.extend(children.get(run_id, ()))
    return list(found)


def own_step_ranges(
    index: Index, nodes: Mapping[str, RunNode], values: Mapping[str, Mapping[str, Value]]
) -> dict[str, StepRange]:
    """Return the first and last step that each run logged itself, over its user-defined float series.

    Series that a checkpoint mark gave a cut of their own are left out: they count something else.

    Args:
        index: The project's index.
        nodes: Every known run.
        values: The values of the runs of interest, by run id and path.

    Returns:
        Micro-steps by run id; runs without such points are left out.
    """
    other_axes = {path for node in nodes.values() if node.fork is not None for path in node.fork.cuts}
    ranges = {}
    for run_id, attributes in values.items():
        own = {
            path: value.statistics
            for path, value in attributes.items()
            if value.type is AttributeType.FLOAT_SERIES and value.source_run == run_id and not is_system_path(path)
            and path not in other_axes
            and value.statistics and value.statistics.get("last_step") is not None
        }  # fmt: skip
        if own:
            last = max(int(statistics["last_step"]) for statistics in own.values())
            inherits = nodes[run_id].fork is not None
            first = (
                _first_own_step(index, run_id, own) if inherits else min(int(one["first_step"]) for one in own.values())
            )
            ranges[run_id] = (min(first, last), last)
    return ranges


def _first_own_step(index: Index, run_id: str, paths: Iterable[str]) -> int:
    series = [SeriesKey(run_id, path) for path in paths]
    buckets = index.buckets(BucketsRequest(series, count=1, inherit="own"))
    return int(np.nanmin(buckets.first_x))
