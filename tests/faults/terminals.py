"""Terminals for tests: a process whose standard streams are pseudo-terminals, and the screens that a person would have seen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import textwrap
import time
from typing import TYPE_CHECKING

import pyte

from runfork.testing.waits import HANG_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS, ROWS = 100, 24


class Terminal:
    """A pseudo-terminal, and an emulator that shows what was written to it."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.written = bytearray()

    def read(self) -> bool:
        """Take what was written; False at the end."""
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # nobody has the other end open any more
            data = b""
        self.written += data
        return bool(data)

    def rows(self) -> list[str]:
        """Return what scrolled away and what the screen shows at the end, without trailing blanks and blank rows at the end."""
        screen = pyte.HistoryScreen(COLUMNS, ROWS, history=1_000_000, ratio=0.5)
        pyte.ByteStream(screen).feed(bytes(self.written))
        above = ["".join(row[column].data for column in range(COLUMNS)) for row in screen.history.top]
        rows = [row.rstrip() for row in (*above, *screen.display)]
        while rows and not rows[-1]:
            rows.pop()
        return rows


def run_on_terminals(code: str, folder: Path) -> tuple[Terminal, Terminal]:
    """Run Python code with a terminal each as its stdout and stderr; return them when it has ended well."""
    path = folder / "on_terminals.py"
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    out, err = Terminal(), Terminal()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    process = subprocess.Popen(
        [sys.executable, str(path)], stdin=subprocess.DEVNULL, stdout=out.theirs, stderr=err.theirs, env=environment
    )
    os.close(out.theirs)
    os.close(err.theirs)
    try:
        _read_all({out.ours: out, err.ours: err})
        code_at_end = process.wait(timeout=HANG_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(out.ours)
        os.close(err.ours)
    assert code_at_end == 0, err.written.decode(errors="replace")
    return out, err


def _read_all(terminals: dict[int, Terminal]) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while terminals:
        assert time.monotonic() < deadline, "the process did not end in time"
        for ready in select.select(list(terminals), [], [], 1.0)[0]:
            if not terminals[ready].read():
                del terminals[ready]
