"""When a process goes on as another run: which of its records and files are taken over, and what is left."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from runfork.disk.layout import journals_of
from runfork.disk.logged_files import FOLDER, sync_file
from runfork.journal.first_records import body_of
from runfork.journal.format import HEADER_SIZE, KIND_AT, Kind
from runfork.journal.frame_search import frames_in

if TYPE_CHECKING:
    from pathlib import Path


class Takeover:
    """Takes what one session logged from a run's folder to that of another.

    Args:
        source: The folder that it leaves.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._files: set[str] = set()

    def records(self, data: bytes) -> bytes:
        """Return a journal's frames without header, identity and lineage: what another run's journal can go on with.

        Args:
            data: A journal from its beginning, or frames of one.
        """
        kept = []
        for start, end in frames_in(data, 0):
            kind, payload = data[start + KIND_AT], data[start + HEADER_SIZE : end]
            is_identity = kind == Kind.CONFIGS and b'"sys/custom_run_id"' in payload
            if kind not in (Kind.CREATE, Kind.LINEAGE) and not is_identity:
                kept.append(data[start:end])
                files = body_of(kind, payload, kinds=(Kind.FILES,)) or {}
                self._files.update(file["sha256"] for file in files.values())
        return b"".join(kept)

    def copy_files(self, target: Path) -> None:
        """Copy the files that the records name.

        Raises:
            OSError: One cannot be copied.
        """
        if self._files:
            (target / FOLDER).mkdir(parents=True, exist_ok=True)
        for name in self._files:
            shutil.copyfile(self._source / FOLDER / name, target / FOLDER / name)

    def leave(self, journal: Path | None, target: Path) -> None:
        """Remove the journal that was taken over, once the disk keeps the new one; its folder, too, unless others wrote to the run.

        Raises:
            OSError: It cannot be removed, or the disk does not keep a file that was copied.
        """
        for name in self._files:
            sync_file(target / FOLDER / name)
        if journal is None:
            return
        if journals_of(self._source) == [journal]:
            shutil.rmtree(self._source)
        else:
            journal.unlink()
