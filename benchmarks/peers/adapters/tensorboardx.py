"""tensorboardX, read back with TensorBoard."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, Tracker
from benchmarks.peers.workload import Points

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOUT = About(
    name="tensorboardX",
    requirements=("tensorboardX==2.6.5", "tensorboard==2.21.0"),
    mode="`SummaryWriter` with its defaults: a queue, flushed every 120 s; float32 only",
    on_return="in memory: nothing promised",
    reading="TensorBoard's `EventAccumulator`, without a size limit",
)


class Adapter(Tracker):
    """A log directory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._new_writer = importlib.import_module("tensorboardX").SummaryWriter

    def open(self, run_id: str) -> None:
        """Begin a run."""
        self._writer = self._new_writer(logdir=str(self.folder / run_id))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step: it has no call for several scalars of one file."""
        add = self._writer.add_scalar
        for name, value in values.items():
            add(name, value, step)

    def close(self) -> None:
        """End the run."""
        self._writer.close()

    def read(self, run_id: str, metric: str) -> Points:
        """Load all events."""
        module = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
        events = module.EventAccumulator(str(self.folder / run_id), size_guidance={"scalars": 0})
        events.Reload()
        scalars = events.Scalars(metric)
        return Points([point.step for point in scalars], [point.value for point in scalars])
