"""Metrics of single batches, at the steps that they belong to.

Keras may hand them over on a thread of its own while training goes on, which is what makes it fast; the optimizer's count can
only be read on the training thread, between two batches. Both meet here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WAIT_SECONDS = 5.0


class Measured(NamedTuple):
    """What the training thread found out after a batch.

    Args:
        step: The main step.
        values: Learning rates and throughput, by path.
    """

    step: float
    values: Mapping[str, float]


class BatchLog:
    """Joins the logs of every n-th batch with their step, whichever comes first. May be used from any thread.

    Args:
        every: Which batches to log; 0 is none.
        write: Takes metrics and where they were measured; called once per batch, on any thread.
    """

    def __init__(self, every: int, write: Callable[[Mapping[str, float], Measured], None]) -> None:
        self.every = every
        self._write = write
        self._lock = threading.Condition()
        self.begun = 0
        """Batches that were done when the last one began."""
        self.done = 0
        """Batches of this epoch whose logs have come."""
        self.begin_epoch(1)

    def begin_epoch(self, batches_per_call: int) -> None:
        """Begin to count batches from 0.

        Args:
            batches_per_call: Batches between two calls of the hooks.
        """
        with self._lock:
            self._stride = max(1, batches_per_call)
            self._logs: dict[int, Mapping[str, float]] = {}
            self._measured: dict[int, Measured] = {}
            self._written = 0
            self.done = self.begun = 0

    def join(self) -> None:
        """Wait a little for the logs of batches that are on their way, where a training broke off: they are not the next one's."""
        with self._lock:
            self._lock.wait_for(lambda: self.done >= self.begun, WAIT_SECONDS)

    def is_due(self, done: int) -> bool:
        """Return whether the batch is to be logged after which `done` batches were done."""
        return self.every > 0 and done // self.every > max(done - self._stride, 0) // self.every

    def needs_measuring(self, done: int) -> bool:
        """Return whether the training thread is to find out the step now."""
        return done > self._written and self.is_due(done)

    def take(self, done: int, logs: Mapping[str, float], measured: Measured | None = None) -> None:
        """Take the logs of a batch.

        Args:
            done: Batches done with it, in this epoch.
            logs: Its metrics.
            measured: Its step, where that could be found out at once.
        """
        with self._lock:
            self.done = max(self.done, done)
            self._lock.notify_all()
            if not self.is_due(done):
                return
            measured = measured or self._measured.pop(done, None)
            if measured is None:
                self._logs[done] = logs
                return
            self._written = max(self._written, done)
        self._write(logs, measured)

    def measure(self, done: int, measured: Measured) -> None:
        """Take the step of a batch whose logs came before, or will come."""
        with self._lock:
            logs = self._logs.pop(done, None)
            self._written = max(self._written, done)
            if logs is None:
                self._measured[done] = measured
                return
        self._write(logs, measured)

    @property
    def waits(self) -> bool:
        """Whether the logs of the last batch are here without their step."""
        return self.done in self._logs
