"""What the journals of each run said, points left out: edits of single values, replaced namespaces, and which series there are."""

from __future__ import annotations

import json
import zlib
from array import array
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from runfork.index.rules.edits import (
    Edit,
    EditKey,
    Replacement,
    edits_of,
    families_left_out,
    newest_replacement,
    replacements_of,
)
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.index.sqlite.sealing import check_seal, sealed, to_json
from runfork.journal.format import Kind
from runfork.journal.records import Record
from runfork.model.attributes import AttributeType
from runfork.model.steps import NO_STEP

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runfork.index.sqlite.runs import RunTable
    from runfork.index.sqlite.values.table import ValueTable
    from runfork.model.lineage import Snapshot

_KEPT = (Kind.CREATE, Kind.LINEAGE, Kind.CONFIGS, Kind.TAGS, Kind.FILES)
_CACHED = 200_000
"""So many paths are remembered; beyond that they are read again."""
_SHORT = 4096
"""Less is not worth being compressed."""
_PLAIN = b" "
"""With this a row begins that does not say values by itself."""
_by_key = attrgetter("key")

Stretches = list[list[int]]
"""Numbers of paths: the first of some that follow each other, and how many they are."""


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


class Logs:
    """The logs of all runs, as tables hold them. What is remembered holds as long as nobody else changes the file."""

    def __init__(self, connection: sqlite3.Connection, runs: RunTable, values: ValueTable) -> None:
        self._connection = connection
        self._runs = runs
        self._values = values
        self.forget()

    def forget(self) -> None:
        """Forget everything: the file says something else now, or the transaction was undone."""
        self._held: dict[int, RunLog] = {}
        self._plain: set[int] = set()

    def trim(self) -> None:
        """Forget what is remembered if it has become much."""
        if sum(map(len, self._held.values())) > _CACHED:
            self._held.clear()

    def add_run(self, run: int) -> None:
        """Take note of a run that is new: it has logged nothing yet."""
        self._held[run] = RunLog(self._runs.path_names)

    def let_go(self, run: int) -> None:
        """Forget the log of a run that has logged one value, or one series, to each path; it is read again when it is needed."""
        self._held.pop(run, None)
        self.note_plain(run)

    def note_plain(self, run: int) -> None:
        """Take note that a run has logged one value, or one series, to each path."""
        self._plain.add(run)

    def conflicts(self, run: int) -> int:
        """Return how many pairs of path and family are left out in a run, since the path is of another."""
        return 0 if run in self._plain and run not in self._held else self.of(run).conflicts()

    def of(self, run: int) -> RunLog:
        """Return the log of a run."""
        found = self._held.get(run)
        if found is None:
            found = self._held[run] = RunLog(self._runs.path_names)
            path_id = self._runs.path_id
            for journal, data in self._connection.execute(_RECORDS, (run,)).fetchall():
                writer = self._runs.writer(journal)
                for record in self._whole(run, data):
                    if record.kind in (Kind.CREATE, Kind.LINEAGE):
                        found.origins.append((writer, record))
                    found.replacements += replacements_of(record, writer)
                    found.add_edits([(path_id(path), edit) for path, edit in edits_of(record, writer)])
            for number, journal, kind, clock_axis, order_time, position, lowest, paths in self._streams(run):
                writer = self._runs.writer(journal)
                first = EditKey(order_time, writer, position)
                numbers = array("i", paths).tolist()
                found.add_stream(writer, Stream(number, TYPES[kind], bool(clock_axis), first, lowest, numbers))
        return found

    def _whole(self, run: int, data: bytes) -> list[Record]:
        found = read_records(data)
        return [self._with_values(run, one) for one in found] if data.startswith(_PLAIN) else found

    def _with_values(self, run: int, record: Record) -> Record:
        """Return a record whose values are among those of its run."""
        if record.kind != Kind.CONFIGS:
            return record
        told: Any = record.body
        names, values = self._runs.path_names, self._values.of(run)
        places = values.shape.places
        rows = {path: values.row(places[path]) for first, count in told for path in range(first, first + count)}
        return record._replace(body={names[path]: [row.kind.value, row.value] for path, row in rows.items()})

    def spell_out(self, run: int) -> None:
        """Let the records of a run say their values by themselves, before something is added to it."""
        found = self._connection.execute(_PLAIN_RECORDS, (run, _PLAIN)).fetchall()
        for number, data in found:
            query = "UPDATE record SET data = ? WHERE id = ?"
            self._connection.execute(query, (_record_bytes(self._whole(run, data)), number))

    def _streams(self, run: int) -> list[tuple[Any, ...]]:
        return self._connection.execute(_STREAMS, (run,)).fetchall()

    def add_records(self, run: int, journal: int, records: Sequence[Record]) -> None:
        """Store the records of a batch that set single values, or say where the run comes from."""
        kept = [record for record in records if _is_kept(record)]
        if kept:
            self._connection.execute(_NEW_RECORDS, (run, journal, _record_bytes(kept)))

    def new_stream(
        self,
        run: int,
        journal: int,
        kind: AttributeType,
        first: EditKey,
        paths: list[int],
        *,
        clock_axis: bool,
        lowest: int,
    ) -> Stream:
        """Store a stream that is new."""
        stream = Stream(0, kind, clock_axis, first, lowest, paths)
        stream.id = self.add_streams([(run, journal, stream)])
        return stream

    def add_plain_records(self, found: Iterable[tuple[int, int, Sequence[Record], Iterable[Stretches]]]) -> None:
        """Store the records of runs that logged one value to each path: what it is, is among the values of the run.

        So it stays until `spell_out`.

        Args:
            found: Each run, its journal, its records, and the paths of each record of configs.
        """
        rows = ((run, journal, _plain_bytes(records, iter(paths))) for run, journal, records, paths in found)
        self._connection.executemany(_NEW_RECORDS, rows)

    def add_streams(self, found: Iterable[tuple[int, int, Stream]]) -> int:
        """Store streams that are new, each with its run and its journal; return the number of the first, others follow it."""
        (last,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM stream").fetchone()
        rows = (
            (
                number,
                run,
                journal,
                TYPE_NUMBERS[one.type],
                one.clock_axis,
                *one.first[::2],
                one.lowest,
                stream_key(one.paths),
            )
            for number, (run, journal, one) in enumerate(found, last + 1)
        )
        self._connection.executemany(_NEW_STREAM, rows)
        return int(last) + 1

    def lower(self, stream: Stream, lowest: int) -> None:
        """Store the lowest step of a stream."""
        stream.lowest = lowest
        self._connection.execute("UPDATE stream SET lowest = ? WHERE id = ?", (lowest, stream.id))


_RECORDS = "SELECT journal, data FROM record WHERE run = ? ORDER BY id"
_PLAIN_RECORDS = "SELECT id, data FROM record WHERE run = ? AND substr(data, 1, 1) = ?"
_NEW_RECORDS = "INSERT INTO record (run, journal, data) VALUES (?, ?, ?)"
_STREAMS = "SELECT id, journal, type, clock_axis, order_time, position, lowest, paths FROM stream WHERE run = ?"
_NEW_STREAM = """
INSERT INTO stream (id, run, journal, type, clock_axis, order_time, position, lowest, paths) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def _is_kept(record: Record) -> bool:
    return record.kind in _KEPT and (record.kind != Kind.FILES or record.step == NO_STEP)


def _record_bytes(records: Iterable[Record]) -> bytes:
    rows = [[record.kind, record.offset, record.time, record.order_time, record.body] for record in records]
    data = to_json(rows).encode("ascii")
    return sealed(data if len(data) < _SHORT else zlib.compress(data, 1))


def stretches(paths: Sequence[int]) -> Stretches:
    """Return paths, by number, as stretches of numbers that follow each other."""
    found: list[list[int]] = []
    for path in paths:
        if found and path == sum(found[-1]):
            found[-1][1] += 1
        else:
            found.append([path, 1])
    return found


def _plain_bytes(records: Iterable[Record], paths: Iterator[Stretches]) -> bytes:
    rows = [
        [one.kind, one.offset, one.time, one.order_time, next(paths) if one.kind == Kind.CONFIGS else one.body]
        for one in records
        if _is_kept(one)
    ]
    return sealed(_PLAIN + to_json(rows).encode("ascii"))


def read_records(data: bytes) -> list[Record]:
    """Return the records that a row of the table holds; of some the body is the `Stretches` of their paths.

    Raises:
        ValueError: It is not as it was stored.
    """
    check_seal(data)
    text = data[:-4]
    rows = json.loads(text if text[:1] in (b"[", _PLAIN) else zlib.decompress(text))
    return [
        Record(Kind(kind), offset, time, order_time, NO_STEP, clock_axis=False, body=body)
        for kind, offset, time, order_time, body in rows
    ]
