"""SwanLab with its local dashboard."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.peers.adapters import swanlab
from benchmarks.peers.workload import Points

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = replace(
    swanlab.ABOUT,
    name="swanlab, local",
    mode='`mode="local"`: as offline, and text files for its dashboard',
    reading="no way in Python; the dashboard's text files are read here",
    most_points=2_000,
)


class Adapter(swanlab.Adapter):
    """The same directory, with what the dashboard reads."""

    mode = "local"

    def read(self, run_id: str, metric: str) -> Points:
        """Find the folder of the series, and read its files; every folder here has one run."""
        del run_id
        rows = [json.loads(line) for path in self._files_of(metric) for line in _whole_lines(path)]
        return Points([row["index"] for row in rows], [row["data"] for row in rows])

    def _files_of(self, metric: str) -> list[Path]:
        with closing(sqlite3.connect(self.folder / "runs.swanlab")) as database:
            folders = database.execute("SELECT folder FROM tag WHERE name = ?", (metric,)).fetchall()
        paths = [path for (name,) in folders for path in self.folder.glob(f"run-*/logs/{name}/*.log")]
        return sorted(paths, key=lambda path: int(path.stem))


def _whole_lines(path: Path) -> list[str]:
    """Return the lines of a file without the one that was cut off by a SIGKILL."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]
