"""What a reader makes of a journal's bytes: records, and columns of metric rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from runfork.journal.format import Kind


class JournalKey(NamedTuple):
    """Names one journal within a project.

    Args:
        run_id: The run it belongs to.
        writer: The writer's name: its start time in UTC first, so that names sort by start; then host, pid, a random part.
    """

    run_id: str
    writer: str


class Record(NamedTuple):
    """One frame that is not a metric row.

    Args:
        kind: What it says.
        offset: Byte offset of its frame in the journal.
        time: Microseconds since 1970, as the writer's clock showed.
        order_time: The largest `time` of any record in this journal up to here (points of series left out); never decreases, so
            that it orders edits within a writer whatever its clock does.
        step: Micro-steps, or NO_STEP.
        clock_axis: The step is Unix time.
        body: The JSON payload.
    """

    kind: Kind
    offset: int
    time: int
    order_time: int
    step: int
    clock_axis: bool
    body: Mapping[str, Any]


@dataclass(frozen=True)
class MetricRows:
    """Rows of one schema that follow each other in a journal (rows of other schemas may stand between them).

    Args:
        paths: The m attribute paths, one per column.
        steps: int64[n], micro-steps, in the order written.
        times: int64[n], microseconds since 1970.
        values: float64[n, m].
        completion: float64[n] for previews, else None.
        clock_axis: The steps are Unix time.
        sequences: int64[n]: byte offsets of the rows' frames, which order rows of different schemas within the journal.
    """

    paths: tuple[str, ...]
    steps: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    completion: npt.NDArray[np.float64] | None
    clock_axis: bool
    sequences: npt.NDArray[np.int64]


class Damage(NamedTuple):
    """A stretch of a journal that could not be read.

    Args:
        offset: Where it begins.
        length: How many bytes.
        reason: Why, in words.
        is_sound: The bytes are whole frames; what they mean is lost.
    """

    offset: int
    length: int
    reason: str
    is_sound: bool = False


@dataclass(frozen=True)
class Batch:
    """What one read of one journal gave, from byte `start` up to byte `end`.

    Args:
        key: The journal.
        identity: The journal's header: project, run_id, writer, host, pid, boot_id, process_start, rank, created.
        start: Offset of the first byte read (0 is the header).
        end: Offset after the last whole frame; the next read begins here.
        records: Everything but metric rows, in order.
        rows: Metric rows, grouped by schema, or by names that stand in the same rows where the names vary; within a group in
            order.
        damage: What was skipped.
        last_time: The largest time of any frame, rows and points included, that the writer's clock showed: 0 where none is known
            to be, which those of earlier versions' rows and points are not.
        carry: What a reader needs to go on from `end` in another process: {"order_time": us, "seal": checksum of what lies before
            `end`, "schemas": {id: offset of the SCHEMA frame}}, and "lost": [ids] where rows were passed over because no SCHEMA
            frame of theirs could be read. An index stores it with the offset and returns it in `Writer.carry`.
    """

    key: JournalKey
    identity: Mapping[str, Any]
    start: int
    end: int
    records: list[Record] = field(default_factory=list)
    rows: list[MetricRows] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    last_time: int = 0
    carry: dict[str, Any] = field(default_factory=dict)
