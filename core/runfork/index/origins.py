"""Where runs come from: what CREATE, LINEAGE and MARK records amount to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runfork.attributes import AttributeType
from runfork.index.edits import EditKey
from runfork.index.interface import Value
from runfork.journal.format import Kind
from runfork.lineage import Fork, RunNode, depth, is_pending
from runfork.steps import MICRO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.journal.records import Record

__all__ = ["Mark", "Origin", "default_values", "derived_values", "fork_of", "origin_of", "running_seconds"]


@dataclass(frozen=True)
class Origin:
    """How a run began.

    Args:
        created: Creation time, microseconds.
        experiment_name: The name it claims.
        inherit_configs: Whether it takes over its parent's configs.
        parent: Run id of its parent, or None.
        step: Fork step, micro-steps.
        mark: The checkpoint mark that it was forked from, or None.
    """

    created: int
    experiment_name: str | None = None
    inherit_configs: bool = True
    parent: str | None = None
    step: int = 0
    mark: str | None = None


@dataclass(frozen=True)
class Mark:
    """What a checkpoint mark recorded: its time, and cuts of series on axes of their own."""

    time: int
    cuts: Mapping[str, int]


def origin_of(records: Iterable[tuple[str, Record]], *, created: int) -> Origin:
    """Work out a run's origin.

    The CREATE of the writer with the smallest name stands; a later one gives the run a name if it had none. The first fork
    stands, by (order_time, writer, offset). A fork was created after the mark that it was forked from, whatever its host's clock
    said.

    Args:
        records: Its CREATE and LINEAGE records with their writers, in any order.
        created: When its first journal was created: the creation time if there is no CREATE.
    """
    records = list(records)
    creates = sorted(
        ((writer, record.offset, record) for writer, record in records if record.kind == Kind.CREATE),
        key=lambda entry: entry[:2],
    )
    forks = [
        (EditKey(record.order_time, writer, record.offset), record.body)
        for writer, record in records
        if record.kind == Kind.LINEAGE
    ]
    body: Mapping[str, Any] = {}
    if creates:
        writer, offset, record = creates[0]
        body = record.body
        if body.get("fork"):
            inherit = body.get("inherit_configs", True)
            forks.append((EditKey(record.order_time, writer, offset), {**body["fork"], "inherit_configs": inherit}))
    fork = min(forks, key=lambda entry: entry[0])[1] if forks else {}
    names = [record.body.get("experiment_name") for _, _, record in creates]
    told = body.get("creation_time")
    born = created if told is None else told
    return Origin(
        created=max(born, fork["mark_time"] + 1) if fork.get("mark_time") is not None else born,
        experiment_name=next((name for name in names if name is not None), None),
        inherit_configs=fork.get("inherit_configs", body.get("inherit_configs", True)),
        parent=fork.get("parent"),
        step=fork.get("step", 0),
        mark=fork.get("mark"),
    )


def fork_of(origin: Origin, mark: Mark | None, last_time: int | None) -> Fork | None:
    """Return the fork as lineage sees it.

    Args:
        origin: The run's origin.
        mark: The mark it names, if the parent has it.
        last_time: The largest time of the step-axis metric points that it inherits, or None if there is none.
    """
    if origin.parent is None:
        return None
    if mark is not None:
        return Fork(origin.parent, origin.step, clock=mark.time, cuts=mark.cuts)
    return Fork(origin.parent, origin.step, clock=origin.created if last_time is None else last_time)


def derived_values(
    node: RunNode,
    origin: Origin,
    nodes: Mapping[str, RunNode],
    *,
    is_head: bool,
    last_time: int,
    running_seconds: float,
    state: str | None,
) -> dict[str, Value]:
    """Return the ``sys/`` attributes that follow from others."""

    def value(kind: AttributeType, what: Any, time: int = node.created) -> Value:
        return Value(kind, what, node.run_id, time)

    found = {
        "sys/modification_time": value(AttributeType.DATETIME, last_time, last_time),
        "sys/running_time_seconds": value(AttributeType.FLOAT, running_seconds, last_time),
        "sys/forking/depth": value(AttributeType.INT, depth(node.run_id, nodes)),
    }
    if node.experiment_name is not None:
        found["sys/experiment/is_head"] = value(AttributeType.BOOL, is_head)
    if node.fork is not None:
        found["sys/forking/parent"] = value(AttributeType.STRING, node.fork.parent)
        found["sys/forking/step"] = value(AttributeType.FLOAT, node.fork.step / MICRO)
        if origin.mark is not None:
            found["sys/forking/mark"] = value(AttributeType.STRING, origin.mark)
        if is_pending(node.run_id, nodes):
            found["sys/forking/is_pending"] = value(AttributeType.BOOL, True)
    if state is not None:
        found["sys/state"] = value(AttributeType.STRING, state, last_time)
        found["sys/failed"] = value(AttributeType.BOOL, state == "failed", last_time)
    return found


def running_seconds(spans: Iterable[tuple[int, int]]) -> float:
    """Return for how long at least one of a run's processes was at it: those of all ranks count once.

    Args:
        spans: When each journal was created, and when the last of its frames was written, microseconds.
    """
    total = 0
    end = None
    for first, last in sorted(spans):
        total += max(0, last - (first if end is None else max(first, end)))
        end = last if end is None else max(end, last)
    return total / 1e6


def default_values(node: RunNode) -> dict[str, Value]:
    """Return what every run has where nobody said otherwise."""
    return {
        "sys/tags": Value(AttributeType.STRING_SET, frozenset(), node.run_id, node.created),
        "sys/group_tags": Value(AttributeType.STRING_SET, frozenset(), node.run_id, node.created),
        "sys/archived": Value(AttributeType.BOOL, False, node.run_id, node.created),
    }
