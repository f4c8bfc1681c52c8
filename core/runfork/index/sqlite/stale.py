"""Marks on what has to be worked out anew."""

from __future__ import annotations

from collections import defaultdict

__all__ = ["Stale"]


class Stale:
    """Marks on what changed since everything was worked out last."""

    def __init__(self) -> None:
        self.runs: set[str] = set()
        """Runs whose place in the lineage is another, always with all below them."""
        self.paths: dict[str, set[int]] = defaultdict(set)
        """Paths of runs; a run without any stands for its derived attributes."""
        self.names: set[str] = set()
        """Experiments whose head may be another."""
        self.taken: set[str] = set()
        """Runs of which batches were taken in: from their records alone, the other marks could be made again."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.runs or self.paths or self.names)

    def marked(self) -> set[str]:
        """Return the runs of which something is to be worked out."""
        return self.runs | self.paths.keys()

    def forget(self, run_id: str) -> None:
        """Take the marks off a run."""
        self.runs.discard(run_id)
        self.paths.pop(run_id, None)

    def clear(self) -> None:
        """Take all marks off."""
        for marks in (self.runs, self.paths, self.names, self.taken):
            marks.clear()
