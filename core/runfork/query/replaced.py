"""Points that were replaced, as a pandas frame: the one shape in which a step may have several rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.query.frames import as_column, as_steps, label_index, times_column, tuple_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from runfork.index.interface import Series
    from runfork.query.frames import Layout
    from runfork.query.selection import Selection

__all__ = ["ordered_frame"]


def ordered_frame(selection: Selection, series: Sequence[Series], layout: Layout) -> pd.DataFrame:
    """Return points as a frame: a row for each label, step and place in the order at that step, a column for each attribute.

    Args:
        selection: Gives the label of each run.
        series: Points; series without any are left out.
        layout: Which columns there are.
    """
    import pandas as pd

    found = [(selection.label_of[one.key.run_id], one) for one in series if len(one.steps)]
    keys = [_keys(label, one) for label, one in found]
    rows = sorted({key for some in keys for key in some})
    places = {key: place for place, key in enumerate(rows)}
    columns = sorted({layout.column_of(one) for _, one in found})
    is_numeric = all(isinstance(one.values, np.ndarray) for _, one in found)
    shape = len(columns), len(rows)
    values: npt.NDArray[Any] = np.full(shape, np.nan if is_numeric else None, dtype=float if is_numeric else object)
    times = np.full(shape, np.iinfo(np.int64).min)
    for (_, one), some in zip(found, keys, strict=True):
        column, at = columns.index(layout.column_of(one)), [places[key] for key in some]
        times[column, at] = one.times
        for place, value in zip(at, one.values, strict=True):
            values[column, place] = value
    steps = as_steps(np.array([step for _, step, _ in rows], np.int64))
    levels: list[Any] = [label_index([label for label, _, _ in rows]), steps, [order for _, _, order in rows]]
    index: pd.MultiIndex = pd.MultiIndex.from_arrays(levels, names=[selection.kind, "step", "order"])
    if not layout.with_time:
        flat: pd.DataFrame = pd.DataFrame(values.T, index=index, columns=label_index(columns), dtype=values.dtype)
        return flat
    pairs = [(name, part) for name in columns for part in ("value", "absolute_time")]
    cells = [
        cell for number in range(len(columns)) for cell in (as_column(values[number]), times_column(times[number]))
    ]
    frame: pd.DataFrame = pd.DataFrame(dict(enumerate(cells)), index=index)
    frame.columns = tuple_index(pairs, (None, None))
    return frame


def _keys(label: str, series: Series) -> list[tuple[str, int, int]]:
    """Return the row of each point: label, step, and how many of the series' points stand before it at that step."""
    found: list[tuple[str, int, int]] = []
    for step in series.steps.tolist():
        order = found[-1][2] + 1 if found and found[-1][1] == step else 0
        found.append((label, step, order))
    return found
