"""What state a run is in, worked out by a reader: from what its processes said last, and from whether they live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from runfork.disk.liveness import LOST_AFTER_SECONDS, STRANGE_CLOCK_SECONDS, lives_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runfork.index.interface import Writer

State = Literal["running", "finished", "failed", "aborted", "preempted", "lost"]

_SEVERITY = {"failed": 0, "aborted": 1, "preempted": 2, "finished": 3, "running": 4}


class Look(NamedTuple):
    """What a reader saw when it found a journal longer than before, or for the first time. No clock of the writer's is in it.

    Args:
        time: When that was, by the reader's clock, microseconds since 1970.
        is_first: Whether it was the first look: nobody saw the journal grow.
        modified: The time of the file, microseconds since 1970; None where it is not known.
    """

    time: int
    is_first: bool = False
    modified: int | None = None

    def is_quiet(self, now: int) -> bool:
        """Return whether the journal's process has ended, as far as can be told by `now`, the same reader's clock.

        A journal that did not grow since is quiet. At the first look only a file that is very old is: its time may come from
        another clock.
        """
        if now - self.time >= LOST_AFTER_SECONDS * 1_000_000:
            return True
        return self.is_first and self.modified is not None and now - self.modified >= STRANGE_CLOCK_SECONDS * 1_000_000


def work_out_state(writers: Iterable[Writer], *, is_quiet: Callable[[Writer], bool]) -> State:
    """Return the state of a run from its journals.

    A session that is open and has not said how it ended is "running" while its process lives, which is known for sure on this
    host, and elsewhere until its journal is quiet. Else the newest session decides: what it said last, else "lost". Of several that
    went on side by side on hosts of different clocks none is the newest: the worst of what they said stands. Visitors, which only
    evaluate a checkpoint, decide nothing.

    Args:
        writers: The run's journals.
        is_quiet: Whether a journal whose process cannot be seen from here has stopped growing.
    """
    ordered = sorted(
        (writer for writer in writers if not writer.identity.get("is_visitor")), key=lambda writer: writer.key.writer
    )
    undecided = (writer for writer in ordered if not writer.is_closed and writer.state == "running")
    if any(_is_alive(writer, is_quiet) for writer in undecided):
        return "running"
    deciding = [writer for writer in ordered if not _is_secondary(writer)] or ordered
    if not deciding:
        return "lost"
    last = min(_newest(deciding), key=lambda writer: _SEVERITY.get(writer.state, -1))
    return last.state if last.state != "running" else "lost"  # type: ignore[return-value]


def _newest(writers: list[Writer]) -> list[Writer]:
    """Return those of some sessions that no other one came after."""
    if len(writers) == 1:
        return writers
    latest: dict[Any, Writer] = {}
    for writer in sorted(writers, key=_last_moment):
        latest[_clock(writer)] = writer
    found = list(latest.values())
    return [one for one in found if not any(_is_before(one, other) for other in found if other is not one)] or found


def _clock(writer: Writer) -> Any:
    """Return which clock a process went by: that of its machine, since its boot."""
    boot = writer.identity.get("boot_id")
    return boot.partition(":")[0] if isinstance(boot, str) else ("host", writer.identity.get("host"))


def _last_moment(writer: Writer) -> tuple[int, str]:
    return writer.last_time, writer.key.writer


def _is_before(one: Writer, other: Writer) -> bool:
    """Return whether one session was over before another one began, which found its journal. Two hosts' clocks do not tell."""
    found, own = other.identity.get("journals"), one.identity.get("journals")
    if found is not None and one.key.writer in found:
        return bool(one.applied <= found[one.key.writer])
    if found is None or own is None:  # of an early version, which did not look: there is nothing else to go by
        return other.key.writer not in (own or {}) and _last_moment(one) < _last_moment(other)
    return False


def _is_alive(writer: Writer, is_quiet: Callable[[Writer], bool]) -> bool:
    known = lives_here(writer.identity)
    return not is_quiet(writer) if known is None else known


def _is_secondary(writer: Writer) -> bool:
    """Return whether the end of this process says nothing of the run's: another rank, or a child left by ``fork()``."""
    return bool(writer.identity.get("rank") or writer.identity.get("forked_by"))
