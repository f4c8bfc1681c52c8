"""How far the journals of a run have got, as whoever resumes it or takes its id must know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.disk.layout import journals_of
from runfork.disk.liveness import LOST_AFTER_SECONDS, is_silent, lives_here
from runfork.errors import FormatError
from runfork.journal.format import Kind
from runfork.model.steps import NO_STEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runfork.journal.records import Batch

SAME_STEP = 1000
"""Micro-steps behind a mark that still belong to its step: integrations place what they log several times at one step, such as the
paths of several checkpoint files, at millionths of a step behind it."""

_POINTS = (Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES)


Passes = Callable[[Path, Mapping[str, Any], bool], bool]
"""Whether a journal is passed over, by its path, its header, and whether it is closed."""


@dataclass(frozen=True)
class ParentState:
    """How far the run that wrote a checkpoint has got.

    Args:
        has_mark: Its journals hold the checkpoint's mark.
        has_gone_on: It logged a point after the mark whose step is beyond the mark's. Console lines and hardware metrics do
            not count: they go on after the last checkpoint until the process ends.
        is_alive: A process may still be logging to it.
        last_step: The largest step, in micro-steps, of its points; None if it has none.
        is_here: There is a journal of it.
    """

    has_mark: bool
    has_gone_on: bool
    is_alive: bool
    last_step: int | None = None
    is_here: bool = True

    def reason_against_continuing(self) -> str | None:
        """Return why the run cannot simply be continued from the mark, or None if it can."""
        if not self.has_mark:
            return "has no such mark in its journals here"
        if self.is_alive:
            return "is still running"
        return "logged points beyond this checkpoint" if self.has_gone_on else None

    def reason_for_an_attempt(self) -> str | None:
        """Return why a run of the same id would hide points of this one, or None if it would hide none."""
        if not self.is_here:
            return "is not here"
        if self.is_alive:
            return "is still running"
        return "has points beyond this checkpoint" if self.has_gone_on else None


def examine_parent(
    run_directory: Path, mark: str, *, step: int | None = None, passes: Passes = lambda *_: False
) -> ParentState:
    """Read the journals of the run that wrote a checkpoint.

    Args:
        run_directory: Its folder; it need not exist.
        mark: Id of the checkpoint mark.
        step: The mark's step in micro-steps: where the mark is not there, points beyond it are those that came after it.
        passes: Journals whose points do not count: those of this very launch.
    """
    paths = list(journals_of(run_directory))
    found = next((at for path in paths for batch in _read(path) if (at := _find_mark(path, batch, mark))), None)
    beyond = found.step if found is not None else step
    others = _examined(paths, passes, found, beyond)
    return ParentState(
        found is not None,
        any(one.has_gone_on for one in others),
        any(one.is_alive for one in others),
        _largest(one.last_step for one in others),
        bool(others) or found is not None,
    )


@dataclass(frozen=True)
class _Examined:
    """What one journal says of how far its run has got."""

    path: Path
    identity: Mapping[str, Any]
    is_closed: bool
    state: str
    has_gone_on: bool
    last_step: int | None

    @property
    def is_alive(self) -> bool:
        return not self.is_closed and self.state == "running" and _may_live(self.identity, self.path)


def _examined(
    paths: Iterable[Path], passes: Passes, found: _Marked | None = None, beyond: int | None = None
) -> list[_Examined]:
    """Read the journals that hold something and are not passed over."""
    examined = (_examine(path, found, beyond) for path in paths)
    return [one for one in examined if one is not None and not passes(one.path, one.identity, one.is_closed)]


def _largest(steps: Iterable[int | None]) -> int | None:
    return max((step for step in steps if step is not None), default=None)


def _examine(path: Path, found: _Marked | None, beyond: int | None) -> _Examined | None:
    """Read one journal; None if it holds nothing."""
    last: Batch | None = None
    is_closed = has_gone_on = False
    state = "running"
    last_step: int | None = None
    for batch in _read(path):
        last = batch
        if batch.records:
            is_closed = batch.records[-1].kind == Kind.CLOSE
        for record in batch.records:
            state = record.body.get("state") or state if record.kind == Kind.STATUS else state
        after = _After() if found is None else _after(found, path, batch)
        has_gone_on = has_gone_on or (beyond is not None and _goes_beyond(batch, beyond + SAME_STEP, after))
        last_step = _largest((last_step, _last_step(batch)))
    return None if last is None else _Examined(path, last.identity, is_closed, state, has_gone_on, last_step)


def _may_live(identity: Mapping[str, Any], path: Path) -> bool:
    """Return whether a process may still be logging: whoever takes over what it wrote must not trust another host's clock."""
    known = lives_here(identity)
    return not is_silent(path, LOST_AFTER_SECONDS) if known is None else known


class _Marked(NamedTuple):
    """Where a mark stands."""

    path: Path
    offset: int
    step: int
    time: int
    journals: Mapping[str, int] | None
    """How long the run's other journals were; None in marks of early versions."""


def _find_mark(path: Path, batch: Batch, mark: str) -> _Marked | None:
    for record in batch.records:
        if record.kind == Kind.MARK and record.body.get("mark") == mark:
            return _Marked(path, record.offset, record.step, record.time, record.body.get("journals"))
    return None


def _after(mark: _Marked, path: Path, batch: Batch) -> _After:
    """Return what of a journal lies after a mark: by place, unless a mark of early versions does not say it of other journals."""
    if path == mark.path:
        return _After(offset=mark.offset)
    if mark.journals is not None:
        return _After(offset=mark.journals.get(path.stem, 0) - 1)
    return _After(time=mark.time) if int(batch.identity["created"]) <= mark.time else _After()


class _After(NamedTuple):
    """Records behind an offset and a time."""

    offset: int = -1
    time: int = -1


def is_taken(run_directory: Path, *, passes: Passes) -> bool:
    """Return whether a run has a journal in its folder that does not pass."""
    return bool(_examined(journals_of(run_directory), passes))


def last_step(journals: Iterable[Path], *, passes: Passes = lambda *_: False) -> int | None:
    """Return the largest step, in micro-steps, of the points in journals that do not pass; None if there is none.

    Console lines and hardware metrics do not count.
    """
    return _largest(one.last_step for one in _examined(journals, passes))


def _read(path: Path) -> Iterator[Batch]:
    """Yield what can be read of a journal; one that is damaged from the start holds nothing."""
    from runfork.journal.reader import JournalReader  # NumPy comes with it, which a process that only logs does without

    with suppress(OSError, FormatError):
        yield from JournalReader(path).batches()


def _last_step(batch: Batch) -> int | None:
    """Return the largest step of a batch's points."""
    points = [
        record.step
        for record in batch.records
        if record.kind in _POINTS and not record.clock_axis and record.step != NO_STEP
    ]
    rows = [int(rows.steps.max()) for rows in batch.rows if not rows.clock_axis and len(rows.steps)]
    return max(points + rows, default=None)


def _goes_beyond(batch: Batch, step: int, after: _After) -> bool:
    return any(
        record.kind in _POINTS
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
