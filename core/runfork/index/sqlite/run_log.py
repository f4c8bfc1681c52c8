"""What the journals of one run said, points left out: edits of single values, replaced namespaces, and which series there are."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from runfork.index.rules.edits import Edit, EditKey, Replacement, families_left_out, newest_replacement
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runfork.journal.records import Record
    from runfork.model.lineage import Snapshot

_by_key = attrgetter("key")


@dataclass(slots=True)
class Stream:
    """The series that stand in the same rows of one journal.

    Args:
        id: Its number.
        first: The place of its first row.
        lowest: Its lowest step, previews among them.
        paths: By column.
    """

    id: int
    type: AttributeType
    clock_axis: bool
    first: EditKey
    lowest: int
    paths: list[int]


@dataclass(slots=True)
class Own:
    """What a run logged to one path as one type.

    Args:
        type: The type.
        first: The place of its first value.
        clock_axis: The axis of a series: that of its first point.
        lowest: The lowest step of a series.
        starts: By writer, the first point of a series in its journal.
        columns: By stream that holds points of a series, its writer, and in which column.
    """

    type: AttributeType
    first: EditKey
    clock_axis: bool = False
    lowest: int = 0
    starts: dict[str, EditKey] = field(default_factory=dict)
    columns: dict[int, tuple[str, int]] = field(default_factory=dict)

    def was_there(self, snapshot: Snapshot) -> bool:
        """Return whether a snapshot of the run's journals holds a point of the series."""
        return any(map(snapshot.holds, self.starts.values()))


def standing(kinds: Mapping[AttributeType, Own]) -> Own:
    """Return, of what a run logged to a path, that of the type whose family stands: the one logged first that is not None."""
    if len(kinds) == 1:
        return next(iter(kinds.values()))
    return min(kinds.values(), key=lambda own: (own.type is AttributeType.NONE, own.first))


def _standing(kinds: Mapping[AttributeType, Own]) -> tuple[str, bool]:
    own = standing(kinds)
    return own.type.family, own.clock_axis


def stream_key(paths: Sequence[int]) -> bytes:
    """Return paths, by number, as bytes."""
    return array("i", paths).tobytes()


class RunLog:
    """What the journals of one run said."""

    def __init__(self, path_names: Mapping[int, str]) -> None:
        self._path_names = path_names
        self.origins: list[tuple[str, Record]] = []
        """CREATE and LINEAGE records, with their writers."""
        self.edits: dict[int, list[Edit]] = {}
        self.replacements: list[Replacement] = []
        self.series: dict[int, dict[AttributeType, Own]] = {}
        self.streams: dict[tuple[str, AttributeType, bool, bytes], Stream] = {}
        """By writer, type, axis, and the numbers of their paths."""
        self.mixed: set[int] = set()
        """Paths to which more was logged than one value, or one series on one axis; now and then others."""

    # Taking in

    def add_edits(self, edits: Iterable[tuple[int, Edit]]) -> list[int]:
        """Take in edits by path; return those paths at which another family stands now."""
        held, series, changed = self.edits, self.series, []
        for path, edit in edits:
            if path not in held and path not in series:
                held[path] = [edit]
                continue
            self.mixed.add(path)
            before = _standing(self.kinds(path))
            held.setdefault(path, []).append(edit)
            if before != _standing(self.kinds(path)):
                changed.append(path)
        return changed

    def add_stream(self, writer: str, stream: Stream) -> list[int]:
        """Take in a stream that is new, or the lower step of one; return the paths of which others may see something else now."""
        self.streams[writer, stream.type, stream.clock_axis, stream_key(stream.paths)] = stream
        changed = []
        for column, path in enumerate(stream.paths):
            if path not in self.edits and path not in self.series:
                own = Own(stream.type, stream.first, stream.clock_axis, stream.lowest, {writer: stream.first})
                own.columns[stream.id] = writer, column
                self.series[path] = {stream.type: own}
            elif self._add_to_series(path, writer, stream, column):
                changed.append(path)
        return changed

    def _add_to_series(self, path: int, writer: str, stream: Stream, column: int) -> bool:
        before = _standing(self.kinds(path))
        kinds = self.series.setdefault(path, {})
        own = kinds.get(stream.type)
        is_started = own is not None and writer not in own.starts
        if own is None:
            own = kinds[stream.type] = Own(stream.type, stream.first, stream.clock_axis, stream.lowest)
        if stream.first < own.first:
            own.first, own.clock_axis = stream.first, stream.clock_axis
        own.lowest = min(own.lowest, stream.lowest)
        own.starts[writer] = min(stream.first, own.starts.get(writer, stream.first))
        own.columns[stream.id] = writer, column
        if path in self.edits or len(kinds) > 1 or own.clock_axis != stream.clock_axis or before[1] != own.clock_axis:
            self.mixed.add(path)
        return is_started or before != _standing(self.kinds(path))

    def __len__(self) -> int:
        return len(self.edits) + len(self.series)

    def paths(self) -> set[int]:
        """Return all that was logged to."""
        return {*self.edits, *self.series}

    def __contains__(self, path: object) -> bool:
        return path in self.edits or path in self.series

    # What stands

    def kinds(self, path: int) -> dict[AttributeType, Own]:
        """Return what was logged to a path, by type."""
        series = self.series.get(path)
        edits = self.edits.get(path)
        if edits is None:
            return series or {}
        found = {} if series is None else dict(series)
        for edit in edits:
            known = found.get(edit.type)
            if known is None or edit.key < known.first:
                found[edit.type] = Own(edit.type, edit.key)
        return found

    def replaced(self, path: int, snapshot: Snapshot | None = None) -> EditKey | None:
        """Return the place of the last replacement of a namespace that a path is below, as far as `snapshot` holds."""
        if not self.replacements:
            return None
        return newest_replacement(self.seen_replacements(snapshot), self._path_names[path])

    def seen_replacements(self, snapshot: Snapshot | None) -> list[Replacement]:
        """Return which namespaces were replaced, as far as `snapshot` holds if it is given."""
        if snapshot is None:
            return self.replacements
        return [one for one in self.replacements if snapshot.holds(one.key)]

    def standing(self, path: int, snapshot: Snapshot | None = None) -> Own | None:
        """Return, of what was logged to a path, that of the type that stands; None if nothing does.

        Values that were replaced do not count; of replacements those that `snapshot` holds count, or all.
        """
        kinds = self.kinds(path)
        if not kinds:
            return None
        own = standing(kinds)
        replaced = None if own.type.is_series else self.replaced(path, snapshot)
        if replaced is None or own.first >= replaced:
            return own
        found = {kind: one for kind, one in kinds.items() if kind.is_series}
        for edit in self._sorted(path):
            if edit.key >= replaced and edit.type not in found:
                found[edit.type] = Own(edit.type, edit.key)
        return standing(found) if found else None

    def edits_at(self, path: int, snapshot: Snapshot | None = None) -> list[Edit]:
        """Return the edits of a path, in order: those that `snapshot` holds, and that were not replaced since in it."""
        found = self._sorted(path)
        if snapshot is not None:
            found = [edit for edit in found if snapshot.holds(edit.key)]
        replaced = self.replaced(path, snapshot)
        return found if replaced is None else [edit for edit in found if edit.key >= replaced]

    def _sorted(self, path: int) -> list[Edit]:
        found = self.edits.get(path, [])
        return sorted(found, key=_by_key) if len(found) > 1 else found

    def late_paths(self, snapshot: Snapshot) -> set[int]:
        """Return the paths that were edited after what a snapshot holds."""
        return {path for path, edits in self.edits.items() if not all(snapshot.holds(edit.key) for edit in edits)}

    def conflicts(self) -> int:
        """Return how many pairs of path and family are left out, since the path is of another."""
        found = 0
        for path in self.mixed:
            kinds = self.kinds(path)
            if len(kinds) > 1:
                replaced = self.replaced(path)
                left = kinds if replaced is None else {kind for kind in kinds if kind.is_series}
                if replaced is not None:
                    left = {*left, *(edit.type for edit in self.edits_at(path))}
                found += families_left_out(left)
        return found
