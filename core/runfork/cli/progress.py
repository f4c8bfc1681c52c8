"""Progress on stderr, for work that takes long enough to make somebody wonder."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, TaskID

__all__ = ["PATIENCE_SECONDS", "ByteProgress", "drain_progress"]

PATIENCE_SECONDS = 0.5
"""Work that is done within this time shows no progress."""


@contextmanager
def drain_progress(description: str = "Reading journals") -> Iterator[Callable[[int, int], None] | None]:
    """Yield what `Project.refresh` may call with bytes done and bytes in all; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = ByteProgress(description)
    try:
        yield bar.update
    finally:
        bar.close()


class ByteProgress:
    """A bar that appears when the work has lasted `PATIENCE_SECONDS` and vanishes when it is closed.

    Args:
        description: What is being done.
        clock: Seconds, monotonic.
    """

    def __init__(self, description: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._description = description
        self._clock = clock
        self._started = clock()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the bar has appeared."""
        return self._progress is not None

    def update(self, done: int, total: int) -> None:
        """Tell how far the work is, in bytes."""
        if self._progress is None:
            if self._clock() - self._started < PATIENCE_SECONDS:
                return
            self._show(total)
        assert self._progress is not None
        assert self._task is not None
        self._progress.update(self._task, completed=done, total=total)

    def _show(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(self._description, total=total)
        self._progress.start()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
