"""The values of many runs that log the same, put side by side in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from runfork.index.sqlite.values.run_values import RunValues
from runfork.index.sqlite.values.shape import STATISTICS, STEPS, TYPE, Shape, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.model.arrays import Floats, Integers


class Arrangement(NamedTuple):
    """Where values that come in a certain order go, for runs that have values of the same paths and types, series last.

    Args:
        shape: Theirs.
        places: Of each value.
        floats: Which of them are floats, series among them, and where they go.
        integers: Which are whole numbers, bools and times, and where they go.
        texts: Where those go that are kept as text, or as JSON, in the order of their places, which they are, and their types.
        lines: By row of the statistics, which of the series it is.
    """

    shape: Shape
    places: Integers
    floats: tuple[list[int], list[int]]
    integers: tuple[list[int], list[int]]
    texts: list[tuple[int, int, int]]
    lines: Integers

    @staticmethod
    def of(paths: Sequence[int], codes: Sequence[int]) -> Arrangement:
        """Return the arrangement of paths, each there once, by number, with their codes."""
        order = sorted(range(len(paths)), key=paths.__getitem__)
        shape = Shape.of([paths[place] for place in order], bytes([codes[place] for place in order]))
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        texts = [(place, order[place], shape.codes[place] & TYPE) for place in shape.texts]
        before = len(order) - len(shape.series)
        lines = np.array([order[place] - before for place in shape.series], np.int64)
        return Arrangement(
            shape,
            places,
            ([order[place] for place in shape.floats], shape.floats),
            ([order[place] for place in shape.integers], shape.integers),
            texts,
            lines,
        )

    def fill(self, runs: Sequence[Filling]) -> list[RunValues]:
        """Return the values of runs that logged all of them."""
        shape, lines = self.shape, self.lines
        size = len(runs), len(shape)
        numbers = np.zeros(size, np.int64)
        which, places = self.floats
        numbers.view(np.float64)[:, places] = np.array([[run.values[one] for one in which] for run in runs], np.float64)
        which, places = self.integers
        numbers[:, places] = np.array([[run.values[one] for one in which] for run in runs], np.int64)
        series = np.zeros((len(runs), len(lines), len(STATISTICS)), np.int64)
        if len(lines):
            found = np.concatenate([part for run in runs for part in run.found]).reshape(len(runs), len(lines), -1)
            series.view(np.float64)[..., STEPS:] = found[:, lines]
            series[..., :STEPS] = np.array([run.extents for run in runs], np.int64)[:, lines]
        times = np.empty(size, np.int64)
        times[:, self.places] = [run.times for run in runs]
        sources = np.repeat(np.array([[run.source] for run in runs], np.int32), len(shape), axis=1)
        texts = [{place: text_of(kind, run.values[one]) for place, one, kind in self.texts} for run in runs]
        columns = zip(numbers, series, texts, times, sources, strict=True)
        return [RunValues(shape, *of_run) for of_run in columns]


class Filling(NamedTuple):
    """What a run has, in the order of an `Arrangement`.

    Args:
        values: As in rows.
        times: When each was logged.
        source: The run.
        found: Rows of `summaries`, one per series.
        extents: The first and the last step of each series.
    """

    values: list[Any]
    times: list[int]
    source: int
    found: list[Floats]
    extents: list[tuple[int, int]]
