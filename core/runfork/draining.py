"""Bringing a project's journals into its index: what is new in them, and what state their runs are in."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.errors import FormatError
from runfork.identifiers import directory_name
from runfork.index.interface import StaleIndexError
from runfork.journal.reader import JournalReader
from runfork.recorder import now_us
from runfork.status import Look, work_out_state
from runfork.store import JOURNAL_SUFFIX
from runfork.watching import JournalWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from runfork.index.interface import Index, Writer
    from runfork.journal.records import JournalKey
    from runfork.store import Store

__all__ = ["Drain"]

_GROUP = 64
"""Journals after which the states of their runs are worked out: few look-ups, and no run is left without for long."""


class Drain:
    """Brings journals into one index. Remembers how far, so that looking again costs little.

    Args:
        project: ``workspace/project``.
        store: The data directory.
        index: The index.
    """

    def __init__(self, project: str, store: Store, index: Index) -> None:
        self._project = project
        self._store = store
        self._index = index
        self._folder = str(store.project_directory(project))
        self._failed: dict[str, str] = {}
        self._begun = now_us(), time.monotonic()
        self._forget()

    def _clock(self) -> int:
        """Return the time, which does not jump as long as this reader is there."""
        began, moment = self._begun
        return began + round((time.monotonic() - moment) * 1e6)

    def _forget(self) -> None:
        """Know nothing: only the index can tell what it holds."""
        self._watch = JournalWatch(self._store.project_directory(self._project))
        self._is_loaded = False
        self._sizes: dict[str, int] = {}
        self._keys: dict[str, JournalKey] = {}
        self._originals: dict[JournalKey, str] = {}
        self._readers: dict[str, JournalReader] = {}
        self._writers: dict[str, dict[JournalKey, Writer]] = {}
        self._states: dict[str, str] = {}
        self._running: set[str] = set()

    @property
    def unreadable(self) -> dict[Path, str]:
        """Journals that could not be read the last time, and why."""
        return {Path(path): reason for path, reason in {**self._failed, **self._watch.unreadable}.items()}

    def bring_in(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Apply what is new.

        Args:
            progress: Told how many bytes of how many are done.
        """
        if not self._is_loaded:
            self._load()
        changed = {path: size for path, size in self._watch.sizes() if self._sizes.get(path) != size}
        try:
            if changed:
                with self._index.together():
                    self._apply(changed, progress)
            self._set_states(self._running)
        except BaseException:
            self._forget()
            raise

    def _load(self) -> None:
        """Take over from the index how much of each journal earlier readers applied."""
        self._note(self._index.writers())
        for key in (key for writers in self._writers.values() for key in writers):
            path = self._home(key)
            self._keys[path] = key
            self._sizes[path] = self._writers[key.run_id][key].applied
            self._note_done(path)
        self._set_states(self._writers)
        self._is_loaded = True

    def _note(self, writers: dict[JournalKey, Writer]) -> None:
        for key, writer in writers.items():
            self._writers.setdefault(key.run_id, {})[key] = writer

    def _note_done(self, path: str) -> None:
        """Let go of a journal that was closed, and of which all is applied."""
        writer = self._writer(path)
        if writer is not None and writer.is_closed and self._sizes.get(path) == writer.applied:
            self._watch.done.add(path)
            self._readers.pop(path, None)

    def _writer(self, path: str) -> Writer | None:
        key = self._keys.get(path)
        return None if key is None else self._writers.get(key.run_id, {}).get(key)

    # Applying

    def _apply(self, changed: dict[str, int], progress: Callable[[int, int], None] | None) -> None:
        total = sum(changed.values())
        done = 0
        waiting = iter(sorted(changed, key=os.path.basename))  # by start: parents before children
        while group := list(islice(waiting, _GROUP)):
            keys = {path: self._key(path) for path in group}
            self._update({key.run_id for key in keys.values() if key is not None})  # others may have applied some
            for path in group:
                for end in self._drain(path):
                    if progress is not None:
                        progress(done + min(end, changed[path]), total)
                done += changed[path]
                if path not in self._failed:
                    self._sizes[path] = changed[path]
            runs = {key.run_id for key in keys.values() if key is not None}
            self._update(runs)
            self._set_states(runs.intersection(self._writers))
            for path in group:
                self._note_done(path)

    def _update(self, run_ids: Collection[str]) -> None:
        self._note(self._index.writers(run_ids))

    def _key(self, path: str) -> JournalKey | None:
        """Return which journal is to be read there; None if it cannot be told (yet), or is read elsewhere."""
        if path not in self._keys:
            reader = self._readers[path] = JournalReader(Path(path))
            try:
                key = reader.key()
            except (OSError, FormatError) as error:
                self._failed[path] = str(error)
                return None
            self._failed.pop(path, None)
            if key is None or self._is_copy(path, key):
                return None
            self._keys[path] = key
        return self._keys[path]

    def _home(self, key: JournalKey) -> str:
        return os.path.join(self._folder, directory_name(key.run_id), f"{key.writer}{JOURNAL_SUFFIX}")  # noqa: PTH118  (many)

    def _is_copy(self, path: str, key: JournalKey) -> bool:
        """Return whether another file is the journal that this one says it is; that one is read."""
        home = self._home(key)
        return path != home and (self._originals.setdefault(key, path) != path or Path(home).exists())

    def _drain(self, path: str) -> Iterator[int]:
        """Apply one journal's news, batch by batch; yields the offset after each."""
        if path not in self._keys:
            return
        self._failed.pop(path, None)
        try:
            yield from self._apply_batches(path, self._writer(path))
        except StaleIndexError:
            raise
        except (OSError, FormatError) as error:
            self._failed[path] = str(error)

    def _apply_batches(self, path: str, writer: Writer | None) -> Iterator[int]:
        start = writer.applied if writer is not None else 0
        carry = writer.carry if writer is not None else {}
        size = Path(path).stat().st_size
        if size < start:
            self._index.discard(f"{path} is shorter than it was")
        reader = self._readers.pop(path, None)
        if reader is None or (writer is not None and reader.end != start):
            reader = JournalReader(Path(path), carry)
        lost = set(carry.get("lost", ()))
        while start < size and (batch := reader.read(start)) is not None and batch.end > start:
            if lost and not lost.isdisjoint(map(int, batch.carry["schemas"])):
                self._index.discard(f"the names of rows of {path} that were passed over can be read by now")
            self._index.apply(replace(batch, carry={**batch.carry, **self._now(is_first=writer is None)}))
            start, lost = batch.end, lost.union(batch.carry.get("lost", ()))
            yield start
        self._readers[path] = reader

    # States

    def _now(self, *, is_first: bool) -> dict[str, Any]:
        """Return what is stored with a journal that grew: when a reader saw it, and whether it was the first one who looked."""
        return {"seen": [self._clock(), is_first]}

    def _is_quiet(self, writer: Writer) -> bool:
        """Return whether a journal whose process cannot be seen from here has stopped growing."""
        seen = writer.carry.get("seen")
        if seen is None:
            return False
        try:
            modified = os.stat(self._home(writer.key)).st_mtime_ns // 1000 if seen[1] else None  # noqa: PTH116
        except OSError:
            modified = None
        return Look(seen[0], is_first=seen[1], modified=modified).is_quiet(self._clock())

    def _set_states(self, run_ids: Collection[str]) -> None:
        """Work out the state of runs; the index stores what has changed."""
        found = {run_id: work_out_state(self._writers[run_id].values(), is_quiet=self._is_quiet) for run_id in run_ids}
        changed = {run_id: state for run_id, state in found.items() if self._states.get(run_id) != state}
        if changed:
            self._index.set_states(changed)
            self._states.update(changed)
            self._running = {*self._running.difference(changed), *_running(changed)}


def _running(states: Mapping[str, str]) -> Iterator[str]:
    return (run_id for run_id, state in states.items() if state == "running")
