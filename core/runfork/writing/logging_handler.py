"""A handler that sends records of `logging` into a run, as a string series."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from runfork.capture.terminal_row import split_by_bytes
from runfork.journal.format import Kind
from runfork.model.attributes import MAX_STRING_BYTES, AttributeType, check_path

if TYPE_CHECKING:
    from runfork.writing.run import Run

_MICRO = 1_000_000


class RunforkLoggingHandler(logging.Handler):
    """Logs every record, formatted, one point per line, at the Unix time at which it was made.

    Never raises into the code that logs: a record that cannot be formatted is reported as `logging` does it. Records made by
    runfork itself while it handles a record are left out. No lock is held while the run is called.

    Args:
        run: Where the records go.
        level: Least level of the records that are taken.
        attribute_path: The string series; default ``<runtime_namespace>/logs``.

    Raises:
        ArgumentError: `attribute_path` cannot name an attribute.
    """

    def __init__(self, *, run: Run, level: int | str = logging.NOTSET, attribute_path: str | None = None) -> None:
        super().__init__(level)
        self._run = run
        self._path = check_path(attribute_path or f"{run.runtime_namespace}/logs")
        self._emitting = threading.local()
        self._next_time = 0
        # Re-entrant, because a signal handler on this thread may log.
        self._time_lock = threading.RLock()

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record that passes the filters; unlike the standard handler, without the handler's lock.

        The run takes locks of its own, and whoever holds one of them may be logging.
        """
        accepted = self.filter(record)
        if not accepted:
            return False
        self.emit(accepted if isinstance(accepted, logging.LogRecord) else record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        if getattr(self._emitting, "is_active", False):
            return
        self._emitting.is_active = True
        try:
            self._log(record)
        except Exception:  # the code that logs must not fail because of us; `logging` tells it on stderr
            self.handleError(record)
        finally:
            self._emitting.is_active = False

    def _log(self, record: logging.LogRecord) -> None:
        recorder = self._run.recorder
        if self._run.is_over or not recorder.types.claim(self._path, AttributeType.STRING_SERIES, clock_axis=True):
            return
        lines = _lines(self.format(record))
        moment = self._take_times(record, len(lines))
        recorder.record_points(Kind.STRINGS, {self._path: lines}, step=moment, time_us=moment, clock_axis=True)

    def _take_times(self, record: logging.LogRecord, count: int) -> int:
        """Return the time of the first of `count` lines; no two lines of this handler have the same."""
        with self._time_lock:
            first = max(round(record.created * _MICRO), self._next_time)
            self._next_time = first + count
            return first


def _lines(text: str) -> list[str]:
    return [piece for line in text.split("\n") for piece in split_by_bytes(line, MAX_STRING_BYTES)]
