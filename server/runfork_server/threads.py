"""The threads behind a reader: one brings the index up to date, others answer from what was drained."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import Store
from runfork.errors import RunforkError
from runfork.index.interface import StaleIndexError, UnusableIndexError
from runfork.model.lineage import children_of
from runfork.model.messages import described
from runfork_server.problems import unreadable
from runfork_server.served_project import ServedProject

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from runfork.model.lineage import RunNode
    from runfork_server.readers import ProjectReader

PAUSE_SECONDS = 0.4
"""Between two looks at the journals, where a look is cheap."""
_LONGEST_PAUSE_SECONDS = 10.0
_PAUSE_SHARE = 4
"""A pause is so many times as long as the processor was busy with the look before it: a reader takes a fifth of a core at most.

It is as long as the look itself, too: what waits for disks or the network is not asked all the time.
"""
_MANY_RUNS = 1000
"""In a project of more runs those that were over for long are looked at in turns: one that goes on is seen some looks later."""
_PROGRESS_SECONDS = 0.5
_REOPEN_SECONDS = 5.0


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


class Call:
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
        except Exception as error:  # a question is any handler's code: who asked is told, and the thread goes on
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
class Forget:
    """Which runs read differently from now on; None is all."""

    run_ids: Iterable[str] | None


class _ClosedError(Exception):
    """The reader was closed while its journals were brought in; what was committed stays."""


class Drainer:
    """The thread that brings the index up to date, and answers itself where that is kept in memory."""

    def __init__(self, reader: ProjectReader, name: str, directory: Path) -> None:
        self._reader = reader
        self._name = name
        self._directory = directory
        self._calls: queue.Queue[Call | None] = queue.Queue()
        self._is_closed = False
        self._project: ServedProject | None = None
        self._had_folder = False
        self._is_gone = False
        self.generation = 0
        """How often the project was opened: what others have open is another one's then."""
        self._was_shared = False
        self._run_count = 0
        self._failure: str | None = None
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

    def ask(self, call: Call) -> None:
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
                self._looks.wait_for(self._is_open_or_never, _REOPEN_SECONDS)
                project, count = self._project, self._look_count
            if project is None:
                raise self._not_open()
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
                self._looks.wait_for(lambda seen=count: self._look_count != seen, PAUSE_SECONDS)  # type: ignore[misc]

    def _is_open_or_never(self) -> bool:
        return self._project is not None or self._failure is not None or self._is_closed

    def _not_open(self) -> UnusableIndexError:
        reason = self._failure or "ask again in a moment"
        return UnusableIndexError(f"project {self._name!r} is not open yet: {reason}")

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

    def _answer(self, call: Call) -> None:
        if self._project is None:
            call.refuse(self._not_open())
            return
        try:
            call.answer(self._project)
        except StaleIndexError as error:
            self._due = 0.0
            call.refuse(UnusableIndexError(str(error)))

    def _look(self) -> None:
        """Bring the index up to date, and tell what is new."""
        began = self._told_at = time.monotonic()
        busy = time.thread_time()
        try:
            self._refresh()
        except _ClosedError:
            return
        except RunforkError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(unreadable(error))
        except Exception as error:  # journals and plugins may hold anything: the page says so, and looks again
            self._fail(f"this should not happen: {described(error)}; report it")
        ended = time.monotonic()
        pause = max(PAUSE_SECONDS, _PAUSE_SHARE * (time.thread_time() - busy), ended - began)
        self._due = ended + min(pause, _LONGEST_PAUSE_SECONDS)
        with self._looks:
            self._look_count += 1
            self._looks.notify_all()

    def _fail(self, told: str) -> None:
        self._failure = told
        self._reader.tell(self._reader.note_look, Look(frozenset(), (told,)))

    def _refresh(self) -> None:
        project = self._open()
        project.refresh(self._tell_progress, is_frequent=self._run_count > _MANY_RUNS)
        self._failure = None
        if project.is_shared != self._was_shared:  # its index is kept in memory from now on
            self._was_shared = project.is_shared
            self.generation += 1
        changed = project.take_changed()
        nodes = project.index.nodes()
        self._run_count = len(nodes)
        if changed:
            changed = _with_descendants(nodes, changed)
        project.forget(changed)
        run_ids = None if changed is None else frozenset(changed)
        self._reader.tell(self._reader.note_look, Look(run_ids, (*self._gone(), *project.troubles()), len(nodes)))

    def _gone(self) -> list[str]:
        """Return what is to be said of a folder that was there."""
        if not self._is_gone:
            return []
        folder = Store(self._directory).project_directory(self._name)
        return [
            f"the folder {folder} is not there any more: it was deleted, renamed or unmounted; its runs are shown when it is back"
        ]

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
        has_folder = opened.store.project_directory(self._name).is_dir()
        self._is_gone = not has_folder and (self._had_folder or self._is_gone)
        self._had_folder = has_folder
        with self._looks:
            self._project = opened
            self._was_shared = opened.is_shared
            self.generation += 1
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


class Answerer:
    """The thread that answers, on an index of its own; what only the drainer can read, it passes on."""

    def __init__(self, drainer: Drainer) -> None:
        self._drainer = drainer
        self._calls: queue.Queue[Call | Forget | None] = queue.Queue()
        self._project: ServedProject | None = None
        self._generation = 0
        self.thread = threading.Thread(target=self._run, name="runfork-answer", daemon=True)
        self.thread.start()

    def ask(self, call: Call) -> None:
        """Answer a question when it is its turn."""
        self._calls.put(call)

    def forget(self, run_ids: Iterable[str] | None) -> None:
        """Forget what is kept of some runs, before the next question; None is all."""
        self._calls.put(Forget(run_ids))

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            if isinstance(call, Forget):
                if self._project is not None:
                    self._project.forget(call.run_ids)
                continue
            try:
                self._answer(call)
            except Exception as error:  # of opening an index: without the thread, all would wait
                call.refuse(error)
        self._let_go()
        while not self._calls.empty():
            call = self._calls.get()
            if isinstance(call, Call):
                call.refuse(UnusableIndexError("the server ends"))

    def _let_go(self) -> None:
        if self._project is not None:
            self._project.close()
            self._project = None

    def _answer(self, call: Call) -> None:
        try:
            self._ask_index(call)
        except StaleIndexError:  # deleted, or damaged: the drainer makes it anew
            self._let_go()
            self._ask_index(call)

    def _ask_index(self, call: Call) -> None:
        if self._generation != self._drainer.generation:
            self._let_go()
        if self._project is None:
            self._project = self._drainer.open_beside()
            self._generation = self._drainer.generation
        if self._project is None:
            self._drainer.ask(call)
        else:
            call.answer(self._project)
