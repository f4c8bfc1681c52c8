"""Copies of checkpoint files in a run: made on a thread of their own, and kept no longer than the files."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from runfork.disk.layout import journals_of

if TYPE_CHECKING:
    from runfork.writing.run import Run

_PATH = "checkpoints/file"
_MAX_SEARCHED_BYTES = 256 * 1024 * 1024


class _Job(NamedTuple):
    run: Run
    path: str
    step: float


class _Copy(NamedTuple):
    run: Run
    sha256: str
    state: tuple[int, ...] | None


class CheckpointCopies:
    """Copies files into runs one after the other, on a thread that lives as long as there is something to copy.

    A program that ends waits for it. A copy goes when the file was removed, or written anew, and the next one is copied: where a
    saver keeps the best file alone, so does the run. What the user logged with the same contents stays.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a handler of signals may save a checkpoint, in the middle of `take`
        self._jobs: deque[_Job] = deque()
        self._thread: threading.Thread | None = None
        self._copies: dict[str, _Copy] = {}
        self._logged: dict[str, int] = {}

    def __reduce__(self) -> tuple[type[CheckpointCopies], tuple[()]]:
        """Return how it is sent to another process: what waits here is copied here."""
        return CheckpointCopies, ()

    def take(self, run: Run, path: str, step: float) -> None:
        """Have a file copied into a run, soon, as a point of ``checkpoints/file``."""
        if run.is_disabled:
            return
        with self._lock:
            self._jobs.append(_Job(run, path, step))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="runfork checkpoint files")
                self._thread.start()

    def join(self) -> None:
        """Wait until what was taken is copied."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                job = self._jobs.popleft()
            try:
                self._copy(job)
            except Exception as error:  # the boundary of this thread: a disk may fail, a file be taken away
                job.run.problems.tell(
                    "checkpoint files",
                    f"the checkpoint {job.path!r} was not copied into the run ({error}); check the disk",
                )

    def _copy(self, job: _Job) -> None:
        from runfork.disk.logged_files import keep_file

        state = _state(job.path)
        if state is None:  # removed before its turn
            return
        kept = keep_file(job.path, job.run.directory)
        copy = _Copy(job.run, kept.sha256, state)
        if _state(job.path) != state:  # written anew while it was read
            self._remove(copy)
            return
        job.run.log_files({_PATH: kept}, job.step)
        self._logged[copy.sha256] = self._logged.get(copy.sha256, 0) + 1
        before, self._copies[job.path] = self._copies.get(job.path), copy
        gone = [path for path, one in self._copies.items() if _state(path) != one.state]
        for one in [before, *(self._copies.pop(path) for path in gone)]:
            if one is not None:
                self._remove(one)

    def _remove(self, copy: _Copy) -> None:
        """Remove a copy, unless something else that is in the run has the same contents."""
        from runfork.disk.logged_files import FOLDER

        is_kept = any((one.run, one.sha256) == (copy.run, copy.sha256) for one in self._copies.values())
        if not is_kept and self._is_named_by_us_alone(copy):
            (copy.run.directory / FOLDER / copy.sha256).unlink(missing_ok=True)

    def _is_named_by_us_alone(self, copy: _Copy) -> bool:
        journals = journals_of(copy.run.directory)
        if sum(path.stat().st_size for path in journals) > _MAX_SEARCHED_BYTES:
            return False
        named = sum(path.read_bytes().count(copy.sha256.encode()) for path in journals)
        return named <= self._logged.get(copy.sha256, 0)


def _state(path: str) -> tuple[int, ...] | None:
    """Return what changes when a file is written anew; None if it is not here."""
    try:
        found = os.stat(path)  # noqa: PTH116  a string is what the caller has
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
