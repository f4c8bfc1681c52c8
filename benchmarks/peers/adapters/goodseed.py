"""GoodSeed, storing locally."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, TableTracker
from benchmarks.peers.workload import Points, Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOUT = About(
    name="goodseed",
    requirements=("goodseed==0.4.0",),
    mode='`storage="local"`: SQLite in the caller, a row for each point',
    on_return="survives SIGKILL (committed; `synchronous=NORMAL`, so power loss may cost the latest)",
    reading="`goodseed.storage.read_metrics`, what its server calls",
    has_table=True,
)


class Adapter(TableTracker):
    """A GoodSeed home."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._goodseed = importlib.import_module("goodseed")
        self._storage = importlib.import_module("goodseed.storage")

    def open(self, run_id: str) -> None:
        """Begin a run."""
        off = ("capture_hardware_metrics", "capture_stdout", "capture_stderr", "capture_traceback", "git_ref")
        self._run = self._goodseed.Run(
            project="p", run_id=run_id, goodseed_home=self.folder, storage="local", **dict.fromkeys(off, False)
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._run.log_metrics(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.close()

    def read(self, run_id: str, metric: str) -> Points:
        """Read the rows of a series."""
        rows = self._storage.read_metrics(self._files()[run_id], metric)
        return Points([row["step"] for row in rows], [row["value"] for row in rows])

    def add(self, row: Row) -> None:
        """Make a finished run."""
        self.open(row.run_id)
        self._run.log_configs(row.configs)
        for step, values in enumerate(row.steps()):
            self._run.log_metrics(values, step=step)
        self._run.close()

    def rows(self) -> list[Row]:
        """Read every database."""
        return [
            Row(
                run_id,
                self._storage.read_configs(path),
                {point["path"]: point["value"] for point in self._storage.read_metrics(path)},
            )
            for run_id, path in self._files().items()
        ]

    def _files(self) -> dict[str, Path]:
        return {path.stem: path for path in (self.folder / "projects" / "p" / "runs").glob("*.sqlite")}
