"""What a resume makes of a run: the default decision, as a plugin, and whether a run can simply be continued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.hookspecs import Decision, hookimpl
from runfork.journal.format import Kind
from runfork.journal.reader import JournalReader
from runfork.store import journals_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runfork.journal.records import Batch
    from runfork.run import Run

__all__ = ["decide_resume", "has_points_after_mark"]


@hookimpl(trylast=True)
def decide_resume(run: Run, mark: Mapping[str, Any]) -> Decision:
    """Follow the setting ``resume_policy`` (``RUNFORK_RESUME``)."""
    del mark
    return run.settings.resume_policy  # type: ignore[return-value]


def has_points_after_mark(run_directory: Path, mark: str) -> bool | None:
    """Return whether a run went on after it wrote a checkpoint mark: logged a point whose step is beyond the mark's.

    Console lines and hardware metrics do not count: they go on after the last checkpoint until the process ends.

    Returns:
        None if the mark is not in its journals.
    """
    mark_step: int | None = None
    has_gone_on = False
    for path in journals_of(run_directory):
        reader, start = JournalReader(path), 0
        marked_at = None if mark_step is None else -1  # journals of later sessions lie after the mark as a whole
        while (batch := reader.read(start)) is not None and batch.end > start:
            start = batch.end
            for record in batch.records:
                if record.kind == Kind.MARK and record.body.get("mark") == mark:
                    marked_at, mark_step = record.offset, record.step
            if marked_at is not None and mark_step is not None:
                has_gone_on = has_gone_on or _goes_beyond(batch, marked_at, mark_step)
    return None if mark_step is None else has_gone_on


def _goes_beyond(batch: Batch, offset: int, step: int) -> bool:
    points = (Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES)
    return any(
        record.kind in points and not record.clock_axis and record.offset > offset and record.step > step
        for record in batch.records
    ) or any(
        not rows.clock_axis and bool(((rows.sequences > offset) & (rows.steps > step)).any()) for rows in batch.rows
    )
