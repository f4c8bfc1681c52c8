"""neptune-scale, offline."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, Tracker
from benchmarks.peers.workload import Points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

ABOUT = About(
    name="neptune-scale",
    requirements=("neptune-scale==0.30.0",),
    mode='`mode="offline"`: protobuf records in SQLite, written in the caller',
    on_return="survives SIGKILL and power loss (SQLite, `synchronous=FULL`)",
    reading="no way offline; its own queue is decoded here, as its sync does",
)
BYTES_AT_ONCE = 16 * 1024 * 1024


class Adapter(Tracker):
    """A log directory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._neptune = importlib.import_module("neptune_scale")

    def open(self, run_id: str) -> None:
        """Begin a run."""
        self._run = self._neptune.Run(
            project="w/p",
            run_id=run_id,
            experiment_name="e",
            mode="offline",
            log_directory=str(self.folder),
            enable_console_log_capture=False,
            source_tracking_config=None,
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._run.log_metrics(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.close()

    def read(self, run_id: str, metric: str) -> Points:
        """Decode the queue; every run has one of its own, and every folder here has one run."""
        del run_id
        rows = [(one.step.whole, one.append[metric].float64) for one in self._updates() if metric in one.append]
        return Points([row[0] for row in rows], [row[1] for row in rows])

    def _updates(self) -> Iterator[Any]:
        module = importlib.import_module("neptune_scale.sync.operations_repository")
        queue = module.OperationsRepository(db_path=next(self.folder.rglob("*.sqlite3")).absolute())
        last = None
        while operations := queue.get_operations(up_to_bytes=BYTES_AT_ONCE, from_exclusive=last):
            for one in operations:
                last = one.sequence_id
                if one.operation_type == module.OperationType.UPDATE_SNAPSHOT:
                    yield one.operation
        queue.close(cleanup_files=False)
