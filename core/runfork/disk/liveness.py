"""Whether the process that wrote a journal still lives, as far as can be seen from here; and what a process says of itself."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LOST_AFTER_SECONDS = 90
"""A run on another host is lost when nobody has seen its journals grow for so long; processes write every 10 seconds."""

STRANGE_CLOCK_SECONDS = 3600
"""A journal of another host that is seen for the first time may be this much older by this host's clock, and its run live: the time
of the file may come from another clock."""

_MOST_PIDS = 2**31


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


@lru_cache(maxsize=1)
def _own_process(pid: int) -> dict[str, Any]:
    """Return what stays as it is for as long as a process lives."""
    return {"host": host_name(), "pid": pid, "boot_id": boot_id(), "process_start": process_start(pid)}


def own_identity() -> dict[str, Any]:
    """Return what a journal's header says of this process. SLURM numbers independent tasks too: see `runfork.writing.launch`."""
    rank = os.environ.get("RANK", "")
    return {
        **_own_process(os.getpid()),
        "rank": int(rank) if rank.isdecimal() else 0,
    }
