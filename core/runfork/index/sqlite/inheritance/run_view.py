"""What a run has at each path: what it logged, laid over what it inherits.

What it inherits is taken from what the tables hold of its parent, whose attributes are worked out before. Wherever the run's cut
and its creation leave nothing out, these are the parent's rows as they are; else what the parent inherited, and the parent's own
points up to the cut. That costs the same however long the lineage is; going up would take three times as long in a chain of ten
forks, and seven times in one of forty (`benchmarks/inheritance.py`). Where it is not enough (`_UNCLEAR`), `lineage_view` goes up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runfork.index.rules.edits import fold, is_inherited, members_of, newest_replacement
from runfork.index.rules.origins import DERIVED
from runfork.index.sqlite.inheritance.lineage_view import LineageView, SeenEdits, SeenSeries
from runfork.index.sqlite.points.pieces import Contribution
from runfork.index.sqlite.points.series import SeriesPoints
from runfork.index.sqlite.points.summaries import empty_summaries
from runfork.index.sqlite.run_log import standing
from runfork.index.sqlite.values.run_values import Row, merged_row
from runfork.index.sqlite.values.shape import code_of, member_list
from runfork.model.attributes import AttributeType
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runfork.index.rules.edits import Edit
    from runfork.index.sqlite.run_log import Own
    from runfork.index.sqlite.runs import RunEntry
    from runfork.index.sqlite.tables import Tables

_UNCLEAR: Final = Row(0, None, -1, -1)
"""Says that the parent's rows do not tell; compared by identity."""
_ALONE = frozenset(kind for kind in AttributeType if not kind.is_series and kind is not AttributeType.STRING_SET)
"""Types of which a run's own value hides what is inherited, whole."""
_CODES = {kind: code_of(kind) for kind in AttributeType}


class RunView:
    """Rows of one run. Holds for one state of the index, in which the values of the run's parent are up to date."""

    def __init__(self, tables: Tables, run_id: str) -> None:
        runs = self._runs = tables.runs
        self._series_rows = _SeriesRows(tables)
        self._run = runs.runs[run_id]
        self._log = tables.logs.of(self._run.id)
        self._lineage = LineageView(tables, run_id)
        self._inheritance: _Inheritance | None = None
        parent = runs.runs.get(self._run.origin.parent or "")
        if parent is not None and not self._lineage.is_on_loop:
            self._inheritance = _Inheritance(tables, self._run, parent)
        self.has_parent = parent is not None

    def inherited_paths(self) -> set[int]:
        """Return every path at which the run may inherit something."""
        if not self.has_parent:
            return set()
        if self._inheritance is None or self._inheritance.is_replaced_late:
            return self._lineage.all_paths()
        return self._inheritance.paths()

    def own(self, path: int) -> Own | None:
        """Return what the run itself logged to a path, as the type that stands."""
        return self._log.standing(path)

    def alone_rows(self, paths: Iterable[int]) -> dict[int, Row]:
        """Return the rows of those paths at which what the run has is the same whatever it inherits."""
        log, run = self._log, self._run.id
        edits, mixed, is_plain = log.edits, log.mixed, not log.replacements
        found = {}
        for path in paths:
            if path not in edits:
                continue
            if is_plain and path not in mixed:
                last = edits[path][0]
                if last.type not in _ALONE:
                    continue
            else:
                own = log.standing(path)
                if own is None or own.type not in _ALONE:
                    continue
                last = next(edit for edit in reversed(log.edits_at(path)) if own.type.takes(edit.type))
            found[path] = Row(_CODES[last.type], last.value, run, last.time)
        return found

    def inherited(self, path: int) -> Row | None:
        """Return what the run would have at a path if it had logged nothing."""
        if not self.has_parent:
            return None
        found = _UNCLEAR if self._inheritance is None else self._inheritance.row(path)
        return self._seen(path, first=1) if found is _UNCLEAR else found

    def row(self, path: int, own: Own, inherited: Row | None) -> Row | None:
        """Return what the run has at a path to which it logged, given what it inherits there."""
        if own.type.is_series:
            if inherited is None:
                return self._series_rows.own(self._run.id, path, own)
            if _precedes(inherited, own):
                return merged_row(inherited, self._series_rows.own(self._run.id, path, own))
            return self._seen(path, first=0)
        edits = [edit for edit in self._log.edits_at(path) if own.type.takes(edit.type)]
        return self._single(edits, inherited, self._run.id)

    def _seen(self, path: int, *, first: int) -> Row | None:
        seen = self._lineage.see(path, first=first)
        if isinstance(seen, SeenSeries):
            return self._series_rows.seen(seen)
        if isinstance(seen, SeenEdits):
            return self._single(seen.edits, None, self._runs.runs[seen.source].id)
        return None

    def _single(self, edits: Sequence[Edit], inherited: Row | None, source: int) -> Row:
        last = edits[-1]
        value = last.value
        if last.type is AttributeType.STRING_SET:
            start: frozenset[str] = frozenset()
            if inherited is not None and inherited.kind is last.type:
                start = frozenset(member_list(inherited.value))
            members = members_of(last)
            value = sorted(fold(edits, start)) if members is None else {"members": members}
        return Row(_CODES[last.type], value, source, last.time)


class _Inheritance:
    """What one run inherits by the rows of its parent. The run must not be its own ancestor."""

    def __init__(self, tables: Tables, run: RunEntry, parent: RunEntry) -> None:
        runs, logs, values = tables.runs, tables.logs, tables.values
        self._path_names = runs.path_names
        self._values = values
        self._series_rows = _SeriesRows(tables)
        self._derived = {runs.paths[path] for path in DERIVED if path in runs.paths}
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
        """Return what the run inherits at a path, None if nothing, or `_UNCLEAR`."""
        name = self._path_names[path]
        if newest_replacement(self._late_replacements, name) is not None:
            return _UNCLEAR
        held = self._held.get(path)
        if held is None:
            return None
        if path in self._derived:
            return _UNCLEAR
        kinds = self._parents_log.kinds(path)
        if not kinds:
            is_default = held.source == self._parent.id
            return None if is_default else self._handed_on(path, held)
        own = standing(kinds)
        if own.type.is_series:
            return self._series(path, own, held)
        replaced = newest_replacement(self._seen_replacements, name)
        if replaced is not None and own.first < replaced:
            return _UNCLEAR
        if self._takes(path, own.type):
            return _UNCLEAR if path in self._late else held
        return self._behind(path, held)

    def _takes(self, path: int, kind: AttributeType) -> bool:
        if self._log.replaced(path) is not None:
            return False
        return is_inherited(self._path_names[path], kind, configs=self._run.origin.inherit_configs)

    def _behind(self, path: int, row: Row) -> Row | None:
        """Return what is seen behind a value that is not taken over: nothing, if all runs have the same type there."""
        is_of_any_type = row.kind is AttributeType.NONE
        return None if self._values.types_at(path) == 1 and not is_of_any_type else _UNCLEAR

    def _handed_on(self, path: int, above: Row) -> Row | None:
        """Return what the run inherits of what its parent inherits."""
        if not above.kind.is_series:
            return above if self._takes(path, above.kind) else self._behind(path, above)
        return above if self._reaches_above(path, clock_axis=bool(above.clock_axis)) else _UNCLEAR

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
        if held.last_step is not None and cut >= held.last_step:
            return held
        if above is None:
            return self._series_rows.own(self._parent.id, path, own, cut)
        if _precedes(above, own) and self._reaches_above(path, clock_axis=own.clock_axis):
            return merged_row(above, self._series_rows.own(self._parent.id, path, own, cut))
        return _UNCLEAR

    def _cut(self, name: str, own: Own) -> int:
        """Return the last step that is inherited of the parent's own points, -1 for none."""
        fork = self._fork
        may_be_missing = fork.is_marked and not own.clock_axis and name not in fork.cuts
        if may_be_missing and not own.was_there(fork.snapshot):
            return -1
        return fork.cut(name, clock_axis=own.clock_axis)


class _SeriesRows:
    """Works out rows of series."""

    def __init__(self, tables: Tables) -> None:
        self._runs = tables.runs
        self._reader = tables.reader

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
            return Row(code, None, sources[preview.source], preview.time, summary=empty_summaries(1)[0].tolist())
        last = found.last
        assert last.times is not None
        about = code_of(kind, clock_axis=clock_axis), last.values[0], sources[int(last.sources[0])], int(last.times[0])
        return Row(*about, found.first_step, int(last.steps[0]), found.numbers.tolist())


def _precedes(row: Row, own: Own) -> bool:
    """Return whether a row is of the same series as `own`, and all its points lie before the first of those."""
    is_same = row.kind is own.type and bool(row.clock_axis) == own.clock_axis
    return is_same and row.last_step is not None and row.last_step < own.lowest
