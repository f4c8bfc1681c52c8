"""What state a run is in: written by its process, or worked out by a reader when the process could not write it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.index.interface import Writer

__all__ = ["LOST_AFTER_SECONDS", "RunStatus", "State", "boot_id", "process_start", "work_out_state"]

State = Literal["running", "finished", "failed", "aborted", "preempted", "lost"]

LOST_AFTER_SECONDS = 90
"""A run on another host is lost when its newest record is older than this; processes write at least every 10 seconds."""


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


def work_out_state(writers: Iterable[Writer], *, now: int) -> State:
    """Return the state of a run from its journals.

    A session that is open and has not said how it ended is "running" while its process lives (known for sure on this host, by
    the age of its last record elsewhere). Else the newest session decides: what it said last, else "lost". Visitors, which only
    evaluate a checkpoint, decide nothing.

    Args:
        writers: The run's journals.
        now: Microseconds since 1970.
    """
    ordered = sorted(
        (writer for writer in writers if not writer.identity.get("is_visitor")), key=lambda writer: writer.key.writer
    )
    undecided = (writer for writer in ordered if not writer.is_closed and writer.state == "running")
    if any(is_alive(writer.identity, writer.last_time, now=now) for writer in undecided):
        return "running"
    deciding = [writer for writer in ordered if not _is_secondary(writer)] or ordered
    if not deciding:
        return "lost"
    last = max(deciding, key=lambda writer: (writer.last_time, writer.key.writer))
    return last.state if last.state != "running" else "lost"  # type: ignore[return-value]


def _is_secondary(writer: Writer) -> bool:
    """Return whether the end of this process says nothing of the run's: another rank, or a child left by ``fork()``."""
    return bool(writer.identity.get("rank") or writer.identity.get("forked_by"))


def is_alive(identity: Mapping[str, Any], last_time: int, *, now: int) -> bool:
    """Return whether the process that wrote a journal still runs."""
    if identity.get("host") == host_name() and identity.get("boot_id") == boot_id():
        started = process_start(int(identity.get("pid", -1)))
        recorded = identity.get("process_start")
        return started is not None and (recorded is None or started == recorded)
    return now - last_time < LOST_AFTER_SECONDS * 1_000_000


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
