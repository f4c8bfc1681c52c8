"""Where measurements happen: folders, environments, and one task after another."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.peers import isolation, processes
from benchmarks.peers.environments import HOME, Environments
from benchmarks.peers.roster import about

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.work import Figures

STARTING_SECONDS = 60


@dataclass(frozen=True)
class Laboratory:
    """Runs tasks.

    Args:
        environments: Of the trackers.
        data: Folder that trackers write into: on the disk that is to be measured.
        homes: Folder for home directories and logs, with a short path: trackers put sockets there.
    """

    environments: Environments
    data: Path
    homes: Path

    def fresh(self, adapter: str) -> Path:
        """Return an empty folder for a tracker; the one before is deleted."""
        for folder in (self.data, self.homes):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        (found := self.data / adapter).mkdir()
        return found

    def do(self, adapter: str, work: str, folder: Path, *, limit: float, grace: float = 20, **options: Any) -> Figures:
        """Let a process of its own do a piece of work.

        Args:
            adapter: Module of the tracker's adapter.
            work: Name of a function in `work`.
            folder: Where the tracker keeps its data.
            limit: Seconds that it may take, besides starting.
            grace: Seconds that processes of the tracker may take longer than the worker.
            options: Arguments of the function.

        Returns:
            Its figures, and what the process and all that it started took; "error" says why there are none.
        """
        home = self.homes / "home"
        home.mkdir(exist_ok=True)
        task, figures = self.homes / "task.json", self.homes / "figures.json"
        figures.unlink(missing_ok=True)
        told = {"adapter": adapter, "work": work, "folder": str(folder), "options": options, "figures": str(figures)}
        task.write_text(json.dumps(told), encoding="utf-8")
        usage = processes.run(
            [self.environments.python(about(adapter)), "-m", "benchmarks.peers.worker", str(task)],
            environment={**isolation.environment(home), "PYTHONPATH": str(HOME)},
            output=self.homes / "output.txt",
            timeout=STARTING_SECONDS + limit,
            grace=grace,
        )
        found: Figures = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else {}
        found |= {"cpu": usage.cpu_seconds, "peak_bytes": usage.peak_bytes, "processes": usage.processes}
        found["wall"] = usage.wall_seconds
        found["load"] = os.getloadavg()[0]
        if usage.trouble:
            found["trouble"] = usage.trouble
        if not figures.exists():
            found["error"] = usage.trouble or usage.said or f"exit code {usage.exit_code}"
        return found
