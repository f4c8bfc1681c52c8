"""SwanLab, offline."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, Tracker
from benchmarks.peers.workload import Points

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOUT = About(
    name="swanlab, offline",
    requirements=("swanlab[dashboard]==0.10.3",),
    mode='`mode="offline"`: a queue, and a file to sync from',
    on_return="in memory: nothing promised",
    reading="no way offline; its file is decoded here with its own reader",
)


class Adapter(Tracker):
    """A SwanLab directory."""

    mode = "offline"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._swanlab = importlib.import_module("swanlab")

    def open(self, run_id: str) -> None:
        """Begin a run."""
        new = self._swanlab.Settings
        off = ("hardware", "runtime", "requirements", "git", "swanlab", "monitor")
        settings = new(probe=new.Probe(**dict.fromkeys(off, False)), terminal=new.Terminal(proxy_type="none"))
        self._swanlab.init(mode=self.mode, log_dir=str(self.folder), project="p", name=run_id, settings=settings)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._swanlab.log(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._swanlab.finish()

    def read(self, run_id: str, metric: str) -> Points:
        """Decode the file; every folder here has one run."""
        del run_id
        records = importlib.import_module("swanlab.proto.swanlab.record.v1.record_pb2")
        reader = importlib.import_module("swanlab.sdk.internal.core_python.store").DataStoreReader()
        reader.open(str(next(self.folder.rglob("*.swanlab"))))
        found: dict[int, float] = {}
        for data in reader:
            record = records.Record.FromString(data)
            kind = record.WhichOneof(record.DESCRIPTOR.oneofs[0].name) or ""
            one = getattr(record, kind, None)
            if "scalar" in kind and one is not None and one.key == metric:
                found[one.step] = one.value.number
        return Points(list(found), list(found.values()))
