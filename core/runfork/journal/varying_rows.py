"""Rows whose names vary from one to the next, put together series by series: names that come together once cost next to nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from runfork.journal.format import HEADER_SIZE, STEP_AT, TIME_AT, selection_bytes
from runfork.journal.records import MetricRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runfork.model.arrays import Floats, Integers


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames of equal length, kind and schema that follow each other: byte offset of the first, and how many."""

    offset: int
    frames: int


@dataclass(frozen=True)
class _Points:
    """Points of rows: int64[n] each of the rows, in order; of the points the row, the number of the series, and the value."""

    steps: Integers
    times: Integers
    sequences: Integers
    rows: Integers
    series: Integers
    values: Floats


def rows_of_many_schemas(
    data: bytes, base: int, rows: Iterable[tuple[int, tuple[str, ...]]], *, clock_axis: bool
) -> list[MetricRows]:
    """Return METRICS rows as columns: names that stand in the same rows together, each row in as many groups as it takes.

    Args:
        data: The bytes of a journal.
        base: Their place in it.
        rows: Where the frame of each begins in `data`, and its paths.
        clock_axis: Whether their steps are Unix time.
    """
    placed = sorted(rows, key=lambda row: row[0])
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    widths = [len(paths) for _, paths in placed]
    series = np.fromiter(
        chain.from_iterable(map(numbers.__getitem__, paths) for _, paths in placed), np.int64, sum(widths)
    )
    heads = np.frombuffer(b"".join(data[at + STEP_AT : at + HEADER_SIZE] for at, _ in placed), "<i8").reshape(-1, 2)
    bodies = b"".join(
        data[at + HEADER_SIZE : at + HEADER_SIZE + 8 * width] for (at, _), width in zip(placed, widths, strict=True)
    )
    points = _Points(
        steps=heads[:, 0],
        times=heads[:, 1],
        sequences=base + np.array([at for at, _ in placed], np.int64),
        rows=np.repeat(np.arange(len(placed)), widths),
        series=series,
        values=np.frombuffer(bodies, "<f8"),
    )
    return _by_names(points, list(numbers), clock_axis=clock_axis)


def rows_of_selections(
    data: bytes, base: int, paths: Sequence[str], found: Iterable[tuple[int, Stretch]], *, clock_axis: bool
) -> tuple[list[MetricRows], list[tuple[int, int]]]:
    """Return SELECTION rows of one schema as columns, as `rows_of_many_schemas` does, and place and size of those that are none.

    Args:
        data: The bytes of a journal.
        base: Their place in it.
        paths: Those of the schema.
        found: Payload length and place of stretches of them.
        clock_axis: Whether their steps are Unix time.
    """
    parts: list[_Points] = []
    wrong: list[tuple[int, int]] = []
    bits = selection_bytes(len(paths))
    of_length: dict[int, list[Stretch]] = defaultdict(list)
    for length, stretch in found:
        of_length[length].append(stretch)
    for length, stretches in of_length.items():
        stride, width = HEADER_SIZE + length, (length - bits) // 8
        if length < bits or length % 8:
            wrong += [(base + stretch.offset, stretch.frames * stride) for stretch in stretches]
            continue
        frames = b"".join(data[one.offset : one.offset + one.frames * stride] for one in stretches)
        table = np.frombuffer(frames, _frame_of(bits, width))
        counts = [stretch.frames for stretch in stretches]
        starts = np.array([stretch.offset for stretch in stretches], np.int64)
        before = np.cumsum([0, *counts[:-1]])
        sequences = base + np.repeat(starts - stride * before, counts) + stride * np.arange(len(table))
        chosen = np.unpackbits(table["bits"], axis=1, bitorder="little")
        is_right = (chosen.sum(axis=1) == width) & ~chosen[:, len(paths) :].any(axis=1)
        if not is_right.all():
            wrong += [(int(at), stride) for at in sequences[~is_right]]
            table, chosen, sequences = table[is_right], chosen[is_right], sequences[is_right]
        rows, series = np.nonzero(chosen)
        parts.append(_Points(table["step"], table["time"], sequences, rows, series, table["values"].ravel()))
    points = _joined(parts)
    return _by_names(points, paths, clock_axis=clock_axis) if points is not None else [], wrong


def _frame_of(bits: int, width: int) -> np.dtype[np.void]:
    """Return the layout of a SELECTION frame with so many bytes of bits and so many values."""
    return np.dtype(
        {
            "names": ["step", "time", "bits", "values"],
            "formats": ["<i8", "<i8", ("u1", (bits,)), ("<f8", (width,))],
            "offsets": [STEP_AT, TIME_AT, HEADER_SIZE, HEADER_SIZE + bits],
            "itemsize": HEADER_SIZE + bits + 8 * width,
        }
    )


def _joined(parts: list[_Points]) -> _Points | None:
    """Return the points of parts together, the rows in the order of the journal; None of no rows."""
    parts = [part for part in parts if len(part.steps)]
    if len(parts) < 2:  # noqa: PLR2004
        return parts[0] if parts else None
    sequences = np.concatenate([part.sequences for part in parts])
    order = np.argsort(sequences)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    starts = np.cumsum([0, *(len(part.steps) for part in parts[:-1])])
    rows = places[np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)])]
    by_row = np.argsort(rows, kind="stable")
    return _Points(
        steps=np.concatenate([part.steps for part in parts])[order],
        times=np.concatenate([part.times for part in parts])[order],
        sequences=sequences[order],
        rows=rows[by_row],
        series=np.concatenate([part.series for part in parts])[by_row],
        values=np.concatenate([part.values for part in parts])[by_row],
    )


def _by_names(points: _Points, names: Sequence[str], *, clock_axis: bool) -> list[MetricRows]:
    together: dict[bytes, list[tuple[str, Integers, Floats]]] = defaultdict(list)
    for number, rows, values in _by_series(points):
        together[rows.tobytes()].append((names[number], rows, values))
    return [
        MetricRows(
            paths=tuple(name for name, _, _ in group),
            steps=np.ascontiguousarray(points.steps[group[0][1]]),
            times=np.ascontiguousarray(points.times[group[0][1]]),
            values=np.stack([values for _, _, values in group], axis=1),
            completion=None,
            clock_axis=clock_axis,
            sequences=points.sequences[group[0][1]],
        )
        for group in together.values()
    ]


def _by_series(points: _Points) -> Iterator[tuple[int, Integers, Floats]]:
    """Yield each series that has points: its number, and the rows and values of its points in their order."""
    # short numbers are sorted much faster
    few = points.series.astype(np.uint16) if points.series.max() < 2**16 else points.series
    order = np.argsort(few, kind="stable")
    rows, values = points.rows[order], points.values[order]
    ends = np.cumsum(np.bincount(points.series)).tolist()
    for number, (first, last) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        if last > first:
            yield number, rows[first:last], values[first:last]
