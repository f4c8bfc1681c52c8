"""What journals hold, for tests: records and points, read with the real reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.disk.layout import journals_of
from runfork.journal.reader import JournalReader
from runfork.model.steps import from_micro_steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runfork.journal.format import Kind
    from runfork.journal.records import Batch, Record


def batches_of(path: Path, *, limit: int = 64 * 1024 * 1024) -> Iterator[Batch]:
    """Return a journal's batches from its beginning to its end."""
    return JournalReader(path).batches(limit=limit)


def records_of(run_directory: Path, kind: Kind | None = None) -> list[Record]:
    """Return the records of a run's journals, those of the earliest writer first."""
    return [
        record
        for path in journals_of(run_directory)
        for batch in batches_of(path)
        for record in batch.records
        if kind is None or record.kind == kind
    ]


def points_of(run_directory: Path, path: str) -> list[tuple[int | float, float]]:
    """Return the (step, value) points of a float series in the order in which each journal holds them, previews left out."""
    found: list[tuple[int, int, float]] = []
    for number, journal in enumerate(journals_of(run_directory)):
        points = [
            (int(sequence), int(step), float(value))
            for batch in batches_of(journal)
            for rows in batch.rows
            if path in rows.paths and rows.completion is None
            for sequence, step, value in zip(
                rows.sequences, rows.steps, rows.values[:, rows.paths.index(path)], strict=True
            )
        ]
        found += [(number, step, value) for _, step, value in sorted(points)]
    return [(from_micro_steps(step), value) for _, step, value in found]


def configs_of(run_directory: Path) -> dict[str, Any]:
    """Return the last value of each config of a run."""
    from runfork.journal.format import Kind

    return {
        path: value for record in records_of(run_directory, Kind.CONFIGS) for path, (_, value) in record.body.items()
    }
