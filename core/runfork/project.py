"""One project as a reader sees it: its journals, and the index that is brought up to date from them."""

from __future__ import annotations

import difflib
import time
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from runfork.errors import ArgumentError, FormatError, NotFoundError, RunforkWarning
from runfork.files import FOLDER
from runfork.identifiers import check_project
from runfork.index.interface import RunsQuery, StaleIndexError, UnusableIndexError
from runfork.journal.reader import JournalReader, read_identity
from runfork.journal.records import JournalKey
from runfork.plugins import Plugins, load_plugins
from runfork.recorder import now_us
from runfork.settings import Settings
from runfork.status import work_out_state
from runfork.store import JOURNAL_SUFFIX, Store, default_project, find_data_directory

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from runfork.index.interface import Index, Writer
    from runfork.types import FileReference

__all__ = ["Project"]

DRAIN_WAIT_SECONDS = 30.0
IN_MEMORY = "sqlite:///:memory:"


class Project:
    """Reads one project. For one thread at a time. Use `open`, and close it, or use it as a context manager.

    Args:
        name: ``workspace/project``.
        store: The data directory.
        index: What is derived from its journals.
        lock_path: Lock file of whoever brings the index up to date; None if nobody else uses this index.
        reopen: Opens the index again where it turned out to be damaged.
        open_private: Opens an index in memory, for where the other one cannot be used; None if that is an error.
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
    ) -> None:
        self.name = name
        self.store = store
        self.index = index
        self.unreadable: dict[Path, str] = {}
        """Journals that could not be read at the last refresh, and why."""
        self._lock_path = lock_path
        self._reopen = reopen
        self._open_private = open_private
        self._readers: dict[Path, JournalReader] = {}
        self._keys: dict[Path, JournalKey] = {}
        self._originals: dict[JournalKey, Path] = {}
        self._sizes: dict[Path, int] = {}
        self._writers: dict[JournalKey, Writer] = {}
        self._states: dict[str, str] = {}

    @classmethod
    def open(
        cls,
        name: str | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        index_uri: str | None = None,
        plugins: Plugins | None = None,
    ) -> Project:
        """Open a project; `refresh` brings its index up to date.

        Args:
            name: ``workspace/project``; None is ``RUNFORK_PROJECT``, else ``local/<name of the working directory>``.
            directory: Data directory; None finds it as `runfork.store.find_data_directory` does.
            index_uri: ``sqlite:///path`` or ``memory://`` or what a plugin offers; None is the store's SQLite file.
            plugins: Where the index comes from; None loads them.
        """
        settings = Settings.from_environment()
        chosen = check_project(name) if name is not None else settings.project or default_project()
        indexes = Path(settings.index_directory).expanduser().absolute() if settings.index_directory else None
        store = Store(find_data_directory(directory or settings.directory), indexes)
        open_index = (plugins or load_plugins()).open_index
        lock_path = private = None
        if index_uri is None:
            path = store.index_path(chosen)
            if not store.project_directory(chosen).is_dir():
                index_uri = "memory://"  # nothing to index, and reading must not create folders
            else:
                lock_path = path.with_suffix(".lock")
                index_uri = f"sqlite:///{path}"
                private = partial(open_index, IN_MEMORY)
        opener = partial(open_index, index_uri)
        try:
            index = opener()
        except UnusableIndexError as error:
            if private is None:
                raise
            _tell_private(error)
            index, lock_path = private(), None
        return cls(chosen, store, index, lock_path=lock_path, reopen=opener, open_private=private)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Release the index."""
        self.index.close()

    # Bringing the index up to date

    def refresh(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Apply what is new in the journals. Damage is skipped and noted in the index; unreadable journals in `unreadable`.

        Where another process is doing so at this moment, this one waits for it, and then applies the rest. Where the index
        cannot be used, what it would say is worked out in memory from now on, which is told with a `RunforkWarning`.

        Args:
            progress: Told how many bytes of how many are done.

        Raises:
            UnusableIndexError: The index was asked for by its URI, and cannot be used.
        """
        try:
            self._refresh_or_rebuild(progress)
        except UnusableIndexError as error:
            if self._open_private is None:
                raise
            _tell_private(error)
            self._go_on_with(self._open_private)
            self._lock_path = None
            self._refresh(progress)

    def _refresh_or_rebuild(self, progress: Callable[[int, int], None] | None) -> None:
        try:
            self._refresh(progress)
        except StaleIndexError:
            if self._reopen is None:
                raise
            self._go_on_with(self._reopen)
            self._refresh(progress)

    def _go_on_with(self, open_index: Callable[[], Index]) -> None:
        """Take another index, of which nothing is known yet."""
        self.index.close()
        self.index = open_index()
        self._readers, self._sizes, self._writers, self._states = {}, {}, {}, {}

    def _refresh(self, progress: Callable[[int, int], None] | None) -> None:
        with self._drain_lock():
            if changed := self._changed_journals():
                self._apply_together(changed, progress)
            self._set_states()

    def _changed_journals(self) -> dict[Path, int]:
        """Return journals of which not all is known to be applied, and their sizes."""
        if not self._sizes:
            self._note_applied()
        changed = {}
        for path in self.store.journals(self.name):
            try:
                size = path.stat().st_size
            except OSError as error:
                self.unreadable[path] = str(error)
                continue
            if self._sizes.get(path) != size:
                changed[path] = size
        return changed

    def _note_applied(self) -> None:
        """Take over from the index how much of each journal earlier readers applied."""
        for key, writer in self._load_writers().items():
            path = self.store.run_directory(self.name, key.run_id) / f"{key.writer}{JOURNAL_SUFFIX}"
            self._keys[path] = key
            self._sizes[path] = writer.applied

    def _load_writers(self) -> dict[JournalKey, Writer]:
        self._writers = self.index.writers()
        return self._writers

    def _apply_together(self, changed: dict[Path, int], progress: Callable[[int, int], None] | None) -> None:
        try:
            with self.index.together():
                self._apply(changed, progress)
        except BaseException:
            self._sizes.clear()  # only the index knows what of it was kept
            raise
        self._load_writers()

    def _apply(self, changed: dict[Path, int], progress: Callable[[int, int], None] | None) -> None:
        writers = self._load_writers()
        total = sum(changed.values())
        done = 0
        for path, size in sorted(changed.items(), key=lambda item: item[0].name):  # by start: parents before children
            try:
                for end in self._drain(path, writers):
                    if progress is not None:
                        progress(done + min(end, size), total)
                self._sizes[path] = size
                self.unreadable.pop(path, None)
            except StaleIndexError:
                raise
            except (OSError, FormatError) as error:
                self.unreadable[path] = str(error)
            done += size

    def _drain(self, path: Path, writers: dict[JournalKey, Writer]) -> Iterator[int]:
        """Apply one journal's news, batch by batch; yields the offset after each."""
        key = self._keys.get(path)
        if key is None:
            header = read_identity(path)
            if header is None:
                return
            key = self._keys[path] = JournalKey(str(header[0]["run_id"]), str(header[0]["writer"]))
        if self._is_copy(path, key):
            return
        writer = writers.get(key)
        start = writer.applied if writer is not None else 0
        if path.stat().st_size < start:
            self.index.discard(f"{path} is shorter than it was")
        reader = self._readers.get(path)
        if reader is None or (writer is not None and reader.end != start):
            reader = JournalReader(path, writer.carry if writer is not None else None)
        self._readers[path] = reader
        lost = set(writer.carry.get("lost", ())) if writer is not None else set()
        while (batch := reader.read(start)) is not None and batch.end > start:
            if lost and not lost.isdisjoint(map(int, batch.carry["schemas"])):
                self.index.discard(f"the names of rows of {path} that were passed over can be read by now")
            self.index.apply(batch)
            start, lost = batch.end, lost.union(batch.carry.get("lost", ()))
            yield start

    def _is_copy(self, path: Path, key: JournalKey) -> bool:
        """Return whether another file is the journal that this one says it is; that one is read."""
        home = self.store.run_directory(self.name, key.run_id) / f"{key.writer}{JOURNAL_SUFFIX}"
        return path != home and (self._originals.setdefault(key, path) != path or home.exists())

    def _set_states(self) -> None:
        """Work out the state of every run; the index stores what has changed."""
        by_run: dict[str, list[Writer]] = {}
        for key, writer in self._writers.items():
            by_run.setdefault(key.run_id, []).append(writer)
        now = now_us()
        states: dict[str, str] = {run_id: work_out_state(writers, now=now) for run_id, writers in by_run.items()}
        if states != self._states:
            self.index.set_states(states)
            self._states = states

    @contextmanager
    def _drain_lock(self) -> Iterator[None]:
        """Be the only process that applies, or go on without after 30 seconds: applying is idempotent, only slower."""
        if self._lock_path is None:
            yield
            return
        import fcntl

        with self._open_lock(self._lock_path) as file:
            deadline = time.monotonic() + DRAIN_WAIT_SECONDS
            while time.monotonic() < deadline:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    time.sleep(0.02)
            yield

    @staticmethod
    def _open_lock(path: Path) -> IO[str]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("a", encoding="ascii")
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
            listed = ", ".join(matches[:5]) + (", ..." if len(matches) > 5 else "")  # noqa: PLR2004
            raise ArgumentError(f"{name!r} names {len(matches)} runs: {listed}; give more of the run id")
        close = difflib.get_close_matches(name, [*experiments, *nodes], n=1, cutoff=0.4)
        hint = f"; did you mean {close[0]!r}?" if close else "; `runfork ls` shows what is there"
        raise NotFoundError(f"project {self.name!r} has no run or experiment {name!r}{hint}")

    def experiments(self) -> dict[str, str]:
        """Return the head of each experiment by name."""
        page = self.index.runs(RunsQuery(heads_only=True))
        return {row.node.experiment_name: row.node.run_id for row in page.rows if row.node.experiment_name is not None}

    def file_path(self, source_run: str, reference: FileReference) -> Path:
        """Return where the contents of a logged file lie.

        Args:
            source_run: The run that logged it.
            reference: The file.

        Raises:
            NotFoundError: They are not there.
        """
        path = self.store.run_directory(self.name, source_run) / FOLDER / reference.sha256
        if not path.is_file():
            raise NotFoundError(
                f"the contents of {reference.name!r} of run {source_run!r} are not at {path}; copy them there"
            )
        return path


def _tell_private(error: UnusableIndexError) -> None:
    warnings.warn(
        f"{error}; meanwhile the journals are read without it, which takes longer", RunforkWarning, stacklevel=4
    )
