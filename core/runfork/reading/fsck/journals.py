"""Inspecting one journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.disk.layout import JOURNAL_SUFFIX
from runfork.disk.liveness import is_silent, lives_here
from runfork.errors import FormatError
from runfork.journal.format import HEADER_SIZE, Kind
from runfork.journal.frame_search import claimed_end, open_journal, why_unreadable
from runfork.journal.reader import DAMAGED_HEADER, JournalReader
from runfork.reading.fsck.findings import Note, Problem
from runfork.reading.fsck.gaps import GapFinder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from runfork.disk.layout import Store
    from runfork.journal.records import Batch
    from runfork.reading.fsck.findings import Inspection, ProblemKind
    from runfork.reading.fsck.gaps import Gap

READ_BYTES = 16 * 1024 * 1024
REPAIR_AFTER_SECONDS = 3600
"""A journal whose process cannot be seen from here is repaired when the file is older, by its file system's clock: the process may
have been halted for a while."""
_UNSEEN = (
    "its process, on host {!r}, cannot be seen from here, and wrote less than an hour ago: it may be writing still"
)

_AGAIN = "nothing but a copy of the file brings them back"


class JournalInspector:
    """Reads one journal from its beginning, and adds what it finds to an inspection.

    Args:
        found: The inspection.
        store: The data directory.
        project: The project in whose folder the journal lies.
        path: The journal.
    """

    def __init__(self, found: Inspection, store: Store, project: str, path: Path) -> None:
        self.references: list[tuple[str, Mapping[str, Any]]] = []
        """Path and reference of each logged file."""
        self.identity: Mapping[str, Any] = {}
        self.is_copy = False
        """Whether another file is the journal that this one says it is."""
        self._found, self._store, self._project, self._path = found, store, project, path
        self._finder = GapFinder()
        self._is_closed = False
        self._has_creation = False

    def inspect(self, progress: Callable[[int], None]) -> None:
        """Read the journal; `progress` is told how many bytes of it are done."""
        end = 0
        try:
            for batch in JournalReader(self._path).batches(limit=READ_BYTES):
                end = batch.end
                self._take(batch)
                progress(end)
            rest = self._path.stat().st_size - end
        except (OSError, FormatError) as error:
            self._tell("unreadable", str(error), remedy="move it away, or put a copy in its place")
            return
        for gap in self._finder.gaps():
            self._tell_gap(gap)
        self._check_place()
        if self._may_be_written():
            self._found.may_be_written.add(self._path)
        else:
            self._check_end(end, rest)

    def _take(self, batch: Batch) -> None:
        self.identity = batch.identity
        self._finder.add(batch)
        self._found.records += len(batch.records) + sum(len(rows.steps) for rows in batch.rows)
        self._found.points += sum(rows.values.size for rows in batch.rows)
        for record in batch.records:
            self._is_closed = record.kind == Kind.CLOSE
            self._has_creation = self._has_creation or record.kind == Kind.CREATE
            if record.kind == Kind.FILES:
                self.references += [(attribute, reference) for attribute, reference in record.body.items()]

    def _tell_gap(self, gap: Gap) -> None:
        damage = gap.damage
        if damage.reason == DAMAGED_HEADER:
            remedy = "all commands read it; 'runfork fsck --repair' writes the header anew"
            if self._has_creation:
                self._tell("header", damage.reason, remedy=remedy, at=(0, damage.length), is_loss=False)
            else:
                self._tell("header", damage.reason, remedy=remedy, at=(0, damage.length), gap=gap)
        elif damage.is_sound:
            self._tell("names", damage.reason, remedy=_AGAIN, at=(damage.offset, damage.length), gap=gap)
        elif damage.length < HEADER_SIZE:
            self._tell(
                "stray",
                "stray bytes between two records, too few to be one",
                remedy="nothing: readers pass over them",
                at=(damage.offset, damage.length),
                is_loss=False,
            )
        else:
            remedy = f"{_AGAIN}; 'runfork fsck --repair' closes the gap and keeps this file under another name"
            self._tell("damage", damage.reason, remedy=remedy, at=(damage.offset, damage.length), gap=gap)

    def _check_place(self) -> None:
        """Compare where the journal lies with what it says of itself."""
        if not self.identity:
            return
        project, run_id, writer = (str(self.identity[name]) for name in ("project", "run_id", "writer"))
        home = self._store.run_directory(project, run_id) / f"{writer}{JOURNAL_SUFFIX}"
        if home == self._path:
            return
        shown = home.relative_to(self._store.directory)
        self.is_copy = home.exists()
        if self.is_copy:
            reason = f"a copy: by its header it is {shown}, which is there too and is read in its place"
            self._tell("copy", reason, remedy="delete it, or move it out of the data directory", is_loss=False)
        else:
            reason = f"it lies in the wrong place: by its header it is {shown}"
            self._tell("misplaced", reason, remedy="move it there, with the folder 'files' beside it", is_loss=False)

    def _may_be_written(self) -> bool:
        if self._is_closed or not self.identity:
            return False
        known = lives_here(self.identity)
        if known is None and not is_silent(self._path, REPAIR_AFTER_SECONDS):
            self._found.notes.append(Note(self._project, self._path, _UNSEEN.format(self.identity.get("host"))))
            return True
        return bool(known)

    def _check_end(self, end: int, rest: int) -> None:
        """Tell a record that was cut off at the end of the file from damage there."""
        if not self.identity:
            what = "ends within its header" if rest else "is empty"
            reason = f"the journal {what}: its process ended before its first record, or the file was cut"
            self._tell("empty", reason, remedy="delete it", at=(0, rest), is_loss=False)
        elif rest > 0 and self._is_torn(end, rest):
            reason = (
                "the journal ends within a record: its process ended before that log call returned, or the file was cut"
            )
            remedy = "nothing: readers pass over it; 'runfork fsck --repair' removes it"
            self._tell("tail", reason, remedy=remedy, at=(end, rest), is_loss=False)
        elif rest > 0:
            with open_journal(self._path) as file:
                file.seek(end)
                why = why_unreadable(file.read(HEADER_SIZE), 0, rest)
            remedy = f"if records stood there, {_AGAIN}; 'runfork fsck --repair' cuts it off"
            self._tell(
                "damage",
                f"{why}, and none after it" if "begins" in why else f"{why}, and none after it is sound",
                remedy=remedy,
                at=(end, rest),
            )

    def _is_torn(self, end: int, rest: int) -> bool:
        with open_journal(self._path) as file:
            file.seek(end)
            head = file.read(HEADER_SIZE)
        if len(head) < HEADER_SIZE:
            return True
        claimed = claimed_end(head, 0)
        return claimed is not None and claimed > rest

    def _tell(
        self,
        kind: ProblemKind,
        reason: str,
        *,
        remedy: str,
        at: tuple[int, int] | None = None,
        is_loss: bool = True,
        gap: Gap | None = None,
    ) -> None:
        offset, length = at or (None, 0)
        run_id = str(self.identity["run_id"]) if self.identity else None
        self._found.problems.append(
            Problem(kind, self._project, self._path, reason, remedy, run_id, offset, length, is_loss=is_loss, gap=gap)
        )
