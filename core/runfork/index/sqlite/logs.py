"""The tables of what journals said, points left out: records of single values, and which series stand in the same rows."""

from __future__ import annotations

import json
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from runfork.index.rules.edits import EditKey, edits_of, replacements_of
from runfork.index.sqlite.run_log import RunLog, Stream, stream_key
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.index.sqlite.sealing import check_seal, sealed, to_json
from runfork.journal.format import Kind
from runfork.journal.records import Record
from runfork.model.steps import NO_STEP

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from runfork.index.sqlite.runs import RunTable
    from runfork.index.sqlite.values.table import ValueTable

_KEPT = (Kind.CREATE, Kind.LINEAGE, Kind.CONFIGS, Kind.TAGS, Kind.FILES)
_CACHED = 200_000
"""So many paths are remembered; beyond that they are read again."""
_SHORT = 4096
"""Less is not worth being compressed."""
_PLAIN = b" "
"""With this a row begins that does not say values by itself."""

Stretches = list[list[int]]
"""Numbers of paths: the first of some that follow each other, and how many they are."""


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
            for writer, data in self._connection.execute(_RECORDS, (run,)).fetchall():
                for record in self._whole(run, data):
                    if record.kind in (Kind.CREATE, Kind.LINEAGE):
                        found.origins.append((writer, record))
                    found.replacements += replacements_of(record, writer)
                    found.add_edits([(path_id(path), edit) for path, edit in edits_of(record, writer)])
            for writer, number, kind, clock_axis, order_time, position, lowest, paths in self._connection.execute(
                _STREAMS, (run,)
            ).fetchall():
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

    def add_records(self, run: int, journal: int, records: Sequence[Record]) -> None:
        """Store the records of a batch that set single values, or say where the run comes from."""
        kept = [record for record in records if _is_kept(record)]
        if kept:
            self._connection.execute(_NEW_RECORDS, (run, journal, _record_bytes(kept)))

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


_RECORDS = """
SELECT writer, data FROM record JOIN journal ON journal.id = record.journal WHERE record.run = ? ORDER BY record.id
"""
_PLAIN_RECORDS = "SELECT id, data FROM record WHERE run = ? AND substr(data, 1, 1) = ?"
_NEW_RECORDS = "INSERT INTO record (run, journal, data) VALUES (?, ?, ?)"
_STREAMS = """
SELECT writer, stream.id, type, clock_axis, stream.order_time, position, lowest, paths
FROM stream JOIN journal ON journal.id = stream.journal WHERE stream.run = ?
"""
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
