"""A process and all that it starts: run to its end, with the time and memory that the whole tree took. Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TAIL_CHARACTERS = 600


@dataclass
class Usage:
    """What a process and its descendants took.

    Args:
        exit_code: Of the process; negative is the signal that ended it.
        wall_seconds: From its start to the end of the last of all.
        cpu_seconds: User and system time of all.
        peak_bytes: Largest sum of resident memory, looked at ten times a second; memory that processes share counts in each.
        processes: Most that were there at once.
        trouble: "timeout" or "left running" where some had to be killed.
        said: The end of what they wrote to stdout and stderr.
    """

    exit_code: int | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    processes: int = 0
    trouble: str = ""
    said: str = ""


@dataclass
class Tree:
    """A started process and its descendants. The caller has called `isolation.adopt_orphans` and has no other children."""

    process: subprocess.Popen[bytes]
    usage: Usage = field(default_factory=Usage)
    ended_at: float | None = None

    def reap(self) -> bool:
        """Take the ended ones; False once none is left."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.usage.cpu_seconds += used.ru_utime + used.ru_stime
            if pid == self.process.pid:
                self.process.returncode = self.usage.exit_code = os.waitstatus_to_exitcode(status)
                self.ended_at = time.monotonic()

    def look(self) -> list[int]:
        """Note the memory of those that are there, and return their ids."""
        alive = _descendants(os.getpid())
        self.usage.processes = max(self.usage.processes, len(alive))
        self.usage.peak_bytes = max(self.usage.peak_bytes, sum(map(_resident_bytes, alive)))
        return alive


def run(command: list[str], *, environment: dict[str, str], output: Path, timeout: float, grace: float) -> Usage:
    """Run a command and wait for it and for everything it started.

    Args:
        command: The program and its arguments.
        environment: All its environment variables; it works in the folder HOME.
        output: File for what it writes.
        timeout: Seconds after which it is killed.
        grace: Seconds that its descendants have after its end before they are killed.
    """
    began = time.monotonic()
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=environment["HOME"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    tree = Tree(process)
    while tree.reap():
        alive, now = tree.look(), time.monotonic()
        if tree.ended_at is None and now - began > timeout:
            tree.usage.trouble = "timeout"
            _kill(alive)
        elif tree.ended_at is not None and now - tree.ended_at > grace:
            tree.usage.trouble = tree.usage.trouble or "left running"
            _kill(alive)
        time.sleep(0.02 if now - began < 1 else 0.1)
    tree.usage.wall_seconds = time.monotonic() - began
    tree.usage.said = output.read_text(encoding="utf-8", errors="replace")[-TAIL_CHARACTERS:]
    return tree.usage


def _descendants(parent: int) -> list[int]:
    found, waiting = [], _children(parent)
    while waiting:
        found.append(one := waiting.pop())
        waiting += _children(one)
    return found


def _children(parent: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for thread in Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (thread / "children").read_text(encoding="ascii").split())
    return found


def _resident_bytes(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
    except OSError:
        return 0


def _kill(processes: list[int]) -> None:
    for one in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
