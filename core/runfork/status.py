"""What state a run is in: written by its process, or worked out by a reader when the process could not write it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runfork.index.interface import Writer

__all__ = [
    "LOST_AFTER_SECONDS",
    "STRANGE_CLOCK_SECONDS",
    "Look",
    "RunStatus",
    "State",
    "boot_id",
    "is_silent",
    "lives_here",
    "process_start",
    "work_out_state",
]

State = Literal["running", "finished", "failed", "aborted", "preempted", "lost"]

LOST_AFTER_SECONDS = 90
"""A run on another host is lost when nobody has seen its journals grow for so long; processes write every 10 seconds."""

STRANGE_CLOCK_SECONDS = 3600
"""A journal of another host that is seen for the first time may be this much older by this host's clock, and its run live: the time
of the file may come from another clock."""

_MOST_PIDS = 2**31
_SEVERITY = {"failed": 0, "aborted": 1, "preempted": 2, "finished": 3, "running": 4}


@dataclass(frozen=True)
class RunStatus:
    """How a run of this process is doing; a snapshot.

    Args:
        state: running, finished, failed, aborted or preempted.
        is_closed: Nothing more can be logged.
        journal: The journal of this process, or None while nothing was written.
        written_bytes: Its length.
        unsynced_bytes: How much of it power loss could cost.
        waiting_bytes: Records in memory that the disk has refused so far.
        lost_records: Records that the disk refused for too long; they are gone.
        dropped_values: Values that could not be logged.
        problems: What went wrong, one sentence each, the first of every cause.
    """

    state: str = "running"
    is_closed: bool = False
    journal: Path | None = None
    written_bytes: int = 0
    unsynced_bytes: int = 0
    waiting_bytes: int = 0
    lost_records: int = 0
    dropped_values: int = 0
    problems: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Look:
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


def lives_here(identity: Mapping[str, Any]) -> bool | None:
    """Return whether the process that wrote a journal still runs; None where that cannot be seen from here.

    It cannot on another host, in another container, before the last boot, and where the system hides others' processes.
    """
    pid = identity.get("pid")
    is_here = identity.get("host") == host_name() and identity.get("boot_id") == boot_id()
    if not is_here or type(pid) is not int or not 0 < pid < _MOST_PIDS:
        return None
    started, recorded = process_start(pid), identity.get("process_start")
    if started is not None:
        return recorded is None or started == recorded
    return None if _is_hidden(pid) else False


def _is_hidden(pid: int) -> bool:
    """Return whether there is a process of which no more can be seen: /proc may be mounted so (hidepid)."""
    if os.access(f"/proc/{pid}/stat", os.R_OK):
        return False  # it is seen, and has ended
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and another user's
        return True
    return True


def is_silent(journal: Path, seconds: float) -> bool:
    """Return whether nothing was written to a journal for so long, by the clock that gave the file its time.

    That clock is asked by a file beside it, which leaves no trace. Where that cannot be written, this host's clock is compared, if
    the difference is more than two clocks differ by; what cannot be known is no silence.
    """
    import tempfile

    try:
        modified = journal.stat().st_mtime
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        with tempfile.TemporaryFile(dir=journal.parent) as probe:
            return os.fstat(probe.fileno()).st_mtime - modified >= seconds
    except FileNotFoundError:  # the folder went meanwhile
        return True
    except OSError:
        return time.time() - modified >= max(seconds, STRANGE_CLOCK_SECONDS)


def host_name() -> str:
    """Return this machine's name."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform

    return platform.node()


def boot_id() -> str | None:
    """Return what identifies this boot of this machine and, in containers, its process namespace; None where unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def process_start(pid: int) -> float | None:
    """Return when a process of this machine started, in clock ticks since boot; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _process_start_by_psutil(pid) if not Path("/proc/self/stat").exists() else None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else float(fields[19])


def process_age_seconds() -> float:
    """Return for how long this process has run at least; the system counts its start in ticks."""
    started = process_start(os.getpid())
    if started is None:
        return 0.0
    if hasattr(time, "CLOCK_BOOTTIME") and Path("/proc/self/stat").exists():
        return time.clock_gettime(time.CLOCK_BOOTTIME) - (started + 1) / os.sysconf("SC_CLK_TCK")
    return time.time() - started


def _process_start_by_psutil(pid: int) -> float | None:
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def own_identity() -> dict[str, Any]:
    """Return what a journal's header says of this process. SLURM numbers independent tasks too: see `runfork.launch`."""
    rank = os.environ.get("RANK", "")
    pid = os.getpid()
    return {
        "host": host_name(),
        "pid": pid,
        "boot_id": boot_id(),
        "process_start": process_start(pid),
        "rank": int(rank) if rank.isdecimal() else 0,
    }
