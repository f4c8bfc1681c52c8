"""How this process ends, as far as it can know: whether its program came to its end, and what it left by if it did not.

At exit Python has forgotten the ``SystemExit`` that ended it, and ``sys.last_value`` may hold any error that was ever printed, at a
prompt for example. So the frame of the program itself is kept: where it stands in the end tells whether it came to its end, and
an error ended it only if that is in its traceback. What ``sys.exit`` was given is noted at the call: while runs are open,
`sys.exit`, `exit` and `quit` are ours, and `threading.excepthook`, which is told of threads that an exception ended.
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from runfork.model.run_ending import Ending, ending_after, has_returned
from runfork.writing.open_lives import OpenLives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

_EXITS = ((sys, "exit"), (builtins, "exit"), (builtins, "quit"))


class Ended(Protocol):
    """The life of an open run, as what ends in the process ends it."""

    state: str
    thread: threading.Thread
    """The thread that opened the run."""

    def note_end(self, ending: Ending) -> None:
        """Record how what the run is about ended, unless that was said already, or it goes well."""

    def leave_training(self, error: BaseException | None, *, thread: threading.Thread | None = None) -> None:
        """Say that the training which goes on was left."""

    def rest(self) -> None:
        """End, and take what is logged later."""


class ProcessEnd:
    """Looks out for the end of the process, for all runs that are open in it."""

    def __init__(self) -> None:
        self.lives: OpenLives[Ended] = OpenLives()
        """Those of open runs."""
        self._program = _find_program()
        self._last_error = _printed_error()
        self._noted: Ending | None = None
        self._exits: list[tuple[Any, str, _Exit]] = []
        self._threads: _ThreadHook | None = None

    @classmethod
    def join(cls, life: Ended) -> ProcessEnd:
        """Return the one of this process, made with the first run that is opened, which now looks out for `life` too."""
        with _Taking.over:
            hook = sys.exit
            this = hook.of if isinstance(hook, _Exit) else cls()
            this.lives.add(life)
            this.install()  # after that: a signal handler may close the last of the others, and so give all back
            this.watch_threads()
        return this

    def leave(self, life: Ended) -> None:
        """Look out for `life` no longer; the last one gives back what was taken over."""
        with _Taking.over:
            self.lives.discard(life)
            if not self.lives:
                self._uninstall()

    def find(self) -> Ending:
        """Return how the process ends. To be asked at exit."""
        error = _printed_error()
        if self._program is None:  # an embedded interpreter
            return ending_after(error) if error is not self._last_error else Ending()
        if has_returned(self._program):
            return Ending()
        if error is not None and any(frame is self._program for frame in _frames(error.__traceback__)):
            return ending_after(error)
        return self._noted or Ending()

    def _note_exit(self, error: SystemExit) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # it ends the thread, quietly
        ending = ending_after(error)
        if ending.kind == "SystemExit":  # it has passed no frame yet
            import traceback

            stack = "".join(traceback.format_stack(sys._getframe(2)))  # noqa: SLF001  what `traceback` itself begins with
            ending = replace(ending, traceback=f"{stack}SystemExit: {ending.message}\n")
        self._noted = ending

    def _note_thread(self, error: BaseException | None, thread: threading.Thread | None) -> None:
        for life in self.lives:
            if thread is not None and life.thread is thread:
                life.note_end(ending_after(error))

    def install(self) -> None:
        """Take over `sys.exit` and its like, unless that was done."""
        for place, name in () if self._exits else _EXITS:
            if (original := getattr(place, name, None)) is not None:
                ours = _Exit(self, original, name)
                setattr(place, name, ours)
                self._exits.append((place, name, ours))

    def watch_threads(self) -> None:
        """Take over `threading.excepthook`, again where somebody has put another in its place since the last run was opened."""
        if threading.excepthook is not self._threads:
            self._threads = _ThreadHook(self, threading.excepthook)
            threading.excepthook = self._threads

    def _uninstall(self) -> None:
        while self._exits:
            place, name, ours = self._exits.pop()
            if getattr(place, name, None) is ours:  # else somebody stands before us, and will call us
                setattr(place, name, ours.original)
        if self._threads is not None and threading.excepthook is self._threads:
            threading.excepthook = self._threads.original
        self._threads = None


class _Taking:
    """The lock of who takes `sys.exit` and its like over or gives them back; another in a child, forked while it may be held."""

    over = threading.RLock()

    @classmethod
    def renew(cls) -> None:
        cls.over = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Taking.renew)


class _Exit:
    """Stands in for `sys.exit`, `exit` or `quit`: notes what it was called with."""

    def __init__(self, of: ProcessEnd, original: Callable[..., Any], name: str) -> None:
        self.of = of
        self.original = original
        self._name = name
        self.__module__ = "sys" if original is sys.exit else "builtins"
        self.__doc__ = original.__doc__

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        try:
            return self.original(*arguments, **named)
        except SystemExit as error:
            self.of._note_exit(error)  # noqa: SLF001  the same module
            raise

    def __repr__(self) -> str:
        return repr(self.original)

    def __reduce__(self) -> str:
        """Return the name by which other processes find what it stands for."""
        return self._name


class _ThreadHook:
    """Stands in for `threading.excepthook`."""

    def __init__(self, of: ProcessEnd, original: Callable[[threading.ExceptHookArgs], Any]) -> None:
        self._of = of
        self.original = original

    def __call__(self, arguments: threading.ExceptHookArgs, /) -> Any:
        try:
            self._of._note_thread(arguments.exc_value, arguments.thread)  # noqa: SLF001  the same module
        finally:
            self.original(arguments)


def _find_program() -> FrameType | None:
    """Return the frame of the program that the process was started for; None where there is none."""
    main = threading.main_thread()
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  nor is there another way to the frames of a thread, below
    if threading.current_thread() is not main:
        frame = sys._current_frames().get(main.ident or 0)  # noqa: SLF001
    found = None
    while frame is not None:
        # A module's frame keeps nothing alive but the module.
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__main__":
            found = frame
        frame = frame.f_back
    return found


def _printed_error() -> BaseException | None:
    """Return the exception that the interpreter printed last."""
    error = getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
