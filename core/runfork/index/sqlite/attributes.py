"""The attribute table: the values of every run, inherited ones included, kept ready for filters, sorts and lists."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

    from runfork.index.sqlite.catalogue import Catalogue
    from runfork.index.sqlite.overlay import SeriesReader

__all__ = ["ATTRIBUTE_COLUMNS", "AttributeTable", "SeriesState", "read_value"]

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
_NOT_A_SERIES = (None,) * 12


@dataclass(frozen=True)
class SeriesState:
    """What the table holds of a series: enough to add points to it.

    Args:
        type: Its type.
        clock_axis: Its axis.
        first_step, last_step: -1 where there is no committed point.
        floats: A row of `runfork.index.sqlite.summaries`; of a series of another type the count alone.
    """

    type: AttributeType
    clock_axis: bool
    first_step: int
    last_step: int
    floats: Any


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
        if wanted is None:
            sight.load_edits()
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
        floats = found.floats
        if floats is None:
            floats = summaries.empty_summaries(1)[0]
            floats[summaries.COUNT] = found.count
        source = seen.segments[int(found.last.sources[0])].run_id
        return self.series_row(
            SeriesState(seen.type, seen.clock_axis, found.first_step, int(found.last.steps[0]), floats),
            found.last.values[0],
            self._catalogue.runs[source].id,
            int(found.last.times[0]),
        )

    def _preview_row(self, seen: SeenSeries, overlay: Overlay) -> tuple[Any, ...]:
        preview = overlay.previews(-1)[-1]
        source = self._catalogue.runs[seen.segments[preview.source].run_id].id
        statistics = (0, None, None, 0, None, None, None, 0.0, 0, 0, 0)
        return TYPE_NUMBERS[seen.type], None, None, False, None, source, preview.time, seen.clock_axis, *statistics

    def series_row(self, state: SeriesState, last: Any, source: int, time: int) -> tuple[Any, ...]:
        """Return the columns of a series that has committed points; `last` as the journal holds it."""
        value = coded(state.type, last, last)
        return (TYPE_NUMBERS[state.type], *value, source, time, state.clock_axis, *_statistics_columns(state))

    # Adding to what is there

    def states(self, run: int, paths: Sequence[int]) -> dict[int, SeriesState | None]:
        """Return what the table holds at some paths of a run: None for single values; paths without attribute are left out."""
        rows = self._connection.execute(
            "SELECT path, type, clock_axis, count, first_step, last_step, finite, minimum, maximum, mean, squares, nan,"
            " positive, negative FROM attribute WHERE run = ? AND path IN (SELECT value FROM json_each(?))",
            (run, json.dumps(list(paths))),
        )
        return {row[0]: _state(row[1:]) for row in rows}

    def add_rows(self, run: int, rows: list[tuple[int, tuple[Any, ...]]]) -> None:
        """Write series rows by path."""
        self._connection.executemany(_UPSERT, [(run, path, *row) for path, row in rows])

    def update_statistics(self, run: int, path: int, state: SeriesState) -> None:
        """Write the statistics of a series whose last point stays the last."""
        self._connection.execute(
            "UPDATE attribute SET count = ?, first_step = ?, last_step = ?, finite = ?, minimum = ?, maximum = ?, mean = ?,"
            " squares = ?, nan = ?, positive = ?, negative = ? WHERE run = ? AND path = ?",
            (*_statistics_columns(state), run, path),
        )


def _statistics_columns(state: SeriesState) -> tuple[Any, ...]:
    floats = [None if value != value else value for value in state.floats.tolist()]  # noqa: PLR0124
    return (
        int(floats[summaries.COUNT]),
        state.first_step,
        state.last_step,
        int(floats[summaries.FINITE]),
        floats[summaries.MINIMUM],
        floats[summaries.MAXIMUM],
        floats[summaries.MEAN],
        floats[summaries.SQUARES],
        int(floats[summaries.NAN]),
        int(floats[summaries.POSITIVE]),
        int(floats[summaries.NEGATIVE]),
    )


def _state(row: tuple[Any, ...]) -> SeriesState | None:
    number, clock_axis, count, first, last, finite, minimum, maximum, mean, squares, nan, positive, negative = row
    kind = TYPES[number]
    if not kind.is_series:
        return None
    floats = summaries.empty_summaries(1)[0]
    floats[summaries.COUNT] = count
    if kind is AttributeType.FLOAT_SERIES:
        floats[summaries.FINITE] = finite
        if finite:
            floats[summaries.MINIMUM] = minimum
            floats[summaries.MAXIMUM] = maximum
            floats[summaries.MEAN] = math.nan if mean is None else mean
            floats[summaries.SQUARES] = math.nan if squares is None else squares
        floats[summaries.NAN], floats[summaries.POSITIVE], floats[summaries.NEGATIVE] = nan, positive, negative
    return SeriesState(kind, bool(clock_axis), -1 if first is None else first, -1 if last is None else last, floats)


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
    text = storable(set_text(value)) if kind is AttributeType.STRING_SET else None
    return None, text, False, json.dumps(raw)


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
