"""Long-lived readers: a project that is brought up to date on one thread, and answers from what was drained on another."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from runfork_server.threads import Answerer, Call, Drainer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runfork_server.served_project import ServedProject
    from runfork_server.threads import Look

Result = TypeVar("Result")

_WANTED_SECONDS = 5.0
"""So long after somebody asked, a reader goes on looking by itself."""
_PATIENCE_SECONDS = 0.25
"""So long, the first question after a while waits for a look at the journals."""
_FIRST_PATIENCE_SECONDS = 0.5
_WARM_UP_SECONDS = 1.0
"""So long after a project was looked at first, when the page has what it needs, what charts need is made ready."""
_MOST_CHANGES = 256
_MOST_RUNS_TOLD = 500


@dataclass(frozen=True)
class Answer(Generic[Result]):
    """What a question was answered, and at which revision at least."""

    revision: int
    value: Result


@dataclass(frozen=True)
class Change:
    """What is told of a new revision.

    Args:
        revision: The revision.
        run_ids: The runs that read differently; None where they are many, or not known.
        progress: Bytes of journals that are read, of how many; None where all are.
    """

    revision: int
    run_ids: frozenset[str] | None
    progress: tuple[int, int] | None


class ProjectReader:
    """Reads one project for as long as somebody asks. Its methods are for the thread of its event loop.

    Args:
        name: ``workspace/project``.
        directory: The data directory.
        loop: The event loop.
    """

    def __init__(self, name: str, directory: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.revision = time.time_ns() // 1_000_000
        """Grows whenever the index answers differently, over the life of the server and from one server to the next."""
        self.is_closed = False
        self.asked_at = time.monotonic()
        self.watchers = 0
        self._loop = loop
        self._directory = directory
        self._changes: deque[Change] = deque(maxlen=_MOST_CHANGES)
        self._progress: tuple[int, int] | None = None
        self._is_reading = True
        self._looked_at = float("-inf")
        self._troubles: Sequence[str] = ()
        self.run_count = 0
        self.listeners: set[asyncio.Event] = set()
        """Set at each new revision, and when the reader is closed."""
        self._waiting: list[asyncio.Future[None]] = []
        self._drainer = Drainer(self, name, directory)
        self._answerer = Answerer(self._drainer)
        self._answerer_of_long: Answerer | None = None

    # Questions

    async def read(self, question: Callable[[ServedProject], Result], *, is_long: bool = False) -> Answer[Result]:
        """Ask the project, as far as it was brought up to date.

        Args:
            question: Called on the reader's thread. It must neither keep the project nor wait.
            is_long: It may take long, as reading many points: others, which people wait for, are answered meanwhile.

        Raises:
            UnusableIndexError: There is no index that could be read.
        """
        self.touch()
        revision = self.revision
        call = Call(question, self._loop)
        self._thread_for(is_long=is_long).ask(call)
        return Answer(revision, await call.future)

    def _thread_for(self, *, is_long: bool) -> Answerer:
        if not is_long:
            return self._answerer
        if self._answerer_of_long is None:
            self._answerer_of_long = Answerer(self._drainer)
        return self._answerer_of_long

    @property
    def _answerers(self) -> list[Answerer]:
        return [self._answerer, *([] if self._answerer_of_long is None else [self._answerer_of_long])]

    def touch(self) -> None:
        """Note that somebody is interested: the reader goes on looking for what is new."""
        self.asked_at = time.monotonic()
        self._drainer.wake()

    async def wait_until_recent(self) -> None:
        """Wait for a moment where nobody asked for a while; where bringing it up to date takes longer, go on with what is there."""
        was_wanted = self.is_wanted()
        self.touch()
        if not was_wanted or self._looked_at == float("-inf"):
            is_first = self._looked_at == float("-inf")
            await self.wait_for_look(_FIRST_PATIENCE_SECONDS if is_first else _PATIENCE_SECONDS)

    async def wait_for_look(self, seconds: float) -> bool:
        """Wait until the journals have been looked at once more, or progress was made; return False where it takes longer."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        done, _ = await asyncio.wait([future], timeout=seconds)
        if not done:
            future.cancel()
        return bool(done)

    def progress(self) -> dict[str, Any]:
        """Return how far the journals have been read, and what could not be."""
        done = None if self._progress is None else {"done": self._progress[0], "total": self._progress[1]}
        return {"is_reading": self._is_reading, "progress": done, "troubles": list(self._troubles)}

    def change_since(self, revision: int) -> Change | None:
        """Return what changed since a revision, as one change; None if nothing did."""
        if revision == self.revision:
            return None
        missed = [change for change in self._changes if change.revision > revision]
        is_whole = bool(missed) and missed[0].revision == revision + 1  # else, from too long ago, or of another clock
        run_ids: set[str] | None = set() if is_whole else None
        for change in missed:
            run_ids = None if run_ids is None or change.run_ids is None else run_ids | change.run_ids
        told = None if run_ids is None or len(run_ids) > _MOST_RUNS_TOLD else frozenset(run_ids)
        return Change(self.revision, told, self._progress)

    # What the drainer tells, on the event loop's thread

    def tell(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call something on the event loop's thread; nothing where the loop has ended."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return  # the server has ended

    def note_progress(self, done: int, total: int) -> None:
        """Take note of how far a look has come: more can be read."""
        self._progress = (done, total)
        self._is_reading = True
        self._advance(None)

    def note_look(self, look: Look) -> None:
        """Take note of a look at the journals."""
        was_reading, self._is_reading, self._progress = self._is_reading, False, None
        if self._looked_at == float("-inf"):
            self._loop.call_later(_WARM_UP_SECONDS, self._warm_up)
        self._looked_at = time.monotonic()
        self.run_count = self.run_count if look.run_count is None else look.run_count
        if look.run_ids != frozenset() or was_reading or look.troubles != self._troubles:
            self._troubles = look.troubles
            self._advance(None if was_reading else look.run_ids)
        self._release()

    def _warm_up(self) -> None:
        """Make ready what charts need; nothing where they were asked for meanwhile, or nobody asks any more."""
        from runfork_server.drawing.warming import warm_up

        if not self.is_closed and self._answerer_of_long is None and self.is_wanted():
            call = Call(warm_up, self._loop)
            call.future.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody waits for it
            self._thread_for(is_long=True).ask(call)

    def _advance(self, run_ids: frozenset[str] | None) -> None:
        for answerer in self._answerers:
            answerer.forget(run_ids)
        self.revision = self.revision + 1
        self._changes.append(Change(self.revision, run_ids, self._progress))
        self._release()
        self._call_listeners()

    def _call_listeners(self) -> None:
        for listener in self.listeners:
            listener.set()

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def is_wanted(self) -> bool:
        """Return whether somebody watches, or asked a moment ago."""
        return self.watchers > 0 or time.monotonic() - self.asked_at < _WANTED_SECONDS

    def close(self) -> None:
        """Let go of the index, when the threads are done with what they do. Questions that wait are refused."""
        self.is_closed = True
        for answerer in self._answerers:
            answerer.close()
        self._drainer.close()
        self._release()
        self._call_listeners()

    async def wait_until_closed(self, seconds: float) -> None:
        """Wait, after `close`, until the threads have ended; no longer than so many seconds."""
        for thread in (*(answerer.thread for answerer in self._answerers), self._drainer.thread):
            await asyncio.to_thread(thread.join, seconds)
