"""What keeps a measurement to itself: no network but loopback, no telemetry, no process that outlives it. Linux only."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CLONE_NEWNET = 0x40000000
PR_SET_CHILD_SUBREAPER = 36
SIOCSIFFLAGS = 0x8914
IFF_UP = 1

SWITCHED_OFF = {
    "AIM_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "GIT_PYTHON_REFRESH": "quiet",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false",
    "NEPTUNE_DISABLE_TELEMETRY": "1",
    "RUNFORK_QUIET": "1",
    "WANDB_CONSOLE": "off",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_SILENT": "true",
}
"""Telemetry, uploads and talk of the trackers; every process is started with these."""

INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")


def leave_network() -> bool:
    """Leave this process, and those that it starts, with loopback only.

    Returns:
        False where the system does not allow it (it takes root); the network is then what it was.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    return True


def adopt_orphans() -> None:
    """Become the parent of daemons that outlive those who started them, so that what they use is counted."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def environment(home: Path) -> dict[str, str]:
    """Return the environment variables of a process that is measured, which finds a home folder of its own."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**kept, **SWITCHED_OFF, "HOME": str(home), "TMPDIR": str(home), "OMP_NUM_THREADS": "1"}
