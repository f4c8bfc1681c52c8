"""What ``runfork demo`` makes on a terminal: a Lightning training that was killed, resumed and forked, and the web UI on it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS, until

if TYPE_CHECKING:
    from pathlib import Path

_NOTE = """#!/bin/sh
printf '%s' "$1" > opened.new && mv opened.new opened
"""
_SILENT_FOR_SECONDS = 4 * HANG_SECONDS
"""So long it may say nothing, while it imports a framework and trains."""


@dataclass(frozen=True)
class Demo:
    """What became of it.

    Args:
        directory: Its data directory.
        printed: All that stood on the terminal.
        answered: The status with which the address answered that a browser was opened with.
        exit_code: How it ended after Ctrl-C.
    """

    directory: Path
    printed: str
    answered: int
    exit_code: int

    project = "demo/digits"

    @cached_property
    def runs(self) -> list[str]:
        """Its runs as they were made: killed; resumed; resumed with another learning rate; forked from an early checkpoint."""
        return list(History(self.directory, self.project).runs)


def make_demo(folder: Path) -> Demo:
    """Run it in a folder, unless that was done, by another worker perhaps, who is waited for."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done, directory = folder / "demo.json", folder / "runfork-demo" / ".runfork"
        if not done.exists():
            made = _run(folder, directory)
            done.write_text(json.dumps({**asdict(made), "directory": None}), encoding="utf-8")
        return Demo(**{**json.loads(done.read_text(encoding="utf-8")), "directory": directory})


def _run(folder: Path, directory: Path) -> Demo:
    browser = folder / "browser"
    browser.write_text(_NOTE, encoding="utf-8")
    browser.chmod(0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFORK_", "NEPTUNE_"))}
    kept.pop("CI", None)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "runfork", "demo"],
        cwd=folder,
        env={**kept, "BROWSER": f"{browser} %s", "COLUMNS": "160"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        printed = _read(ours, until_seen=r"\?token=\S+\s")
        opened = folder / "opened"
        until(opened.exists)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
        with opener.open(opened.read_text(encoding="utf-8"), timeout=HANG_SECONDS) as answer:
            status = answer.status
        process.send_signal(signal.SIGINT)
        printed += _read(ours)
        return Demo(directory, printed, status, process.wait(HANG_SECONDS))
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(terminal: int, until_seen: str | None = None) -> str:
    """Return what is printed until a pattern is seen, or the process has ended."""
    printed = b""
    while until_seen is None or not re.search(until_seen.encode(), printed):
        ready, _, _ = select.select([terminal], [], [], _SILENT_FOR_SECONDS)
        if not ready:
            raise TimeoutError(f"it says no more than {printed.decode(errors='replace')}")
        block = b""
        with suppress(OSError):  # Linux says so where the other end is closed
            block = os.read(terminal, 65536)
        if not block:
            break
        printed += block
    return printed.decode(errors="replace")
