"""What a resume makes of a run: the default decision, as a plugin, and whether a run can simply be continued."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.errors import FormatError
from runfork.hookspecs import Decision, hookimpl
from runfork.journal.format import Kind
from runfork.recorder import now_us
from runfork.status import is_alive
from runfork.store import journals_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runfork.journal.records import Batch
    from runfork.run import Run

__all__ = ["ParentState", "decide_resume", "examine_parent", "has_points"]

SAME_STEP = 1000
"""Micro-steps behind a mark that still belong to its step: integrations place what they log several times at one step, such as the
paths of several checkpoint files, at millionths of a step behind it."""


@hookimpl(trylast=True)
def decide_resume(run: Run, mark: Mapping[str, Any]) -> Decision:
    """Follow the setting ``resume_policy`` (``RUNFORK_RESUME``)."""
    del mark
    return run.settings.resume_policy  # type: ignore[return-value]


@dataclass(frozen=True)
class ParentState:
    """How far the run that wrote a checkpoint has got.

    Args:
        has_mark: Its journals hold the checkpoint's mark.
        has_gone_on: It logged a point after the mark whose step is beyond the mark's. Console lines and hardware metrics do
            not count: they go on after the last checkpoint until the process ends.
        is_alive: A process may still be logging to it.
    """

    has_mark: bool
    has_gone_on: bool
    is_alive: bool

    def reason_against_continuing(self) -> str | None:
        """Return why the run cannot simply be continued from the mark, or None if it can."""
        if not self.has_mark:
            return "has no such mark in its journals here"
        if self.is_alive:
            return "is still running"
        return "logged points beyond this checkpoint" if self.has_gone_on else None


def examine_parent(run_directory: Path, mark: str) -> ParentState:
    """Read the journals of the run that wrote a checkpoint.

    Args:
        run_directory: Its folder; it need not exist.
        mark: Id of the checkpoint mark.
    """
    paths = list(journals_of(run_directory))
    found = next((at for path in paths for batch in _batches(path) if (at := _find_mark(path, batch, mark))), None)
    has_gone_on = is_any_alive = False
    for path in paths:
        last: Batch | None = None
        is_closed = False
        for batch in _batches(path):
            last = batch
            if batch.records:
                is_closed = batch.records[-1].kind == Kind.CLOSE
            has_gone_on = has_gone_on or (
                found is not None and _goes_beyond(batch, found.step + SAME_STEP, _after(found, path, batch))
            )
        if last is not None and not is_closed:
            modified = path.stat().st_mtime_ns // 1000
            is_any_alive = is_any_alive or is_alive(last.identity, modified, now=now_us())
    return ParentState(found is not None, has_gone_on, is_any_alive)


class _Marked(NamedTuple):
    """Where a mark stands."""

    path: Path
    offset: int
    step: int
    time: int


def _find_mark(path: Path, batch: Batch, mark: str) -> _Marked | None:
    for record in batch.records:
        if record.kind == Kind.MARK and record.body.get("mark") == mark:
            return _Marked(path, record.offset, record.step, record.time)
    return None


def _after(mark: _Marked, path: Path, batch: Batch) -> _After:
    """Return what of a journal lies after a mark: by place in its own; by time in those of other processes of its session."""
    if path == mark.path:
        return _After(offset=mark.offset)
    return _After(time=mark.time) if int(batch.identity["created"]) <= mark.time else _After()


class _After(NamedTuple):
    """Records behind an offset and a time."""

    offset: int = -1
    time: int = -1


def has_points(run_directory: Path) -> bool:
    """Return whether a run has a point of a series in its journals; console lines and hardware metrics do not count."""
    return any(_goes_beyond(batch, -1, _After()) for path in journals_of(run_directory) for batch in _batches(path))


def _batches(path: Path) -> Iterator[Batch]:
    """Yield what can be read of a journal; one that is damaged from the start holds nothing."""
    from runfork.journal.reader import JournalReader  # NumPy comes with it, which a process that only logs does without

    reader, start = JournalReader(path), 0
    with suppress(OSError, FormatError):
        while (batch := reader.read(start)) is not None and batch.end > start:
            yield batch
            start = batch.end


def _goes_beyond(batch: Batch, step: int, after: _After) -> bool:
    points = (Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES)
    return any(
        record.kind in points
        and not record.clock_axis
        and record.offset > after.offset
        and record.time > after.time
        and record.step > step
        for record in batch.records
    ) or any(
        not rows.clock_axis
        and bool(((rows.sequences > after.offset) & (rows.times > after.time) & (rows.steps > step)).any())
        for rows in batch.rows
    )
