"""Appending to a journal: one ``write(2)`` per record, safe from the moment the call returns against the process being killed.

A record that the disk refuses is kept in memory (up to 16 MiB) and written when the disk takes it again; beyond that it is
counted as lost. Nothing here raises for what the disk does.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from runfork.journal.descriptors import append, close_signed, duplicate, is_signed, open_descriptor, sign
from runfork.journal.folders import make_folders, sync_path
from runfork.journal.frame_search import open_journal
from runfork.model.messages import plural

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_BACKLOG_BYTES = 16 * 1024 * 1024
RETRY_SECONDS = 0.5
_fdatasync = getattr(os, "fdatasync", os.fsync)
_position = os.lseek
_HERE = os.SEEK_CUR
_GONE = frozenset((errno.EBADF, errno.ESPIPE))
"""What a system call says of a number that stands for no file any more, or for a pipe."""

_REMEDY = "make the directory writable or free space, or name another with RUNFORK_DIR"
_REMEDIES = {
    errno.ENOTDIR: "move the file away, or name another directory with RUNFORK_DIR",
    errno.EMFILE: "close files, or raise the limit of open ones",
    errno.ENFILE: "close files, or raise the limit of open ones",
}


class JournalWriter:
    """The one writer of one journal file. Every method may be called from any thread, and from signal handlers.

    The file is created by the first record. After ``os.fork()`` the child's copy begins a journal of its own with its first
    record.

    Args:
        begin: Called for each new journal, in the process that writes it; returns the path and the first bytes.
        on_trouble: Told once per kind of trouble, with a sentence; must not raise.
        on_fork: Called in a child process after ``os.fork()``.
        on_made: Told which folders got a new entry when the journal was made; must not raise.
    """

    def __init__(
        self,
        begin: Callable[[], tuple[Path, bytes]],
        *,
        on_trouble: Callable[[str], None],
        on_fork: Callable[[], None] = lambda: None,
        on_made: Callable[[list[Path]], None] = lambda _: None,
    ) -> None:
        self._begin = begin
        self._on_trouble = on_trouble
        self._on_fork = on_fork
        self._on_made = on_made
        self._lock = threading.RLock()
        self._fd = -1
        self._sign = 0
        self._first = b""
        self._unsynced_folders: list[Path] = []
        self._end = 0
        self._synced = 0
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._retry_at = 0.0
        self._told: set[str] = set()
        self._is_opening = self._is_catching_up = False
        self._is_closed = self._is_released = False
        self.path: Path | None = None
        self.lost_records = 0
        self.is_syncing = False
        _OF_THIS_PROCESS.add(self)

    def write(self, frame: bytes) -> bool:
        """Append one record (or several, as one).

        Returns:
            True once the kernel has it: killing the process loses nothing. False if it waits in memory or is lost.
        """
        with self._lock:
            if self._backlog:
                return self._write_after_backlog(frame)
            try:
                if _position(self._fd, 0, _HERE) != self._sign:
                    return self._write_anew(frame)
                written = append(self._fd, frame, self._end)
                self._end += written
                if written != len(frame):
                    self._complete(frame, written)
            except OSError as error:
                return self._write_slowly(frame, error)
            return True

    def call_before_next(self, call: Callable[[], None]) -> None:
        """Call `call` once, when the next record comes and before it is written. Costs the other records nothing."""

        def write(frame: bytes) -> bool:
            self._stop_waiting()
            call()
            return self.write(frame)

        self.write = write  # type: ignore[method-assign]

    def _stop_waiting(self) -> None:
        self.__dict__.pop("write", None)

    def sync(self) -> None:
        """Ask the disk to keep what was written, so that power loss costs nothing up to here; blocks this thread only.

        The folders that name the journal, as far as it made them, are synced once with it.
        """
        with self._lock:
            if self._backlog:
                self._write_backlog()
            path, end, sign_of_it = self.path, self._end, self._sign
            if self._fd < 0 or end == self._synced or not (is_signed(self._fd, sign_of_it) or self._reopen()):
                return
            sign_of_it = self._sign
            try:
                fd = duplicate(self._fd)
            except OSError as error:
                self._tell(
                    "descriptors",
                    f"the journal {path} cannot be synced to disk ({error}): a killed process loses nothing, power loss may; "
                    "close files, or raise the limit of open ones",
                )
                return
        try:
            self.is_syncing = True
            _fdatasync(fd)
            if is_signed(fd, sign_of_it) and os.fstat(fd).st_nlink == 0:
                self._tell(
                    "deleted",
                    f"the journal {path} was deleted: what is logged from now on is gone with it; open another run to keep it",
                )
            else:
                self._sync_folders(path)
            with self._lock:
                if self.path == path:
                    self._synced = max(self._synced, end)
        except OSError as error:
            self._tell("sync", f"the journal {path} could not be synced to disk ({error}); check the disk")
        finally:
            self.is_syncing = False
            close_signed(fd, sign_of_it)

    def _sync_folders(self, path: Path | None) -> None:
        with self._lock:
            folders = self._unsynced_folders if self.path == path else []
        for folder in folders:
            sync_path(folder)
        with self._lock:
            if self.path == path:
                self._unsynced_folders = []

    def restart(self, keep: Callable[[bytes], bytes]) -> Path | None:
        """Go on in a new journal: what `begin` now returns, then what `keep` takes over from the records so far.

        Args:
            keep: Called with the bytes of the journal that is left, and with those that wait in memory.

        Returns:
            The journal that was left, if all of it was taken over: it is the caller's to remove. Else None.
        """
        with self._lock:
            left, kept = self.path, b""
            if left is not None:
                try:
                    kept = keep(left.read_bytes())
                except OSError as error:
                    self._tell("restart", f"the journal {left} could not be read again ({error}); it stays where it is")
                    left = None
            kept += keep(b"".join(self._backlog))
            self._forget()
            if kept:
                self.write(kept)
        return left

    def release(self) -> None:
        """Hold the file open no longer, until the next record comes; as long as something is not on disk yet it stays open."""
        with self._lock:
            if self._fd < 0 or self._backlog or self._synced < self._end:
                return
            fd, signed, self._fd = self._fd, self._sign, -1
            self._is_released = True
            close_signed(fd, signed)

    def close(self, *, syncs: bool = True) -> None:
        """Sync and release the file; later records are refused and counted.

        Args:
            syncs: False where whoever calls may not wait for the disk.
        """
        self._stop_waiting()
        if syncs:
            self.sync()
        with self._lock:
            has_more = self._end > self._synced  # there was no descriptor to spare
            if syncs and has_more and is_signed(self._fd, self._sign):
                with suppress(OSError):
                    _fdatasync(self._fd)
            if self._backlog:
                self.lost_records += len(self._backlog)
                self._tell(
                    "lost",
                    f"{plural(self.lost_records, 'record')} of the journal {self._place} could not be written: lost",
                )
            size, self._is_closed = self._end, True
            self._forget(keep_path=True)
            self._end = self._synced = size

    @property
    def has_begun(self) -> bool:
        """Whether this process has handed in a record."""
        return self._end > 0 or bool(self._backlog) or self.lost_records > 0

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._end

    @property
    def backlog_bytes(self) -> int:
        """Bytes that wait in memory for the disk to take them."""
        return self._backlog_bytes

    @property
    def synced_bytes(self) -> int:
        """Bytes that the disk keeps, from the beginning."""
        return self._synced

    @property
    def unsynced_bytes(self) -> int:
        """Bytes that the kernel has and the disk may not."""
        return self._end - self._synced

    def _complete(self, frame: bytes, written: int) -> None:
        """Finish a write that the kernel cut short, or cut the journal back to where the record began, and raise."""
        view = memoryview(frame)
        try:
            while written < len(frame):
                more = append(self._fd, view[written:], self._end)
                written += more
                self._end += more
        except OSError:
            with suppress(OSError):  # the torn frame stays then; readers skip it by its checksum
                # The file knows best: a KeyboardInterrupt may have kept an earlier write from being counted in `_end`.
                self._end = os.fstat(self._fd).st_size - written
                os.ftruncate(self._fd, self._end)
            raise

    def _write_slowly(self, frame: bytes, error: OSError) -> bool:
        """Open the journal if this is the first record, or keep the record if the disk refuses it."""
        if self._is_closed:
            self.lost_records += 1
            return False
        if self._fd >= 0:
            if error.errno not in _GONE:
                return self._keep(frame, error)
            return self._write_now(frame) if is_signed(self._fd, self._sign) else self._write_anew(frame)
        if self._is_opening:  # this is a signal handler, in the middle of that; what waits is written next
            return self._hold(frame)
        try:
            self._open()
        except OSError as failure:
            return self._keep(frame, failure)
        return self.write(frame)

    def _write_now(self, frame: bytes) -> bool:
        """Write a record to the journal that a signal handler opened meanwhile."""
        self._hold(frame)
        self._write_backlog()
        return not self._backlog

    def _write_anew(self, frame: bytes) -> bool:
        """Open the journal again, whose number stands for another file now, or for none; write a record then."""
        return self.write(frame) if self._reopen() else self._hold(frame)

    def _reopen(self) -> bool:
        """Open the journal again where it lies, unless a signal handler has. What has its number is others', and left alone."""
        known = self._sign
        if is_signed(self._fd, known) or self._sign != known:
            return True
        path, self._fd = self.path, -1
        try:
            if path is None or not self._is_there(path):
                raise FileNotFoundError(errno.ENOENT, "it is gone or replaced", str(path))
            fd = open_descriptor(path, os.O_WRONLY | os.O_APPEND)
            signed, end = sign(fd), os.fstat(fd).st_size
            if self._fd >= 0:
                os.close(fd)
                return True
            self._sign, self._end, self._fd = signed, end, fd
        except OSError as error:
            self._refused(error)
            return False
        was_ours, self._is_released = self._is_released, False
        if not was_ours:
            self._tell(
                "closed descriptor",
                f"the program closed the file of the journal {path}, as what makes daemons does; it was opened again, nothing is "
                "lost",
            )
        return True

    def _is_there(self, path: Path) -> bool:
        with open_journal(path) as file:
            return file.read(len(self._first)) == self._first  # no other journal begins like it

    def _open(self) -> None:
        """Make the journal, or open again the one that was made."""
        self._is_opening = True
        try:
            if self.path is None:
                self._make()
            elif not self._reopen():
                raise OSError(errno.ENOENT, "it cannot be opened again", str(self.path))
            self._retry_at = 0.0
        finally:
            self._is_opening = False

    def _make(self) -> None:
        path, first = self._begin()
        folders = make_folders(path.parent)
        fd = open_descriptor(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
        try:
            signed = sign(fd)
            written = append(fd, first, 0)
            while written < len(first):
                written += append(fd, first[written:], written)
        except OSError:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        self._first, self._unsynced_folders = first, folders
        self._fd, self._sign, self._end, self.path = fd, signed, len(first), path
        self._on_made(folders)

    def _keep(self, frame: bytes, error: OSError) -> bool:
        """Hold a record in memory until the disk takes it."""
        self._refused(error)
        return self._hold(frame)

    def _refused(self, error: OSError) -> None:
        self._tell(
            f"write {error.errno}",
            f"the journal {self._place} cannot be written ({error}); training goes on, up to 16 MiB wait in memory: "
            f"{_REMEDIES.get(error.errno or 0, _REMEDY)}",
        )
        self._retry_at = time.monotonic() + RETRY_SECONDS

    def _write_after_backlog(self, frame: bytes) -> bool:
        if time.monotonic() >= self._retry_at:
            self._write_backlog()
        return self._hold(frame) if self._backlog else self.write(frame)

    def _hold(self, frame: bytes) -> bool:
        if self._backlog_bytes + len(frame) > MAX_BACKLOG_BYTES:
            self.lost_records += 1
            return False
        self._backlog.append(bytes(frame))
        self._backlog_bytes += len(frame)
        return False

    def _write_backlog(self) -> None:
        """Try to write what waits, in order; stops at the first refusal."""
        takes_it = True
        while takes_it and self._backlog and not (self._is_opening or self._is_catching_up):
            self._is_catching_up = True  # what a signal handler writes meanwhile waits for its turn
            try:
                takes_it = self._write_first()
            finally:
                self._is_catching_up = False

    def _write_first(self) -> bool:
        """Write what has waited longest; False if the disk still refuses it."""
        frame = self._backlog[0]
        try:
            if self._fd < 0:
                self._open()
            if not is_signed(self._fd, self._sign) and not self._reopen():
                return False
            written = append(self._fd, frame, self._end)
            self._end += written
            if written != len(frame):
                self._complete(frame, written)
        except OSError as error:
            self._refused(error)
            return False
        # Not before, or a KeyboardInterrupt would lose it; a record that is written twice does no harm.
        self._backlog.popleft()
        self._backlog_bytes -= len(frame)
        return True

    def _tell(self, kind: str, sentence: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._on_trouble(sentence)

    def forget_parent(self) -> None:
        """Become a writer that has not begun; the parent's journal stays the parent's."""
        self._lock = threading.RLock()
        self._is_opening = self._is_catching_up = False
        self._stop_waiting()
        self._forget()
        self.lost_records = 0
        self._on_fork()

    def _forget(self, *, keep_path: bool = False) -> None:
        """Let go of the file and of what waits, before a signal handler may come and begin anew."""
        fd, signed, nothing = self._fd, self._sign, deque[bytes]()
        self._fd, self._end, self._synced = -1, 0, 0
        self._is_released = False
        self._backlog, self._backlog_bytes = nothing, 0
        if not keep_path:
            self.path = None
        close_signed(fd, signed)

    @property
    def _place(self) -> str:
        return str(self.path or "of this run")


_OF_THIS_PROCESS: weakref.WeakSet[JournalWriter] = weakref.WeakSet()
"""Those that a child process has a copy of: what is registered with `os.fork()` stays for as long as the process lives."""


def _forget_parents() -> None:
    for writer in list(_OF_THIS_PROCESS):
        # Another thread may have been opening a run: half of one, which nobody here has, must not keep the others their parent's.
        with suppress(Exception):
            writer.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)


class NullWriter(JournalWriter):
    """Takes everything and writes nothing: the journal of a disabled run."""

    def __init__(self) -> None:
        super().__init__(self._never, on_trouble=lambda _: None)

    @staticmethod
    def _never() -> tuple[Path, bytes]:
        raise AssertionError("a disabled run begins no journal")

    def write(self, frame: bytes) -> bool:
        """Say yes."""
        del frame
        return True
