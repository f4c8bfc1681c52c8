"""The attributes of runs, inherited ones included, worked out or added to within the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.rules.origins import CONFLICTS, DEFAULTS, default_values
from runfork.index.sqlite.inheritance.run_view import RunView
from runfork.index.sqlite.points.summaries import merge_summaries
from runfork.index.sqlite.values.run_values import Row, single_of
from runfork.index.sqlite.values.shape import code_of
from runfork.model.attributes import AttributeType, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from runfork.index.sqlite.tables import Tables
    from runfork.model.arrays import Floats, Integers

_ELSEWHERE = Row(0, None, -1, -1)
_EXTENDED = {kind for kind in AttributeType if kind.is_series or kind is AttributeType.STRING_SET}


@dataclass(frozen=True)
class NewPoints:
    """Points of series with shared steps, on their way in; `time` and `last` (by series) are those of the largest step."""

    type: AttributeType
    steps: Integers
    clock_axis: bool
    low: int
    high: int
    time: int
    last: list[Any]

    @property
    def code(self) -> int:
        """The code of the series in the values of a run."""
        return code_of(self.type, clock_axis=self.clock_axis)


def some_of(
    columns: Sequence[int], paths: Sequence[int], new: NewPoints, added: Floats
) -> tuple[list[int], NewPoints, Floats]:
    """Return some of the series that new points are for, with their points and summaries."""
    last = [new.last[column] for column in columns]
    return [paths[column] for column in columns], replace(new, last=last), added[columns]


class Attributes:
    """Works out the values of runs."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._runs = tables.runs
        self._logs = tables.logs
        self._values = tables.values

    # Working out anew

    def refresh(self, run_id: str, paths: Collection[int], *, is_moved: bool) -> None:
        """Work out attributes of a run anew: those at `paths` and the derived ones, or all if its place in the lineage is another.

        To work out all at any change would take three times as long, and ten in small portions (`benchmarks/inheritance.py`).
        """
        run = self._runs.runs[run_id].id
        rows = self._derived_rows(run_id)
        if is_moved or not rows.keys() >= set(paths):
            view = RunView(self._tables, run_id)
            wanted = set(paths)
            if is_moved:
                wanted |= {*self._values.of(run).shape.places, *view.inherited_paths(), *self._logs.of(run).paths()}
                wanted |= {self._runs.path_id(path) for path in DEFAULTS}
            self._work_out(run_id, view, [path for path in wanted if path not in rows], rows)
            if is_moved and not view.has_parent:  # it may have seemed to have one
                self._values.change_inherited(run, dict.fromkeys(self._values.inherited(run).shape.places))
        self._values.change(run, rows)

    def _work_out(self, run_id: str, view: RunView, paths: Sequence[int], rows: dict[int, Row | None]) -> None:
        """Add rows by path, None where there is nothing; what the run's series inherit is stored."""
        run = self._runs.runs[run_id].id
        alone = view.alone_rows(paths)
        rows.update(alone)
        below: dict[int, Row | None] = {}
        for path in (path for path in paths if path not in alone):
            own = view.own(path)
            if own is None:
                rows[path] = view.inherited(path)
            else:
                inherited = view.inherited(path) if own.type in _EXTENDED else None
                rows[path] = view.row(path, own, inherited)
                if inherited is not None and own.type.is_series:
                    below[path] = inherited
        missing = [name for name in DEFAULTS if rows.get(self._runs.path_id(name), _ELSEWHERE) is None]
        if missing:
            nothing_said = default_values(self._runs.nodes[run_id])
            rows.update({self._runs.path_id(name): self._row(nothing_said[name]) for name in missing})
        if view.has_parent:
            self._values.change_inherited(run, {path: below.get(path) for path in paths})

    def _derived_rows(self, run_id: str) -> dict[int, Row | None]:
        rows: dict[int, Row | None] = {}
        if (conflicts := self._runs.paths.get(CONFLICTS)) is not None:
            rows[conflicts] = None  # a description may have replaced what was left out
        for path, value in self._derived(run_id).items():
            rows[self._runs.path_id(path)] = self._row(value)
        return rows

    def _row(self, value: Value) -> Row:
        return Row(code_of(value.type), single_of(value), self._runs.runs[value.source_run].id, value.time)

    def _derived(self, run_id: str) -> dict[str, Value]:
        run = self._runs.runs[run_id].id
        spans = self._tables.connection.execute(
            "SELECT created, last_time FROM journal WHERE run = ?", (run,)
        ).fetchall()
        found = self._runs.derived(run_id, spans)
        if conflicts := self._logs.conflicts(run):
            found[CONFLICTS] = found["sys/modification_time"]._replace(type=AttributeType.INT, value=conflicts)
        return found

    # Adding to what is there

    def add_new(self, run_id: str, rows: dict[int, Row | None]) -> None:
        """Write single values of a run that has none yet, and what every run has."""
        for name, value in default_values(self._runs.nodes[run_id]).items():
            rows.setdefault(self._runs.path_id(name), self._row(value))
        self._values.change(self._runs.runs[run_id].id, rows)

    def keep_inherited(self, run: int, paths: Iterable[int]) -> None:
        """Store what a run has at paths as what it inherits there, before its first own points are added to it."""
        values = self._values.of(run)
        rows = {path: values.get(path) for path in paths}
        # what comes from the run itself is a default
        self._values.change_inherited(
            run, {path: row for path, row in rows.items() if row is not None and row.source != run}
        )

    def add_points(self, run: int, paths: Sequence[int], new: NewPoints, added: Floats) -> None:
        """Add points to series of a run that have no point at those steps, or are new, each with its summary."""
        if self._values.has_none_of(run, paths):
            self._write_series(run, paths, new, added)
            return
        values = self._values.of(run)
        code = new.code
        places = values.places(paths)
        is_there = (places >= 0) & (values.shape.codes_at(places) == code)
        if is_there.any():
            chosen = places[is_there]
            merged = merge_summaries(values.summaries(chosen), added[is_there])
            last = list(compress(new.last, is_there.tolist()))
            values.add_points(chosen, merged, (new.low, new.high), last, run, new.time)
            self._values.note_change(run)
        if not is_there.all():
            self._write_series(run, *some_of(np.flatnonzero(~is_there).tolist(), paths, new, added))

    def _write_series(self, run: int, paths: Sequence[int], new: NewPoints, added: Floats) -> None:
        code, time, low, high = new.code, new.time, new.low, new.high
        rows: dict[int, Row | None] = {
            path: Row(code, value, run, time, low, high, summary)
            for path, value, summary in zip(paths, new.last, added.tolist(), strict=True)
        }
        self._values.change(run, rows)
