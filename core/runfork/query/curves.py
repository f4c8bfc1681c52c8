"""The lines of a plot: a metric as a run shows it, and what a fork pruned from its ancestors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from runfork.errors import NotFoundError
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType, is_system_path
from runfork.model.steps import MAX_MICRO_STEP, MICRO

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from runfork.index.interface import Index, Series
    from runfork.model.patterns import Pattern

Axis = Literal["step", "time"]


@dataclass(frozen=True)
class Curve:
    """One metric of one run.

    Args:
        run_id: The run from which it is seen.
        path: The metric.
        axis: "step", or "time" for what is on the clock axis or was asked for so.
        x: float64[n]: steps, or seconds since 1970.
        y: float64[n].
        forks: x of the last point before each fork on the way, where the curve goes from one run to the next.
        pruned: What ancestors logged after they were forked: x and y of each.
    """

    run_id: str
    path: str
    axis: Axis
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    forks: list[float]
    pruned: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]


def choose_paths(index: Index, run_ids: Sequence[str], pattern: Pattern | None) -> list[str]:
    """Return the metrics that match a pattern, sorted; without one the user's own, those of most interest first.

    Raises:
        NotFoundError: There is none; the message names some that there are.
    """
    from runfork.query.pages import by_interest

    definitions = index.definitions(run_ids=run_ids, types=[AttributeType.FLOAT_SERIES])
    if pattern is None:
        chosen = [definition.path for definition in by_interest(definitions)]
    else:
        chosen = [definition.path for definition in definitions if pattern.matches(definition.path)]
    if not chosen:
        names = [one.path for one in definitions if not is_system_path(one.path)] or [one.path for one in definitions]
        there = f"there are {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}" if names else "there are none"  # noqa: PLR2004
        raise NotFoundError(f"no metric matches {pattern.text if pattern else 'that'!r}; {there}")
    return chosen


def read_curves(
    index: Index, run_ids: Sequence[str], path: str, *, axis: Axis, has_pruned: bool, is_own: bool
) -> list[Curve]:
    """Read one metric of several runs; runs that lack it are left out.

    Args:
        index: The project's index, up to date.
        run_ids: The runs.
        path: The metric.
        axis: What x is, for metrics on the step axis; those on the clock axis always have time.
        has_pruned: Whether to read what forks pruned.
        is_own: Only the points that each run logged itself.
    """
    keys = [SeriesKey(run_id, path) for run_id in run_ids]
    found = index.points(PointsRequest(keys, inherit="own" if is_own else "lineage"))
    return [_curve(index, series, axis, has_pruned=has_pruned) for series in found]


def _curve(index: Index, series: Series, axis: Axis, *, has_pruned: bool) -> Curve:
    used: Axis = "time" if series.clock_axis else axis
    x, y = _coordinates(series, used)
    pruned = []
    if has_pruned:
        for segment in series.segments:
            if segment.high < MAX_MICRO_STEP:
                beyond = PointsRequest(
                    [SeriesKey(segment.run_id, series.key.path)], inherit="own", step_range=(segment.high + 1, None)
                )
                pruned += [_coordinates(one, used) for one in index.points(beyond) if len(one.steps)]
    return Curve(series.key.run_id, series.key.path, used, x, y, _forks(series, used), pruned)


def _coordinates(series: Series, axis: Axis) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    micros = series.steps if axis == "step" or series.clock_axis else series.times
    x, y = micros / MICRO, np.asarray(series.values, dtype=np.float64)
    if axis == "step" or series.clock_axis:
        return x, y
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def _forks(series: Series, axis: Axis) -> list[float]:
    """Return where one run's points end and another's begin; on the step axis exactly the cut."""
    forks = []
    for at in np.flatnonzero(series.sources[1:] != series.sources[:-1]).tolist():
        cut, last, following = (
            series.segments[int(series.sources[at])].high,
            int(series.steps[at]),
            int(series.steps[at + 1]),
        )
        if axis == "step" or series.clock_axis:
            forks.append((cut if last <= cut <= following else last) / MICRO)
        else:
            forks.append(int(series.times[at]) / MICRO)
    return forks
