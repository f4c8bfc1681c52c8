"""Aim."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, TableTracker
from benchmarks.peers.workload import Points, Row, best_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

ABOUT = About(
    name="aim",
    requirements=("aim==3.29.1",),
    mode="local repository: RocksDB for each run, written in the caller",
    on_return="survives SIGKILL; found by queries once `aim up` or `aim storage reindex` has indexed it, which is timed as reading",
    reading="`Repo.iter_runs`, `Metric.data.view`",
    has_table=True,
)
WANTED = "run.hparams.opt == 'adam' and metric.name in ('m0', 'm1')"


class Adapter(TableTracker):
    """An Aim repository."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._aim = importlib.import_module("aim")

    def open(self, run_id: str) -> None:
        """Begin a run."""
        self._run = self._aim.Run(
            repo=str(self.folder),
            experiment="e",
            system_tracking_interval=None,
            log_system_params=False,
            capture_terminal_logs=False,
        )
        self._run.name = run_id

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._run.track(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.close()

    def read(self, run_id: str, metric: str) -> Points:
        """Look for the series in the repository."""
        for run in self._indexed().iter_runs():
            for series in run.metrics() if run.name == run_id else ():
                if series.name == metric:
                    steps, (values,) = series.data.view(["val"]).numpy()
                    return Points(steps, values)
        return Points([], [])

    def add(self, row: Row) -> None:
        """Make a finished run."""
        self.open(row.run_id)
        self._run["hparams"] = row.configs
        for step, values in enumerate(row.steps()):
            self._run.track(values, step=step)
        self._run.close()

    def rows(self) -> list[Row]:
        """Go through all runs."""
        return [
            Row(run.name, run["hparams"], {series.name: series.values.last()[1] for series in run.metrics()})
            for run in self._indexed().iter_runs()
        ]

    def best(self) -> list[str]:
        """Let it filter; it compares no last values and does not sort."""
        found = self._indexed().query_metrics(WANTED, report_mode=0).iter_runs()
        rows = [
            Row(one.run.name, {"opt": "adam"}, {series.name: series.values.last()[1] for series in one})
            for one in found
        ]
        return best_of(rows)

    def _indexed(self) -> Any:
        """Return the repository with every run indexed: ended runs are invisible before."""
        repository = self._aim.Repo(str(self.folder))
        if len(list(repository.meta_tree.subtree("chunks").keys())) < len(repository.list_all_runs()):
            repository._recreate_index()  # noqa: SLF001  what `aim storage reindex` calls
            self._aim.Repo._pool.clear()  # noqa: SLF001  else the old view is handed out again
        return self._aim.Repo(str(self.folder))
