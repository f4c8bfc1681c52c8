"""Bringing a project's journals into its index: what is new in them, what is gone, and what state their runs are in."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import JOURNAL_SUFFIX
from runfork.disk.watching import JournalWatch
from runfork.errors import ArgumentError, FormatError, NotFoundError
from runfork.index.interface import StaleIndexError, UnusableIndexError
from runfork.model.clock import now_us
from runfork.model.identifiers import directory_name
from runfork.model.messages import described
from runfork.reading.state import Look, work_out_state

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from runfork.disk.layout import Store
    from runfork.disk.watching import JournalFile
    from runfork.index.interface import Index, Writer
    from runfork.journal.reader import JournalReader
    from runfork.journal.records import JournalKey

    Progress = Callable[[int, int], None] | None

_GROUP = 64
"""Journals after which the states of their runs are worked out: few look-ups, and no run is left without for long."""
_HELD_BYTES = 64 * 1024 * 1024
"""Bytes of journals that are held at most between the look whose they are and reading them."""
_ODD = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError)
"""As what contents of a journal may come to light that no check foresaw."""


class Drain:
    """Brings journals into one index. Remembers how far, so that looking again costs little.

    Journals are the only truth: a run whose journals are not all there any more, or not what was read of them, is removed from the
    index, and what is there of it is read anew.

    Args:
        project: ``workspace/project``.
        store: The data directory.
        index: The index.
    """

    def __init__(self, project: str, store: Store, index: Index) -> None:
        self._index = index
        self._directory = store.project_directory(project)
        self._folder = str(self._directory)
        self._failed: dict[str, str] = {}
        self._begun = now_us(), time.monotonic()
        self._is_frequent = False
        self._changed: set[str] | None = None
        self._forget()

    def _clock(self) -> int:
        """Return the time, which does not jump as long as this reader is there."""
        began, moment = self._begun
        return began + round((time.monotonic() - moment) * 1e6)

    def _forget(self) -> None:
        """Know nothing: only the index can tell what it holds."""
        self._changed = None
        self._watch = JournalWatch(self._directory)
        self._is_loaded = False
        self._files: dict[str, JournalFile] = {}
        """What was there when it was brought in."""
        self._keys: dict[str, JournalKey] = {}
        """Which journal each path holds: by its header, or by its name where the index knows it."""
        self._places: dict[JournalKey, str] = {}
        """Where each journal is read, or was."""
        self._missing: set[JournalKey] = set()
        """Journals that are in no place any more."""
        self._misread: set[str] = set()
        """Runs of which more can be read than was."""
        self._readers: dict[str, JournalReader] = {}
        self._held = 0
        """How many bytes of journals the readers found at the last look hold."""
        self._writers: dict[str, dict[JournalKey, Writer]] = {}
        self._states: dict[str, str] = {}
        self._running: set[str] = set()
        self._is_look_known = False
        """Whether all that is known is what an earlier process saw, and that nothing has changed since."""
        self._awake: set[str] | None = None
        """The folders of runs that may go on, or of which not all is known; None where that is to be worked out anew."""
        self._settled_then = -1
        """How many folders were settled when a look was kept; -1 if none was."""

    @property
    def unreadable(self) -> dict[Path, str]:
        """Journals that could not be read the last time, and why."""
        return {Path(path): reason for path, reason in {**self._failed, **self._watch.unreadable}.items()}

    @property
    def damaged(self) -> list[Path]:
        """Journals of which something was passed over."""
        known = (writer for writers in self._writers.values() for writer in writers.values())
        return [Path(self._places[writer.key]) for writer in known if writer.damage and writer.key in self._places]

    def take_changed(self) -> set[str] | None:
        """Return the runs of which something changed since this was asked the last time; None where that cannot be told.

        A run is among them whoever brought in what is new of it. What only its parent logged is not told of a child.
        """
        changed, self._changed = self._changed, set()
        return changed

    def _note_changed(self, run_ids: Iterable[str]) -> None:
        if self._changed is not None:
            self._changed.update(run_ids)

    def bring_in(self, progress: Progress = None, *, is_alone: bool = True, is_frequent: bool = False) -> None:
        """Apply what is new, and remove what is gone.

        Args:
            progress: Told how many bytes of how many are done.
            is_alone: Whether no other process is doing so at this moment.
            is_frequent: It is done twice a second: what changes in runs that were over for long may wait for a few times.
        """
        self._is_frequent = is_frequent
        try:
            self._bring_in_or_forget(progress, is_together=True)
        except (ArgumentError, NotFoundError):  # another process brought in, or removed, something meanwhile
            self._bring_in_or_forget(progress, is_together=True)
        except _ODD:  # contents that the index cannot work out: which journal's, it says if they come one by one
            self._bring_in_or_forget(progress, is_together=False)
        if is_alone:
            self._keep_look()

    def _bring_in_or_forget(self, progress: Progress, *, is_together: bool) -> None:
        try:
            self._bring_in(progress, is_together=is_together)
        except BaseException:  # an interrupt, too: how far it came, only the index can tell
            self._forget()
            raise

    def _bring_in(self, progress: Progress, *, is_together: bool) -> None:
        if not self._is_loaded:
            if self._is_as_it_was():
                self._set_states(self._running)
                return
            self._load()
        files = self._watch.look(self._folders_awake())
        known = self._files
        changed = {path for path, file in files.items() if known.get(path) != file and not self._is_applied(path, file)}
        if changed or len(files) != len(self._keys):
            self._awake = None
            before = {self._keys[path].run_id for path in self._keys.keys() - files.keys()}
            self._find_places(changed, files)
            self._note_changed(before)
            self._note_changed(self._keys[path].run_id for path in changed if path in self._keys)
            self._remove(self._outdated(changed, files), changed, files)
            while changed:
                self._apply(changed, files, progress, is_together=is_together)
                changed.clear()
                self._remove(self._misread, changed, files)
        self._set_states(self._running)

    def _folders_awake(self) -> set[str] | None:
        """Return the folders that are to be looked at each time; None is all."""
        if not self._is_frequent or not (self._is_loaded or self._is_look_known):
            return None
        if self._awake is None:
            self._awake = {
                os.path.dirname(self._places[key])  # noqa: PTH120  (many)
                for run_id, writers in self._writers.items()
                for key in writers
                if self._is_undecided(run_id, writers) or self._is_behind(key)
            }
        return self._awake

    def _is_behind(self, key: JournalKey) -> bool:
        """Return whether of a journal more may be there than was applied."""
        writer, file = self._writer(key), self._files.get(self._places[key])
        return writer is None or file is None or file.size != writer.applied or self._places[key] in self._failed

    # What one process leaves to the next

    def _is_as_it_was(self) -> bool:
        """Return whether the journals are what an earlier process saw when it had applied them: that is all it takes then."""
        look = None if self._is_look_known else self._index.last_look()
        if look is not None:
            self._files = self._watch.recall(look["folders"])
        elif not self._is_look_known:
            return False
        self._is_look_known = self._watch.look(self._folders_awake()) == self._files and not self._watch.unreadable
        if self._is_look_known and look is not None:
            self._settled_then = look["settled"]
            self._load(look["runs"])
        return self._is_look_known

    def _keep_look(self) -> None:
        """Leave to the next process what this one saw, once, and again when its folders have settled."""
        settled = self._watch.settled_count
        if settled <= self._settled_then or self._failed or self._missing or self._misread or self._watch.unreadable:
            return
        files = self._watch.files
        runs = [run_id for run_id, writers in self._writers.items() if self._is_of_interest(run_id, writers)]
        usual = (self._places[key] == self._usual_path(key) for run_id in runs for key in self._writers[run_id])
        if self._files != files or not all(usual):
            return
        with suppress(UnusableIndexError):  # no space, say: the next process looks for itself
            self._index.keep_look({"folders": self._watch.remembered(), "runs": runs, "settled": settled})
            self._settled_then = settled

    def _is_of_interest(self, run_id: str, writers: Mapping[JournalKey, Writer]) -> bool:
        """Return whether a process has to know of a run's journals though nothing in them is new."""
        return self._is_undecided(run_id, writers) or any(writer.damage for writer in writers.values())

    def _is_applied(self, path: str, file: JournalFile) -> bool:
        """Return whether an earlier reader applied all of a file that is the same still; takes note of it then."""
        key = self._keys.get(path)
        writer = None if key is None or self._places[key] != path else self._writer(key)
        if writer is None or writer.applied != file.size or writer.carry.get("file") != _as_carried(file):
            return False
        self._files[path] = file
        return True

    def _load(self, run_ids: Collection[str] | None = None) -> None:
        """Take over from the index how much of each journal earlier readers applied, or of those of some runs."""
        self._writers, self._keys, self._places = {}, {}, {}
        self._note(self._index.writers(run_ids))
        for key in (key for writers in self._writers.values() for key in writers):
            path = self._usual_path(key)
            self._keys[path] = key
            self._places[key] = path
        self._states = self._index.states()
        self._running = self._writers.keys() & _running(self._states)
        self._set_states(run_id for run_id, writers in self._writers.items() if self._is_undecided(run_id, writers))
        self._is_loaded = run_ids is None
        if self._is_loaded:
            self._settled_then = -1
            self._files = {path: file for path, file in self._files.items() if path in self._keys}

    def _is_undecided(self, run_id: str, writers: Mapping[JournalKey, Writer]) -> bool:
        """Return whether the state of a run is none that its journals decided once and for all."""
        return run_id not in self._states or not all(writer.is_closed for writer in writers.values())

    def _note(self, writers: dict[JournalKey, Writer]) -> None:
        for key, writer in writers.items():
            self._writers.setdefault(key.run_id, {})[key] = writer

    def _writer(self, key: JournalKey) -> Writer | None:
        return self._writers.get(key.run_id, {}).get(key)

    # Which journals there are

    def _find_places(self, changed: Collection[str], files: Mapping[str, JournalFile]) -> None:
        """Find out which journals the new paths hold, and where each journal is read now."""
        self._held = 0
        vanished = [path for path in (*self._keys, *self._failed) if path not in files]
        self._missing.update(self._keys[path] for path in vanished if path in self._keys)
        for path in vanished:
            self._forget_path(path)
        for path in sorted(changed, key=_by_start):
            if path not in self._keys and self._find_key(path):
                key = self._keys[path]
                if self._places.get(key) not in self._keys or self._usual_path(key) == path:
                    self._places[key] = path  # else it is a copy of one that is there, too
        if self._missing:
            copies = {key: path for path, key in self._keys.items() if key in self._missing}
            self._places.update({key: path for key, path in copies.items() if self._is_missing(key)})
            self._missing = set(filter(self._is_missing, self._missing))

    def _is_missing(self, key: JournalKey) -> bool:
        return self._places.get(key) not in self._keys

    def _forget_path(self, path: str) -> None:
        self._keys.pop(path, None)
        self._files.pop(path, None)
        self._readers.pop(path, None)
        self._failed.pop(path, None)

    def _find_key(self, path: str) -> bool:
        """Return whether it is known which journal a path holds."""
        reader = _open_journal(path)
        try:
            key = reader.key()
        except (OSError, FormatError) as error:
            self._failed[path] = str(error)
            return False
        self._failed.pop(path, None)
        if key is not None:
            self._keys[path] = key
            self._held += reader.held_bytes
            if self._held <= _HELD_BYTES:  # else it is opened again
                self._readers[path] = reader
        return key is not None

    def _usual_path(self, key: JournalKey) -> str:
        """Return where a journal lies unless somebody moved it."""
        return os.path.join(self._folder, directory_name(key.run_id), f"{key.writer}{JOURNAL_SUFFIX}")  # noqa: PTH118  (many)

    def _outdated(self, changed: Collection[str], files: Mapping[str, JournalFile]) -> set[str]:
        """Return the runs of which the index holds what no journal says any more."""
        gone = {key for key in self._missing if self._watch.is_gone(self._places[key])}
        replaced = {
            key
            for path in changed
            if (key := self._keys.get(path)) is not None and self._is_other(path, key, files[path])
        }
        runs = {key.run_id for key in gone | replaced}
        self._missing -= gone
        held = self._index.writers(runs) if runs else {}  # others may have removed them, and brought them in anew
        self._forget_runs(runs)
        self._note(held)
        return {
            key.run_id
            for key in held
            if key in gone or (key in replaced and self._is_other(self._places[key], key, None))
        }

    def _forget_runs(self, runs: Collection[str]) -> None:
        for run_id in runs:
            self._writers.pop(run_id, None)
            self._states.pop(run_id, None)
        self._running.difference_update(runs)

    def _is_other(self, path: str, key: JournalKey, file: JournalFile | None) -> bool:
        """Return whether what lies at a path is not what the index holds of that journal, as far as it can be read."""
        writer = self._writer(key)
        if writer is None or self._places[key] != path:
            return False
        if file is not None and writer.carry.get("file") == _as_carried(file):
            return False
        try:
            return not _open_journal(path).continues(writer.identity, writer.applied, writer.carry)
        except OSError as error:
            self._failed[path] = str(error)
            return False
        except FormatError:
            return True

    def _remove(self, runs: Collection[str], changed: set[str], files: Mapping[str, JournalFile]) -> None:
        """Remove runs from the index; what is there of them is added to `changed`, to be read anew."""
        if not runs:
            return
        self._index.remove(runs)
        self._forget_runs(runs)
        for path in [path for path, key in self._keys.items() if key.run_id in runs]:
            self._forget_path(path)
        again = [path for path in files if path not in self._keys and path not in self._failed]
        changed.update(again)
        self._find_places(again, files)
        self._misread = set()

    # Applying

    def _apply(
        self, changed: Collection[str], files: Mapping[str, JournalFile], progress: Progress, *, is_together: bool
    ) -> None:
        paths = [path for path in sorted(changed, key=_by_start) if self._has_news(path, files[path])]  # parents first
        with self._index.together() if is_together and paths else nullcontext():
            self._apply_all(paths, files, progress)

    def _has_news(self, path: str, file: JournalFile) -> bool:
        """Return whether there is something to be read at a path, and take note of the file where there is not."""
        key = self._keys.get(path)
        writer = None if key is None else self._writer(key)
        if key is not None and self._places[key] == path and (writer is None or writer.applied != file.size):
            return True
        if path not in self._failed:
            self._files[path] = file  # all of it is applied, it is a copy, or its header is still being written
        self._readers.pop(path, None)
        return False

    def _apply_all(self, paths: list[str], files: Mapping[str, JournalFile], progress: Progress) -> None:
        total = sum(files[path].size for path in paths)
        done = 0
        waiting = iter(paths)
        while group := list(islice(waiting, _GROUP)):
            runs = {self._keys[path].run_id for path in group if path in self._keys}
            self._note(self._index.writers(runs))  # others may have applied some
            for path in group:
                for end in self._drain(path, files[path]):
                    if progress is not None:
                        progress(done + min(end, files[path].size), total)
                done += files[path].size
            self._note(self._index.writers(runs))
            self._set_states(runs.intersection(self._writers))
            for path in group:
                self._note_done(path)

    def _note_done(self, path: str) -> None:
        """Let go of the reader of a journal that was closed, and of which all is applied."""
        writer = self._writer(self._keys[path]) if path in self._keys else None
        if writer is not None and writer.is_closed and path in self._files and self._files[path].size == writer.applied:
            self._readers.pop(path, None)

    def _drain(self, path: str, file: JournalFile) -> Iterator[int]:
        """Apply one journal's news, batch by batch; yields the offset after each."""
        self._failed.pop(path, None)
        try:
            yield from self._apply_batches(path, file)
        except (StaleIndexError, ArgumentError, NotFoundError):
            raise
        except (OSError, FormatError) as error:
            self._failed[path] = str(error)
            return
        except _ODD as error:
            self._failed[path] = f"what it holds cannot be brought into the index ({described(error)})"
        self._files[path] = file

    def _apply_batches(self, path: str, file: JournalFile) -> Iterator[int]:
        key = self._keys[path]
        writer = self._writer(key)
        start = writer.applied if writer is not None else 0
        carry = writer.carry if writer is not None else {}
        seen = {"seen": [self._clock(), writer is None], "file": _as_carried(file)}
        reader = self._readers.pop(path, None)
        if reader is None or (writer is not None and reader.end != start):
            reader = _open_journal(path, carry)
        lost = set(carry.get("lost", ()))
        while start < file.size and (batch := reader.read(start)) is not None and batch.end > start:
            if not lost.isdisjoint(map(int, batch.carry["schemas"])):
                self._misread.add(key.run_id)  # the names of rows that were passed over can be read by now
                return
            lost.update(batch.carry.get("lost", ()))
            batch.carry.update(seen)
            self._index.apply(batch)
            start = batch.end
            yield start
        self._readers[path] = reader

    # States

    def _is_quiet(self, writer: Writer) -> bool:
        """Return whether a journal whose process cannot be seen from here has stopped growing."""
        seen = writer.carry.get("seen")
        if seen is None:
            return False
        file = self._files.get(self._places.get(writer.key, ""))
        modified = None if file is None else file.modified_ns // 1000
        return Look(seen[0], is_first=seen[1], modified=modified).is_quiet(self._clock())

    def _set_states(self, run_ids: Iterable[str]) -> None:
        """Work out the state of runs; the index stores what has changed."""
        found = {run_id: work_out_state(self._writers[run_id].values(), is_quiet=self._is_quiet) for run_id in run_ids}
        changed = {run_id: state for run_id, state in found.items() if self._states.get(run_id) != state}
        if changed:
            self._note_changed(changed)
            self._index.set_states(changed)
            self._states.update(changed)
            self._awake = None
            self._running = {*self._running.difference(changed), *_running(changed)}


def _open_journal(path: str, carry: Mapping[str, Any] | None = None) -> JournalReader:
    from runfork.journal.reader import JournalReader  # NumPy and all: most processes find nothing new to read

    return JournalReader(path, carry)


def _as_carried(file: JournalFile) -> list[int]:
    """Return what is kept in the index of a file, to know it again."""
    return [file.size, file.node, file.changed_ns]


def _by_start(path: str) -> str:
    return path[path.rfind(os.sep) + 1 :]


def _running(states: Mapping[str, str]) -> set[str]:
    return {run_id for run_id, state in states.items() if state == "running"}
