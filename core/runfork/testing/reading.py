"""What a reader makes of a project's journals: for tests that ask what became of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.steps import MICRO
from runfork.reading.project import Project

if TYPE_CHECKING:
    from pathlib import Path


class History:
    """A project as a reader sees it at the moment.

    Args:
        directory: The data directory.
        project: ``workspace/project``.
    """

    def __init__(self, directory: Path, project: str = "tests/project") -> None:
        self.project = Project.open(project, directory=directory, index_uri="memory://")
        self.refresh()

    def refresh(self) -> None:
        """Read what was written since."""
        self.project.refresh()

    @property
    def runs(self) -> list[str]:
        """Run ids, in the order of creation."""
        return [node.run_id for node in sorted(self.project.index.nodes().values(), key=lambda node: node.created)]

    def parent(self, run_id: str) -> tuple[str, float] | None:
        """Return parent and fork step of a run, or None for a root."""
        fork = self.project.index.nodes()[run_id].fork
        return (fork.parent, fork.step / MICRO) if fork is not None else None

    def values(self, run_id: str) -> dict[str, Any]:
        """Return all single values of a run, by path."""
        return {path: value.value for path, value in self.project.index.values([run_id])[run_id].items()}

    def points(self, run_id: str, path: str, inherit: Any = "lineage") -> dict[float, Any]:
        """Return the points of a series by step: its own over those that it inherits."""
        found = self.project.index.points(PointsRequest([SeriesKey(run_id, path)], inherit=inherit))
        return {
            (step // MICRO if step % MICRO == 0 else step / MICRO): value
            for series in found
            for step, value in zip(series.steps.tolist(), series.values, strict=True)
        }

    def own_points(self, run_id: str, path: str) -> dict[float, Any]:
        """Return the points that a run logged itself."""
        return self.points(run_id, path, "own")
