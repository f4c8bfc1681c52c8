"""Rows of series, worked out from their points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.index.sqlite import summaries
from runfork.index.sqlite.attribute_rows import AttributeRow, coded, statistics_columns
from runfork.index.sqlite.overlay import Contribution, Overlay
from runfork.index.sqlite.schema import TYPE_NUMBERS
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.index.sqlite.catalogue import Catalogue, Own
    from runfork.index.sqlite.series_reader import SeriesReader
    from runfork.index.sqlite.sight import SeenSeries
    from runfork.model.attributes import AttributeType

__all__ = ["SeriesRows"]


class SeriesRows:
    """Works out rows of series."""

    def __init__(self, catalogue: Catalogue, reader: SeriesReader) -> None:
        self._catalogue = catalogue
        self._reader = reader

    def seen(self, seen: SeenSeries) -> AttributeRow:
        """Return the row of a series as a run sees it."""
        sources = [self._catalogue.runs[segment.run_id].id for segment in seen.segments]
        return self._row(seen.type, seen.contributions, sources, clock_axis=seen.clock_axis)

    def own(self, run: int, own: Own, high: int = MAX_MICRO_STEP) -> AttributeRow:
        """Return the row of what a run itself logged, up to step `high`, not below its lowest."""
        return self._row(own.type, [Contribution(0, own.id, high)], [run], clock_axis=own.clock_axis)

    def _row(
        self, kind: AttributeType, contributions: Sequence[Contribution], sources: Sequence[int], *, clock_axis: bool
    ) -> AttributeRow:
        overlay = Overlay(self._reader, kind, contributions)
        number = TYPE_NUMBERS[kind]
        found = overlay.summary()
        if found is None:
            preview = overlay.previews(-1)[-1]
            statistics = (0, None, None, 0, None, None, None, 0.0, 0, 0, 0)
            about = sources[preview.source], preview.time, clock_axis
            return AttributeRow(number, None, None, False, None, *about, *statistics)
        assert found.last.times is not None
        if found.floats is None:
            numbers = summaries.empty_summaries(1)[0]
            numbers[summaries.COUNT] = found.count
        else:
            numbers = found.floats
        return AttributeRow(
            number,
            *coded(kind, found.last.values[0], found.last.values[0]),
            sources[int(found.last.sources[0])],
            int(found.last.times[0]),
            clock_axis,
            *statistics_columns(numbers.tolist(), found.first_step, int(found.last.steps[0])),
        )
