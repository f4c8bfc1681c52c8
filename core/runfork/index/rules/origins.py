"""Where runs come from: what CREATE, LINEAGE and MARK records amount to. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.index.interface import CheckpointMark
from runfork.journal.first_records import FirstRecord, creation_of
from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType, Value
from runfork.model.lineage import EVERYTHING, NOTHING, Fork, RunNode, Snapshot, depth, is_pending
from runfork.model.steps import MICRO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.journal.records import Record

DEFAULTS = ("sys/tags", "sys/group_tags", "sys/archived")
"""What every run has where nobody said otherwise."""
CONFLICTS = "sys/diagnostics/type_conflicts"
DERIVED = (
    "sys/modification_time",
    "sys/running_time_seconds",
    "sys/name",
    "sys/experiment/name",
    "sys/experiment/is_head",
    "sys/forking/parent",
    "sys/forking/step",
    "sys/forking/depth",
    "sys/forking/mark",
    "sys/forking/is_pending",
    "sys/state",
    "sys/failed",
    CONFLICTS,
)
"""What follows from others."""


class Origin(NamedTuple):
    """How a run began.

    Args:
        created: Creation time, microseconds.
        experiment_name: The name it claims.
        inherit_configs: Whether it takes over its parent's configs.
        parent: Run id of its parent, or None.
        step: Fork step, micro-steps.
        mark: The checkpoint mark that it was forked from, or None.
        snapshot: What of the parent's journals it takes single values from, where the parent has no such mark.
    """

    created: int
    experiment_name: str | None = None
    inherit_configs: bool = True
    parent: str | None = None
    step: int = 0
    mark: str | None = None
    snapshot: Snapshot = Snapshot()


class RecordedMark(NamedTuple):
    """What a checkpoint mark recorded: its time, cuts of series on axes of their own, and what the run's journals held."""

    time: int
    cuts: Mapping[str, int]
    snapshot: Snapshot


def mark_of(record: Record, writer: str) -> RecordedMark:
    """Return what a MARK record says. One of early versions does not say how far the journals of other writers were."""
    journals = record.body.get("journals")
    sizes = {**(journals or {}), writer: record.offset}
    snapshot = Snapshot(sizes, record.time if journals is None else NOTHING)
    return RecordedMark(record.time, record.body.get("cuts") or {}, snapshot)


def listed_mark(record: Record) -> CheckpointMark:
    """Return what a MARK record says to people."""
    epoch = record.body.get("epoch")
    is_told = type(epoch) is int and abs(epoch) < 2**63
    return CheckpointMark(record.body["mark"], record.step, record.time, epoch if is_told else None)


def by_step(mark: CheckpointMark) -> tuple[int, int, str]:
    """Return what marks are listed by."""
    return mark.step, mark.time, mark.mark_id


def origin_of(records: Iterable[tuple[str, Record]], *, created: int) -> Origin:
    """Work out a run's origin.

    What stands of several is said in `runfork.journal.first_records.creation_of`.

    Args:
        records: Its CREATE and LINEAGE records with their writers, in any order.
        created: When its first journal was created: the creation time if there is no CREATE.
    """
    body = creation_of(
        FirstRecord(record.order_time, writer, record.offset, record.kind, record.body)
        for writer, record in records
        if record.kind in (Kind.CREATE, Kind.LINEAGE)
    )
    fork = body.get("fork") or {}
    told = body.get("creation_time")
    created = created if told is None else told
    return Origin(
        created=created,
        experiment_name=body.get("experiment_name"),
        inherit_configs=fork.get("inherit_configs", body.get("inherit_configs", True)),
        parent=fork.get("parent"),
        step=fork.get("step", 0),
        mark=fork.get("mark"),
        snapshot=_snapshot(fork, created) if fork else Snapshot(),
    )


def _snapshot(fork: Mapping[str, Any], created: int) -> Snapshot:
    """Return what a fork takes single values from, where its parent has no mark that it names."""
    if fork.get("mark") is not None and fork.get("mark_time") is not None:
        return Snapshot(others=fork["mark_time"])
    if "journals" not in fork:  # of early versions
        return Snapshot(others=created)
    return Snapshot(others=EVERYTHING) if fork["journals"] is None else Snapshot(fork["journals"], NOTHING)


def fork_of(origin: Origin, mark: RecordedMark | None, last_time: int | None) -> Fork | None:
    """Return the fork as lineage sees it.

    Args:
        origin: The run's origin.
        mark: The mark it names, if the parent has it.
        last_time: The largest time of the step-axis metric points that it inherits, or None if there is none.
    """
    if origin.parent is None:
        return None
    if mark is not None:
        return Fork(origin.parent, origin.step, clock=mark.time, cuts=mark.cuts, snapshot=mark.snapshot, is_marked=True)
    clock = origin.created if last_time is None else last_time
    return Fork(origin.parent, origin.step, clock=clock, snapshot=origin.snapshot)


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
        found["sys/name"] = found["sys/experiment/name"] = value(AttributeType.STRING, node.experiment_name)
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
