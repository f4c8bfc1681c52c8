"""The attribute table: the values of every run, inherited ones included, kept ready for filters, sorts and lists."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.attributes import AttributeType
from runfork.index.conditions import set_text
from runfork.index.edits import decode_value, fold
from runfork.index.interface import Value
from runfork.index.origins import default_values, derived_values
from runfork.index.sqlite import summaries
from runfork.index.sqlite.catalogue import storable
from runfork.index.sqlite.overlay import Overlay
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.index.sqlite.sight import SeenEdits, SeenSeries, Sight

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from runfork.index.sqlite.catalogue import Catalogue
    from runfork.index.sqlite.overlay import SeriesReader

    Floats = npt.NDArray[np.float64]

__all__ = ["ATTRIBUTE_COLUMNS", "AttributeTable", "SeriesChange", "SeriesState", "read_value"]

_KEPT = (
    "type, number, text, is_nan, payload, source, time, clock_axis, count, first_step, last_step, finite, minimum,"
    " maximum, mean, squares, nan, positive, negative"
)
ATTRIBUTE_COLUMNS = _KEPT
_UPSERT = (
    f"INSERT INTO attribute (run, path, {_KEPT}) VALUES ({', '.join(['?'] * 21)}) ON CONFLICT (run, path) DO UPDATE SET "  # noqa: S608
    + ", ".join(f"{name} = excluded.{name}" for name in _KEPT.split(", "))
)
_CONFLICTS = "sys/diagnostics/type_conflicts"
_DERIVED = (
    "sys/modification_time",
    "sys/running_time_seconds",
    "sys/experiment/is_head",
    "sys/forking/parent",
    "sys/forking/step",
    "sys/forking/depth",
    "sys/forking/mark",
    "sys/forking/is_pending",
    "sys/state",
    "sys/failed",
    _CONFLICTS,
    "sys/tags",
    "sys/group_tags",
    "sys/archived",
)
_MANY_EDITS = 20
_NOT_A_SERIES = (None,) * 12


@dataclass(frozen=True)
class SeriesState:
    """What the table holds of a series: enough to tell whether points can be added to it.

    Args:
        type: Its type; None of a single value.
        clock_axis: Its axis.
        first_step, last_step: -1 where there is no committed point.
        count: Committed points.
    """

    type: AttributeType | None
    clock_axis: bool
    first_step: int
    last_step: int
    count: int


class AttributeTable:
    """Writes the attribute table, within the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue, reader: SeriesReader) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._reader = reader

    # Working out anew

    def refresh(self, run_id: str, paths: Iterable[int] | None) -> None:
        """Work out attributes of a run anew: those at `paths`, or all; the derived ones always."""
        wanted = None if paths is None else set(paths)
        sight = Sight(self._connection, self._catalogue, run_id, paths=10**9 if wanted is None else len(wanted))
        run = self._catalogue.runs[run_id].id
        if wanted is None or len(wanted) > _MANY_EDITS:
            sight.load_edits()
        if wanted is None:
            held = self._connection.execute("SELECT path FROM attribute WHERE run = ?", (run,))
            wanted = sight.all_paths() | {path for (path,) in held}
        derived = self._derived(run_id)
        defaults = default_values(self._catalogue.nodes[run_id])
        known = self._catalogue.paths
        wanted |= {known[path] for path in _DERIVED if path in known}
        wanted |= {self._catalogue.path_id(path) for path in (*derived, *defaults)}
        rows, gone = [], []
        for path_id in sorted(wanted):
            path = self._catalogue.path_names[path_id]
            row = self._single_row(derived[path]) if path in derived else self._row(sight, path_id)
            if row is None and path in defaults:
                row = self._single_row(defaults[path])
            if row is None:
                gone.append((run, path_id))
            else:
                rows.append((run, path_id, *row))
        self._write(rows)
        self._connection.executemany("DELETE FROM attribute WHERE run = ? AND path = ?", gone)

    def _write(self, rows: list[tuple[Any, ...]]) -> None:
        self._connection.executemany(_UPSERT, rows)
        number = TYPE_NUMBERS[AttributeType.STRING_SET]
        for run, path, kind, _, _, _, payload, *_ in rows:
            if kind == number:
                self._connection.execute("DELETE FROM member WHERE run = ? AND path = ?", (run, path))
                members = {storable(member) for member in json.loads(payload)}
                self._connection.executemany(
                    "INSERT INTO member VALUES (?, ?, ?)", [(run, path, member) for member in members]
                )

    def _derived(self, run_id: str) -> dict[str, Value]:
        catalogue = self._catalogue
        entry = catalogue.runs[run_id]
        rows = self._connection.execute("SELECT created, last_time FROM journal WHERE run = ?", (entry.id,))
        spans = list(rows)
        last_time = max(0, *(last for _, last in spans))
        running = sum((last - created) / 1e6 for created, last in spans)
        found = derived_values(
            catalogue.nodes[run_id],
            entry.origin,
            catalogue.nodes,
            is_head=entry.is_head,
            last_time=last_time,
            running_seconds=running,
            state=entry.state,
        )
        own = self._connection.execute("SELECT count(*), count(DISTINCT path) FROM own WHERE run = ?", (entry.id,))
        kinds, paths = own.fetchone()
        if kinds > paths:
            found[_CONFLICTS] = Value(AttributeType.INT, kinds - paths, run_id, last_time)
        return found

    def _row(self, sight: Sight, path: int) -> tuple[Any, ...] | None:
        seen = sight.see(path)
        if isinstance(seen, SeenEdits):
            kind = seen.edits[0].type
            last = seen.edits[-1]
            value = fold(seen.edits)
            raw = sorted(value) if kind is AttributeType.STRING_SET else last.value
            return self._coded(kind, value, raw, seen.source, last.time)
        return None if seen is None else self._series_row(seen)

    def _single_row(self, value: Value) -> tuple[Any, ...]:
        raw = sorted(value.value) if value.type is AttributeType.STRING_SET else value.value
        return self._coded(value.type, value.value, raw, value.source_run, value.time)

    def _coded(self, kind: AttributeType, value: Any, raw: Any, source: str, time: int) -> tuple[Any, ...]:
        number, text, is_nan, payload = coded(kind, value, raw)
        source_id = self._catalogue.runs[source].id
        return TYPE_NUMBERS[kind], number, text, is_nan, payload, source_id, time, *_NOT_A_SERIES

    def _series_row(self, seen: SeenSeries) -> tuple[Any, ...]:
        overlay = Overlay(self._reader, seen.type, seen.contributions)
        found = overlay.summary()
        if found is None:
            return self._preview_row(seen, overlay)
        assert found.last.times is not None
        if found.floats is None:
            numbers = summaries.empty_summaries(1)[0]
            numbers[summaries.COUNT] = found.count
        else:
            numbers = found.floats
        source = self._catalogue.runs[seen.segments[int(found.last.sources[0])].run_id].id
        return (
            TYPE_NUMBERS[seen.type],
            *coded(seen.type, found.last.values[0], found.last.values[0]),
            source,
            int(found.last.times[0]),
            seen.clock_axis,
            *_statistics_columns(numbers.tolist(), found.first_step, int(found.last.steps[0])),
        )

    def _preview_row(self, seen: SeenSeries, overlay: Overlay) -> tuple[Any, ...]:
        preview = overlay.previews(-1)[-1]
        source = self._catalogue.runs[seen.segments[preview.source].run_id].id
        statistics = (0, None, None, 0, None, None, None, 0.0, 0, 0, 0)
        return TYPE_NUMBERS[seen.type], None, None, False, None, source, preview.time, seen.clock_axis, *statistics

    # Adding to what is there

    def states(self, run: int, paths: Sequence[int]) -> tuple[dict[int, SeriesState], Floats]:
        """Return what the table holds at some paths of a run, by path, and the summaries of all `paths`, row by row."""
        held = summaries.empty_summaries(len(paths))
        if len(paths) < _MANY_PATHS:
            where, parameters = f"path IN ({', '.join('?' * len(paths))})", [run, *paths]
        else:
            where, parameters = "path BETWEEN ? AND ?", [run, min(paths), max(paths)]
        columns = "type, clock_axis, count, first_step, last_step, finite, minimum, maximum, mean, squares, nan, positive, negative"
        query = f"SELECT path, {columns} FROM attribute WHERE run = ? AND {where}"  # noqa: S608
        rows = self._connection.execute(query, parameters)
        places = {path: place for place, path in enumerate(paths)}
        found = {}
        numbers, chosen = [], []
        for path, kind, clock_axis, count, first, last, *rest in rows:
            if path not in places:
                continue
            if count is None:
                found[path] = SeriesState(None, clock_axis=False, first_step=-1, last_step=-1, count=0)
                continue
            steps = (-1, -1) if first is None else (first, last)
            found[path] = SeriesState(TYPES[kind], bool(clock_axis), steps[0], steps[1], count)
            numbers.append((count, *rest))
            chosen.append(places[path])
        if chosen:
            held[chosen] = _summary_rows(np.array(numbers, np.float64))
        return found, held

    def add_to_series(
        self, run: int, kind: AttributeType, changes: Sequence[SeriesChange], numbers: Floats, *, clock_axis: bool
    ) -> None:
        """Write series that points were added to, each with its row of summaries."""
        whole, statistics = [], []
        for change, row in zip(changes, numbers.tolist(), strict=True):
            columns = _statistics_columns(row, change.first_step, change.last_step)
            if change.is_last:
                value = coded(kind, change.last, change.last)
                whole.append((run, change.path, TYPE_NUMBERS[kind], *value, run, change.time, clock_axis, *columns))
            else:
                statistics.append((*columns, run, change.path))
        self._connection.executemany(_UPSERT, whole)
        self._connection.executemany(
            "UPDATE attribute SET count = ?, first_step = ?, last_step = ?, finite = ?, minimum = ?, maximum = ?, mean = ?,"
            " squares = ?, nan = ?, positive = ?, negative = ? WHERE run = ? AND path = ?",
            statistics,
        )


_MANY_PATHS = 200


@dataclass(frozen=True)
class SeriesChange:
    """A series that points were added to; `last` and `time` are those of the added ones, `is_last` says whether they count."""

    path: int
    first_step: int
    last_step: int
    last: Any
    time: int
    is_last: bool


def _summary_rows(rows: Floats) -> Floats:
    """Return summaries of what the table holds: count, finite, minimum, maximum, mean, squares, nan, positive, negative."""
    found = summaries.empty_summaries(len(rows))
    names = ("COUNT", "FINITE", "MINIMUM", "MAXIMUM", "MEAN", "SQUARES", "NAN", "POSITIVE", "NEGATIVE")
    found[:, [getattr(summaries, name) for name in names]] = rows
    return found


def _statistics_columns(numbers: Sequence[Any], first_step: int, last_step: int) -> tuple[Any, ...]:
    """Return the columns from `count` on; SQLite keeps NaN as NULL, and whole numbers in its INTEGER columns as such."""
    count, finite, minimum, maximum, mean, squares, _, _, nan, positive, negative = numbers
    return count, first_step, last_step, finite, minimum, maximum, mean, squares, nan, positive, negative


_PLAIN_NUMBERS = (AttributeType.INT, AttributeType.BOOL, AttributeType.DATETIME)


def coded(kind: AttributeType, value: Any, raw: Any) -> tuple[Any, str | None, bool, str | None]:
    """Return a value as number, text, is_nan and payload: what is compared, and, where that is not all, its JSON."""
    if kind in _PLAIN_NUMBERS:
        return value, None, False, None
    if kind in (AttributeType.FLOAT, AttributeType.FLOAT_SERIES):
        number = float(value)
        return (None, None, True, None) if math.isnan(number) else (number, None, False, None)
    if kind in (AttributeType.STRING, AttributeType.STRING_SERIES):
        text = storable(value)
        return None, text, False, None if text == value else json.dumps(value)
    members = storable(set_text(value)) if kind is AttributeType.STRING_SET else None
    return None, members, False, json.dumps(raw)


def read_value(row: Sequence[Any], names: dict[int, str]) -> Value:
    """Return the value that a row of `ATTRIBUTE_COLUMNS` holds."""
    number_of_type, number, text, is_nan, payload, source, time, _, count = row[:9]
    kind = TYPES[number_of_type]
    statistics = _statistics(kind, row[8:]) if kind.is_series else None
    value: Any
    if kind.is_series and not count:
        value = None
    elif is_nan:
        value = math.nan
    elif payload is not None:
        value = decode_value(kind, json.loads(payload))
    elif text is not None:
        value = text
    else:
        value = bool(number) if kind is AttributeType.BOOL else number
    return Value(kind, value, names[source], time, statistics)


def _statistics(kind: AttributeType, row: Sequence[Any]) -> dict[str, Any]:
    count, first, last, finite, minimum, maximum, mean, squares, nan, positive, negative = row
    if kind is not AttributeType.FLOAT_SERIES:
        return {"last_step": last, "count": count}
    return {
        "last_step": last,
        "count": count,
        "first_step": first,
        "min": minimum,
        "max": maximum,
        "average": mean,
        "variance": squares / finite if finite and squares is not None else None,
        "nan": nan,
        "positive_infinity": positive,
        "negative_infinity": negative,
    }
