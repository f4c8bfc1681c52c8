"""Trackio."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, TableTracker
from benchmarks.peers.workload import Points, Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOUT = About(
    name="trackio",
    requirements=("trackio==0.43.0",),
    mode="local: a queue in memory, which a thread puts into SQLite twice a second",
    on_return="in memory: nothing promised",
    reading="`SQLiteStorage.get_logs`, what its server and command line call; it returns all metrics of the run",
    has_table=True,
)


class Adapter(TableTracker):
    """A Trackio directory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        os.environ["TRACKIO_DIR"] = str(folder)
        self._trackio = importlib.import_module("trackio")
        self._storage = importlib.import_module("trackio.sqlite_storage").SQLiteStorage

    def open(self, run_id: str, configs: Mapping[str, float | str] | None = None) -> None:
        """Begin a run."""
        self._run = self._trackio.init(
            project="p", name=run_id, config=configs, embed=False, auto_log_gpu=False, auto_log_cpu=False
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._trackio.finish()

    def read(self, run_id: str, metric: str) -> Points:
        """Fetch all rows of the run, and take a column."""
        rows = [row for row in self._storage.get_logs("p", run_id) if metric in row]
        return Points([row["step"] for row in rows], [row[metric] for row in rows])

    def add(self, row: Row) -> None:
        """Make a finished run."""
        self.open(row.run_id, row.configs)
        for step, values in enumerate(row.steps()):
            self._run.log(values, step=step)
        self._trackio.finish()

    def rows(self) -> list[Row]:
        """Ask for all runs, for all configs at once, and for the rows of all."""
        runs = [{"run": run.name, "run_id": run.id} for run in self._trackio.Api().runs("p")]
        configs = self._storage.get_all_run_configs("p")
        found = self._storage.get_logs_batch("p", runs)
        return [Row(one["run"], configs[one["run_id"]], one["logs"][-1]) for one in found]
