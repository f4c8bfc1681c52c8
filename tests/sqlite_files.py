"""What tests of the SQLite index make of it and ask of its file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from runfork.journal.records import Batch, MetricRows
from runfork.model.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter


def row_of(path: Path, query: str) -> tuple[int]:
    """Return the one row of a query, by a connection of our own."""
    with closing(sqlite3.connect(path)) as connection:
        found: tuple[int] = connection.execute(query).fetchone()
    return found


def long_run(index, run_id, count, *, paths=("x",), size=1_000_000):
    """Apply many rows at once, without a frame object each; return the values of the first path."""
    head = HistoryWriter(run_id).create().batch()
    index.apply(head)
    values = np.random.default_rng(0).standard_normal((count, len(paths)))
    steps = np.arange(count)
    offsets = head.end + steps * 40
    for first in range(0, count, size):
        part = slice(first, first + size)
        rows = MetricRows(paths, steps[part] * MICRO, EPOCH + steps[part], values[part], None, False, offsets[part])
        end = head.end + min(first + size, count) * 40
        index.apply(Batch(head.key, head.identity, int(offsets[first]), end, rows=[rows]))
    return values[:, 0]
