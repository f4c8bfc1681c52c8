"""Writes to a terminal as a program would, and gathers what it hands out."""

from __future__ import annotations

from runfork.capture.terminal_lines import TerminalLines

SECOND = 1_000_000


class Typist:
    """Feeds a terminal, and gathers what comes out of it."""

    def __init__(self, terminal: TerminalLines | None = None, *, interval: int = SECOND // 10) -> None:
        self.terminal = terminal or TerminalLines()
        self.now = 0
        self.interval = interval
        self.lines: list[str] = []
        self.snapshots: list[str] = []

    def write(self, *texts: str) -> Typist:
        for text in texts:
            self.now += self.interval
            self._take(self.terminal.feed(text, self.now))
        return self

    def wait(self, seconds: float) -> Typist:
        self.now += int(seconds * SECOND)
        self._take(self.terminal.flush(self.now))
        return self

    def finish(self) -> list[str]:
        self._take(self.terminal.finish())
        return self.lines

    def display(self) -> list[str]:
        """Return the rows as a terminal would show them, without trailing blanks."""
        held = self.terminal
        held._absorb_parts()
        rows = [*held._above, held._row, *reversed(held._below)]
        return [(row if isinstance(row, str) else "".join(row.cells)).rstrip() for row in rows]

    def flush(self) -> None:
        """Be a file, for tqdm and rich."""

    def _take(self, output) -> None:
        self.lines += output.lines
        self.snapshots += output.snapshots


def finished(*texts: str) -> list[str]:
    return Typist().write(*texts).finish()
