"""What an inspection finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.reading.fsck.gaps import Gap

ProblemKind = Literal[
    "damage", "names", "header", "stray", "tail", "empty", "unreadable", "misplaced", "copy", "file", "index", "foreign"
]


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be.

    Args:
        kind: What sort of problem.
        project: Where.
        path: The journal, logged file or index.
        reason: What is wrong, in words.
        remedy: What to do, in words.
        run_id: The run, if one is concerned.
        offset: First byte that was skipped; None if the whole file is meant.
        length: How many bytes.
        is_loss: Whether something that was logged is affected; a record that was cut off at the end is none: its log call
            never returned.
        gap: Where in the journal something is missing, if that is so.
    """

    kind: ProblemKind
    project: str
    path: Path
    reason: str
    remedy: str
    run_id: str | None = None
    offset: int | None = None
    length: int = 0
    is_loss: bool = True
    gap: Gap | None = None


@dataclass(frozen=True)
class Note:
    """A file that does no harm, and that nobody needs: an original kept by a repair, something unfinished, without a record."""

    project: str
    path: Path
    reason: str
    is_unfinished: bool = False
    """What a process left that was killed; a repair deletes it."""


@dataclass
class Inspection:
    """What was found in a data directory; counts of what could be read."""

    directory: Path
    journals: int = 0
    size_bytes: int = 0
    records: int = 0
    points: int = 0
    files: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    may_be_written: set[Path] = field(default_factory=set)
    """Journals whose process lives, or may live."""

    @property
    def has_losses(self) -> bool:
        """Whether anything that was logged cannot be read."""
        return any(problem.is_loss for problem in self.problems)
