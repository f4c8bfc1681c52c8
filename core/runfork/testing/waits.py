"""Waiting in tests: until something holds, and at most so long that a busy machine is not taken for one that hangs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from runfork.writing.run import Run

HANG_SECONDS = 400.0
"""After so long a process, or what is waited for, hangs; less than the time that pytest gives a test, so that it is told why."""


def until(condition: Callable[[], object], *, seconds: float = HANG_SECONDS) -> None:
    """Wait until `condition` holds.

    Raises:
        TimeoutError: It did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} seconds for {condition}")
        time.sleep(0.005)


def await_plugins(run: Run) -> None:
    """Wait until the plugins of a run are imported and have described it.

    For tests of what a process has: its memory, its open files.
    """
    journal = run.status.journal
    assert journal is not None
    until(lambda: b"sys/environment" in journal.read_bytes())
