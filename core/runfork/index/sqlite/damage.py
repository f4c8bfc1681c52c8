"""Looking whether the file of an index is what was written to it, where something in it could not be understood."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import numpy as np

from runfork.index.sqlite.logs import read_records
from runfork.index.sqlite.points.writer import COLUMN_BITS, decode_tail, parts_of_row
from runfork.index.sqlite.schema import TYPES, is_damage
from runfork.index.sqlite.sealing import check_seal
from runfork.index.sqlite.values.run_values import RunValues
from runfork.index.sqlite.values.shape import Shape
from runfork.index.sqlite.values.table import WHOLE
from runfork.model.messages import described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runfork.index.sqlite.points.columns import ColumnCodec

_KINDS = {"INTEGER": ("integer", "null"), "TEXT": ("text", "null"), "BLOB": ("blob", "null")}
_REFERENCES = {"run": "run", "path": "path", "journal": "journal", "stream": "stream", "shape": "shape"}
_TEXTS = (
    ("run", "snapshot"),
    ("run", "mark_cuts"),
    ("run", "mark_snapshot"),
    ("journal", "identity"),
    ("journal", "damage"),
    ("journal", "carry"),
    ("mark", "cuts"),
    ("mark", "snapshot"),
)
"""Columns of JSON."""
_GROUPS_OF_CHUNKS = f"FROM chunk JOIN row_group ON row_group.id = chunk.id >> {COLUMN_BITS}"


def find_damage(connection: sqlite3.Connection, codec: ColumnCodec) -> str | None:
    """Return what is wrong with the file, in words; None if SQLite and every checksum say that it is as it was written.

    It reads all of the file once. An error that comes from elsewhere passes through: it is no sign of damage.
    """
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            return " ".join(str(answer).replace("*** in database main ***", "").split())
        return next(_oddities(connection, codec), None)
    except sqlite3.DatabaseError as error:
        return str(error) if is_damage(error) else None
    except UnicodeDecodeError as error:  # SQLite quotes what it found in the file
        return described(error)


def _oddities(connection: sqlite3.Connection, codec: ColumnCodec) -> Iterator[str]:
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if not table.startswith("sqlite_"):
            yield from _odd_cells(connection, table)
    for table, column in _TEXTS:
        for (text,) in connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"):  # noqa: S608
            if (reason := _why_not(json.loads, text)) is not None:
                yield f"{column} of a row of {table} is no JSON: {reason}"
    yield from _odd_columns(connection, codec)


def _odd_cells(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    """Look for cells of another kind than their column's, numbers of types that there are not, and references to nothing."""
    for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
        wrong = []
        if kind in _KINDS:
            wrong.append(f"typeof({column}) NOT IN {_KINDS[kind]}")
        if column == "type":
            wrong.append(f"type NOT BETWEEN 0 AND {len(TYPES) - 1}")
        if column in _REFERENCES and column != table:
            wrong.append(f"{column} NOT IN (SELECT id FROM {_REFERENCES[column]})")  # noqa: S608
        where = " OR ".join(wrong)
        if wrong and connection.execute(f"SELECT 1 FROM {table} WHERE {where} LIMIT 1").fetchone() is not None:  # noqa: S608
            yield f"{column} of a row of {table} is none"


def _odd_columns(connection: sqlite3.Connection, codec: ColumnCodec) -> Iterator[str]:
    reasons: list[str | None] = []
    for count, *columns in connection.execute("SELECT count, steps, times, sequences FROM row_group"):
        reasons += [_why_not(codec.decode_integers, data, np.empty(count, np.int64)) for data in columns]
    rows = connection.execute(f"SELECT count, ends, data, statistics {_GROUPS_OF_CHUNKS}")
    for count, ends, shared, statistics in rows:
        for data in parts_of_row(ends, shared):
            is_text = statistics is None
            reasons.append(
                _why_not(codec.decode_values, data) if is_text else _why_not(codec.decode_floats, [data], [count])
            )
    for count, paths, data in connection.execute(
        "SELECT count, paths, data FROM tail JOIN stream ON stream.id = stream"
    ):
        columns = len(paths) // 4
        if len(data) != 8 * count * (3 + columns) + 4:
            reasons.append(
                f"a piece of the tail has {len(data)} bytes, which are not {count} rows of {columns} columns"
            )
        reasons.append(_why_not(decode_tail, data, count, columns))
    for table in WHOLE.values():
        query = f"SELECT data, numbers, series, texts, rest FROM {table} JOIN shape ON shape.id = shape"  # noqa: S608
        rows = connection.execute(query)
        reasons += [_why_not(_read_values, *row) for row in rows]
    reasons += [_why_not(read_records, data) for (data,) in connection.execute("SELECT data FROM record")]
    yield from (reason for reason in reasons if reason is not None)


def _read_values(shape: bytes, *columns: bytes) -> None:
    check_seal(shape)
    RunValues.read(Shape(shape[:-4]), *columns).rows()


def _why_not(decode: Callable[..., object], *arguments: object) -> str | None:
    """Return why something cannot be decoded; None if it can."""
    try:
        decode(*arguments)
    except MemoryError:
        raise
    except Exception as error:  # decoders of others raise what they like at bytes that were changed
        return described(error)
    return None
