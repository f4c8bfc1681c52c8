"""Standard streams of a test's own, captured, and what the capture hands on."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from runfork.capture.console import ConsoleCapture, StreamCapture
from runfork.journal.format import Kind
from runfork.model.styled_text import StyledText

if TYPE_CHECKING:
    from runfork import Run

SECOND = 1_000_000


class Recorder:
    """A sink that keeps what it is given, and a clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str], int]] = []
        self.now = 1_700_000_000 * SECOND

    def __call__(self, name: str, lines: list[str], time_us: int) -> None:
        self.calls.append((name, lines, time_us))

    def clock(self) -> int:
        return self.now

    def lines(self, name: str = "stdout") -> list[str]:
        return [line for stream, lines, _ in self.calls if stream == name for line in lines]

    def times(self, name: str = "stdout") -> list[int]:
        return [start + n for stream, lines, start in self.calls if stream == name for n in range(len(lines))]


def new_stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def written(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


class Console:
    """Standard streams of the test's own while it runs, with a capture of them.

    No fixture, because pytest puts its own streams back between a fixture's set-up and the test.
    """

    def __init__(self, *, start: bool = True) -> None:
        self.recorder = Recorder()
        self.capture = ConsoleCapture(self.recorder, clock=self.recorder.clock)
        self.out, self.err = new_stream(), new_stream()
        self._starts = start

    def __enter__(self):
        self._before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self.out, self.err
        if self._starts:
            self.capture.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.capture.stop()
        sys.stdout, sys.stderr = self._before


class Printer:
    """A run's streams as a program writes to them, by a clock that stands still unless it is moved."""

    BEGIN_SECONDS = 1_800_000_000

    def __init__(self, run: Run, *, namespace: str = "runtime") -> None:
        self.now = self.BEGIN_SECONDS * SECOND
        self._run = run
        self._namespace = namespace
        self._streams = {name: StreamCapture(name, self._take, lambda: self.now) for name in ("stdout", "stderr")}

    def _take(self, name: str, lines: list[str], time: int) -> None:
        body = {f"{self._namespace}/{name}": [str(line) for line in lines]}
        if isinstance(lines[0], StyledText):
            body[f"{self._namespace}/{name}_styled"] = [line.written for line in lines if isinstance(line, StyledText)]
        self._run.recorder.record_points(Kind.STRINGS, body, step=time, time_us=time, clock_axis=True)

    def write(self, text: str, *, to: str = "stdout", seconds: float = 0.001) -> None:
        """Write, and let time pass."""
        self._streams[to].receive(text)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; what is due is handed on every second."""
        while seconds > 0:
            self.now += int(min(seconds, 1.0) * SECOND)
            seconds -= 1.0
            for stream in self._streams.values():
                stream.flush(self.now)

    def end(self) -> None:
        """Hand on what is left."""
        for stream in self._streams.values():
            stream.finish()
