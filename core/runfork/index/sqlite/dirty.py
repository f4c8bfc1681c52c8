"""What must be worked out anew before anybody may look."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runfork.model.lineage import RunNode

__all__ = ["Dirty", "parents_first"]


@dataclass
class Dirty:
    """Marks on what changed since everything was worked out last.

    Args:
        runs: Runs whose place in the lineage is another, always with all below them.
        paths: Paths of runs; a run without any stands for its derived attributes.
        names: Experiments whose head may be another.
        taken: Runs of which batches were taken in: from their records alone, the other marks could be made again.
    """

    runs: set[str] = field(default_factory=set)
    paths: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    names: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)

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


def parents_first(marked: Collection[str], nodes: Mapping[str, RunNode]) -> list[str]:
    """Return runs such that each comes after those of them that it descends from."""
    found: list[str] = []
    seen: set[str] = set()
    for run_id in marked:
        line = []
        current: str | None = run_id
        while current is not None and current in nodes and current not in seen:
            seen.add(current)
            line.append(current)
            fork = nodes[current].fork
            current = fork.parent if fork else None
        found += line[::-1]
    return [one for one in found if one in marked]
