"""What the index knows of each journal: how far it was applied, and what it said last of its process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.index.sqlite.runs import storable
from runfork.index.sqlite.sealing import to_json
from runfork.journal.format import Kind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from runfork.journal.records import Batch

_NONE = "[]"


class JournalState(NamedTuple):
    """A journal in the table; `id` is None of one that is not there yet."""

    id: int | None = None
    applied: int = 0
    last_time: int = 0
    order_time: int = 0
    damage: str = _NONE
    state: str = "running"
    is_closed: bool = False


def find(connection: sqlite3.Connection, run: int, writer: str) -> JournalState:
    """Return what is known of a journal."""
    query = (
        "SELECT id, applied, last_time, order_time, damage, state, is_closed FROM journal WHERE run = ? AND writer = ?"
    )
    row = connection.execute(query, (run, writer)).fetchone()
    return JournalState() if row is None else JournalState(*row)


def row_after(before: JournalState, batch: Batch) -> tuple[Any, ...]:
    """Return what is known of a journal after a batch: applied, last_time, order_time, state, is_closed, damage, carry."""
    created = int(batch.identity.get("created", 0))
    before_times = (created, created) if before.id is None else (before.last_time, before.order_time)
    last_time = max(before_times[0], batch.last_time)
    order_time = max([before_times[1], *(record.order_time for record in batch.records)])
    damage, state, is_closed = before.damage, before.state, before.is_closed
    states = [record for record in batch.records if record.kind in (Kind.STATUS, Kind.CLOSE)]
    if states:
        state, is_closed = states[-1].body.get("state") or "running", states[-1].kind == Kind.CLOSE
    if batch.damage:
        found = [[one.offset, one.length, one.reason] for one in batch.damage]
        damage = json.dumps(json.loads(damage) + found)
    return batch.end, last_time, order_time, storable(state), is_closed, damage, to_json(dict(batch.carry))


def go_on(connection: sqlite3.Connection, run: int, before: JournalState, batch: Batch) -> int:
    """Store what is known of a journal after a batch; return its number."""
    row = row_after(before, batch)
    if before.id is not None:
        connection.execute(_GO_ON, (*row, before.id))
        return before.id
    return begin(connection, [(run, batch, row)])


def begin(connection: sqlite3.Connection, found: Iterable[tuple[int, Batch, tuple[Any, ...]]]) -> int:
    """Store journals that are new, each with its run and its `row_after`; return the number of the first, others follow it."""
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM journal").fetchone()
    rows = (
        (number, run, batch.key.writer, to_json(dict(batch.identity)), int(batch.identity.get("created", 0)), *row)
        for number, (run, batch, row) in enumerate(found, last + 1)
    )
    connection.executemany(_BEGIN, rows)
    return int(last) + 1


def read(connection: sqlite3.Connection, runs: Sequence[int] | None) -> Iterator[tuple[Any, ...]]:
    """Yield run, writer and the rest of `runfork.index.interface.Writer` for all journals, or for those of some runs."""
    where, parameters = "", []
    if runs is not None:
        where, parameters = " WHERE run IN (SELECT value FROM json_each(?))", [json.dumps(runs)]
    rows = connection.execute(_READ + where, parameters)
    for run, writer, identity, applied, last_time, state, is_closed, damage, carry, is_sound in rows:
        read_object = _StoredObject if is_sound else json.loads  # the latter says here and now what is wrong
        about = (
            read_object(identity),
            applied,
            last_time,
            state,
            bool(is_closed),
            stretches_of(damage),
            read_object(carry),
        )
        yield run, writer, *about


def stretches_of(damage: str) -> tuple[tuple[Any, ...], ...]:
    """Return the stretches that could not be read, as `runfork.index.interface.Writer` has them."""
    return () if damage == _NONE else tuple(map(tuple, json.loads(damage)))


class _StoredObject(Mapping[str, Any]):
    """A JSON object that is taken apart when somebody asks what is in it: of most journals nobody does."""

    __slots__ = ("_found", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, Any] | None = None

    def _parts(self) -> dict[str, Any]:
        found = self._found
        if found is None:
            found = self._found = dict(json.loads(self._text))
        return found

    def __getitem__(self, name: str) -> Any:
        return self._parts()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts())

    def __len__(self) -> int:
        return len(self._parts())


_BEGIN = (
    "INSERT INTO journal (id, run, writer, identity, created, applied, last_time, order_time, state, is_closed, damage, carry)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_GO_ON = (
    "UPDATE journal SET applied = ?, last_time = ?, order_time = ?, state = ?, is_closed = ?, damage = ?, carry = ?"
    " WHERE id = ?"
)
_READ = (
    "SELECT run, writer, identity, applied, last_time, state, is_closed, damage, carry,"
    " json_valid(identity) AND json_valid(carry) FROM journal"
)
