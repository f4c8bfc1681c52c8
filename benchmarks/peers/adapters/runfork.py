"""runfork from the checkout."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, TableTracker
from benchmarks.peers.workload import Points, Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOUT = About(
    name="runfork",
    requirements=(".[pandas]",),
    mode="offline, the default",
    on_return="survives SIGKILL; synced to disk within about a second",
    reading="`runfork.fetch_metrics`, which brings the journal into the index first",
    has_table=True,
)
PROJECT = "bench/peers"
COLUMNS = r"^(lr|opt|p\d\d|m\d)$"


class Adapter(TableTracker):
    """A data directory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._runfork = importlib.import_module("runfork")
        self._new_run = self._runfork.Run
        self._settings = self._runfork.Settings(project=PROJECT, directory=str(folder / "data"), monitoring_seconds=0)
        self._at = {"project": PROJECT, "directory": str(folder / "data")}

    def open(self, run_id: str) -> None:
        """Begin a run."""
        self._run = self._new_run(
            run_id=run_id, settings=self._settings, enable_console_log_capture=False, source_tracking_config=None
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._run.log_metrics(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.close()

    def read(self, run_id: str, metric: str) -> Points:
        """Read a frame."""
        frame = self._runfork.fetch_metrics(runs=[run_id], attributes=[metric], **self._at)
        return Points(frame.index.get_level_values("step"), frame[metric])

    def add(self, row: Row) -> None:
        """Make a finished run."""
        self.open(row.run_id)
        self._run.log_configs(row.configs)
        for step, values in enumerate(row.steps()):
            self._run.log_metrics(values, step=step)
        self._run.close()

    def rows(self) -> list[Row]:
        """Read the table, and take it apart."""
        frame = self._runfork.fetch_runs_table(attributes=COLUMNS, **self._at)
        is_metric = [name.startswith("m") for name in frame.columns]
        metrics = frame.loc[:, is_metric].to_dict("records")
        configs = frame.loc[:, [not one for one in is_metric]].to_dict("records")
        return [Row(*parts) for parts in zip(frame.index, configs, metrics, strict=True)]

    def best(self) -> list[str]:
        """Let the index filter and sort."""
        adam = self._runfork.Filter.eq("opt", "adam") & self._runfork.Filter.gt("m1", 0.5)
        options = {"sort_by": "m0", "sort_direction": "desc", "limit": 20}
        return [*self._runfork.fetch_runs_table(runs=adam, attributes=["m0"], **options, **self._at).index]
