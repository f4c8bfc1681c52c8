"""The scenarios: which tasks each consists of, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.peers.roster import about

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.peers.laboratory import Laboratory

WIDTHS = (1, 10, 100, 1000)
WIDE = 1000
CLOSING_SECONDS = 240
"""How long a tracker may take for what it put off until closing."""


@dataclass(frozen=True)
class Effort:
    """How much is tried, and for how long, in seconds. What does not fit into its time is cut short and says so.

    Args:
        rounds: How often start-up and single calls are measured; the sustained rate is measured one time less.
        calls: Calls of each width, and the seconds they may take.
        sustained: Steps of 1,000 metrics.
        million: Steps of one metric.
        killed: Steps of ten metrics in a tight loop before SIGKILL.
        paced: The same, with `pause` seconds between them.
        table: Runs with 50 configs, 10 metrics and 10 steps.
    """

    rounds: int = 3
    calls: tuple[int, float] = (2000, 1)
    sustained: tuple[int, float] = (2000, 6)
    million: tuple[int, float] = (1_000_000, 12)
    killed: tuple[int, float] = (5000, 8)
    paced: tuple[int, float] = (1500, 12)
    pause: float = 0.003
    table: tuple[int, float] = (2000, 40)


SHORT = Effort()
FULL = Effort(
    rounds=5,
    calls=(5000, 10),
    sustained=(5000, 60),
    million=(1_000_000, 120),
    killed=(5000, 60),
    paced=(2500, 60),
    table=(2000, 300),
)
TINY = Effort(
    rounds=1,
    calls=(100, 0.1),
    sustained=(20, 0.2),
    million=(2000, 0.2),
    killed=(200, 0.2),
    paced=(20, 0.2),
    table=(5, 0.5),
)

Result = dict[str, Any]
"""One line of the results: tracker, scenario, round, and figures."""


def start_up(laboratory: Laboratory, adapter: str, effort: Effort) -> Iterator[Result]:
    """A new store: import, open, first call, close."""
    del effort
    yield laboratory.do(adapter, "start_up", laboratory.fresh(adapter), limit=60, metrics=10)


def calls(laboratory: Laboratory, adapter: str, effort: Effort) -> Iterator[Result]:
    """The time of single calls, for rows of several widths."""
    count, seconds = effort.calls
    for metrics in WIDTHS:
        folder = laboratory.fresh(adapter)
        options = {"metrics": metrics, "count": count, "seconds": seconds}
        yield {"metrics": metrics, **laboratory.do(adapter, "calls", folder, limit=seconds + 60, grace=1, **options)}


def sustained(laboratory: Laboratory, adapter: str, effort: Effort) -> Iterator[Result]:
    """Rows of 1,000 metrics until they are on disk; and what one step alone takes, to tell work from starting."""
    count, seconds = _bounded(effort.sustained, adapter, WIDE)
    options = {"metrics": WIDE, "seconds": seconds}
    alone = laboratory.do(adapter, "write", laboratory.fresh(adapter), limit=seconds + 60, count=1, **options)
    folder = laboratory.fresh(adapter)
    found = laboratory.do(adapter, "write", folder, limit=seconds + CLOSING_SECONDS, count=count, **options)
    back = laboratory.do(adapter, "read", folder, limit=CLOSING_SECONDS, metrics=WIDE, column=WIDE - 1)
    yield {**found, "cpu_alone": alone["cpu"], "read": back}


def million(laboratory: Laboratory, adapter: str, effort: Effort) -> Iterator[Result]:
    """A long series, written and read back."""
    count, seconds = _bounded(effort.million, adapter, 1)
    folder = laboratory.fresh(adapter)
    options = {"metrics": 1, "count": count, "seconds": seconds}
    found = laboratory.do(adapter, "write", folder, limit=seconds + CLOSING_SECONDS, **options)
    yield {**found, "read": laboratory.do(adapter, "read", folder, limit=CLOSING_SECONDS, metrics=1, column=0)}


def killed(laboratory: Laboratory, adapter: str, effort: Effort) -> Iterator[Result]:
    """SIGKILL right after the last call has returned, in a tight loop and in a paced one."""
    for pause, (count, seconds) in ((0.0, effort.killed), (effort.pause, effort.paced)):
        folder = laboratory.fresh(adapter)
        options = {"metrics": 10, "count": count, "seconds": seconds, "pause": pause}
        found = laboratory.do(adapter, "die", folder, limit=seconds + 60, **options)
        back = laboratory.do(adapter, "read", folder, limit=CLOSING_SECONDS, metrics=10, column=9)
        yield {"pause": pause, **found, "read": back}


def table(laboratory: Laboratory, adapter: str, effort: Effort) -> Iterator[Result]:
    """Many small runs: made, listed, filtered and sorted; and once more, in a process that finds what that one left."""
    if not about(adapter).has_table:
        return
    count, seconds = effort.table
    folder = laboratory.fresh(adapter)
    found = laboratory.do(adapter, "write_table", folder, limit=seconds + 60, count=count, seconds=seconds)
    back, again = (
        laboratory.do(adapter, "read_table", folder, limit=CLOSING_SECONDS, runs=found.get("runs", 0)) for _ in range(2)
    )
    yield {**found, "read": back, "again": again}


SCENARIOS: Mapping[str, Callable[[Laboratory, str, Effort], Iterator[Result]]] = {
    scenario.__name__: scenario for scenario in (start_up, calls, sustained, million, killed, table)
}
ROUNDS = {"start_up": 0, "calls": 0, "sustained": -1}
"""Scenarios that are repeated: once for each round, plus this."""


def measure(
    laboratory: Laboratory, adapters: list[str], effort: Effort, names: list[str] | None = None
) -> Iterator[Result]:
    """Put every tracker through every scenario, one tracker after another within each round of a scenario.

    Yields:
        Results as they come.
    """
    for name in names or SCENARIOS:
        for number in range(max(1, effort.rounds + ROUNDS[name]) if name in ROUNDS else 1):
            for adapter in adapters:
                for found in SCENARIOS[name](laboratory, adapter, effort):
                    yield {"tracker": about(adapter).name, "scenario": name, "round": number, **found}


def _bounded(wanted: tuple[int, float], adapter: str, metrics: int) -> tuple[int, float]:
    told = about(adapter)
    return min(wanted[0], told.most_calls, max(1, told.most_points // metrics)), wanted[1]
