"""Repairing what an inspection found, as far as nothing that can be read is given up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runfork.errors import FormatError
from runfork.index.sqlite.schema import delete_file
from runfork.journal.repair import RepairError, repair_journal

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.disk.layout import Store
    from runfork.journal.repair import Repair
    from runfork.reading.fsck.findings import Inspection

_OF_JOURNALS = frozenset({"damage", "header", "tail"})


@dataclass
class Repairs:
    """What was repaired, and what was not, with the reason."""

    journals: list[Repair] = field(default_factory=list)
    deleted: list[Path] = field(default_factory=list)
    """Indexes, which are built anew, and what killed processes left."""
    refused: dict[Path, str] = field(default_factory=dict)


def repair_store(found: Inspection, store: Store) -> Repairs:
    """Repair journals, and delete what is derived or unfinished. What was interrupted can be done again."""
    done, touched = Repairs(), set()
    for path, project in {one.path: one.project for one in found.problems if one.kind in _OF_JOURNALS}.items():
        if path in found.may_be_written:
            done.refused[path] = "its process lives, or did an hour ago: repair it when it has ended"
            continue
        try:
            if (repair := repair_journal(path)) is not None:
                done.journals.append(repair)
                touched.add(project)
        except (OSError, FormatError, RepairError) as error:
            done.refused[path] = str(error)
    indexes = {one.path for one in found.problems if one.kind == "index"}
    places = {store.index_path(project) for project in touched}
    indexes |= {place for place in places if place is not None and place.exists()}
    for path in sorted(indexes):
        _delete(done, path, is_index=True)
    for note in found.notes:
        if note.is_unfinished:
            _delete(done, note.path, is_index=False)
    return done


def _delete(done: Repairs, path: Path, *, is_index: bool) -> None:
    try:
        if is_index:
            delete_file(path)
        else:
            path.unlink()
        done.deleted.append(path)
    except OSError as error:
        done.refused[path] = str(error)
