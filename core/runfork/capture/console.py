"""Capturing what this process prints: a tee on `sys.stdout` and `sys.stderr`.

What is printed reaches the original stream first, always and unchanged; then the lines that it makes are handed on, on the
thread that printed. A line whose newline was printed has been handed on when ``print()`` returns (for rows that are drawn
anew, such as progress bars, see `runfork.capture.terminal_lines`).

Only text that Python code writes to these two objects is seen: not what C code or a subprocess writes to the file descriptors,
not bytes written to ``sys.stdout.buffer``, and nothing that a child process made by ``os.fork()`` prints.
Handlers of `logging` that were made before the capture began hold the original stream; they are given the tee with
`StreamHandler.setStream`, and the original back at the end, so that the order of imports does not decide what is kept.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from runfork.capture.terminal_lines import TerminalLines
from runfork.model.clock import now_us
from runfork.model.styled_text import StyledText, with_writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from runfork.capture.terminal import Output

StreamName = Literal["stdout", "stderr"]

_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
_MAX_BATCH_CHARACTERS = 1024 * 1024
"""Lines of more text than this are handed on in several calls."""

_MAX_ASIDE_CHARACTERS = 4096
"""More is not kept of what is printed while the sink is called: a sink that prints all it is given would never end."""

_MAX_TAIL_CHARACTERS = 64
_CONTROL_AT_END = re.compile(r"(?:\x1b\[[0-9;?]*[A-Za-z])+\Z")
"""Colours and the like: they move no cursor that stands at the beginning of a line."""


class ConsoleCapture:
    """The capture of both streams for one run. Captures may follow each other, or overlap.

    Args:
        sink: Called with a name ("stdout", "stderr", "stdout_progress", "stderr_progress"), lines, and the time of the first
            one in microseconds since 1970; the others follow one microsecond apart, and times of a name strictly increase. Either
            all lines of a call have colours and are `StyledText`, or none.
            Called on the thread that prints, or that calls `flush` or `stop`, never while a lock of ours is held, possibly by
            several threads at once. That thread may be anywhere, in a signal handler too. What it raises is counted in
            `failed_calls`; what is printed on its thread meanwhile, by itself or by a signal handler, comes with the next text.
        clock: Returns microseconds since 1970.
    """

    def __init__(self, sink: Callable[[str, list[str], int], None], *, clock: Callable[[], int] = now_us) -> None:
        self._streams: dict[StreamName, StreamCapture] = {name: StreamCapture(name, sink, clock) for name in _STREAMS}
        self._tees: list[tuple[StreamName, Tee]] = []
        self._is_on = False

    @property
    def failed_calls(self) -> int:
        """How many calls of the sink raised; their lines are not kept."""
        return sum(stream.failed_calls for stream in self._streams.values())

    def start(self) -> None:
        """Begin to capture; a stream that is None is left alone."""
        if not self._is_on:
            self._is_on = True
            for name in _STREAMS:
                self._subscribe(name)

    def follow(self) -> None:
        """Capture the streams of the process, too, if they stand where others stood when the capture began.

        ``redirect_stdout`` and ``%%capture`` put back what they replaced, and know nothing of a tee that came meanwhile. What else
        stands there is left alone: it may write to a tee of ours.
        """
        for name in _STREAMS if self._is_on else ():
            current = getattr(sys, name, None)
            is_ours = any(tee is current for _, tee in self._tees)
            if not is_ours and _is_home_stream(uncaptured(current), name):
                self._subscribe(name)

    def _subscribe(self, name: StreamName) -> None:
        if (tee := Tee.install(name)) is not None:
            tee.subscribe(self._streams[name])
            self._tees.append((name, tee))
            if not self._is_on:  # stopped on another thread meanwhile
                self.stop()

    def flush(self, now: int | None = None) -> None:
        """Hand on what is due: settled rows, states of progress bars, lines that wait for their end. To be called every second."""
        for stream in self._streams.values():
            stream.flush(now)

    def stop(self, *, restores_streams: bool = True) -> None:
        """Stop capturing and hand on what is left; the last capture to stop restores the streams.

        Args:
            restores_streams: False touches no stream and takes no lock of others: for a signal handler that ends the process.
        """
        self._is_on = False
        while self._tees:
            name, tee = self._tees.pop()
            if restores_streams:
                tee.unsubscribe(self._streams[name])
            self._streams[name].finish()


class StreamCapture:
    """What one capture makes of one stream. Any method may be called from any thread, and in signal handlers.

    Args:
        name: "stdout" or "stderr".
        sink: As in `ConsoleCapture`.
        clock: As in `ConsoleCapture`.
    """

    def __init__(self, name: str, sink: Callable[[str, list[str], int], None], clock: Callable[[], int]) -> None:
        self._name = name
        self._progress_name = f"{name}_progress"
        self._sink = sink
        self._clock = clock
        self._pid = os.getpid()
        self._terminal: TerminalLines | None = None  # until something is printed: many a run prints nothing
        # Re-entrant: a signal handler or finalizer that prints on this thread must get in, and then finds us busy.
        self._lock = threading.RLock()
        self._is_busy = False
        self._waiting: list[str] = []
        self._next_times = {self._name: 0, self._progress_name: 0}
        self._calls = threading.local()
        self.failed_calls = 0

    def receive(self, text: str) -> None:
        """Take text that was printed."""
        self._edit(lambda terminal, now: terminal.feed(text, now), text)

    def flush(self, now: int | None = None) -> None:
        """Hand on what is due."""
        self._edit(lambda terminal, moment: terminal.flush(moment if now is None else now))

    def finish(self) -> None:
        """Hand on everything."""
        self._edit(lambda terminal, _moment: terminal.finish())

    def _edit(self, edit: Callable[[TerminalLines, int], Output], text: str = "") -> None:
        """Let the terminal work at a moment, and hand on what it puts out; where it is at work already, `text` waits."""
        if os.getpid() != self._pid:
            return  # in a child process
        if getattr(self._calls, "is_active", False):  # calling the sink for what it prints itself would go on for ever
            if text and sum(map(len, self._waiting)) < _MAX_ASIDE_CHARACTERS:
                self._waiting.append(text)
            return
        with self._lock:
            if self._is_busy:
                if text:
                    self._waiting.append(text)
                return
            if self._terminal is None and not text:
                return
            self._is_busy = True
            try:
                terminal = self._terminal = self._terminal or TerminalLines()
                now = self._clock()
                output = edit(terminal, now)
                if not (output.lines or output.snapshots or self._waiting):
                    return
                batches = self._collect(terminal, output, now)
                while self._waiting:
                    batches += self._collect(terminal, terminal.feed(self._waiting.pop(0), now), now)
            finally:
                self._is_busy = False
        # Only now, without the lock: the sink takes locks of its own, and their holders may be printing.
        for batch in batches:
            self._call(*batch)

    def _collect(self, terminal: TerminalLines, output: Output, now: int) -> list[tuple[str, list[str], int]]:
        """Return the sink's arguments. Lines get their times here, which decide their order from now on."""
        batches = []
        for name, lines in ((self._name, output.lines), (self._progress_name, output.snapshots)):
            if lines:
                first = max(now, self._next_times[name])
                self._next_times[name] = first + len(lines)
                for begin, some in _stretches(lines) if terminal.has_styles else ((0, lines),):
                    for start, batch in _batches([_encodable(line) for line in some]):
                        batches.append((name, batch, first + begin + start))
        return batches

    def _call(self, name: str, lines: list[str], time_us: int) -> None:
        self._calls.is_active = True
        try:
            self._sink(name, lines, time_us)
        except Exception:  # printing must not fail because of whoever listens
            self.failed_calls += 1
        finally:
            self._calls.is_active = False


def _encodable(line: str) -> str:
    """Return `line` with lone surrogates, which some streams print in their own way, spelled out."""
    if line.isascii():
        return line
    plain = line.encode("utf-8", "backslashreplace").decode("utf-8")
    return with_writing(plain, _encodable(line.written)) if isinstance(line, StyledText) else plain


def _stretches(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (index of the first line, lines) for stretches of lines with colours, and for those without."""
    begin = 0
    for _, found in groupby(lines, type):
        stretch = list(found)
        yield begin, stretch
        begin += len(stretch)


def _batches(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (index of the first line, lines) so that no batch has much more text than `_MAX_BATCH_CHARACTERS`."""
    start = size = 0
    for index, line in enumerate(lines):
        size += len(line)
        if size > _MAX_BATCH_CHARACTERS:
            if index > start:
                yield start, lines[start:index]
            start, size = index, len(line)
    yield start, lines[start:]


class Tee:
    """Stands in for a standard stream: passes everything on to it, and what is written also to subscribers.

    With no subscribers it only passes on. It is what holds the subscribers, so a process needs no list of captures.
    """

    def __init__(self, name: StreamName, stream: Any) -> None:
        self._name = name
        self.original = stream
        """The stream that this tee stands for."""
        self._pid = os.getpid()
        self._subscribers: tuple[StreamCapture, ...] = ()
        self._tail = ""

    @classmethod
    def install(cls, name: StreamName) -> Tee | None:
        """Return the tee that stands at ``sys.<name>``, put there if there is none; None if the process has no such stream."""
        current = getattr(sys, name, None)
        if current is None:
            return None
        if isinstance(current, cls):
            if current.is_of_this_process:
                return current
            current = current.original
        tee = cls(name, current)
        setattr(sys, name, tee)
        _hand_over_log_handlers(current, tee)
        return tee

    def subscribe(self, subscriber: StreamCapture) -> None:
        """Pass what is written to `subscriber` from now on."""
        self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: StreamCapture) -> None:
        """Stop passing on to `subscriber`. Without subscribers the original stream is restored, unless this tee was replaced."""
        self._subscribers = tuple(one for one in self._subscribers if one is not subscriber)
        if not self._subscribers and self.is_of_this_process:
            _hand_over_log_handlers(self, self.original)
            if getattr(sys, self._name, None) is self:
                setattr(sys, self._name, self.original)

    @property
    def is_of_this_process(self) -> bool:
        """Whether it was put there by this process, and not by the one that this was forked from."""
        return self._pid == os.getpid()

    def end_line(self) -> bool:
        """Take the line to be ended that was written last; returns whether it was open, as those of progress bars are."""
        text, self._tail = _CONTROL_AT_END.sub("", self._tail), ""
        return bool(text) and not text.endswith("\n")

    def write(self, text: str) -> Any:
        """Write to the original stream, then hand the text to the subscribers."""
        written = self.original.write(text)
        if type(text) is str and text:
            self._tail = text[-_MAX_TAIL_CHARACTERS:]
        for subscriber in self._subscribers:
            try:
                subscriber.receive(text)
            except Exception:  # printing must not fail because of us
                subscriber.failed_calls += 1
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        """Write one after the other, as the original stream would."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        # Nothing is passed on before `__init__`, nor for protocols that are not offered.
        if name.startswith("__") or name == "original":
            raise AttributeError(name)
        return getattr(self.original, name)

    def __repr__(self) -> str:
        return f"<runfork tee of {self.original!r}>"

    def __iter__(self) -> Iterator[str]:
        return iter(self.original)

    def __enter__(self) -> Any:
        self.original.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        return self.original.__exit__(kind, error, trace)


def uncaptured(stream: Any) -> Any:
    """Return the stream behind our tees, for what should be seen but not kept."""
    while isinstance(stream, Tee):
        stream = stream.original
    return stream


def line_break() -> str:
    """Return what a whole line on stderr begins with: a line break where it would stand behind a progress bar.

    That is one on stderr, or on stdout if both are terminals. Its line is taken to be ended so.
    """
    streams = [sys.stderr, sys.stdout]
    seen = streams if all(_is_terminal(one) for one in streams) else streams[:1]
    ended = [one.end_line() for one in seen if isinstance(one, Tee)]
    return "\n" if any(ended) else ""


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except Exception:  # what stands at sys.stderr may raise anything
        return False


def _is_home_stream(stream: Any, name: StreamName) -> bool:
    """Return whether a stream is one that the process began with: its own, or that of a notebook's kernel."""
    return stream is not None and (
        stream is getattr(sys, f"__{name}__", None) or type(stream).__module__.partition(".")[0] == "ipykernel"
    )


def _hand_over_log_handlers(old: Any, new: Any) -> None:
    """Let the handlers of `logging` that write to `old` write to `new`."""
    loggers = (logging.root, *list(logging.root.manager.loggerDict.values()))
    for logger in loggers:
        for handler in list(getattr(logger, "handlers", ())):
            if isinstance(handler, logging.StreamHandler) and getattr(handler, "stream", None) is old:
                _hand_over(handler, new)


def _hand_over(handler: logging.StreamHandler[Any], stream: Any) -> None:
    try:
        handler.setStream(stream)
    except AttributeError:
        return  # a handler of somebody's that chooses its stream itself
    except Exception:  # its stream was closed, or is somebody's own, and cannot be flushed before it is replaced
        with suppress(AttributeError):  # as above
            handler.stream = stream
