"""What a run has at each path: what it logged, laid over what it inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.index.rules.edits import fold, members_of
from runfork.index.sqlite.inheritance.from_parent import UNCLEAR, Inheritance, SeriesRows, precedes
from runfork.index.sqlite.inheritance.lineage_view import LineageView, SeenEdits, SeenSeries
from runfork.index.sqlite.values.run_values import Row, merged_row
from runfork.index.sqlite.values.shape import code_of, member_list
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from runfork.index.rules.edits import Edit
    from runfork.index.sqlite.logs import Logs, Own
    from runfork.index.sqlite.points.source import SeriesReader
    from runfork.index.sqlite.runs import RunTable
    from runfork.index.sqlite.values.table import ValueTable

__all__ = ["RunView"]

_ALONE = frozenset(kind for kind in AttributeType if not kind.is_series and kind is not AttributeType.STRING_SET)
"""Types of which a run's own value hides what is inherited, whole."""
_CODES = {kind: code_of(kind) for kind in AttributeType}


class RunView:
    """Rows of one run. Holds for one state of the index.

    Args:
        runs: What is known of runs and paths.
        logs: What each run logged.
        values: The values of all runs; those of the run's parent are up to date.
        reader: For reading points.
        run_id: The run.
        computed: Paths that runs have besides what is logged to them.
    """

    def __init__(
        self,
        runs: RunTable,
        logs: Logs,
        values: ValueTable,
        reader: SeriesReader,
        run_id: str,
        *,
        computed: Collection[int],
    ) -> None:
        self._runs = runs
        self._series_rows = SeriesRows(runs, reader)
        self._run = runs.runs[run_id]
        self._log = logs.of(self._run.id)
        self._lineage = LineageView(runs, logs, run_id)
        self._inheritance: Inheritance | None = None
        parent = runs.runs.get(self._run.origin.parent or "")
        if parent is not None and not self._lineage.is_on_loop:
            self._inheritance = Inheritance(
                runs, logs, values, self._series_rows, run=self._run, parent=parent, computed=computed
            )
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
        found = UNCLEAR if self._inheritance is None else self._inheritance.row(path)
        return self._seen(path, first=1) if found is UNCLEAR else found

    def row(self, path: int, own: Own, inherited: Row | None) -> Row | None:
        """Return what the run has at a path to which it logged, given what it inherits there."""
        if own.type.is_series:
            if inherited is None:
                return self._series_rows.own(self._run.id, path, own)
            if precedes(inherited, own):
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
