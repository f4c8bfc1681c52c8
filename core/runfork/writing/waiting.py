"""Waiting for another thread, for a bounded time, where a signal handler may interrupt whoever waits, and wait itself.

`threading.Event` and `queue.Queue` cannot be used in a signal handler: it may have interrupted the thread that holds their lock.
`queue.SimpleQueue` can, but up to Python 3.12 its ``get(timeout=...)`` waits for ever when the time is over between its first try
and its second, as with a short timeout, on a busy machine or in a process that was stopped. So these two stand on a bare lock.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Latch:
    """Something that happens once. Every method may be called from any thread, and from signal handlers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Say that it has happened; again does nothing."""
        with suppress(RuntimeError):  # it is open already
            self._lock.release()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until it has happened; returns False if it has not in time."""
        if not self._lock.acquire(timeout=max(0.0, timeout_seconds)):
            return False
        self.set()
        return True


class JobQueue(Generic[_T]):
    """First in, first out, for one thread that takes. `put` may be called from any thread, and from signal handlers."""

    def __init__(self) -> None:
        self._items: deque[_T] = deque()
        self._news = threading.Lock()
        self._news.acquire()

    def put(self, item: _T) -> None:
        """Append one; returns at once."""
        self._items.append(item)
        if self._news.locked():  # else there was news already
            with suppress(RuntimeError):  # or by now there is
                self._news.release()

    def get(self, timeout_seconds: float) -> _T:
        """Take the first, waiting for it.

        Raises:
            TimeoutError: None came in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self._items:
            if not self._news.acquire(timeout=max(0.0, deadline - time.monotonic())):
                raise TimeoutError
        return self._items.popleft()
