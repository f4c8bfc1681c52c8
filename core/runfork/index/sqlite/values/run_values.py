"""The values of one run side by side: numbers, statistics of series and texts, each in a column of bytes, as tables hold them."""

from __future__ import annotations

import json
import zlib
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from runfork.index.sqlite.points.summaries import empty_summaries, merge_summaries
from runfork.index.sqlite.schema import TYPES
from runfork.index.sqlite.sealing import checksum, sealed
from runfork.index.sqlite.values.shape import (
    CHECKSUM,
    EMPTY,
    FLOATS,
    INTEGERS,
    NONE,
    ON_CLOCK,
    STATISTICS,
    STEPS,
    TYPE,
    WORDS,
    Shape,
    read_text,
    text_of,
    unpacked,
)
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from runfork.model.arrays import Bools, Floats, Integers
    from runfork.model.attributes import Value


class Row(NamedTuple):
    """One attribute.

    Args:
        code: Its type, and of a series its axis and whether it has points: `code_of`.
        value: A number, a text, None; of other types what JSON can hold, as in the journal.
        source: The number of the run that logged it.
        time: When it was logged.
        first_step: Of a series that has points; else None.
        last_step: The same.
        summary: Of a series: a row of `summaries`.
    """

    code: int
    value: Any
    source: int
    time: int
    first_step: int | None = None
    last_step: int | None = None
    summary: Sequence[float] | None = None

    @property
    def kind(self) -> AttributeType:
        """The type by name."""
        return TYPES[self.code & TYPE]

    @property
    def clock_axis(self) -> bool:
        """Whether a series is on the clock axis."""
        return bool(self.code & ON_CLOCK)


def single_of(value: Value) -> Any:
    """Return a single value as rows hold it."""
    return sorted(value.value) if value.type is AttributeType.STRING_SET else value.value


def merged_row(earlier: Row, later: Row) -> Row:
    """Return the row of a series made of two, one of them beginning after the other's end."""
    if later.last_step is None:
        return earlier
    summaries = np.array([earlier.summary, later.summary])
    return later._replace(first_step=earlier.first_step, summary=merge_summaries(*summaries).tolist())


class RunValues:
    """The attributes of one run.

    Args:
        shape: Which.
        numbers: int64[n], the bits of a float64 where the value is a float.
        series: int64[m, 11], `STATISTICS`.
        texts: UTF-8 by place: a text, or JSON of what is neither number nor text.
        times: int64[n].
        sources: int32[n], runs by number.
    """

    def __init__(
        self,
        shape: Shape,
        numbers: Integers,
        series: Integers,
        texts: dict[int, bytes],
        times: Integers,
        sources: npt.NDArray[np.int32],
    ) -> None:
        self.shape = shape
        self.numbers = numbers
        self.series = series
        self.texts = texts
        self.times = times
        self.sources = sources

    @classmethod
    def of(cls, rows: Mapping[int, Row]) -> RunValues:
        """Return the values that rows hold, by path."""
        paths = sorted(rows)
        ordered = [rows[path] for path in paths]
        shape = Shape.of(paths, bytes([row[0] for row in ordered]))
        numbers = np.zeros(len(paths), np.int64)
        if places := shape.floats:
            values = [ordered[place][1] for place in places]
            numbers.view(np.float64)[places] = [np.nan if value is None else value for value in values]
        if places := shape.integers:
            numbers[places] = [ordered[place][1] for place in places]
        texts = {place: _encoded(ordered[place]) for place in shape.texts}
        series = np.zeros((len(shape.series), len(STATISTICS)), np.int64)
        if shape.series:
            held = [ordered[place] for place in shape.series]
            series[:, :STEPS] = [[row.first_step or 0, row.last_step or 0] for row in held]
            series.view(np.float64)[:, STEPS:] = [row.summary for row in held]
        times = np.array([row[3] for row in ordered], np.int64)
        return cls(shape, numbers, series, texts, times, np.array([row[2] for row in ordered], np.int32))

    # As tables hold them

    def columns(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Return numbers, series, texts and the rest as bytes."""
        texts = b"".join(self.texts.values())
        numbers = self.numbers
        if self.texts:
            lengths = np.array([*map(len, self.texts.values())], np.int64)
            ends = lengths.cumsum()
            numbers = numbers.copy()
            numbers[[*self.texts]] = (ends - lengths) << 32 | lengths
        plain, series = numbers.tobytes(), self.series.tobytes()
        about = zlib.compress(self.times.tobytes() + self.sources.tobytes(), 1)
        return plain, series, texts, sealed(CHECKSUM.pack(checksum(plain, series, texts)) + about)

    @classmethod
    def read(cls, shape: Shape, numbers: bytes, series: bytes, texts: bytes, rest: bytes) -> RunValues:
        """Return what `columns` gave.

        Raises:
            ValueError: It is not as it was stored.
        """
        about = unpacked(numbers, series, texts, rest)
        count = len(shape)
        found = np.frombuffer(numbers, np.int64, count).copy()
        statistics = np.frombuffer(series, np.int64).reshape(-1, len(STATISTICS)).copy()
        at = {place: read_text(int(found[place]), texts) for place in shape.texts}
        times = np.frombuffer(about, np.int64, count).copy()
        return cls(shape, found, statistics, at, times, np.frombuffer(about, np.int32, count, 8 * count).copy())

    # Row by row

    def __len__(self) -> int:
        return len(self.shape)

    def __contains__(self, path: object) -> bool:
        return path in self.shape.places

    def get(self, path: int) -> Row | None:
        """Return the row at a path."""
        place = self.shape.places.get(path)
        return None if place is None else self.row(place)

    def row(self, place: int) -> Row:
        """Return the row at a place."""
        shape = self.shape
        code = shape.codes[place]
        kind = code & TYPE
        value: Any
        if kind in FLOATS:
            value = float(self.numbers.view(np.float64)[place])
        elif kind in INTEGERS:
            value = int(self.numbers[place])
            value = bool(value) if TYPES[kind] is AttributeType.BOOL else value
        elif kind == NONE:
            value = None
        else:
            value = _decoded(kind, self.texts[place])
        about = code, value, int(self.sources[place]), int(self.times[place])
        line = shape.series.get(place)
        if line is None:
            return Row(*about)
        numbers = self.series[line]
        summary = numbers[STEPS:].view(np.float64).tolist()
        if code & EMPTY:
            return Row(code, None, *about[2:], summary=summary)
        first, last = numbers[:STEPS].tolist()
        return Row(*about, first, last, summary)

    def rows(self) -> dict[int, Row]:
        """Return all rows by path."""
        return {path: self.row(place) for path, place in self.shape.places.items()}

    def changed(self, rows: Mapping[int, Row | None]) -> RunValues:
        """Return the values with rows written over, or deleted where None is given; these ones must not be used any more."""
        if not len(self):
            return RunValues.of({path: row for path, row in rows.items() if row is not None})
        places = self.shape.places
        if all(self._write(places.get(path), row) for path, row in rows.items()):
            return self
        kept = np.ones(len(self), np.bool_)
        kept[[places[path] for path in rows if path in places]] = False
        new = RunValues.of({path: row for path, row in rows.items() if row is not None})
        return self._part(kept)._joined(new)  # noqa: SLF001  (its own)

    def _write(self, place: int | None, row: Row | None) -> bool:
        """Write a single value over another of its kind; return whether it could be done."""
        if place is None or row is None:
            return place is None and row is None
        code = row.code
        if self.shape.codes[place] != code or row.summary is not None:
            return False
        kind = code & TYPE
        if kind in FLOATS:
            self.numbers.view(np.float64)[place] = row.value
        elif kind in INTEGERS:
            self.numbers[place] = row.value
        elif kind != NONE:
            self.texts[place] = _encoded(row)
        self.times[place], self.sources[place] = row.time, row.source
        return True

    def _part(self, kept: Bools) -> RunValues:
        if kept.all():
            return self
        shape = self.shape
        places = np.flatnonzero(kept)
        codes = np.frombuffer(shape.codes, np.uint8)[places].tobytes()
        lines = [line for place, line in shape.series.items() if kept[place]]
        moved = np.cumsum(kept) - 1
        texts = {int(moved[place]): text for place, text in self.texts.items() if kept[place]}
        part = Shape.of(shape.paths[places].tolist(), codes)
        return RunValues(
            part, self.numbers[places], self.series[lines], texts, self.times[places], self.sources[places]
        )

    def _joined(self, other: RunValues) -> RunValues:
        """Return these values together with others at other paths."""
        if not len(other):
            return self
        order = np.argsort(np.concatenate([self.shape.paths, other.shape.paths]), kind="stable")
        count = len(self)
        codes = np.frombuffer(self.shape.codes + other.shape.codes, np.uint8)[order].tobytes()
        paths = np.concatenate([self.shape.paths, other.shape.paths])[order]
        moved = np.empty(len(order), np.int64)
        moved[order] = np.arange(len(order))
        held = [*self.texts.items(), *((place + count, text) for place, text in other.texts.items())]
        texts = dict(sorted((int(moved[place]), text) for place, text in held))
        lines = np.array([*self.shape.series, *(place + count for place in other.shape.series)], np.int64)
        by_place = np.argsort(moved[lines])
        return RunValues(
            Shape.of(paths.tolist(), codes),
            np.concatenate([self.numbers, other.numbers])[order],
            np.concatenate([self.series, other.series])[by_place],
            texts,
            np.concatenate([self.times, other.times])[order],
            np.concatenate([self.sources, other.sources])[order],
        )

    # Series, many at a time

    def places(self, paths: Sequence[int]) -> Integers:
        """Return where paths are, -1 for those that are not there."""
        known, wanted = self.shape.paths, np.array(paths, np.int32)
        if not len(known):
            return np.full(len(wanted), -1, np.int64)
        found = np.minimum(known.searchsorted(wanted), len(known) - 1)
        return np.where(known[found] == wanted, found, -1)

    def hold(self, places: Integers, code: int) -> Bools:
        """Return which places have a code, be their series empty or not."""
        found: Bools = (places >= 0) & (self.shape.codes_at(places) & ~np.uint8(EMPTY) == code)
        return found

    def summaries(self, places: Integers) -> Floats:
        """Return rows of `summaries` of the series at some places, of no points where there is none."""
        found = empty_summaries(len(places))
        chosen = np.flatnonzero(places >= 0)
        lines = self.shape.lines[places[chosen]]
        if len(lines):
            found[chosen] = self.series[lines].view(np.float64)[:, STEPS:]
        return found

    def last_steps(self, places: Integers) -> Integers:
        """Return the last steps of the series at some places; -1 for a series without points, and for what is none."""
        found = np.full(len(places), -1, np.int64)
        if self.shape.series:
            lines = self.shape.lines[places]
            chosen = np.flatnonzero((places >= 0) & (lines >= 0) & (self.shape.codes_at(places) & EMPTY == 0))
            found[chosen] = self.series[lines[chosen], 1]
        return found

    def add_points(
        self, places: Integers, merged: Floats, new: tuple[int, int], last: Sequence[Any], source: int, time: int
    ) -> None:
        """Add points to series that have points already.

        Args:
            places: Which.
            merged: Their summaries, the new points included.
            new: The first and the last of the new steps.
            last: The values at the last of the new steps, as in rows, by series.
            source: The run that logged them.
            time: When it logged the last.
        """
        lines = self.shape.lines[places]
        numbers = self.series
        is_last = numbers[lines, 1] <= new[1]
        numbers[lines, 0] = np.minimum(numbers[lines, 0], new[0])
        numbers[lines, 1] = np.maximum(numbers[lines, 1], new[1])
        numbers.view(np.float64)[lines, STEPS:] = merged
        chosen = places[is_last]
        self.times[chosen] = time
        self.sources[chosen] = source
        values = list(compress(last, is_last.tolist()))
        if np.isin(self.shape.codes_at(chosen) & TYPE, list(FLOATS)).all():
            self.numbers.view(np.float64)[chosen] = values
            return
        for place, value in zip(chosen.tolist(), values, strict=True):
            self.texts[place] = text_of(self.shape.codes[place] & TYPE, value)


def _encoded(row: Row) -> bytes:
    return b"" if row[1] is None else text_of(row[0] & TYPE, row[1])


def _decoded(kind: int, data: bytes) -> Any:
    if kind in WORDS:
        return data.decode("utf-8", "surrogatepass")
    return json.loads(data) if data else None
