"""One project as a reader sees it: its journals, and the index that is brought up to date from them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runfork.disk.layout import Store, default_project, find_data_directory
from runfork.errors import NotFoundError, warn_caller
from runfork.index.garbage import collector_paused
from runfork.index.interface import RunsQuery, StaleIndexError, UnusableIndexError
from runfork.journal.descriptors import open_descriptor
from runfork.journal.locks import lock_held
from runfork.model.identifiers import check_project, several_runs
from runfork.reading.draining import Drain
from runfork.reading.indexes import open_index
from runfork.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from runfork.index.interface import Index
    from runfork.plugins import Plugins

DRAIN_WAIT_SECONDS = 30.0
IN_MEMORY = "sqlite:///:memory:"
_IN_MEMORY_URIS = (IN_MEMORY, "memory://")


class Project:
    """Reads one project. For one thread at a time. Use `open`, and close it, or use it as a context manager.

    Args:
        name: ``workspace/project``.
        store: The data directory.
        index: What is derived from its journals.
        lock_path: Lock file of whoever brings the index up to date; None if nobody else uses this index.
        reopen: Opens the index again where it turned out to be damaged.
        open_private: Opens an index in memory, for where the other one cannot be used; None if that is an error.
        open_beside: Opens the index once more, only to read; None if that is not possible.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        index: Index,
        *,
        lock_path: Path | None = None,
        reopen: Callable[[], Index] | None = None,
        open_private: Callable[[], Index] | None = None,
        open_beside: Callable[[], Index] | None = None,
    ) -> None:
        self.name = name
        self.store = store
        self.index = index
        self._lock_path = lock_path
        self._reopen = reopen
        self._open_private = open_private
        self._open_beside = open_beside
        self._drain = Drain(name, store, index)
        self._is_frequent = False

    @classmethod
    def open(
        cls,
        name: str | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        index_uri: str | None = None,
        plugins: Plugins | None = None,
    ) -> Self:
        """Open a project; `refresh` brings its index up to date.

        Args:
            name: ``workspace/project``; None is ``RUNFORK_PROJECT``, else ``local/<name of the code base's folder>``.
            directory: Data directory; None finds it as `runfork.disk.layout.find_data_directory` does.
            index_uri: ``sqlite:///path`` or ``memory://`` or what a plugin offers; None is the store's SQLite file.
            plugins: Who opens an index that is not ours; None loads them for that.
        """
        settings = Settings.from_environment()
        chosen = check_project(name) if name is not None else settings.project or default_project()
        indexes = _absolute(settings.index_directory) if settings.index_directory else None
        store = Store(find_data_directory(directory or settings.directory), indexes)
        lock_path = private = None
        if index_uri is None:
            private = partial(open_index, IN_MEMORY)
            if not store.project_directory(chosen).is_dir():
                index_uri = "memory://"  # nothing to index, and reading must not create folders
            else:
                index_uri, lock_path = _place_of_index(store, chosen)
        opener = partial(open_index, index_uri, plugins)
        try:
            index = opener()
        except UnusableIndexError as error:
            if private is None:
                raise
            _tell_private(error)
            index, lock_path = private(), None
            index_uri = IN_MEMORY
        beside = None if index_uri in _IN_MEMORY_URIS else partial(open_index, index_uri, plugins, read_only=True)
        return cls(chosen, store, index, lock_path=lock_path, reopen=opener, open_private=private, open_beside=beside)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Release the index."""
        self.index.close()

    @property
    def is_shared(self) -> bool:
        """Whether `open_beside` is possible: the index is not kept in this process' memory."""
        return self._open_beside is not None

    def open_beside(self) -> Self:
        """Open the project once more, for another thread to read while this one is brought up to date. It cannot be itself.

        Raises:
            UnusableIndexError: The index is kept in memory, or cannot be opened.
            StaleIndexError: There is no index at the moment; `refresh` makes it.
        """
        if self._open_beside is None:
            raise UnusableIndexError(
                f"the index of project {self.name!r} is kept in memory, and cannot be opened twice"
            )
        return type(self)(self.name, self.store, self._open_beside())

    # Bringing the index up to date

    def take_changed(self) -> set[str] | None:
        """Return the runs of which something changed since this was asked the last time; None where that cannot be told.

        A run is among them whoever brought in what is new of it. What only its parent logged is not told of a child.
        """
        return self._drain.take_changed()

    @property
    def unreadable(self) -> dict[Path, str]:
        """Journals that could not be read at the last refresh, and why."""
        return self._drain.unreadable

    @property
    def damaged(self) -> list[Path]:
        """Journals of which something could not be read, and was passed over."""
        return self._drain.damaged

    def troubles(self) -> list[str]:
        """Return, in a sentence each, what could not be read at the last refresh; ``runfork fsck`` says what exactly."""
        told = []
        if unreadable := self.unreadable:
            path, reason = min(unreadable.items())
            others = f" (and {len(unreadable) - 1} more)" if len(unreadable) > 1 else ""
            told.append(f"the journal {path} could not be read{others}: {reason}")
        if damaged := self.damaged:
            others = f" (and in {len(damaged) - 1} more)" if len(damaged) > 1 else ""
            told.append(f"damage in the journal {min(damaged)} was skipped{others}")
        return [f"{sentence}; 'runfork fsck' tells more" for sentence in told]

    def refresh(self, progress: Callable[[int, int], None] | None = None, *, is_frequent: bool = False) -> None:
        """Apply what is new in the journals. Damage is skipped and noted in the index; unreadable journals in `unreadable`.

        Where another process is doing so at this moment, this one waits for it, and then applies the rest. Where the index
        cannot be used, what it would say is worked out in memory from now on, which is told with a `RunforkWarning`.

        Args:
            progress: Told how many bytes of how many are done.
            is_frequent: It is done twice a second, for somebody who waits for what runs do next: new runs and those that are not
                over are looked at each time, others in turns, so that what changes in them is seen within a few times.

        Raises:
            UnusableIndexError: The index was asked for by its URI, and cannot be used.
        """
        self._is_frequent = is_frequent
        try:
            self._refresh_or_rebuild(progress)
        except UnusableIndexError as error:
            if self._open_private is None:
                raise
            _tell_private(error)
            self._go_on_with(self._open_private)
            self._lock_path = self._open_beside = None
            self._refresh(progress)

    def _refresh_or_rebuild(self, progress: Callable[[int, int], None] | None) -> None:
        try:
            self._refresh(progress)
        except StaleIndexError:
            if self._reopen is None:
                raise
            self._go_on_with(self._reopen)
            self._refresh(progress)

    def _go_on_with(self, opener: Callable[[], Index]) -> None:
        """Take another index, of which nothing is known yet."""
        self.index.close()
        self.index = opener()
        self._drain = Drain(self.name, self.store, self.index)

    def _refresh(self, progress: Callable[[int, int], None] | None) -> None:
        with self._drain_lock() as is_alone, collector_paused():
            self.index.definitions(run_ids=())  # nothing, but it tells whether the index is of use still
            self._drain.bring_in(progress, is_alone=is_alone, is_frequent=self._is_frequent)

    @contextmanager
    def _drain_lock(self) -> Iterator[bool]:
        """Be the only process that applies, or go on without after 30 seconds: applying is idempotent, only slower."""
        if self._lock_path is None:
            yield True
            return
        with lock_held(self._open_lock(self._lock_path), DRAIN_WAIT_SECONDS) as is_alone:
            yield is_alone

    @staticmethod
    def _open_lock(path: Path) -> int:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return open_descriptor(path, os.O_WRONLY | os.O_CREAT)
        except OSError as error:
            raise UnusableIndexError(
                f"the index beside {str(path)!r} cannot be locked ({error}); free space, make it writable, or set RUNFORK_INDEX_DIR"
            ) from error

    # Finding things

    def find_run(self, name: str) -> str:
        """Return the run that `name` means: a run id, an experiment's name (its head), or an unambiguous beginning of a run id.

        Raises:
            NotFoundError: No run is meant; the message names the closest.
            ArgumentError: Several are; the message names them.
        """
        nodes = self.index.nodes()
        if name in nodes:
            return name
        experiments = self.experiments()
        if name in experiments:
            return experiments[name]
        matches = sorted(run_id for run_id in nodes if run_id.startswith(name)) if name else []
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise several_runs(name, matches)
        import difflib

        close = difflib.get_close_matches(name, [*experiments, *nodes], n=1, cutoff=0.4)
        hint = f"; did you mean {close[0]!r}?" if close else "; `runfork ls` shows what is there"
        raise NotFoundError(f"project {self.name!r} has no run or experiment {name!r}{hint}")

    def experiments(self) -> dict[str, str]:
        """Return the head of each experiment by name."""
        page = self.index.runs(RunsQuery(heads_only=True))
        return {row.node.experiment_name: row.node.run_id for row in page.rows if row.node.experiment_name is not None}


def _absolute(path: str) -> Path:
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111  which raises where there is no home


def _place_of_index(store: Store, project: str) -> tuple[str, Path | None]:
    """Return the URI of a project's index, and the lock of whoever brings it up to date."""
    path, reason = store.index_path(project), store.index_place().reason
    if path is None:
        _tell_private(reason)
        return IN_MEMORY, None
    if reason is not None:
        warn_caller(reason)
    return f"sqlite:///{path}", path.with_suffix(".lock")


def _tell_private(error: UnusableIndexError | str | None) -> None:
    warn_caller(f"{error}; meanwhile the journals are read without it, which takes longer")
