"""The life of a run in one process: what state it is in, how it ends, and what is told of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.model.run_ending import Ending, ending_after
from runfork.writing.origin import Origin
from runfork.writing.status import RunStatus

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Life"]

STATES = ("running", "finished", "failed", "aborted", "preempted")


class Life(Origin):
    """The side of a run that begins, rests, wakes and ends. Every method may be called from any thread.

    Set by the run: the lock that closing takes.
    """

    _closing: threading.RLock
    _state: str = "running"
    _is_closed: bool = False
    _is_resting: bool = False
    _ended_as: str | None = None
    said_as: str | None = None
    """The run id under which it was said where the run lies."""

    def _start_session(self, *, tracking: Any, goes_on: bool = False) -> None:
        """Begin what goes on beside training."""
        raise NotImplementedError

    @property
    def is_closed(self) -> bool:
        """Whether it was closed in this process."""
        return self._is_closed

    @property
    def is_over(self) -> bool:
        """Whether it is closed or rests, so that nothing is added to it unasked."""
        return self._is_closed or self._is_resting

    @property
    def status(self) -> RunStatus:
        """How it is doing: state, what is written, what was dropped or lost, and why."""
        return RunStatus(
            state=self._state,
            is_closed=self._is_closed,
            journal=self.journal.path,
            written_bytes=self.journal.size,
            unsynced_bytes=self.journal.unsynced_bytes,
            waiting_bytes=self.journal.backlog_bytes,
            lost_records=self.journal.lost_records,
            dropped_values=self.problems.dropped_values,
            problems=self.problems.sentences,
        )

    # State and end

    def set_status(self, state: str, exception: BaseException | None = None) -> None:
        """Record the state that the run is in, and why; it stays open.

        Args:
            state: running, finished, failed, aborted or preempted.
            exception: What ended it.

        Raises:
            ArgumentError: `state` is none of these.
        """
        _check_state(state)
        self.end_as(Ending.of(state, exception))

    def end_as(self, ending: Ending) -> None:
        """Record how what the run is about ended; it stays open."""
        if self._is_closed:
            return
        self._state = ending.state
        body: dict[str, Any] = {"state": ending.state}
        if ending.kind:
            body["exception"] = {"type": ending.kind, "message": ending.message}
            self.recorder.record(Kind.CONFIGS, {"sys/exception": ["string", ending.traceback]})
        self.recorder.record(Kind.STATUS, body)

    def close(self, state: str | None = None, *, timeout: float | None = None) -> None:
        """End the run in this process: flush the console, write the last record, sync. Waits a few seconds at most.

        Args:
            state: The final state; default is the last one set, or "finished".
            timeout: Seconds to wait for another thread that is closing it, too; None waits until that is done.

        Raises:
            ArgumentError: `state` is no state; the run is still open.
        """
        if state is not None:
            _check_state(state)
        if self._closing.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            try:
                self._close(state)
            finally:
                self._closing.release()

    def rest(self, state: str | None = None, *, wakes: bool = True) -> None:
        """End as `close` does, but take what is logged later.

        For a run that is over as far as anybody can tell, and whose object may still be used: a framework's training ended, an
        earlier cell of a notebook made it, the process ends.

        Args:
            state: As for `close`.
            wakes: Whether the next record opens it again, with all that goes on beside; else it is written and nothing more.
        """
        with self._closing:
            if self._is_closed or self._session is None:
                return
            before = self._state
            self._close(state, is_final=False)
            self._is_resting = wakes
            if wakes:
                self.journal.call_before_next(lambda: self._wake(before))

    def _wake(self, state: str) -> None:
        self._is_resting, self._ended_as = False, None
        if state == "running":
            self.set_status(state)
        self._start_session(tracking=None, goes_on=True)

    def expect_end(self, on_left: Callable[[BaseException | None], None] | None) -> None:
        """Have it told that a training was left without a word; for integrations of frameworks that do not tell of exceptions.

        Args:
            on_left: Called with the exception, if it is known, when the next training begins on this thread, the cell of a
                notebook or the process ends. None: the training has ended.
        """
        if self._session is not None:
            self._session.expect_end(on_left)

    def _close(self, state: str | None, *, is_final: bool = True) -> None:
        if self._is_closed:
            return
        if (session := self._session) is not None:
            session.stop()
            session.settle()
        self._end(state, is_final=is_final)
        if session is not None:
            session.finish()
        if not is_final:
            self._session = None
        self.problems.tell_noted()

    def _end(self, state: str | None, *, is_final: bool) -> None:
        """Write the last record. A forked child that logged nothing leaves nothing."""
        if self._is_closed:  # by a signal handler, in the meantime
            return
        self._state = state or (self._state if self._state != "running" else "finished")
        if self.journal.has_begun and self._ended_as != self._state:  # else it rested, and nothing came
            self.recorder.repeat_schemas()
            self.recorder.record(Kind.CLOSE, {"state": self._state})
            self._ended_as = self._state
        if is_final:
            self._is_closed = True
            self.recorder.close()
        if self._session is not None:
            self._session.sync()
        elif not self.journal.is_syncing:  # else the disk does not answer
            self.journal.sync()
        if is_final:
            self.journal.close(syncs=False)

    def terminate(self) -> None:
        """Close as aborted: for code that gives up after an error."""
        self.close("aborted" if self._state == "running" else None)

    def wait_for_submission(self, timeout: float | None = None, verbose: bool = True) -> bool:
        """Return whether what was logged is on disk: it is when the log call returns, unless the disk refuses it."""
        del timeout, verbose
        return not self.journal.backlog_bytes

    def wait_for_processing(self, timeout: float | None = None, verbose: bool = True) -> bool:
        """Return what `wait_for_submission` does: without a server, what was logged is processed by whoever reads it."""
        return self.wait_for_submission(timeout, verbose)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; what leaves the block is recorded: "failed", or "aborted" for KeyboardInterrupt; ``sys.exit(0)`` is a good end."""
        del kind, trace
        ending = ending_after(error)
        if self._state == "running" and not ending.is_good:
            self.end_as(ending)
        self.close()

    def _forget_end(self) -> None:
        """Begin anew in a child process after ``os.fork()``."""
        self._is_resting, self._ended_as = False, None


def _check_state(state: object) -> None:
    if state not in STATES:
        raise ArgumentError(f"state must be one of {', '.join(STATES)}, found {state!r}")
