"""The keeper: the one background thread of a run. It syncs the journal, samples hardware, flushes the console, calls plugins.

The training thread never waits for it, except in `Run.close`, and there for a bounded time.
"""

from __future__ import annotations

import logging  # noqa: F401  it registers with `os.fork()`, which is no time for a job to be the first that imports it
import os
import threading
import time
import weakref
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from runfork.writing.waiting import JobQueue, Latch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Keeper"]


class Keeper:
    """Runs jobs one after the other, and recurring work once a second, on a daemon thread.

    ``os.fork()``, on any thread, waits up to a second for the job at hand: what that holds at the moment, the lock of a module
    that it imports for example, would be held for ever in the child.

    Args:
        name: Name of the thread.
        every_second: The recurring work.
        on_failure: Told what a job raised; must not raise.
    """

    INTERVAL_SECONDS = 1.0
    FORK_PATIENCE_SECONDS = 1.0

    def __init__(self, name: str, *, every_second: Callable[[], None], on_failure: Callable[[Exception], None]) -> None:
        self._name = name
        self._every_second = every_second
        self._on_failure = on_failure
        self._jobs: JobQueue[Callable[[], None] | None] = JobQueue()
        self._thread: threading.Thread | None = None
        self._is_impossible = False
        self._at_work = threading.RLock()
        self._job: Callable[[], None] | None = None
        self._left_behind: Callable[[], None] | None = None
        self._held_by: set[int] = set()
        if hasattr(os, "register_at_fork"):
            this = weakref.ref(self)
            os.register_at_fork(before=lambda: _hold(this()), after_in_parent=lambda: _release(this()))

    def start(self) -> bool:
        """Start the thread.

        Returns:
            False where no thread can be had, or may not be: a subinterpreter cannot end while it has one. Jobs are dropped then.
        """
        try:
            if not _is_main_interpreter():
                raise RuntimeError  # noqa: TRY301  as `Thread` does where there are too many, or none are allowed
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
        except RuntimeError:
            self._is_impossible = True
            self._jobs = JobQueue()
            return False
        self._thread = thread
        return True

    def tell(self, job: Callable[[], None]) -> None:
        """Queue a job; returns at once."""
        if not self._is_impossible:
            self._jobs.put(job)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Let the process fork meanwhile: for the part of a job that waits, and holds nothing."""
        if not self.is_current_thread:
            yield
            return
        self._at_work.release()
        try:
            yield
        finally:
            self._at_work.acquire()

    def settle(self, timeout_seconds: float) -> bool:
        """Wait until the jobs queued so far are done; returns False if they are not in time. May be interrupted by itself."""
        if not self.is_started:
            return True
        done = Latch()
        self.tell(done.set)
        return done.wait(timeout_seconds)

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
        self._jobs = JobQueue()
        self._thread = None
        self._is_impossible = False
        self._at_work = threading.RLock()
        self._held_by = set()

    def hold(self) -> None:
        """Wait until no job is under way, and let none begin. A job that does not end is waited for once."""
        patience = 0.0 if self._job is not None and self._job is self._left_behind else self.FORK_PATIENCE_SECONDS
        if self._at_work.acquire(timeout=patience):
            self._held_by.add(threading.get_ident())
        else:
            self._left_behind = self._job

    def release(self) -> None:
        """Go on after `hold`."""
        if threading.get_ident() in self._held_by:
            self._held_by.discard(threading.get_ident())
            self._at_work.release()

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
                job = self._jobs.get(wait)
            except TimeoutError:
                continue
            if job is None:
                return
            self._guard(job)

    def _guard(self, job: Callable[[], None]) -> None:
        with self._at_work:
            self._job = job
            try:
                job()
            except Exception as error:  # the boundary of this thread: what a job raises is told, and the next one runs
                self._on_failure(error)
            finally:
                self._job = None


def _hold(keeper: Keeper | None) -> None:
    if keeper is not None:
        keeper.hold()


def _release(keeper: Keeper | None) -> None:
    if keeper is not None:
        keeper.release()


def _is_main_interpreter() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # Python 3.13, and before
        try:
            interpreters = import_module(name)
        except ImportError:
            continue
        return bool(interpreters.get_current() == interpreters.get_main())
    return True
