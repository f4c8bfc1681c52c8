"""W&B, offline."""

from __future__ import annotations

import importlib
import json
import struct
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, Tracker
from benchmarks.peers.workload import Points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ABOUT = About(
    name="wandb",
    requirements=("wandb==0.31.0",),
    mode='`mode="offline"`: records go through a socket to wandb-core, which writes the file',
    on_return="in a socket's buffer: nothing promised",
    reading="no way offline; its file is decoded here",
)
BLOCK = 32768
WHOLE, BEGINNING, END = 1, 2, 4


class Adapter(Tracker):
    """A wandb directory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._wandb = importlib.import_module("wandb")

    def open(self, run_id: str) -> None:
        """Begin a run."""
        off = ("x_disable_stats", "x_disable_meta", "disable_git", "disable_code", "silent")
        settings = self._wandb.Settings(console="off", save_code=False, **dict.fromkeys(off, True))
        self._run = self._wandb.init(mode="offline", dir=str(self.folder), project="p", id=run_id, settings=settings)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.finish()

    def read(self, run_id: str, metric: str) -> Points:
        """Decode the file."""
        records = importlib.import_module("wandb.proto.wandb_internal_pb2")
        found: dict[int, float] = {}
        for data in _records(next(self.folder.glob(f"wandb/offline-run*/run-{run_id}.wandb")).read_bytes()):
            record = records.Record.FromString(data)
            for item in record.history.item:
                if (item.key or "/".join(item.nested_key)) == metric:
                    found[record.history.step.num] = json.loads(item.value_json)
        return Points(list(found), list(found.values()))


def _records(content: bytes) -> Iterator[bytes]:
    """Yield the records of a log in LevelDB's format: pieces that do not cross blocks, after a header of seven bytes."""
    position, parts = 7, b""
    while position + 7 <= len(content):
        if (left := BLOCK - position % BLOCK) < 7:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        piece = content[position + 7 : position + 7 + length]
        if len(piece) < length:
            return
        parts = piece if kind in (WHOLE, BEGINNING) else parts + piece
        if kind in (WHOLE, END):
            yield parts
        position += 7 + length
