"""What a run has at each path: what it logged, laid over what it inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.index.edits import decode_value, fold, members_of
from runfork.index.sqlite.attribute_rows import AttributeRow, members_in, merged_row, set_row, single_row
from runfork.index.sqlite.inheritance import UNCLEAR, Inheritance, precedes
from runfork.index.sqlite.series_rows import SeriesRows
from runfork.index.sqlite.sight import SeenEdits, SeenSeries, Sight
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from runfork.index.edits import Edit
    from runfork.index.sqlite.catalogue import Catalogue, Own
    from runfork.index.sqlite.definition_counts import DefinitionCounts
    from runfork.index.sqlite.edit_table import EditTable
    from runfork.index.sqlite.series_reader import SeriesReader

__all__ = ["RunView"]

_MANY_PATHS = 20
_ALONE = frozenset(kind for kind in AttributeType if not kind.is_series and kind is not AttributeType.STRING_SET)
"""Types of which a run's own value hides what is inherited, whole."""


class RunView:
    """Rows of one run. Holds for one state of the index; asked for `paths` only, None for all."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        catalogue: Catalogue,
        edits: EditTable,
        reader: SeriesReader,
        run_id: str,
        *,
        counts: DefinitionCounts,
        paths: Collection[int] | None,
        computed: Collection[int],
    ) -> None:
        self._catalogue = catalogue
        self._edits = edits
        self._series_rows = SeriesRows(catalogue, reader)
        self._run = catalogue.runs[run_id]
        self._sight = Sight(catalogue, edits, run_id, paths=10**9 if paths is None else len(paths))
        self._inheritance: Inheritance | None = None
        parent = catalogue.runs.get(self._run.origin.parent or "")
        if parent is not None and not self._sight.is_on_loop:
            self._inheritance = Inheritance(
                connection,
                catalogue,
                edits,
                self._series_rows,
                run=self._run,
                parent=parent,
                counts=counts,
                paths=paths,
                computed=computed,
            )
        self.has_parent = parent is not None
        if paths is None or len(paths) > _MANY_PATHS:
            catalogue.own_values(self._run.id)

    def inherited_paths(self) -> set[int]:
        """Return every path at which the run may inherit something."""
        if not self.has_parent:
            return set()
        if self._inheritance is None or self._inheritance.is_replaced_late:
            return self._sight.all_paths()
        return self._inheritance.paths()

    def own(self, path: int) -> Own | None:
        """Return what the run itself logged to a path, as the type that stands."""
        kinds = self._catalogue.own_value(self._run.id, path)
        if not kinds:
            return None
        return self._edits.standing(self._run.id, path, kinds)

    def stands_alone(self, path: int) -> bool:
        """Return whether what the run has at a path is the same whatever it inherits."""
        own = self.own(path)
        return own is not None and own.type in _ALONE

    def alone_rows(self, paths: Iterable[int]) -> dict[int, AttributeRow]:
        """Return the rows of those paths at which what the run has is the same whatever it inherits."""
        run = self._run.id
        found = {}
        for path in paths:
            kinds = self._catalogue.own_value(run, path)
            own = self._edits.standing(run, path, kinds) if kinds else None
            if own is None or own.type not in _ALONE:
                continue
            kind = own.type
            edits = self._edits.edits(run, path)
            last = next(edit for edit in reversed(edits) if kind.takes(edit.type))
            found[path] = single_row(
                last.type, decode_value(last.type, last.value), last.value, source=run, time=last.time
            )
        return found

    def inherited(self, path: int) -> AttributeRow | None:
        """Return what the run would have at a path if it had logged nothing."""
        if not self.has_parent:
            return None
        found = UNCLEAR if self._inheritance is None else self._inheritance.row(path)
        return self._seen(path, first=1) if found is UNCLEAR else found

    def row(self, path: int, own: Own, inherited: AttributeRow | None) -> AttributeRow | None:
        """Return what the run has at a path to which it logged, given what it inherits there."""
        if own.type.is_series:
            if inherited is None:
                return self._series_rows.own(self._run.id, own)
            if precedes(inherited, own):
                return merged_row(inherited, self._series_rows.own(self._run.id, own))
            return self._seen(path, first=0)
        edits = [edit for edit in self._edits.edits(self._run.id, path) if own.type.takes(edit.type)]
        return self._single(edits, inherited, self._run.id)

    def _seen(self, path: int, *, first: int) -> AttributeRow | None:
        seen = self._sight.see(path, first=first)
        if isinstance(seen, SeenSeries):
            return self._series_rows.seen(seen)
        if isinstance(seen, SeenEdits):
            return self._single(seen.edits, None, self._catalogue.runs[seen.source].id)
        return None

    def _single(self, edits: Sequence[Edit], inherited: AttributeRow | None, source: int) -> AttributeRow:
        last = edits[-1]
        if last.type is not AttributeType.STRING_SET:
            return single_row(last.type, fold([last]), last.value, source=source, time=last.time)
        start: frozenset[str] = frozenset()
        if inherited is not None and inherited.kind is last.type and inherited.payload is not None:
            start = frozenset(members_in(inherited.payload))
        return set_row(fold(edits, start), members_of(last), source=source, time=last.time)
