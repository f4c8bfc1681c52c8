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
    """Wait until `condition` holds; looking takes a fifth of the time at most, lest it slows down what is waited for.

    Raises:
        TimeoutError: It did not within `seconds`.
    """
    asked = time.monotonic()
    deadline = asked + seconds
    while not condition():
        now = time.monotonic()
        if now > deadline:
            raise TimeoutError(f"waited {seconds} seconds for {condition}")
        time.sleep(max(0.005, 4 * (now - asked)))
        asked = time.monotonic()


def await_plugins(run: Run) -> None:
    """Wait until the plugins of a run are imported and have described it.

    For tests of what a process has: its memory, its open files.
    """
    journal = run.status.journal
    assert journal is not None
    until(lambda: b"sys/environment" in journal.read_bytes())
