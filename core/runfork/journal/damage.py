"""What a damaged journal has lost, in words. Reading only: nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.errors import FormatError
from runfork.journal.reader import JournalReader, read_identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runfork.journal.records import Damage

__all__ = ["JournalReport", "examine_journal"]


@dataclass(frozen=True)
class JournalReport:
    """What was found in one journal.

    Args:
        path: The journal.
        run_id: Its run, or None if the header cannot be read.
        size: Length in bytes.
        records: Readable records, metric rows included.
        points: Readable points of float series.
        damage: Stretches that cannot be read.
        tail_bytes: Bytes at the end that are no whole record: cut off when the writer was killed, or still being written.
        error: Why nothing of it can be read, or None.
    """

    path: Path
    run_id: str | None
    size: int
    records: int = 0
    points: int = 0
    damage: tuple[Damage, ...] = ()
    tail_bytes: int = 0
    error: str | None = None

    @property
    def is_sound(self) -> bool:
        """Whether every record can be read; a torn tail holds none that a log call returned from."""
        return self.error is None and not self.damage

    def sentences(self) -> list[str]:
        """Return what is to be said about it: nothing for a sound journal with a clean end."""
        if self.error is not None:
            return [self.error]
        said = [
            f"bytes {one.offset:,} to {one.offset + one.length:,} ({one.length:,}) cannot be read: {one.reason}; "
            "what stands before and after them is read"
            for one in self.damage
        ]
        if self.tail_bytes:
            said.append(
                f"the last {self.tail_bytes:,} bytes are no whole record: the write was cut short, or is under way; "
                "no log call that returned is affected"
            )
        return said


def examine_journal(path: Path, progress: Callable[[int, int], None] | None = None) -> JournalReport:
    """Read one journal from beginning to end.

    Args:
        path: The journal.
        progress: Told how many bytes of how many are done.
    """
    size = 0
    try:
        size = path.stat().st_size
        header = read_identity(path)
        if header is None:
            return JournalReport(path, None, size, tail_bytes=size)
        return _examine(path, str(header[0]["run_id"]), size, progress)
    except (OSError, FormatError) as error:
        return JournalReport(path, None, size, error=str(error))


def _examine(path: Path, run_id: str, size: int, progress: Callable[[int, int], None] | None) -> JournalReport:
    reader, end = JournalReader(path), 0
    records = points = 0
    damage: list[Damage] = []
    while (batch := reader.read(end)) is not None and batch.end > end:
        end = batch.end
        records += len(batch.records) + sum(rows.steps.size for rows in batch.rows)
        points += sum(rows.values.size for rows in batch.rows)
        damage += batch.damage
        if progress is not None:
            progress(end, size)
    return JournalReport(path, run_id, size, records, points, tuple(damage), max(0, size - end))
