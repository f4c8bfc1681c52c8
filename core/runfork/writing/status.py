"""How a run of this process is doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class RunStatus:
    """How a run of this process is doing; a snapshot.

    Args:
        state: running, finished, failed, aborted or preempted.
        is_closed: Nothing more can be logged.
        journal: The journal of this process, or None while nothing was written.
        written_bytes: Its length.
        unsynced_bytes: How much of it power loss could cost.
        waiting_bytes: Records in memory that the disk has refused so far.
        lost_records: Records that the disk refused for too long; they are gone.
        dropped_values: Values that could not be logged.
        problems: What went wrong, one sentence each, the first of every cause.
    """

    state: str = "running"
    is_closed: bool = False
    journal: Path | None = None
    written_bytes: int = 0
    unsynced_bytes: int = 0
    waiting_bytes: int = 0
    lost_records: int = 0
    dropped_values: int = 0
    problems: tuple[str, ...] = field(default_factory=tuple)
