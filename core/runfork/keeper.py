"""The keeper: the one background thread of a run. It syncs the journal, samples hardware, flushes the console, calls plugins.

The training thread never waits for it, except in `Run.close`, and there for a bounded time.
"""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Keeper"]


class Keeper:
    """Runs jobs one after the other, and recurring work once a second, on a daemon thread.

    Args:
        name: Name of the thread.
        every_second: The recurring work.
        on_failure: Told what a job raised; must not raise.
    """

    INTERVAL_SECONDS = 1.0

    def __init__(self, name: str, *, every_second: Callable[[], None], on_failure: Callable[[Exception], None]) -> None:
        self._name = name
        self._every_second = every_second
        self._on_failure = on_failure
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def tell(self, job: Callable[[], None]) -> None:
        """Queue a job; returns at once."""
        self._jobs.put(job)

    def stop(self, timeout_seconds: float) -> bool:
        """Let the queued jobs finish, then end the thread.

        Returns:
            False if it was still busy after `timeout_seconds`; it then ends with the process.
        """
        self._jobs.put(None)
        thread = self._thread
        if thread is None or self.is_current_thread:
            return True
        thread.join(timeout_seconds)
        return not thread.is_alive()

    def forget(self) -> None:
        """Start anew in a child process, where the thread does not exist."""
        self._jobs = SimpleQueue()
        self._thread = None

    @property
    def is_started(self) -> bool:
        """Whether the thread was started in this process."""
        return self._thread is not None

    @property
    def is_current_thread(self) -> bool:
        """Whether this is called by one of its jobs."""
        return self._thread is threading.current_thread()

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            wait = due - time.monotonic()
            if wait <= 0:
                self._guard(self._every_second)
                due = time.monotonic() + self.INTERVAL_SECONDS
                continue
            try:
                job = self._jobs.get(timeout=wait)
            except Empty:
                continue
            if job is None:
                return
            self._guard(job)

    def _guard(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # the boundary of this thread: what a job raises is told, and the next one runs
            self._on_failure(error)
