"""What a run would see if it had logged nothing itself, from what the tables hold of its parent.

A parent's attributes are worked out before its children's. So a child takes over the parent's rows as they are, wherever its
cut and its creation leave nothing out; else it takes what the parent inherited, and the parent's own points up to the cut.
That costs the same however long the lineage is. Where it is not enough (`UNCLEAR`), `lineage_view` goes up the lineage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runfork.index.rules.edits import is_inherited, newest_replacement
from runfork.index.sqlite.logs import standing
from runfork.index.sqlite.points import summaries
from runfork.index.sqlite.points.series import Contribution, SeriesPoints
from runfork.index.sqlite.values.run_values import Row, merged_row, point_row, statistics_of
from runfork.index.sqlite.values.shape import code_of
from runfork.model.attributes import AttributeType
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runfork.index.sqlite.inheritance.lineage_view import SeenSeries
    from runfork.index.sqlite.logs import Logs, Own
    from runfork.index.sqlite.points.source import SeriesReader
    from runfork.index.sqlite.runs import RunEntry, RunTable
    from runfork.index.sqlite.values.table import ValueTable

__all__ = ["UNCLEAR", "Inheritance", "SeriesRows", "precedes"]

UNCLEAR: Final = Row(0, None, -1, -1)
"""Says that the parent's rows do not tell; compared by identity."""


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
        whole = SeriesPoints(self._reader, kind, contributions)
        found = whole.summary()
        if found is None:
            preview = whole.previews(-1)[-1]
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


class Inheritance:
    """What one run inherits. Holds for one state of the index, in which the parent's rows are up to date.

    Args:
        runs: What is known of runs and paths.
        logs: What each run logged.
        values: The values of all runs.
        series: Works out rows of series.
        run: The run.
        parent: Its parent. The run must not be its own ancestor.
        computed: Paths that runs have besides what is logged to them; the parent's row need not say what is seen there.
    """

    def __init__(
        self,
        runs: RunTable,
        logs: Logs,
        values: ValueTable,
        series: SeriesRows,
        *,
        run: RunEntry,
        parent: RunEntry,
        computed: Collection[int],
    ) -> None:
        self._path_names = runs.path_names
        self._values = values
        self._series_rows = series
        self._computed = computed
        self._run = run
        self._parent = parent
        fork = runs.nodes[run.run_id].fork
        assert fork is not None
        self._fork = fork
        self._parents_fork = runs.nodes[parent.run_id].fork
        self._held = values.of(parent.id)
        self._above = values.inherited(parent.id)
        self._log, self._parents_log = logs.of(run.id), logs.of(parent.id)
        self._late = self._parents_log.late_paths(fork.snapshot)
        self._seen_replacements = self._parents_log.seen_replacements(fork.snapshot)
        self._late_replacements = [one for one in self._parents_log.replacements if one not in self._seen_replacements]

    def paths(self) -> set[int]:
        """Return every path at which the run may inherit something."""
        return set(self._held.shape.places)

    @property
    def is_replaced_late(self) -> bool:
        """Whether the parent replaced a namespace after what the run sees of it: then its rows lack what the run may see."""
        return bool(self._late_replacements)

    def row(self, path: int) -> Row | None:
        """Return what the run inherits at a path, None if nothing, or `UNCLEAR`."""
        name = self._path_names[path]
        if newest_replacement(self._late_replacements, name) is not None:
            return UNCLEAR
        held = self._held.get(path)
        if held is None:
            return None
        if path in self._computed:
            return UNCLEAR
        kinds = self._parents_log.kinds(path)
        if not kinds:
            is_default = held.source == self._parent.id
            return None if is_default else self._handed_on(path, held)
        own = standing(kinds)
        if own.type.is_series:
            return self._series(path, own, held)
        replaced = newest_replacement(self._seen_replacements, name)
        if replaced is not None and own.first < replaced:
            return UNCLEAR
        if self._takes(path, own.type):
            return UNCLEAR if path in self._late else held
        return self._behind(path, held)

    def _takes(self, path: int, kind: AttributeType) -> bool:
        if self._log.replaced(path) is not None:
            return False
        return is_inherited(self._path_names[path], kind, configs=self._run.origin.inherit_configs)

    def _behind(self, path: int, row: Row) -> Row | None:
        """Return what is seen behind a value that is not taken over: nothing, if all runs have the same type there."""
        is_of_any_type = row.kind is AttributeType.NONE
        return None if self._values.types_at(path) == 1 and not is_of_any_type else UNCLEAR

    def _handed_on(self, path: int, above: Row) -> Row | None:
        """Return what the run inherits of what its parent inherits."""
        if not above.kind.is_series:
            return above if self._takes(path, above.kind) else self._behind(path, above)
        return above if self._reaches_above(path, clock_axis=bool(above.clock_axis)) else UNCLEAR

    def _reaches_above(self, path: int, *, clock_axis: bool) -> bool:
        """Return whether the run's cut leaves out nothing of what its parent inherits."""
        name = self._path_names[path]
        above = self._parents_fork
        return above is None or self._fork.cut(name, clock_axis=clock_axis) >= above.cut(name, clock_axis=clock_axis)

    def _series(self, path: int, own: Own, held: Row) -> Row | None:
        cut = self._cut(self._path_names[path], own)
        above = self._above.get(path)
        if own.lowest > cut:
            return None if above is None else self._handed_on(path, above)
        if held.points and held.last_step is not None and cut >= held.last_step:
            return held
        if above is None:
            return self._series_rows.own(self._parent.id, path, own, cut)
        if precedes(above, own) and self._reaches_above(path, clock_axis=own.clock_axis):
            return merged_row(above, self._series_rows.own(self._parent.id, path, own, cut))
        return UNCLEAR

    def _cut(self, name: str, own: Own) -> int:
        """Return the last step that is inherited of the parent's own points, -1 for none."""
        fork = self._fork
        may_be_missing = fork.is_marked and not own.clock_axis and name not in fork.cuts
        if may_be_missing and not own.was_there(fork.snapshot):
            return -1
        return fork.cut(name, clock_axis=own.clock_axis)


def precedes(row: Row, own: Own) -> bool:
    """Return whether a row is of the same series as `own`, and all its points lie before the first of those."""
    is_same = row.kind is own.type and bool(row.clock_axis) == own.clock_axis
    return is_same and row.last_step is not None and row.last_step < own.lowest
