"""Points of series as pandas frames: built column by column from NumPy arrays, never point by point."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.model.steps import MICRO

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from runfork.index.interface import Series
    from runfork.query.selection import Selection


def import_pandas() -> None:
    """Raise an ImportError that says how to get pandas, if it is not there."""
    try:
        import pandas as pd  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'this function returns a pandas DataFrame and pandas is missing; pip install "runfork[pandas]"'
        ) from error


@dataclass(frozen=True)
class Layout:
    """Which columns a frame of points has.

    Args:
        with_time: Whether each attribute has a column ``absolute_time``.
        with_previews: Whether each attribute has columns ``is_preview`` and ``preview_completion``.
        with_type: Whether the type stands after the attribute's name.
        with_order: Whether a step may have several rows, told apart by ``order``: points that were replaced.
    """

    with_time: bool = False
    with_previews: bool = False
    with_type: bool = False
    with_order: bool = False

    @property
    def is_flat(self) -> bool:
        """Whether columns are attributes rather than pairs of attribute and part."""
        return not (self.with_time or self.with_previews)

    def column_of(self, series: Series) -> str:
        """Return the name of the column in which `series` stands."""
        return f"{series.key.path}:{series.type.value}" if self.with_type else series.key.path


@dataclass(frozen=True)
class _Grid:
    """Where each point of some series goes: a row for each label and step, a column for each name.

    Args:
        labels: Labels that have points, sorted.
        blocks: For each label its steps, increasing; with an order, each as often as any series has points there.
        columns: Names of columns, sorted.
        with_order: Whether a step may have several rows.
    """

    labels: list[str]
    blocks: list[npt.NDArray[np.int64]]
    columns: list[str]
    with_order: bool
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        ends = np.cumsum([0, *map(len, self.blocks)])
        object.__setattr__(self, "starts", [int(end) for end in ends])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.columns), self.starts[-1]

    @cached_property
    def column_numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.columns)}

    @cached_property
    def label_numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.labels)}

    def rows(self, label: str, steps: npt.NDArray[np.int64]) -> slice | npt.NDArray[np.int64]:
        number = self.label_numbers[label]
        start, block = self.starts[number], self.blocks[number]
        if len(steps) == len(block):
            return slice(start, start + len(block))
        rows = start + np.searchsorted(block, steps)
        return rows + _places_at_step(steps) if self.with_order else rows


def _places_at_step(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many equal steps stand before each of increasing ones."""
    return np.arange(len(steps)) - np.searchsorted(steps, steps)


def _grid(found: Sequence[tuple[str, Series]], layout: Layout) -> _Grid:
    steps: dict[str, list[npt.NDArray[np.int64]]] = {}
    for label, series in found:
        steps.setdefault(label, []).append(series.steps)
    labels = sorted(steps)
    columns = sorted({layout.column_of(series) for _, series in found})
    union = _union_with_order if layout.with_order else _union
    return _Grid(labels, [union(steps[label]) for label in labels], columns, layout.with_order)


def _union_with_order(steps: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    distinct = np.unique(np.concatenate(steps))
    counts = [np.searchsorted(one, distinct, "right") - np.searchsorted(one, distinct) for one in steps]
    return np.repeat(distinct, np.max(counts, axis=0))


def _union(steps: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    first, *others = steps
    # Most metrics of a run are logged together: comparing is ten times cheaper than sorting.
    others = [one for one in others if len(one) != len(first) or not np.array_equal(one, first)]
    return np.unique(np.concatenate([first, *others])) if others else first


def series_frame(selection: Selection, series: Sequence[Series], layout: Layout) -> pd.DataFrame:
    """Return points as a frame: a row for each label and step that has a point, sorted; a column for each attribute, sorted.

    Where the layout has an order, a step has as many rows as any series has points there.

    Args:
        selection: Gives the label of each run.
        series: Points; series without any are left out.
        layout: Which columns there are.
    """
    import pandas as pd

    label_of = selection.label_of
    found = [(label_of[one.key.run_id], one) for one in series if len(one.steps)]
    grid = _grid(found, layout)
    index = _row_index(grid, selection.kind)
    values = _values(grid, found, layout)
    if layout.is_flat:
        columns = label_index(grid.columns)
        flat: pd.DataFrame = pd.DataFrame(values.T, index=index, columns=columns, dtype=values.dtype, copy=False)
        return flat
    parts = {"value": [as_column(row) for row in values], **_extra_parts(grid, found, layout)}
    pairs = [(name, part) for name in grid.columns for part in parts]
    data = {number: parts[part][grid.column_numbers[name]] for number, (name, part) in enumerate(pairs)}
    frame: pd.DataFrame = pd.DataFrame(data, index=index, copy=False)
    frame.columns = tuple_index(pairs, (None, None))
    return frame


def tuple_index(tuples: Sequence[tuple[str, ...]], names: tuple[str | None, ...]) -> pd.MultiIndex:
    """Return tuples of names as an index of that many levels, whether there are any or not."""
    import pandas as pd

    levels = [label_index([one[level] for one in tuples]) for level in range(len(names))]
    index: pd.MultiIndex = pd.MultiIndex.from_arrays(levels, names=names)
    return index


def _row_index(grid: _Grid, kind: str) -> pd.MultiIndex:
    import pandas as pd

    steps = as_steps(np.concatenate([np.empty(0, np.int64), *grid.blocks]))
    distinct, codes = np.unique(steps, return_inverse=True)
    counts = np.diff(grid.starts)
    levels: Any = [label_index(grid.labels), pd.Index(distinct, dtype=float)]
    numbers: Any = [np.repeat(np.arange(len(counts)), counts), codes]
    names = [kind, "step"]
    if grid.with_order:
        order = np.concatenate([np.empty(0, np.int64), *map(_places_at_step, grid.blocks)])
        levels.append(pd.RangeIndex(order.max(initial=-1) + 1))
        numbers.append(order)
        names.append("order")
    index: pd.MultiIndex = pd.MultiIndex(levels=levels, codes=numbers, names=names, verify_integrity=False)
    return index


def as_steps(micros: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return micro-steps as steps, each the float nearest to it."""
    steps = micros / MICRO
    # Beyond 2**53 the division above first rounds to a float and then once more.
    large = np.flatnonzero(micros >= 1 << 53)
    steps[large] = [micro / MICRO for micro in micros[large].tolist()]
    return steps


def label_index(labels: Sequence[str], name: str | None = None) -> pd.Index:
    """Return names as an index, of one dtype whether there are any or not."""
    import pandas as pd

    index: pd.Index[Any] = pd.Index(list(labels), dtype=str, name=name)
    return index


def _values(grid: _Grid, found: Sequence[tuple[str, Series]], layout: Layout) -> npt.NDArray[Any]:
    is_numeric = all(isinstance(series.values, np.ndarray) for _, series in found)
    plane: npt.NDArray[Any] = np.full(grid.shape, np.nan if is_numeric else None, dtype=float if is_numeric else object)
    for label, series in found:
        plane[grid.column_numbers[layout.column_of(series)], grid.rows(label, series.steps)] = _value_array(series)
    return plane


def _value_array(series: Series) -> npt.NDArray[Any]:
    values = series.values  # noqa: PD011  (no pandas object)
    if isinstance(values, np.ndarray):
        return values
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _extra_parts(grid: _Grid, found: Sequence[tuple[str, Series]], layout: Layout) -> dict[str, list[Any]]:
    import pandas as pd

    parts: dict[str, list[Any]] = {}
    if layout.with_time:
        times = np.full(grid.shape, np.iinfo(np.int64).min)
        _fill(times, grid, found, layout, "times")
        parts["absolute_time"] = [times_column(row) for row in times]
    if layout.with_previews:
        previews, completion = np.zeros(grid.shape, bool), np.full(grid.shape, np.nan)
        _fill(previews, grid, found, layout, "is_preview")
        _fill(completion, grid, found, layout, "completion")
        missing = np.isnan(completion)
        parts["is_preview"] = [pd.arrays.BooleanArray(*pair) for pair in zip(previews, missing, strict=True)]
        parts["preview_completion"] = list(completion)
    return parts


def _fill(plane: npt.NDArray[Any], grid: _Grid, found: Sequence[tuple[str, Series]], layout: Layout, part: str) -> None:
    for label, series in found:
        plane[grid.column_numbers[layout.column_of(series)], grid.rows(label, series.steps)] = getattr(series, part)


def as_column(values: npt.NDArray[Any]) -> Any:
    """Return values so that a frame keeps their dtype: pandas 3 takes bare arrays of str for its own text type."""
    import pandas as pd

    return pd.Index(values, dtype=object) if values.dtype == object else values


def times_column(micros: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return microseconds since 1970 as UTC times; the smallest int64 is no time."""
    import pandas as pd

    times: pd.DatetimeIndex = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")
    return times
