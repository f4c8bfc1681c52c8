"""What bringing in runs that inherit costs, and what it would without either of the two short ways that the index has for them.

Run it with ``python benchmarks/inheritance.py``. What counts are the ratios. Without the first, what a run inherits is worked out
by going up its whole lineage, not from its parent's values; without the second, all values of a run are, where some changed.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
from benchmarks.index import noise

from runfork.index.sqlite import SqliteIndex
from runfork.index.sqlite.inheritance.attributes import Attributes
from runfork.index.sqlite.inheritance.run_view import RunView
from runfork.journal.records import Batch, MetricRows
from runfork.model.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS, KEPT = 100, 80
"""Of each run, and those before the fork of the next."""


def chain(depth: int, width: int, portion: int) -> Iterator[Batch]:
    """Yield the batches of runs of which each was forked 20 rows before the end of the one before it."""
    for number in range(depth):
        fork = (f"r{number - 1}", KEPT * number - 1) if number else None
        head = HistoryWriter(f"r{number}", now=EPOCH + number * ROWS).create(fork=fork).batch()
        yield head
        values, end = noise(ROWS, width, number), head.end
        for first in range(0, ROWS, portion):
            part = np.arange(first, first + portion)
            steps, times = (KEPT * number + part) * MICRO, EPOCH + number * ROWS + part
            paths = tuple(f"m{column}" for column in range(width))
            rows = MetricRows(paths, steps, times, values[part], None, False, end + np.arange(portion))
            yield Batch(head.key, head.identity, end, end + portion, rows=[rows])
            end += portion


def taken(batches: list[Batch]) -> float:
    """Return the seconds of CPU that bringing in takes."""
    with tempfile.TemporaryDirectory() as folder, closing(SqliteIndex(Path(folder) / "index.db")) as index:
        start = time.process_time()
        for batch in batches:
            index.apply(batch)
        return time.process_time() - start


def always_up(self: RunView, path: int) -> object:
    """Return what a run inherits at a path, as if its parent's values did not tell."""
    return self._seen(path, first=1) if self.has_parent else None


def always_whole(refresh: Callable[..., None]) -> Callable[..., None]:
    """Return what works out all values of a run, whatever changed."""
    return lambda self, run_id, paths, *, is_moved: refresh(self, run_id, paths, is_moved=True)  # noqa: ARG005


def measured(depth: int, width: int, portion: int) -> None:
    """Print what one chain costs as it is, and without each of the short ways."""
    batches = list(chain(depth, width, portion))
    found = min(taken(batches) for _ in range(2))
    with patch.object(RunView, "inherited", always_up):
        up = taken(batches)
    with patch.object(Attributes, "refresh", always_whole(Attributes.refresh)):
        whole = taken(batches)
    what = f"{depth} forks x {width} metrics, {portion} rows at a time"
    print(
        f"{what:48}{found * 1e3:9.1f} ms CPU; always up the lineage {up / found:5.1f} x, always all values {whole / found:5.1f} x"
    )


def main() -> None:
    """Measure long and short lineages, whole and in portions."""
    for depth, width, portion in ((10, 100, 100), (40, 20, 100), (6, 50, 10)):
        measured(depth, width, portion)


if __name__ == "__main__":
    main()
