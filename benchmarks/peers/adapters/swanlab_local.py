"""SwanLab with its local dashboard."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.peers.adapters import swanlab
from benchmarks.peers.tracker import Points

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = replace(
    swanlab.ABOUT,
    name="swanlab, local",
    mode='`mode="local"`: as offline, and text files for its dashboard',
    reading="no way in Python; the dashboard's text files are read here",
    most_points=5_000,
)


class Adapter(swanlab.Adapter):
    """The same directory, with what the dashboard reads."""

    mode = "local"

    def read(self, run_id: str, metric: str) -> Points:
        """Find the folder of the series, and read its files; every folder here has one run."""
        del run_id
        folder = next(self.folder.glob("run-*")) / "logs" / self._folder_of(metric)
        files = sorted(folder.glob("*.log"), key=lambda path: int(path.stem))
        rows = [json.loads(line) for path in files for line in _whole_lines(path)]
        return Points([row["index"] for row in rows], [row["data"] for row in rows])

    def _folder_of(self, metric: str) -> str:
        with closing(sqlite3.connect(self.folder / "runs.swanlab")) as database:
            ((name,),) = database.execute("SELECT folder FROM tag WHERE name = ?", (metric,))
        return str(name)


def _whole_lines(path: Path) -> list[str]:
    """Return the lines of a file without the one that was cut off by a SIGKILL."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]
