"""The floor: packed numbers and one ``os.write`` for each call. No names, no checks, no checksum, nothing to read it with."""

from __future__ import annotations

import json
import os
import struct
import time
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About, Tracker
from benchmarks.peers.workload import Points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ABOUT = About(
    name="bare floor",
    requirements=(".[pandas]",),
    mode="`struct.pack` and `os.write`, nothing else",
    on_return="survives SIGKILL",
    reading="`struct.iter_unpack`",
)


class Adapter(Tracker):
    """A file of packed rows, and a file of names."""

    def open(self, run_id: str) -> None:
        """Begin the file."""
        self._path = self.folder / run_id
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._pack: Callable[..., bytes] | None = None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row."""
        if self._pack is None:
            self._path.with_suffix(".names").write_text(json.dumps(list(values)), encoding="utf-8")
            self._pack = struct.Struct(f"<qq{len(values)}d").pack
        os.write(self._file, self._pack(step, time.time_ns(), *values.values()))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def read(self, run_id: str, metric: str) -> Points:
        """Unpack all rows and take a column."""
        path = self.folder / run_id
        names = json.loads(path.with_suffix(".names").read_text(encoding="utf-8"))
        column = 2 + names.index(metric)
        rows = list(struct.iter_unpack(f"<qq{len(names)}d", path.read_bytes()))
        return Points([row[0] for row in rows], [row[column] for row in rows])
