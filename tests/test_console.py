from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import TextIO

import pytest
from tests.consoles import SECOND, Console, Recorder, written

from runfork.capture.console import ConsoleCapture, Tee, uncaptured
from runfork.model.styled_text import StyledText
from runfork.testing.waits import HANG_SECONDS, until


def test_lines_are_handed_on_before_print_returns() -> None:
    with Console() as console:
        print("hello")

        assert [("stdout", ["hello"], console.recorder.now)] == console.recorder.calls


def test_streams_are_kept_apart() -> None:
    with Console() as console:
        print("out")
        print("err", file=sys.stderr)

        assert ["out"] == console.recorder.lines("stdout")
        assert ["err"] == console.recorder.lines("stderr")


def test_output_reaches_the_original_stream_unchanged() -> None:
    with Console() as console:
        print("a\r\x1b[31mb\x1b[0m\r\n", end="")

        assert "a\r\x1b[31mb\x1b[0m\r\n" == written(console.out)


def test_times_of_a_stream_strictly_increase_though_the_clock_stands_or_goes_back() -> None:
    with Console() as console:
        print("a\nb\nc")
        print("d")
        console.recorder.now -= 3600 * SECOND
        print("e")

        start = console.recorder.times()[0]
        assert [start, start + 1, start + 2, start + 3, start + 4] == console.recorder.times()


def test_last_partial_line_is_handed_on_when_capture_stops() -> None:
    with Console() as console:
        print("no newline", end="")
        console.capture.stop()

        assert ["no newline"] == console.recorder.lines()


def test_prompt_is_handed_on_by_a_later_flush() -> None:
    with Console() as console:
        print("Continue? ", end="")
        console.recorder.now += 10 * SECOND
        console.capture.flush(console.recorder.now)

        assert ["Continue? "] == console.recorder.lines()


def test_progress_goes_to_a_series_of_its_own() -> None:
    with Console() as console:
        for percent in (0, 50, 100):
            console.recorder.now += 2 * SECOND
            print(f"\r{percent}%", end="", file=sys.stderr)
        print(file=sys.stderr)
        print("done", file=sys.stderr)

        assert ["100%", "done"] == console.recorder.lines("stderr")
        assert ["0%", "50%"] == console.recorder.lines("stderr_progress")


def test_lines_with_colours_are_handed_on_apart_with_both_ways_to_write_them() -> None:
    with Console() as console:
        console.out.reconfigure(errors="backslashreplace")
        print("a\n\x1b[31mb\n\x1b[0mc\x1b[1m\ud83d\x1b[m\nd")
        lines = [(lines, time - console.recorder.now) for _, lines, time in console.recorder.calls]

        assert lines == [(["a"], 0), (["b", "c\\ud83d"], 1), (["d"], 3)]
        _, styled, _ = console.recorder.calls[1]
        assert [line.written for line in styled if isinstance(line, StyledText)] == [
            "\x1b[31mb\x1b[0m",
            "\x1b[0;31m\x1b[0mc\x1b[1m\\ud83d\x1b[m",
        ]


def test_programs_see_the_terminal_that_they_would_see_without() -> None:
    class Terminal(io.StringIO):
        encoding = "cp437"

        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return 77

    with contextlib.redirect_stdout(Terminal()), contextlib.redirect_stderr(io.StringIO()):
        capture = ConsoleCapture(Recorder())
        capture.start()
        seen = (sys.stdout.isatty(), sys.stdout.fileno(), sys.stdout.encoding, sys.stderr.isatty())
        capture.stop()

    assert seen == (True, 77, "cp437", False)


def test_streams_are_restored() -> None:
    with Console() as console:
        console.capture.stop()

        assert (sys.stdout, sys.stderr) == (console.out, console.err)


def test_stopping_and_starting_again_works() -> None:
    with Console() as console:
        console.capture.stop()
        console.capture.stop()
        print("unseen")
        console.capture.start()
        console.capture.start()
        print("seen")

        assert ["seen"] == console.recorder.lines()


def test_overlapping_captures_share_one_tee() -> None:
    with Console() as console:
        inner = Recorder()
        second = ConsoleCapture(inner)
        print("one")
        second.start()
        tee = sys.stdout
        assert isinstance(tee, Tee)
        assert tee.original is console.out
        print("two")
        console.capture.stop()
        print("three")
        second.stop()

        assert ["one", "two"] == console.recorder.lines()
        assert ["two", "three"] == inner.lines()
        assert sys.stdout is console.out


def test_capture_that_ends_mid_line_does_not_cut_the_line_of_another() -> None:
    with Console() as console:
        second = ConsoleCapture(Recorder())
        second.start()
        print("a long ", end="")
        second.stop()
        print("line")

        assert ["a long line"] == console.recorder.lines()


def test_stream_that_was_wrapped_by_others_is_left_to_them() -> None:
    with Console() as console:
        wrapper = Wrapper(sys.stdout)
        sys.stdout = wrapper
        print("both")
        console.capture.stop()
        print("only theirs")

        assert sys.stdout is wrapper
        assert ["both"] == console.recorder.lines()
        assert "both\nonly theirs\n" == written(console.out)


class Wrapper:
    """What another library may put over a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


def test_capture_under_a_wrapper_starts_over_it() -> None:
    with Console() as console:
        wrapper = Wrapper(sys.stdout)
        sys.stdout = wrapper
        inner = Recorder()
        second = ConsoleCapture(inner)
        second.start()
        print("x")
        second.stop()

        assert sys.stdout is wrapper
        assert (["x"], ["x"]) == (console.recorder.lines(), inner.lines())


def test_redirected_output_is_not_captured() -> None:
    with Console() as console:
        with contextlib.redirect_stdout(io.StringIO()) as elsewhere:
            print("elsewhere")
        print("here")

        assert "elsewhere\n" == elsewhere.getvalue()
        assert ["here"] == console.recorder.lines()


def test_everything_else_is_the_original_streams() -> None:
    with Console() as console:
        tee = sys.stdout
        assert tee.encoding == "utf-8"
        assert tee.isatty() is False
        assert tee.buffer is console.out.buffer
        assert 3 == tee.write("abc")
        tee.flush()
        tee.writelines(["d\n", "e\n"])
        tee.reconfigure(line_buffering=True)  # type: ignore[union-attr]

        assert "abcd\ne\n" == written(console.out)
        assert console.out.line_buffering
        assert not hasattr(tee, "no_such_attribute")
        with pytest.raises(io.UnsupportedOperation):
            tee.fileno()


def test_missing_stream_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with Console(start=False) as console:
        monkeypatch.setattr(sys, "stdout", None)
        capture = ConsoleCapture(console.recorder)
        capture.start()
        print("nowhere")
        capture.stop()

        assert sys.stdout is None


def test_closed_stream_fails_as_it_would_without_us() -> None:
    with Console() as console:
        console.out.close()
        with pytest.raises(ValueError, match="closed"):
            print("x")
        console.capture.stop()

        assert [] == console.recorder.lines()


def test_sink_that_raises_does_not_disturb_printing() -> None:
    with Console(start=False) as console:

        def refuse(*_: object) -> None:
            raise OSError("full")

        capture = ConsoleCapture(refuse)
        capture.start()
        print("a")
        print("b")
        capture.stop()

        assert "a\nb\n" == written(console.out)
        assert 2 == capture.failed_calls


def test_sink_that_prints_is_called_for_it_only_with_the_next_text() -> None:
    with Console(start=False) as console:
        seen: list[str] = []

        def echo(name: str, lines: list[str], time_us: int) -> None:
            seen.extend(lines)
            print("echo", *lines)
            print("echo", *lines, file=sys.stderr)

        capture = ConsoleCapture(echo)
        capture.start()
        print("a")
        at_first = list(seen)
        capture.flush()
        capture.stop()

        assert ["a", "echo a"] == at_first  # the second from stderr
        assert "echo a" in seen[2:]
        assert "a\necho a\n" == written(console.out)[:9]


def test_output_that_is_no_text_fails_as_it_would_without_us() -> None:
    with Console(), pytest.raises(TypeError):
        sys.stdout.write(b"bytes")  # type: ignore[arg-type]


def test_lone_surrogates_become_text_that_can_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    with Console(start=False) as console:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
        monkeypatch.setattr(sys, "stdout", stream)
        capture = ConsoleCapture(console.recorder)
        capture.start()
        print("file-\udcff.txt")
        capture.stop()

        assert ["file-\\udcff.txt"] == console.recorder.lines()


def test_large_output_is_handed_on_in_parts() -> None:
    with Console() as console:
        lines = ["x" * 300_000] * 10
        print("\n".join(lines))

        assert lines == console.recorder.lines()
        assert 4 == len(console.recorder.calls)
        assert console.recorder.times() == sorted(set(console.recorder.times()))


def test_log_handlers_made_before_are_captured_too() -> None:
    with Console(start=False) as console:
        logger = logging.getLogger("test_console.early")
        handler = logging.StreamHandler()
        logger.addHandler(handler)
        capture = ConsoleCapture(console.recorder)
        capture.start()
        logger.warning("early bird")
        capture.stop()
        logger.removeHandler(handler)

        assert ["early bird"] == console.recorder.lines("stderr")
        assert handler.stream is console.err


def test_log_handler_of_a_closed_stream_is_no_obstacle() -> None:
    with Console(start=False) as console:
        logger = logging.getLogger("test_console.closed")
        handler = logging.StreamHandler()
        logger.addHandler(handler)
        console.err.close()
        console.capture.start()
        console.capture.stop()
        logger.removeHandler(handler)

        assert handler.stream is console.err


def test_log_handler_that_chooses_a_closed_stream_itself_is_no_obstacle() -> None:
    with Console(start=False) as console:
        logger = logging.getLogger("test_console.last_resort")
        logger.addHandler(logging.lastResort or logging.NullHandler())  # its stream is whatever stderr is
        console.err.close()
        console.capture.start()
        console.capture.stop()
        logger.handlers.clear()

        assert sys.stderr is console.err


def test_threads_lose_no_line() -> None:
    with Console() as console:

        def chatter(name: int) -> None:
            for number in range(200):
                sys.stdout.write(f"{name}:{number}\n")

        threads = [threading.Thread(target=chatter, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert {f"{name}:{number}" for name in range(8) for number in range(200)} == set(console.recorder.lines())
        assert 1600 == len(set(console.recorder.times()))


def test_printing_by_the_holder_of_a_lock_that_the_sink_needs_does_not_deadlock() -> None:
    with Console(start=False):
        lock = threading.RLock()
        seen: list[str] = []
        inside, printed = threading.Event(), threading.Event()

        def sink(name: str, lines: list[str], time_us: int) -> None:
            if lines == ["first"]:
                inside.set()
            with lock:
                seen.extend(lines)

        def hold() -> None:
            with lock:
                threading.Thread(target=print, args=("first",)).start()
                inside.wait(10)
                print("second")
            printed.set()

        capture = ConsoleCapture(sink)
        capture.start()
        threading.Thread(target=hold, daemon=True).start()

        assert printed.wait(HANG_SECONDS)
        until(lambda: sorted(seen) == ["first", "second"])
        capture.stop()


def test_printing_in_signal_handlers_does_not_deadlock() -> None:
    with Console() as console:
        count = 0

        def handle(number: int, frame: object) -> None:
            nonlocal count
            count += 1
            print(f"signal {count}", file=sys.stderr)

        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        try:
            limit = time.monotonic() + HANG_SECONDS
            number = 0
            while count < 200 and time.monotonic() < limit:
                print(f"line {number}", file=sys.stderr)
                number += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

        assert count >= 200
        assert number - len([line for line in console.recorder.lines("stderr") if "line" in line]) <= count


def test_output_of_a_forked_child_is_not_handed_on_by_it() -> None:
    with Console() as console:
        print("half a ", end="")
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            print("child")
            console.capture.flush()
            console.capture.stop()
            inner = Recorder()
            own = ConsoleCapture(inner)
            own.start()
            print("own")
            own.stop()
            os.write(writing, json.dumps([console.recorder.lines(), inner.lines()]).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        print("line")

        assert [[], ["own"]] == json.loads(os.read(reading, 10_000))
        assert ["half a line"] == console.recorder.lines()


def test_notices_can_bypass_the_capture() -> None:
    with Console() as console:
        print("seen, not kept", file=uncaptured(sys.stdout))

        assert "seen, not kept\n" == written(console.out)
        assert [] == console.recorder.lines()
        assert uncaptured(None) is None


def test_what_print_returned_from_survives_sigkill(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        """
import os, signal, sys
from runfork.capture.console import ConsoleCapture
kept = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
ConsoleCapture(lambda name, lines, time_us: os.write(kept, ("\\n".join(lines) + "\\n").encode())).start()
for number in range(1000):
    print("line", number)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    kept = tmp_path / "kept"

    process = subprocess.run(
        [sys.executable, str(script), str(kept)],
        stdout=subprocess.DEVNULL,
        env=environment(),
        timeout=HANG_SECONDS,
        check=False,
    )

    assert -signal.SIGKILL == process.returncode
    assert [f"line {number}" for number in range(1000)] == kept.read_text().splitlines()


def environment() -> dict[str, str]:
    """Return an environment in which a child finds the same modules."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_memory_stays_bounded_however_much_is_printed() -> None:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        capture = ConsoleCapture(lambda *_: None)
        capture.start()
        tracemalloc.start()
        for number in range(4_000):
            print("x" * 100)
            print(f"\r{number} " + "y" * 100, end="")
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        capture.stop()

    assert used < 400_000
