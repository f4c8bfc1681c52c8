"""Short questions to an index, and short histories, for the contract's tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runfork.index.interface import PointsRequest, RunsQuery, SeriesKey
from runfork.model.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter

if TYPE_CHECKING:
    from runfork.index.interface import Index, Series
    from runfork.model.filters import Filter

SECOND = 1_000_000
NAN = math.nan


def apply(index: Index, *writers: HistoryWriter) -> None:
    """Apply what each writer has not given yet, one after the other."""
    for writer in writers:
        index.apply(writer.batch())


def series_of(index: Index, run_id: str, path: str, **options: Any) -> Series | None:
    """Return one series."""
    found = index.points(PointsRequest([SeriesKey(run_id, path)], **options))
    return found[0] if found else None


def points_of(index: Index, run_id: str, path: str, **options: Any) -> list[tuple[float, Any]]:
    """Return a series as (step, value) pairs."""
    found = series_of(index, run_id, path, **options)
    return [] if found is None else list(zip((found.steps / MICRO).tolist(), list(found.values), strict=True))


def value_of(index: Index, run_id: str, path: str) -> Any:
    """Return an attribute's value, or None if the run lacks it."""
    found = index.values([run_id], paths=[path])[run_id].get(path)
    return None if found is None else found.value


def type_of(index: Index, run_id: str, path: str) -> str | None:
    """Return the name of an attribute's type, or None if the run lacks it."""
    found = index.values([run_id], paths=[path])[run_id].get(path)
    return None if found is None else found.type.value


def statistics_of(index: Index, run_id: str, path: str) -> dict[str, Any]:
    """Return a series' statistics."""
    return dict(index.values([run_id], paths=[path])[run_id][path].statistics or {})


def run_ids(index: Index, **query: Any) -> list[str]:
    """Return the ids of the runs that a query finds."""
    return [row.node.run_id for row in index.runs(RunsQuery(**query)).rows]


def found(index: Index, condition: Filter) -> list[str]:
    """Return the sorted ids of the runs that satisfy a condition."""
    return sorted(run_ids(index, filter=condition))


def line(run_id: str, *values: float, path: str = "loss", first_step: int = 0, **writer: Any) -> HistoryWriter:
    """Return a run with one metric, one point per step."""
    written = HistoryWriter(run_id, **writer).create()
    for step, value in enumerate(values, start=first_step):
        written.metrics({path: value}, step)
    return written


def child(run_id: str, parent: str, step: float, *values: float, **options: Any) -> HistoryWriter:
    """Return a run that forked an hour later, with one point per step after the fork."""
    written = HistoryWriter(run_id, now=options.pop("now", EPOCH + 3600 * SECOND)).create(
        fork=(parent, step), **options
    )
    for offset, value in enumerate(values, start=1):
        written.metrics({"loss": value}, math.floor(step) + offset)
    return written
