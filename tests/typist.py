"""Writes to a line editor as a program would, and gathers what it hands out."""

from __future__ import annotations

from runfork.capture.line_editor import LineEditor

SECOND = 1_000_000


class Typist:
    """Feeds an editor, and gathers what comes out of it."""

    def __init__(self, editor: LineEditor | None = None, *, interval: int = SECOND // 10) -> None:
        self.editor = editor or LineEditor()
        self.now = 0
        self.interval = interval
        self.lines: list[str] = []
        self.snapshots: list[str] = []

    def write(self, *texts: str) -> Typist:
        for text in texts:
            self.now += self.interval
            self._take(self.editor.feed(text, self.now))
        return self

    def wait(self, seconds: float) -> Typist:
        self.now += int(seconds * SECOND)
        self._take(self.editor.flush(self.now))
        return self

    def finish(self) -> list[str]:
        self._take(self.editor.finish())
        return self.lines

    def flush(self) -> None:
        """Be a file, for tqdm and rich."""

    def _take(self, output) -> None:
        self.lines += output.lines
        self.snapshots += output.snapshots


def finished(*texts: str) -> list[str]:
    return Typist().write(*texts).finish()
