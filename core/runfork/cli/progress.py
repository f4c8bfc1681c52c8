"""Progress on stderr, for work that takes long enough to make somebody wonder."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

SHOWN_AFTER_SECONDS = 0.5
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
    """A bar that appears when the work has lasted `SHOWN_AFTER_SECONDS` and vanishes when it is closed.

    Args:
        description: What is being done.
        clock: Seconds, monotonic.
    """

    def __init__(self, description: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._description = description
        self._clock = clock
        self._started = clock()
        self._shown: Progress | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the bar has appeared."""
        return self._shown is not None

    def update(self, done: int, total: int) -> None:
        """Tell how far the work is, in bytes."""
        if self._shown is None and self._clock() - self._started >= SHOWN_AFTER_SECONDS:
            self._shown = self._show()
        if self._shown is not None:
            self._shown.update(self._shown.task_ids[0], completed=done, total=total)

    def _show(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        progress = Progress(*columns, console=Console(stderr=True), transient=True)
        progress.add_task(self._description)
        progress.start()
        return progress

    def close(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()
