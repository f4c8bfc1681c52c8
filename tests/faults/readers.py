"""What a process does that reads while others write: refreshes and asks, again and again, and raises at anything wrong."""

from pathlib import Path

import runfork
from runfork.index.interface import PointsRequest, RunsQuery, SeriesKey
from runfork.model.steps import MICRO
from runfork.reading.project import Project


def value_at(run_number: int, step: int) -> float:
    """Return what writer `run_number` logs at `step`."""
    return run_number + step / 8


def read(stop: Path) -> int:
    """Ask until the file `stop` is there; returns how often."""
    counts: dict[str, int] = {}
    questions = 0
    is_last = False
    with Project.open() as project:
        while not is_last:
            is_last = stop.exists()
            project.refresh()
            assert not project.unreadable, project.unreadable
            run_ids = [row.node.run_id for row in project.index.runs(RunsQuery()).rows]
            assert set(counts) <= set(run_ids), "a run is gone"
            for series in project.index.points(PointsRequest([SeriesKey(run_id, "a") for run_id in run_ids])):
                steps = (series.steps // MICRO).tolist()
                assert steps == list(range(len(steps))), f"{series.key}: points are missing, or out of order"
                number = int(series.key.run_id.rpartition("-")[2])
                assert list(series.values) == [value_at(number, step) for step in steps], f"{series.key}: values differ"
                assert len(steps) >= counts.get(series.key.run_id, 0), f"{series.key}: points are gone"
                counts[series.key.run_id] = len(steps)
            questions += 1
            if questions % 5 == 0:
                ask_as_users_do(counts)
    return questions


def ask_as_users_do(counts: dict[str, int]) -> None:
    """Fetch through the query API what was seen before."""
    table = runfork.fetch_metrics(runs=r"writer-.*", attributes="^a$") if counts else None
    if table is not None:
        found = table.groupby(level=0).size().to_dict()
        assert all(found.get(run_id, 0) >= count for run_id, count in counts.items()), "the query API lags behind"
