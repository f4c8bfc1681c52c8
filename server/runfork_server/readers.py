"""Long-lived readers: a project that is brought up to date on one thread, and answers from what was drained on another."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from runfork.errors import RunforkError
from runfork.index.interface import StaleIndexError, UnusableIndexError
from runfork.model.lineage import children_of
from runfork.model.messages import described
from runfork_server.served_project import ServedProject

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from runfork.model.lineage import RunNode

Result = TypeVar("Result")

_PAUSE_SECONDS = 0.4
"""Between two looks at the journals, where a look is cheap."""
_LONGEST_PAUSE_SECONDS = 10.0
_PAUSE_SHARE = 4
"""A pause is so many times as long as the look before it: a reader takes a fifth of a core at most."""
_WANTED_SECONDS = 5.0
"""So long after somebody asked, a reader goes on looking by itself."""
_RECENT_SECONDS = 1.0
"""What was seen so long ago is answered at once."""
_PATIENCE_SECONDS = 0.25
"""So long, a question waits for a look that was not recent."""
_FIRST_PATIENCE_SECONDS = 0.5
_PROGRESS_SECONDS = 0.5
_REOPEN_SECONDS = 5.0
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


@dataclass(frozen=True)
class Look:
    """What a look at the journals found.

    Args:
        run_ids: The runs that read differently since the one before; None where that is not known.
        troubles: What could not be read, in a sentence each.
        run_count: How many runs there are; None where that is not known.
    """

    run_ids: frozenset[str] | None
    troubles: Sequence[str] = ()
    run_count: int | None = None


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
        self._drainer = _Drainer(self, name, directory)
        self._answerer = _Answerer(self._drainer)

    # Questions

    async def read(self, question: Callable[[ServedProject], Result]) -> Answer[Result]:
        """Ask the project, as far as it was brought up to date.

        Args:
            question: Called on the reader's thread. It must neither keep the project nor wait.

        Raises:
            UnusableIndexError: There is no index that could be read.
        """
        self.touch()
        revision = self.revision
        call = _Call(question, self._loop)
        self._answerer.ask(call)
        return Answer(revision, await call.future)

    def touch(self) -> None:
        """Note that somebody is interested: the reader goes on looking for what is new."""
        self.asked_at = time.monotonic()
        self._drainer.wake()

    async def wait_until_recent(self) -> None:
        """Wait for a moment where what is known is old; where bringing it up to date takes longer, go on with what is there."""
        self.touch()
        if time.monotonic() - self._looked_at > _RECENT_SECONDS:
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
        if revision >= self.revision:
            return None
        missed = [change for change in self._changes if change.revision > revision]
        is_whole = bool(missed) and missed[0].revision == revision + 1
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
        self._looked_at = time.monotonic()
        self.run_count = self.run_count if look.run_count is None else look.run_count
        if look.run_ids != frozenset() or was_reading or look.troubles != self._troubles:
            self._troubles = look.troubles
            self._advance(None if was_reading else look.run_ids)
        self._release()

    def _advance(self, run_ids: frozenset[str] | None) -> None:
        self._answerer.forget(run_ids)
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
        self._answerer.close()
        self._drainer.close()
        self._release()
        self._call_listeners()

    async def wait_until_closed(self, seconds: float) -> None:
        """Wait, after `close`, until the threads have ended; no longer than so many seconds."""
        await asyncio.to_thread(self._answerer.thread.join, seconds)
        await asyncio.to_thread(self._drainer.thread.join, seconds)


class _Call:
    """A question on its way to a thread, and what becomes of it."""

    def __init__(self, question: Callable[[ServedProject], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._question = question
        self._loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def answer(self, project: ServedProject) -> None:
        """Ask, unless nobody waits any more.

        Raises:
            StaleIndexError: The index was rebuilt; ask again.
        """
        if self.future.cancelled():
            return
        try:
            value = self._question(project)
        except StaleIndexError:
            raise
        except Exception as error:  # whatever it is, it belongs to who asked, and the thread goes on
            self.refuse(error)
        else:
            self._tell(self.future.set_result, value)

    def refuse(self, error: Exception) -> None:
        """Answer with an error."""
        self._tell(self.future.set_exception, error)

    def _tell(self, function: Callable[[Any], None], value: Any) -> None:
        def tell() -> None:
            if not self.future.done():
                function(value)

        try:
            self._loop.call_soon_threadsafe(tell)
        except RuntimeError:
            return  # the server has ended


@dataclass(frozen=True)
class _Forget:
    """Which runs read differently from now on; None is all."""

    run_ids: Iterable[str] | None


class _ClosedError(Exception):
    """The reader was closed while its journals were brought in; what was committed stays."""


class _Drainer:
    """The thread that brings the index up to date, and answers itself where that is kept in memory."""

    def __init__(self, reader: ProjectReader, name: str, directory: Path) -> None:
        self._reader = reader
        self._name = name
        self._directory = directory
        self._calls: queue.Queue[_Call | None] = queue.Queue()
        self._is_closed = False
        self._project: ServedProject | None = None
        self._had_folder = False
        self._due = 0.0
        self._told_at = 0.0
        self._looks = threading.Condition()
        self._look_count = 0
        self.thread = threading.Thread(target=self._run, name=f"runfork-drain-{name}", daemon=True)
        self.thread.start()

    def wake(self) -> None:
        """Go on looking, if it had ceased to."""
        if self._calls.empty():
            self._calls.put(None)

    def ask(self, call: _Call) -> None:
        """Answer a question on this thread."""
        self._calls.put(call)

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._is_closed = True
        self._calls.put(None)

    def open_beside(self) -> ServedProject | None:
        """Open the project for another thread; None where only this one can read it.

        Raises:
            UnusableIndexError: There is no index that could be read, for some seconds.
        """
        deadline = time.monotonic() + _REOPEN_SECONDS
        while True:
            with self._looks:
                self._looks.wait_for(lambda: self._project is not None or self._is_closed, _REOPEN_SECONDS)
                project, count = self._project, self._look_count
            if project is None:
                raise UnusableIndexError(f"project {self._name!r} is not open yet; ask again in a moment")
            if not project.is_shared:
                return None
            try:
                return project.open_beside()
            except StaleIndexError as error:
                if time.monotonic() > deadline:
                    raise UnusableIndexError(str(error)) from error
            self._due = 0.0
            self.wake()
            with self._looks:
                self._looks.wait_for(lambda seen=count: self._look_count != seen, _PAUSE_SECONDS)  # type: ignore[misc]

    def _run(self) -> None:
        while not self._is_closed:
            if time.monotonic() >= self._due and self._reader.is_wanted():
                self._look()
            wanted = max(0.0, self._due - time.monotonic()) if self._reader.is_wanted() else None
            try:
                call = self._calls.get(timeout=wanted)
            except queue.Empty:
                continue
            if call is not None:
                self._answer(call)
        if self._project is not None:
            self._project.close()
        while not self._calls.empty():
            call = self._calls.get()
            if call is not None:
                call.refuse(UnusableIndexError("the server ends"))

    def _answer(self, call: _Call) -> None:
        if self._project is None:
            call.refuse(UnusableIndexError(f"project {self._name!r} is not open yet; ask again in a moment"))
            return
        try:
            call.answer(self._project)
        except StaleIndexError as error:
            self._due = 0.0
            call.refuse(UnusableIndexError(str(error)))

    def _look(self) -> None:
        """Bring the index up to date, and tell what is new."""
        began = self._told_at = time.monotonic()
        try:
            self._refresh()
        except _ClosedError:
            return
        except (RunforkError, OSError) as error:
            self._reader.tell(self._reader.note_look, Look(frozenset(), (str(error),)))
        except Exception as error:  # a reader goes on whatever a journal held: the page says so
            told = f"this should not happen: {described(error)}; report it"
            self._reader.tell(self._reader.note_look, Look(frozenset(), (told,)))
        ended = time.monotonic()
        self._due = ended + min(max(_PAUSE_SECONDS, _PAUSE_SHARE * (ended - began)), _LONGEST_PAUSE_SECONDS)
        with self._looks:
            self._look_count += 1
            self._looks.notify_all()

    def _refresh(self) -> None:
        project = self._open()
        project.refresh(self._tell_progress)
        changed = project.take_changed()
        nodes = project.index.nodes()
        if changed:
            changed = _with_descendants(nodes, changed)
        project.forget(changed)
        run_ids = None if changed is None else frozenset(changed)
        self._reader.tell(self._reader.note_look, Look(run_ids, tuple(project.troubles()), len(nodes)))

    def _open(self) -> ServedProject:
        """Return the project; opened anew where its folder has come, or gone: without one, nothing is to be written."""
        project = self._project
        if project is not None:
            has_folder = project.store.project_directory(self._name).is_dir()
            if has_folder == self._had_folder:
                return project
            self._project = None
            project.close()
        opened = ServedProject.open(self._name, directory=self._directory)
        self._had_folder = opened.store.project_directory(self._name).is_dir()
        with self._looks:
            self._project = opened
            self._looks.notify_all()
        return opened

    def _tell_progress(self, done: int, total: int) -> None:
        if self._is_closed:
            raise _ClosedError
        now = time.monotonic()
        if now - self._told_at > _PROGRESS_SECONDS:
            self._told_at = now
            self._reader.tell(self._reader.note_progress, done, total)


def _with_descendants(nodes: Mapping[str, RunNode], run_ids: Collection[str]) -> set[str]:
    """Return runs and those forked from them, which may see points that came late."""
    children = children_of(nodes.values())
    found, waiting = set(run_ids), [*run_ids]
    while waiting:
        new = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(new)
        waiting.extend(new)
    return found


class _Answerer:
    """The thread that answers, on an index of its own; what only the drainer can read, it passes on."""

    def __init__(self, drainer: _Drainer) -> None:
        self._drainer = drainer
        self._calls: queue.Queue[_Call | _Forget | None] = queue.Queue()
        self._project: ServedProject | None = None
        self.thread = threading.Thread(target=self._run, name="runfork-answer", daemon=True)
        self.thread.start()

    def ask(self, call: _Call) -> None:
        """Answer a question when it is its turn."""
        self._calls.put(call)

    def forget(self, run_ids: Iterable[str] | None) -> None:
        """Forget what is kept of some runs, before the next question; None is all."""
        self._calls.put(_Forget(run_ids))

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            if isinstance(call, _Forget):
                if self._project is not None:
                    self._project.forget(call.run_ids)
                continue
            try:
                self._answer(call)
            except Exception as error:  # it belongs to who asked, and the thread goes on
                call.refuse(error)
        self._let_go()
        while not self._calls.empty():
            call = self._calls.get()
            if isinstance(call, _Call):
                call.refuse(UnusableIndexError("the server ends"))

    def _let_go(self) -> None:
        if self._project is not None:
            self._project.close()
            self._project = None

    def _answer(self, call: _Call) -> None:
        try:
            self._ask_index(call)
        except StaleIndexError:  # deleted, or damaged: the drainer makes it anew
            self._let_go()
            self._ask_index(call)

    def _ask_index(self, call: _Call) -> None:
        if self._project is None:
            self._project = self._drainer.open_beside()
        if self._project is None:
            self._drainer.ask(call)
        else:
            call.answer(self._project)
