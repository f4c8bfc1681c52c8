"""What is logged: the same names and numbers for every tracker, and what must come back."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Config = float | str
PERIOD = 8192
STRIDE = 131
STEPS = 10
"""Steps of a run in a table."""


class Points(NamedTuple):
    """A series as the tracker gives it back."""

    steps: Sequence[float]
    values: Sequence[float]


class Row(NamedTuple):
    """A run in a table: its configs, and the last value of each metric."""

    run_id: str
    configs: Mapping[str, Config]
    metrics: Mapping[str, float]

    def steps(self) -> Iterator[dict[str, float]]:
        """Yield what is logged at each step."""
        for step in range(STEPS):
            yield {name: value * (STEPS - step) for name, value in self.metrics.items()}


def _single_precision() -> list[float]:
    """Return random numbers as ``loss.item()`` gives them: single precision."""
    source = random.Random(7)
    return [struct.unpack("<f", struct.pack("<f", source.random()))[0] for _ in range(PERIOD)]


_NUMBERS = _single_precision() * 2


def metric_names(count: int) -> list[str]:
    """Return names as models have them."""
    return [f"layer{number // 10:03}/stat{number % 10}" for number in range(count)]


def values_at(step: int, names: list[str]) -> dict[str, float]:
    """Return the values of a step, in a dict of its own."""
    first = step * STRIDE % PERIOD
    return dict(zip(names, _NUMBERS[first : first + len(names)], strict=True))


def value_at(step: int, column: int) -> float:
    """Return what `values_at` has for one name."""
    return _NUMBERS[step * STRIDE % PERIOD + column]


def count_right(points: Points, column: int) -> int:
    """Return for how many steps a series holds the value that was logged, bit for bit."""
    found = {int(step): float(value) for step, value in zip(points.steps, points.values, strict=True)}
    return sum(value == value_at(step, column) for step, value in found.items())


def table_rows(count: int) -> Iterator[Row]:
    """Yield runs with 50 configs and 10 metrics."""
    source = random.Random(3)
    for number in range(count):
        configs: dict[str, Config] = {"lr": source.random() / 10, "opt": source.choice(["adam", "sgd", "lion"])}
        configs |= {f"p{which:02}": source.random() if which % 3 else source.randint(0, 100) for which in range(48)}
        yield Row(f"run{number:05}", configs, {f"m{which}": source.random() for which in range(10)})


def is_wanted(row: Row) -> bool:
    """Tell whether a run passes the filter that every tracker is asked for."""
    return row.configs["opt"] == "adam" and row.metrics["m1"] > 0.5


def best_of(rows: Iterable[Row]) -> list[str]:
    """Return the ids of the 20 wanted runs with the highest ``m0``, highest first."""
    wanted = sorted((row for row in rows if is_wanted(row)), key=lambda row: -row.metrics["m0"])
    return [row.run_id for row in wanted[:20]]
