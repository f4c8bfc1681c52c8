"""SIGTERM, by which schedulers end a process: what runs say of it before it ends."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import Protocol

from runfork.writing.open_lives import OpenLives


class Preemptible(Protocol):
    """The life of an open run, as SIGTERM ends it."""

    def preempt(self, *, is_last_word: bool) -> None:
        """Record that SIGTERM came; where it ends the process, close the run."""

    def close(self) -> None:
        """Close the run."""


class Terminator:
    """The SIGTERM handler of runs: records "preempted", and ends the process unless another handler took over."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lives: OpenLives[Preemptible] = OpenLives()

    @classmethod
    def install(cls, life: Preemptible) -> Terminator | None:
        """Handle SIGTERM for the run of `life`, unless the program handles it itself; None where that is not ours to do."""
        if threading.current_thread() is not threading.main_thread():
            return None
        current = signal.getsignal(signal.SIGTERM)
        if not isinstance(current, cls) and current is not signal.SIG_DFL:
            return None
        handler = current if isinstance(current, cls) and current.is_of_this_process else cls()
        handler._lives.add(life)  # noqa: SLF001  the same class
        try:
            signal.signal(signal.SIGTERM, handler)
        except ValueError:  # a subinterpreter
            return None
        return handler

    @property
    def is_of_this_process(self) -> bool:
        """False in a child process after ``os.fork()``."""
        return self._pid == os.getpid()

    def leave(self, life: Preemptible) -> None:
        """Stop handling SIGTERM for a run; the last one restores the default."""
        self._lives.discard(life)
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not self._lives and in_main_thread and signal.getsignal(signal.SIGTERM) is self:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def leave_child(self) -> None:
        """Restore the default in a child process after ``os.fork()``.

        A worker of a pool is ended by SIGTERM while it waits for work. A handler in Python runs only when the wait is interrupted,
        which a signal that comes just before it does not do: the worker would wait for ever, and the pool for the worker.
        """
        if signal.getsignal(signal.SIGTERM) is self:
            with suppress(ValueError):  # a thread that is not the main one forked, on some systems
                signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def __call__(self, number: int, _frame: object) -> None:
        """Handle the signal."""
        is_last_word = signal.getsignal(signal.SIGTERM) is self  # else a framework called us from a handler of its own
        try:
            for life in self._lives if self.is_of_this_process else ():
                # The program was interrupted anywhere, in the middle of a print for example: what fails here must not keep it
                # from its end, nor reach the framework that called us.
                with suppress(Exception):
                    life.preempt(is_last_word=is_last_word)
        finally:
            if is_last_word:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), number)
