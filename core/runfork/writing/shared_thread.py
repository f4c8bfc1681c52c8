"""Threads that all runs of a process share. Each run has a lane of jobs on one, done one after the other, and recurring work.

A job that does not end, on a disk that does not answer or in a plugin that hangs, holds up its own lane only: another thread
takes over the other lanes, and the one that is left behind ends with its job. Threads look after each other. Where all are
held up within the same two seconds, the next job that any run queues frees them: a third thread, which only looked, would cost
every program more than heartbeats that come late there. The training thread never waits for one, except when a run is closed, and
there for a bounded time.
"""

from __future__ import annotations

import logging  # noqa: F401  it registers with `os.fork()`, which is no time for a job to be the first that imports it
import os
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from runfork.writing.waiting import JobQueue, Latch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELD_UP_SECONDS = 2.0
"""After so long in one job, another thread takes over the other lanes."""

SHORT_SECONDS = 0.25
"""Whoever waits for a lane waits so long for the jobs of other lanes."""

FORK_WAIT_SECONDS = 1.0

TURN_SECONDS = 0.01
"""So long a lane may begin one job after the other, before others have their turn: a run is opened with a handful of short ones."""


class Lane:
    """The jobs of one run on a thread that runs share. `tell` may be called from signal handlers, too.

    Args:
        of: The thread.
        every_second: The recurring work.
        on_failure: Told what a job raised; must not raise.
        first_seconds: When the recurring work is done first, after the start.
    """

    INTERVAL_SECONDS = 1.0

    def __init__(
        self,
        of: str,
        *,
        every_second: Callable[[], None],
        on_failure: Callable[[Exception], None],
        first_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._of = of
        self._every_second = every_second
        self._on_failure = on_failure
        self._first_seconds = first_seconds
        self.forget()

    def forget(self) -> None:
        """Begin anew: in a child process after ``os.fork()``, where there is no thread."""
        self._jobs: deque[Callable[[], None] | None] = deque()
        self._shared: SharedThread | None = None
        self._is_impossible = self._is_leaving = False
        self._left = Latch()
        self.due = 0.0
        self.served_by: _Thread | None = None
        """The thread that does a job of this lane at the moment."""

    def start(self) -> bool:
        """Begin to do the jobs.

        Returns:
            False where no thread can be had, or may not be: a subinterpreter cannot end while it has one. Jobs are dropped then.
        """
        self.due = time.monotonic() + self._first_seconds
        self._shared = SharedThread.of_this_process(self._of)
        try:
            self._shared.take_in(self)
        except BaseException as error:  # no thread is to be had; or Ctrl-C came, and the run will be withdrawn
            self._shared, self._is_impossible = None, True
            self._jobs.clear()
            if isinstance(error, RuntimeError):
                return False
            raise
        return True

    def tell(self, job: Callable[[], None]) -> None:
        """Queue a job; returns at once."""
        if not (self._is_impossible or self._is_leaving):
            self._queue(job)

    def _queue(self, job: Callable[[], None] | None, *, is_awaited: bool = False) -> None:
        self._jobs.append(job)
        if (shared := self._shared) is None:
            return
        # The thread comes by itself to what stands behind another job. Whoever waits calls for it: it may be a signal handler, and
        # have interrupted who was about to call for that one.
        if is_awaited or len(self._jobs) == 1:
            shared.call_for(self)
        else:
            shared.relieve(HELD_UP_SECONDS)

    def join(self, timeout_seconds: float) -> bool:
        """Wait until the jobs queued so far are done; returns False if they are not in time. May be interrupted by itself."""
        if not self._jobs and self.served_by is None:  # in this order: a job is taken by a thread that serves already
            return True
        return self.do(_nothing, timeout_seconds)

    def do(self, job: Callable[[], None], timeout_seconds: float, *, is_last: bool = False) -> bool:
        """Queue a job and wait until it is done, as `join` does. Where there is no thread, or it was left, nothing is done.

        Args:
            job: The job.
            timeout_seconds: So long it is waited for.
            is_last: It is the last one, and the thread is left after it.
        """
        if self._shared is None:
            return True
        latch = self._left
        if not self._is_leaving:
            latch = done = Latch()

            def told() -> None:
                try:
                    job()
                finally:
                    done.set()

            self._queue(told, is_awaited=True)
            if is_last:
                self._queue_end()
        return self._wait(latch, timeout_seconds)

    def leave(self, timeout_seconds: float) -> bool:
        """Let the queued jobs finish, then leave the thread, which ends with its last lane.

        Returns:
            False if a job was still busy after `timeout_seconds`; the lane then ends with it, or with the process.
        """
        shared = self._shared
        if shared is None:
            return True
        if not self._is_leaving:
            self._queue_end()
        if self.is_current_thread:
            return True
        deadline = time.monotonic() + timeout_seconds
        return self._wait(self._left, timeout_seconds) and shared.see_end(deadline)

    def _queue_end(self) -> None:
        self._is_leaving = True
        self._queue(None, is_awaited=True)

    def _wait(self, latch: Latch, timeout_seconds: float) -> bool:
        assert self._shared is not None
        deadline = time.monotonic() + timeout_seconds
        interval = 0.0 if isinstance(threading.current_thread(), _Thread) else SHORT_SECONDS
        while not latch.wait(min(interval, deadline - time.monotonic())):
            if time.monotonic() >= deadline:
                return False
            if self.served_by is None:
                self._shared.relieve(interval)
            interval = SHORT_SECONDS
        return True

    @property
    def is_started(self) -> bool:
        """Whether its jobs are done in this process."""
        return self._shared is not None

    @property
    def is_current_thread(self) -> bool:
        """Whether this is called by one of its jobs."""
        return self.served_by is not None and self.served_by is threading.current_thread()

    @property
    def waiting_jobs(self) -> int:
        """How many jobs wait."""
        return len(self._jobs)

    # On the shared thread

    def do_next(self) -> bool:
        """Do the next job, if there is one; returns whether it was the last one of all."""
        with suppress(IndexError):
            job = self._jobs.popleft()
            if job is None:
                return True
            self._guard(job)
        return False

    def do_recurring(self) -> bool:
        """Do what is done every second; returns False: it is never the last."""
        self._guard(self._every_second)
        self.due = time.monotonic() + self.INTERVAL_SECONDS
        return False

    def tell_left(self) -> None:
        """Say that the thread does nothing for this lane any more."""
        self._left.set()

    def _guard(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # the boundary of this thread: what a job raises is told, and the next one runs
            self._on_failure(error)


class SharedThread:
    """One background thread of this process, whatever the number of lanes.

    ``os.fork()``, on any thread, waits up to a second for the job at hand: what that holds at the moment, the lock of a module
    that it imports for example, would be held for ever in the child.

    Args:
        name: Name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lanes: list[Lane] = []
        self._calls: JobQueue[Lane] = JobQueue()
        self._thread: _Thread | None = None
        self._ended: _Thread | None = None
        self._left_behind: list[_Thread] = []
        self._changing = threading.RLock()
        self._held: dict[int, list[threading.RLock]] = {}

    @classmethod
    def of_this_process(cls, name: str) -> SharedThread:
        """Return the one of that name."""
        return _OF_THIS_PROCESS.setdefault(name, cls(name))

    def take_in(self, lane: Lane) -> None:
        """Do the jobs of one more lane.

        Raises:
            RuntimeError: There is no thread to be had.
        """
        if not _is_main_interpreter():
            raise RuntimeError("a subinterpreter has no threads")
        with self._changing:
            self._lanes = [*self._lanes, lane]
            is_first = self._thread is None
            try:
                if is_first:
                    self._take_over()
            except BaseException:  # as in `Lane.start`: nobody serves a lane that did not get in
                self._lanes = [one for one in self._lanes if one is not lane]
                self._calls.put(lane)  # whoever waits looks up
                raise
        if not is_first or lane.waiting_jobs:
            self.call_for(lane)  # whether it has jobs or not: it may be due before others are

    def call_for(self, lane: Lane) -> None:
        """Say that a lane has a job."""
        self._calls.put(lane)
        self.relieve(HELD_UP_SECONDS)

    def relieve(self, after_seconds: float) -> None:
        """Let another thread take over, if the one at work has been in one job for so long and there are other lanes."""
        thread = self._thread
        if thread is None or not thread.is_held_up(after_seconds):
            return
        with self._changing:
            if self._thread is thread and len(self._lanes) > 1:
                with suppress(RuntimeError):  # there are too many threads: all wait then
                    self._take_over()
                    self._left_behind = [one for one in self._left_behind if one.is_alive()] + [thread]

    def see_end(self, deadline: float) -> bool:
        """Wait for the end of the thread, where its last lane has left it; returns False if that is not in time."""
        thread = self._ended
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(max(0.0, deadline - time.monotonic()))
        return not thread.is_alive()

    def hold(self) -> None:
        """Wait until no job is under way, and let none begin. A job that does not end is waited for once."""
        threads = [one for one in (self._thread, *self._left_behind) if one is not None]
        self._held[threading.get_ident()] = [one.at_work for one in threads if one.hold()]

    def release(self) -> None:
        """Go on after `hold`."""
        for lock in self._held.pop(threading.get_ident(), ()):
            lock.release()

    # On the thread

    def _take_over(self) -> None:
        before, thread = self._thread, _Thread(self._work, self._name)
        self._thread = thread
        try:
            thread.start()
        except BaseException:  # there is none to be had; or Ctrl-C came, and it ends by itself if it has begun
            self._thread = before
            raise

    def _work(self, thread: _Thread) -> None:
        while self._thread is thread:
            lane, is_due = self._next()
            for other in list(_OF_THIS_PROCESS.values()):  # they look after each other
                other.relieve(HELD_UP_SECONDS)
            if lane is not None:
                self._serve(thread, lane, is_due=is_due)

    def _next(self) -> tuple[Lane | None, bool]:
        """Return a lane that has something to do, and whether that is its recurring work; waits for one, for a second at most."""
        moment = time.monotonic()
        free = [lane for lane in self._lanes if lane.served_by is None]
        first = min(free, key=lambda lane: lane.due, default=None)
        wait = Lane.INTERVAL_SECONDS if first is None else first.due - moment
        if wait <= 0:
            return first, True
        with suppress(TimeoutError):
            lane = self._calls.get(min(wait, Lane.INTERVAL_SECONDS))
            if (
                lane.served_by is None and lane.waiting_jobs
            ):  # else who was left behind serves it, and calls for it again
                return lane, False
        return None, False

    def _serve(self, thread: _Thread, lane: Lane, *, is_due: bool) -> None:
        is_last, goes_on = False, True
        begun = thread.since = time.monotonic()
        thread.lane, lane.served_by = lane, thread
        try:
            while goes_on:
                with thread.at_work:
                    is_last = lane.do_recurring() if is_due else lane.do_next()
                thread.since = time.monotonic()
                has_turn = not is_due and self._thread is thread and thread.since - begun < TURN_SECONDS
                goes_on = has_turn and not is_last and lane.waiting_jobs > 0
        finally:
            thread.lane = lane.served_by = None
        if is_last:
            self._let_go(thread, lane)
        elif lane.waiting_jobs or self._thread is not thread:
            self.call_for(lane)

    def _let_go(self, thread: _Thread, lane: Lane) -> None:
        with self._changing:
            self._lanes = [one for one in self._lanes if one is not lane]
            if not self._lanes and self._thread is thread:
                self._thread, self._ended = None, thread
        lane.tell_left()


class _Thread(threading.Thread):
    """A thread that does jobs; others see what it is at.

    Args:
        work: Given the thread.
        name: Its name.
    """

    def __init__(self, work: Callable[[_Thread], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.at_work = threading.RLock()
        self.lane: Lane | None = None
        self.since = 0.0
        self._waited_for = -1.0

    def run(self) -> None:
        """Work."""
        self._work(self)

    def is_held_up(self, seconds: float) -> bool:
        """Whether it has been in one job for so long."""
        return self.lane is not None and time.monotonic() - self.since >= seconds

    def hold(self) -> bool:
        """Wait for the end of its job, let it begin no other; returns False if that does not end, for which nobody waits twice."""
        since = self.since
        if self.at_work.acquire(timeout=0.0 if since == self._waited_for else FORK_WAIT_SECONDS):
            return True
        self._waited_for = since
        return False


@contextmanager
def at_rest() -> Iterator[None]:
    """Let the process fork meanwhile: for the part of a job that waits, and holds nothing."""
    thread = threading.current_thread()
    if not isinstance(thread, _Thread):
        yield
        return
    thread.at_work.release()
    try:
        yield
    finally:
        thread.at_work.acquire()


def _nothing() -> None:
    """Do nothing: a job for who only waits."""


_OF_THIS_PROCESS: dict[str, SharedThread] = {}
"""The threads that runs share, by name: the one thing that the writing room keeps beside what callers hold, since nothing else is
there for all runs that a program opens, wherever it does. Only `dict.setdefault` adds to it, which is atomic: it needs no lock,
which a thread might hold that a forked child lacks, or the code that a signal handler interrupted. The child forgets them all."""


def _hold_all() -> None:
    for shared in list(_OF_THIS_PROCESS.values()):
        shared.hold()


def _release_all() -> None:
    for shared in list(_OF_THIS_PROCESS.values()):
        shared.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_all, after_in_parent=_release_all, after_in_child=_OF_THIS_PROCESS.clear)


@cache
def _is_main_interpreter() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # Python 3.13, and before
        try:
            interpreters = import_module(name)
        except ImportError:
            continue
        return bool(interpreters.get_current() == interpreters.get_main())
    return True
