"""What an adapter is: what it says about a tracker, and what the harness asks of it."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peers.workload import best_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.peers.workload import Points, Row


@dataclass(frozen=True)
class About:
    """What readers of the tables must know of a tracker.

    Args:
        name: Its row in the tables.
        requirements: What pip installs; "." stands for the checkout.
        mode: How it is run: its best local mode, with its own batching.
        on_return: What is safe, and against what, when a log call returns.
        reading: With what the points are read back.
        has_table: Whether it can list runs with what they logged, on this machine; its adapter is a `TableTracker` then.
        most_points: Where it takes in so few points a second that closing would last minutes: how many it is given at most.
        most_calls: The same in calls.
    """

    name: str
    requirements: tuple[str, ...]
    mode: str
    on_return: str
    reading: str
    has_table: bool = False
    most_points: int = sys.maxsize
    most_calls: int = sys.maxsize

    @property
    def environment(self) -> str:
        """The folder name of its environment; rows with the same requirements share one."""
        first = self.requirements[0]
        return "checkout" if first.startswith(".") else first.split("=")[0].split("[")[0].lower()


class Tracker(ABC):
    """One tracker at work in this process.

    Constructing it imports the tracker, and that is what "import" means in the tables. `log` is what is timed, so it does no more
    than hand its arguments on.

    Args:
        folder: Where it keeps everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def open(self, run_id: str) -> None:
        """Begin a run, with all that it captures by itself switched off."""

    @abstractmethod
    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log one step."""

    @abstractmethod
    def close(self) -> None:
        """End the run; what was logged has been handed to the operating system when this returns."""

    @abstractmethod
    def read(self, run_id: str, metric: str) -> Points:
        """Read a series back, in a process that did not write it."""


class TableTracker(Tracker):
    """A tracker that can list runs with their configs and metrics."""

    @abstractmethod
    def add(self, row: Row) -> None:
        """Make a run, finished."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """Return all runs with all configs and the last value of all metrics."""

    def best(self) -> list[str]:
        """Return the ids of the runs that `workload.is_wanted`, the 20 with the highest ``m0``, highest first.

        A tracker that filters and sorts by itself overrides this.
        """
        return best_of(self.rows())
