"""Float series on one grid of equal x ranges, for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from runfork.index.interface import Buckets, BucketsRequest, PointsRequest, Series
from runfork.index.rules.grid import Grid, bucketed
from runfork.model.attributes import AttributeType
from runfork.model.steps import MICRO
from runfork.query.arguments import check_choice, check_count, check_flag
from runfork.query.attributes import attribute_choices, find_definitions, tell_unknown
from runfork.query.frames import import_pandas, times_column, tuple_index
from runfork.query.selection import check_selector, choose, inheritance, select
from runfork.query.series import series_keys
from runfork.query.source import opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import numpy.typing as npt
    import pandas as pd

    from runfork.query.attributes import AttributeSelector, Choice
    from runfork.query.selection import Inherit, RowKind, Selection, Selector
    from runfork.query.source import Source

MAX_BUCKETS = 1000
_STATISTICS = {"min": "minimum", "max": "maximum", "mean": "mean", "count": "counts"}


@dataclass(frozen=True)
class BucketsQuery:
    """Which series on which grid.

    Args:
        kind: Whether columns are labelled by run id or by experiment.
        selector: Which runs or experiments.
        choices: Which attributes.
        x: What the grid divides.
        count: Number of buckets.
        inherit: How much of the lineage is seen.
        with_previews: Whether previews that no committed point has replaced count.
        with_statistics: Whether there are columns for the extremes, the mean and the count.
    """

    kind: RowKind
    selector: Selector
    choices: tuple[Choice, ...]
    x: Literal["step", "time"] = "step"
    count: int = MAX_BUCKETS
    inherit: Inherit = "lineage"
    with_previews: bool = False
    with_statistics: bool = False


def fetch_metric_buckets(
    *,
    project: str | None = None,
    directory: str | PathLike[str] | None = None,
    runs: Selector = None,
    experiments: Selector = None,
    x: Literal["step", "time"] = "step",
    y: AttributeSelector,
    limit: int = MAX_BUCKETS,
    lineage_to_the_root: bool = True,
    include_point_previews: bool = False,
    include_statistics: bool = False,
) -> pd.DataFrame:
    """Return float series thinned out for drawing: one point for each of `limit` equal ranges of x.

    The grid spans the x of all the series together. The first bucket gives its first point, every other one its last; pass
    ``include_statistics=True`` to see what lies between, so that no spike is lost.

    Args:
        project: As in `runfork.list_runs`.
        directory: As in `runfork.list_runs`.
        runs: As in `fetch_metrics`.
        experiments: As in `fetch_metrics`.
        x: ``"step"``, or ``"time"`` for when points were logged.
        y: Which series: a pattern, exact paths, an `Attribute` or an `AttributeFilter`.
        limit: Number of buckets, 1 to 1000.
        lineage_to_the_root: As in `fetch_metrics`.
        include_point_previews: Whether previews that no committed point has replaced count.
        include_statistics: Whether columns ``min``, ``max``, ``mean`` (of finite values) and ``count`` (of all) are there.

    Returns:
        A frame with a `pandas.Interval` of x for each bucket that has a point, closed on the left, the last one on both
        sides. Columns are (``run`` or ``experiment``, ``metric``, ``x`` or ``y``); NaN where a series has no point.

    Raises:
        ArgumentError: An argument cannot be used.
        NotFoundError: There is no such project.
    """
    import_pandas()
    kind, selector = choose(runs, experiments)
    query = BucketsQuery(
        kind,
        check_selector(kind, selector),
        attribute_choices("y", y, types=(AttributeType.FLOAT_SERIES,)),
        check_choice("x", x, ("step", "time")),
        check_count("limit", limit, maximum=MAX_BUCKETS) or MAX_BUCKETS,
        inheritance(kind, lineage_to_the_root),
        check_flag("include_point_previews", include_point_previews),
        check_flag("include_statistics", include_statistics),
    )
    with opened(project, directory) as source:
        return read_buckets(source, query)


def read_buckets(source: Source, query: BucketsQuery) -> pd.DataFrame:
    """Return the buckets that `query` asks for, as a frame."""
    selection = select(source, query.kind, query.selector)
    definitions = find_definitions(source, query.choices, selection.run_ids)
    if selection.run_ids:
        tell_unknown(source, "y", query.choices, definitions)
    keys = series_keys(selection, definitions)
    if query.with_previews:
        series = source.index.points(PointsRequest(keys, inherit=query.inherit, previews=True))
        floats = [one for one in series if one.type is AttributeType.FLOAT_SERIES]
        buckets = bucket_points(floats, count=query.count, x=query.x)
    else:
        buckets = source.index.buckets(BucketsRequest(keys, count=query.count, x=query.x, inherit=query.inherit))
    return _buckets_frame(selection, buckets, query)


def bucket_points(series: Sequence[Series], *, count: int, x: Literal["step", "time"]) -> Buckets:
    """Return points on the grid that `Buckets` describes.

    Args:
        series: Float series.
        count: Number of buckets.
        x: "step" or "time".
    """
    lines = [_points_by_x(one, x) for one in series]
    low = min((int(xs.min()) for xs, _ in lines if len(xs)), default=0)
    high = max((int(xs.max()) for xs, _ in lines if len(xs)), default=0)
    return bucketed(Grid(low, high, count), [one.key for one in series], lines)


def _points_by_x(series: Series, x: Literal["step", "time"]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    values = np.asarray(series.values, dtype=float)
    if x == "step":
        return series.steps, values
    order = np.argsort(series.times, kind="stable")
    return series.times[order], values[order]


def _buckets_frame(selection: Selection, buckets: Buckets, query: BucketsQuery) -> pd.DataFrame:
    import pandas as pd

    label_of = selection.label_of
    rows = np.flatnonzero(buckets.counts.any(axis=0)) if len(buckets.keys) else np.empty(0, np.int64)
    lines = sorted(
        (label_of[key.run_id], key.path, line) for line, key in enumerate(buckets.keys) if buckets.counts[line].any()
    )
    columns: dict[tuple[str, str, str], Any] = {}
    for label, path, line in lines:
        for part, column in _drawn(buckets, line, query).items():
            columns[label, path, part] = column[rows]
    frame: pd.DataFrame = pd.DataFrame(
        dict(enumerate(columns.values())), index=_intervals(buckets.edges, rows, query.x), copy=False
    )
    frame.columns = tuple_index(list(columns), (query.kind, "metric", None))
    return frame


def _drawn(buckets: Buckets, line: int, query: BucketsQuery) -> dict[str, Any]:
    x, y = buckets.last_x[line].copy(), buckets.last[line].copy()
    x[0], y[0] = buckets.first_x[line][0], buckets.first[line][0]
    drawn: dict[str, Any] = {"x": _axis(x, query.x), "y": y}
    if query.with_statistics:
        drawn.update({part: getattr(buckets, name)[line] for part, name in _STATISTICS.items()})
    return drawn


def _axis(values: npt.NDArray[np.float64], x: Literal["step", "time"]) -> Any:
    """Return steps as floats, times as UTC."""
    if x == "step":
        return values / MICRO
    micros = np.full(len(values), np.iinfo(np.int64).min)
    np.copyto(micros, values, where=~np.isnan(values), casting="unsafe")
    return times_column(micros)


def _intervals(edges: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], x: Literal["step", "time"]) -> pd.Index:
    import pandas as pd

    ends = _axis(edges, x)
    last = 0 if edges[0] == edges[-1] else len(edges) - 2
    intervals = [
        pd.Interval(ends[row], ends[row + 1], closed="both" if row == last else "left") for row in rows.tolist()
    ]
    index: pd.Index[Any] = pd.Index(intervals, dtype=object)
    return index
