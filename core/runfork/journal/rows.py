"""Metric rows of a buffer as columns: from frames that are alike to arrays, names that stand in the same rows together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from runfork.journal.format import HEADER_SIZE, STEP_AT, TIME_AT, Flag, Kind
from runfork.journal.records import Damage, MetricRows
from runfork.journal.validation import EARLIEST, LATEST
from runfork.journal.varying_rows import rows_of_many_schemas, rows_of_selections
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from runfork.journal.varying_rows import Stretch

_CLOCK_AXIS, _GIVEN_TIME = int(Flag.CLOCK_AXIS), int(Flag.GIVEN_TIME)
_FEW_ROWS, _MANY_SETS = 64, 64
"""Where so many sets of names have less than so many rows each in a buffer, names vary."""


@dataclass(frozen=True, slots=True)
class AlikeRows:
    """Frames of rows that are alike, wherever in a buffer: kind, flags, schema, bytes of payload; None for paths that are lost."""

    kind: int
    flags: int
    schema: int
    length: int
    paths: tuple[str, ...] | None
    stretches: list[Stretch]

    @property
    def count(self) -> int:
        """How many rows they are."""
        return sum(stretch.frames for stretch in self.stretches)


class RowCollector:
    """Makes columns of the rows of one buffer, and notes what cannot be made of them.

    Args:
        data: The buffer.
        base: Its place in the file.
    """

    def __init__(self, data: bytes, base: int) -> None:
        self.damage: list[Damage] = []
        self.last_time = 0
        """The largest time of the rows whose times are the writer's own; 0 if there are none."""
        self._data = data
        self._base = base

    def collect(self, found: Iterable[AlikeRows]) -> list[MetricRows]:
        """Return the rows as columns, one item per schema and kind, or, where names vary, per names of the same rows."""
        collected: list[MetricRows] = []
        scattered: dict[int, list[AlikeRows]] = defaultdict(list)
        selections: dict[tuple[int, tuple[str, ...]], list[AlikeRows]] = defaultdict(list)
        for alike in found:
            if alike.paths is not None and alike.kind == Kind.SELECTION:
                selections[alike.flags, alike.paths].append(alike)
            elif alike.paths is None or 8 * (len(alike.paths) + (alike.kind == Kind.PREVIEW)) != alike.length:
                size = alike.count * (HEADER_SIZE + alike.length)
                offset = self._base + alike.stretches[0].offset
                self._note_lost(offset, size, f"rows of schema {alike.schema}, whose paths are lost")
            elif alike.kind == Kind.METRICS and alike.count < _FEW_ROWS:
                scattered[alike.flags].append(alike)
            else:
                collected.append(self._columns(alike))
        for (flags, paths), sets in selections.items():
            collected += self._selected(flags, paths, sets)
        for flags, sets in scattered.items():
            if len(sets) < _MANY_SETS:
                collected += [self._columns(alike) for alike in sets]
            else:
                collected += self._gathered(flags, sets)
        return [within for rows in collected if len((within := self._within_range(rows)).steps)]

    def _columns(self, alike: AlikeRows) -> MetricRows:
        stride = HEADER_SIZE + alike.length
        dtype = _row_type(alike.length)
        offsets = _offsets(alike.stretches, stride)
        if len(alike.stretches) == 1:
            (stretch,) = alike.stretches
            rows = np.frombuffer(self._data, dtype, stretch.frames, stretch.offset)
        else:  # two calls a step make a stretch of every row
            frames = sliding_window_view(np.frombuffer(self._data, np.uint8), stride)
            rows = frames[offsets].view(dtype).reshape(-1)
        values: npt.NDArray[np.float64] = rows["values"]
        is_preview = alike.kind == Kind.PREVIEW
        found = MetricRows(
            paths=alike.paths or (),
            steps=np.ascontiguousarray(rows["step"]),
            times=np.ascontiguousarray(rows["time"]),
            values=values[:, 1:] if is_preview else values,
            completion=np.ascontiguousarray(values[:, 0]) if is_preview else None,
            clock_axis=bool(alike.flags & _CLOCK_AXIS),
            sequences=self._base + offsets,
        )
        self._note_times(alike.flags, [found])
        return found

    def _selected(self, flags: int, paths: tuple[str, ...], sets: list[AlikeRows]) -> list[MetricRows]:
        stretches = [(rows.length, stretch) for rows in sets for stretch in rows.stretches]
        clock_axis = bool(flags & _CLOCK_AXIS)
        found, wrong = rows_of_selections(self._data, self._base, paths, stretches, clock_axis=clock_axis)
        for offset, size in wrong:
            self._note_lost(offset, size, "a row of some of a schema's paths, whose values are not as many")
        self._note_times(flags, found)
        return found

    def _gathered(self, flags: int, sets: list[AlikeRows]) -> list[MetricRows]:
        rows = [
            (stretch.offset + place * (HEADER_SIZE + alike.length), alike.paths or ())
            for alike in sets
            for stretch in alike.stretches
            for place in range(stretch.frames)
        ]
        found = rows_of_many_schemas(self._data, self._base, rows, clock_axis=bool(flags & _CLOCK_AXIS))
        self._note_times(flags, found)
        return found

    def _within_range(self, rows: MetricRows) -> MetricRows:
        """Return rows without those whose step is none, and with times that a calendar holds."""
        steps, times = rows.steps, rows.times
        if not len(steps):
            return rows
        first, last = _ends(steps)
        if first < 0 or last > MAX_MICRO_STEP:
            is_right = (steps >= 0) & (steps <= MAX_MICRO_STEP)
            wrong = rows.sequences[~is_right]
            size = len(wrong) * (HEADER_SIZE + 8 * len(rows.paths))
            self._note_lost(int(wrong[0]), size, f"rows whose steps are not from 0 to {MAX_MICRO_STEP} micro-steps")
            columns = [
                "steps",
                "times",
                "values",
                "sequences",
                *(["completion"] if rows.completion is not None else []),
            ]
            rows = replace(rows, **{name: getattr(rows, name)[is_right] for name in columns})
            times = rows.times
        first, last = _ends(times) if len(times) else (EARLIEST, LATEST)
        if first < EARLIEST or last > LATEST:
            rows = replace(rows, times=times.clip(EARLIEST, LATEST))
        return rows

    def _note_lost(self, offset: int, size: int, reason: str) -> None:
        self.damage.append(Damage(offset, size, reason, is_sound=True))

    def _note_times(self, flags: int, found: list[MetricRows]) -> None:
        if not flags & _GIVEN_TIME:
            self.last_time = min(LATEST, max([self.last_time, *(_ends(rows.times)[1] for rows in found)]))


def _ends(numbers: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return the smallest and the largest number; of few, NumPy takes much longer to tell."""
    if len(numbers) > _FEW_ROWS:
        return int(numbers.min()), int(numbers.max())
    found = numbers.tolist()
    return min(found), max(found)


@lru_cache(maxsize=64)
def _row_type(length: int) -> np.dtype[np.void]:
    """Return the type of a frame whose payload has so many bytes."""
    return np.dtype(
        {
            "names": ["step", "time", "values"],
            "formats": ["<i8", "<i8", ("<f8", (length // 8,))],
            "offsets": [STEP_AT, TIME_AT, HEADER_SIZE],
            "itemsize": HEADER_SIZE + length,
        }
    )


def _offsets(stretches: list[Stretch], stride: int) -> npt.NDArray[np.int64]:
    """Return the byte offset of every frame."""
    if len(stretches) == 1:
        first, frames = stretches[0].offset, stretches[0].frames
        return np.arange(first, first + frames * stride, stride, dtype=np.int64)
    counts = np.fromiter((one.frames for one in stretches), np.int64, len(stretches))
    starts = np.fromiter((one.offset for one in stretches), np.int64, len(stretches))
    before = np.cumsum(counts) - counts
    return np.repeat(starts - stride * before, counts) + stride * np.arange(int(counts.sum()))
