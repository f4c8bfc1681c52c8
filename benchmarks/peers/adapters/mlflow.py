"""MLflow with SQLite, its default, committing in the caller."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, TableTracker
from benchmarks.peers.workload import Points, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

ABOUT = About(
    name="mlflow",
    requirements=("mlflow==3.17.2",),
    mode="`sqlite:///mlflow.db`, its default; `log_metrics(synchronous=True)`",
    on_return="survives SIGKILL (committed)",
    reading="`MlflowClient.get_metric_history`",
    has_table=True,
)
WANTED = "params.opt = 'adam' and metrics.m1 > 0.5"


class Adapter(TableTracker):
    """A SQLite store."""

    is_synchronous = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._mlflow = importlib.import_module("mlflow")
        self._is_ready = False

    def open(self, run_id: str) -> None:
        """Begin a run."""
        if not self._is_ready:
            self._client()
            self._mlflow.set_experiment("e")
            self._is_ready = True
        self._mlflow.start_run(run_name=run_id)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._mlflow.log_metrics(values, step=step, synchronous=self.is_synchronous)

    def close(self) -> None:
        """Wait for what is under way, and end the run."""
        if not self.is_synchronous:
            self._mlflow.flush_async_logging()
        self._mlflow.end_run()

    def read(self, run_id: str, metric: str) -> Points:
        """Ask for the history."""
        run = next(run for run in self._runs() if run.info.run_name == run_id)
        history = self._client().get_metric_history(run.info.run_id, metric)
        return Points([point.step for point in history], [point.value for point in history])

    def add(self, row: Row) -> None:
        """Make a finished run."""
        self.open(row.run_id)
        self._mlflow.log_params(row.configs)
        new, now = self._mlflow.entities.Metric, int(time.time() * 1000)
        points = [
            new(name, value, now, step) for step, values in enumerate(row.steps()) for name, value in values.items()
        ]
        self._client().log_batch(self._mlflow.active_run().info.run_id, metrics=points)
        self._mlflow.end_run()

    def rows(self) -> list[Row]:
        """Search for all, page by page."""
        return [Row(run.info.run_name, run.data.params, run.data.metrics) for run in self._runs()]

    def best(self) -> list[str]:
        """Let the store filter and sort."""
        found = self._runs(filter_string=WANTED, order_by=["metrics.m0 DESC"], max_results=20)
        return [run.info.run_name for _, run in zip(range(20), found, strict=False)]

    def _client(self) -> Any:
        self._mlflow.set_tracking_uri(f"sqlite:///{self.folder}/mlflow.db")
        return self._mlflow.MlflowClient()

    def _runs(self, *, max_results: int = 1000, **options: Any) -> Iterator[Any]:
        client, token = self._client(), None
        experiments = [client.get_experiment_by_name("e").experiment_id]
        while True:
            page = client.search_runs(experiments, max_results=max_results, page_token=token, **options)
            yield from page
            if (token := page.token) is None:
                return
