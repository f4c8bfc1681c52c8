"""Rows of series, worked out from their points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.index.sqlite import summaries
from runfork.index.sqlite.overlay import Contribution, Overlay
from runfork.index.sqlite.values import Row, code_of, point_row, statistics_of
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.index.sqlite.lineage_view import SeenSeries
    from runfork.index.sqlite.logs import Own
    from runfork.index.sqlite.runs import RunTable
    from runfork.index.sqlite.series_reader import SeriesReader
    from runfork.model.attributes import AttributeType

__all__ = ["SeriesRows"]


class SeriesRows:
    """Works out rows of series."""

    def __init__(self, runs: RunTable, reader: SeriesReader) -> None:
        self._runs = runs
        self._reader = reader

    def seen(self, seen: SeenSeries) -> Row:
        """Return the row of a series as a run sees it."""
        sources = [self._runs.runs[segment.run_id].id for segment in seen.segments]
        return self._row(seen.type, seen.contributions, sources, clock_axis=seen.clock_axis)

    def own(self, run: int, path: int, own: Own, high: int = MAX_MICRO_STEP) -> Row:
        """Return the row of what a run itself logged, up to step `high`, not below its lowest."""
        contributions = [Contribution(0, run, path, own.columns, high)]
        return self._row(own.type, contributions, [run], clock_axis=own.clock_axis)

    def _row(
        self, kind: AttributeType, contributions: Sequence[Contribution], sources: Sequence[int], *, clock_axis: bool
    ) -> Row:
        overlay = Overlay(self._reader, kind, contributions)
        found = overlay.summary()
        if found is None:
            preview = overlay.previews(-1)[-1]
            code = code_of(kind, clock_axis=clock_axis, is_empty=True)
            return Row(
                code, None, sources[preview.source], preview.time, 0, None, None, 0, None, None, None, 0.0, 0, 0, 0
            )
        assert found.last.times is not None
        if found.floats is None:
            numbers = summaries.empty_summaries(1)[0]
            numbers[summaries.COUNT] = found.count
        else:
            numbers = found.floats
        statistics = statistics_of(numbers.tolist(), found.first_step, int(found.last.steps[0]))
        value, source = found.last.values[0], sources[int(found.last.sources[0])]
        return point_row(kind, value, source, int(found.last.times[0]), statistics, clock_axis=clock_axis)
