"""Series as frames: a row for each run (or experiment) and step, a column for each attribute."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from runfork.index.interface import PointsRequest, Series, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.query.arguments import check_choice, check_count, check_flag, check_step_range
from runfork.query.attributes import attribute_choices, find_definitions, tell_unknown
from runfork.query.files import logged_file
from runfork.query.frames import Layout, import_pandas, series_frame
from runfork.query.selection import check_selector, choose, inheritance, select
from runfork.query.source import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    import pandas as pd

    from runfork.query.attributes import AttributeSelector, Choice
    from runfork.query.selection import Inherit, RowKind, Selection, Selector
    from runfork.query.source import Source

POINTS_AT_ONCE = 1_000_000
StepRange = tuple[float | None, float | None]
_METRICS = (AttributeType.FLOAT_SERIES,)
_OTHERS = (AttributeType.STRING_SERIES, AttributeType.HISTOGRAM_SERIES, AttributeType.FILE_SERIES)


@dataclass(frozen=True)
class SeriesQuery:
    """Which points a frame shows.

    Args:
        kind: Whether rows are labelled by run id or by experiment.
        selector: Which runs or experiments.
        choices: Which attributes.
        inherit: How much of the lineage is seen.
        step_range: First and last micro-step, inclusive; None is open.
        tail: The last so many points of each series, or None.
        layout: Columns of the frame.
    """

    kind: RowKind
    selector: Selector
    choices: tuple[Choice, ...]
    inherit: Inherit = "lineage"
    step_range: tuple[int | None, int | None] = (None, None)
    tail: int | None = None
    layout: Layout = field(default_factory=Layout)


def fetch_metrics(
    *,
    project: str | None = None,
    directory: str | PathLike[str] | None = None,
    runs: Selector = None,
    experiments: Selector = None,
    attributes: AttributeSelector,
    include_time: Literal["absolute"] | None = None,
    step_range: StepRange = (None, None),
    lineage_to_the_root: bool = True,
    tail_limit: int | None = None,
    type_suffix_in_column_names: bool = False,
    include_point_previews: bool = False,
    replaced: bool = False,
) -> pd.DataFrame:
    """Return points of float series, all of them, as they were logged.

    Args:
        project: As in `runfork.list_runs`.
        directory: As in `runfork.list_runs`.
        runs: Which runs: a pattern, exact ids or a `Filter`. Exactly one of `runs` and `experiments` is given.
        experiments: Which experiments: a pattern, exact names or a `Filter` on their heads.
        attributes: Which series: a pattern, exact paths, an `Attribute` or an `AttributeFilter`. Others than float series are
            left out.
        include_time: ``"absolute"`` adds when each point was logged, in UTC.
        step_range: First and last step, both inclusive; None is open.
        lineage_to_the_root: Whether points inherited from ancestors are there. If not, an experiment begins where its name
            does in the lineage, and a run has its own points only.
        tail_limit: The last so many points of each series within `step_range`.
        type_suffix_in_column_names: Whether columns are named ``path:float_series``.
        include_point_previews: Whether previews that no committed point has replaced are there, with columns that say so.
        replaced: Return the points that were replaced, instead of those that stand: a run logged another one at the same step
            later, in this process or in another. The index has a third level then, ``order``: 0 for the one logged first.

    Returns:
        A frame with index (``run`` or ``experiment``, ``step``), sorted, and columns sorted by path; NaN stands where a
        series has no point at that step. With times or previews, columns are pairs of path and ``value``,
        ``absolute_time``, ``is_preview`` and ``preview_completion``.

    Raises:
        ArgumentError: An argument cannot be used.
        NotFoundError: There is no such project.
    """
    layout = Layout(
        with_previews=check_flag("include_point_previews", include_point_previews),
        with_type=check_flag("type_suffix_in_column_names", type_suffix_in_column_names),
        with_order=check_flag("replaced", replaced),
    )
    query = _series_query(
        (runs, experiments), (attributes, _METRICS), include_time, step_range, lineage_to_the_root, tail_limit, layout
    )
    with opened(project, directory) as source:
        return read_series(source, query)


def fetch_series(
    *,
    project: str | None = None,
    directory: str | PathLike[str] | None = None,
    runs: Selector = None,
    experiments: Selector = None,
    attributes: AttributeSelector,
    include_time: Literal["absolute"] | None = None,
    step_range: StepRange = (None, None),
    lineage_to_the_root: bool = True,
    tail_limit: int | None = None,
    replaced: bool = False,
) -> pd.DataFrame:
    """Return points of string, histogram and file series.

    Steps of captured console output and logs are Unix time in seconds, and so is `step_range` for them.

    Args:
        project: As in `runfork.list_runs`.
        directory: As in `runfork.list_runs`.
        runs: As in `fetch_metrics`.
        experiments: As in `fetch_metrics`.
        attributes: Which series: a pattern, exact paths, an `Attribute` or an `AttributeFilter`. Float series and single
            values are left out.
        include_time: As in `fetch_metrics`.
        step_range: As in `fetch_metrics`.
        lineage_to_the_root: As in `fetch_metrics`.
        tail_limit: As in `fetch_metrics`.
        replaced: As in `fetch_metrics`.

    Returns:
        A frame shaped as from `fetch_metrics`; values are str, `Histogram` and `LoggedFile`, or None.

    Raises:
        ArgumentError: An argument cannot be used.
        NotFoundError: There is no such project.
    """
    layout = Layout(with_order=check_flag("replaced", replaced))
    query = _series_query(
        (runs, experiments), (attributes, _OTHERS), include_time, step_range, lineage_to_the_root, tail_limit, layout
    )
    with opened(project, directory) as source:
        return read_series(source, query)


def _series_query(
    selectors: tuple[Selector, Selector],
    attributes: tuple[object, Sequence[AttributeType]],
    include_time: object,
    step_range: object,
    lineage_to_the_root: object,
    tail_limit: object,
    layout: Layout,
) -> SeriesQuery:
    """Return what both functions are asked for, checked; `attributes` come with the types that count."""
    import_pandas()
    kind, selector = choose(*selectors)
    wanted, types = attributes
    return SeriesQuery(
        kind,
        check_selector(kind, selector),
        attribute_choices("attributes", wanted, types=types),
        inheritance(kind, lineage_to_the_root),
        check_step_range(step_range),
        check_count("tail_limit", tail_limit),
        replace(layout, with_time=check_choice("include_time", include_time, (None, "absolute")) is not None),
    )


def read_series(source: Source, query: SeriesQuery) -> pd.DataFrame:
    """Return the points that `query` asks for, as a frame."""
    selection = select(source, query.kind, query.selector)
    definitions = find_definitions(source, query.choices, selection.run_ids)
    if selection.run_ids:
        tell_unknown(source, "attributes", query.choices, definitions)
    request = PointsRequest(
        series_keys(selection, definitions),
        inherit=query.inherit,
        step_range=query.step_range,
        tail=query.tail,
        previews=query.layout.with_previews,
        replaced=query.layout.with_order,
    )
    known = set(definitions)
    found = [series for series in source.index.points(request) if (series.key.path, series.type) in known]
    return series_frame(selection, [_with_files(source, selection, series) for series in found], query.layout)


def series_keys(selection: Selection, definitions: Sequence[tuple[str, AttributeType]]) -> list[SeriesKey]:
    """Return every pair of a selected run and a path; an index leaves out those that are not there."""
    paths = sorted({path for path, _ in definitions})
    return [SeriesKey(run_id, path) for run_id in selection.run_ids for path in paths]


def read_in_portions(
    source: Source,
    run_ids: Sequence[str],
    choices: Sequence[Choice],
    *,
    inherit: Inherit = "lineage",
    replaced: bool = False,
) -> Iterator[Series]:
    """Yield series in the order of runs and paths, reading at most `POINTS_AT_ONCE` points, or one series, at a time.

    Args:
        source: The project.
        run_ids: Whose.
        choices: Which.
        inherit: How much of the lineage is seen.
        replaced: What was replaced at the same step, instead of what stands.
    """
    for run_id in run_ids:
        paths = [path for path, _ in find_definitions(source, choices, [run_id])]
        values = source.index.values([run_id], paths=paths).get(run_id, {})
        portions: list[list[SeriesKey]] = []
        room = 0
        for path in paths:
            statistics = values[path].statistics if path in values else None
            size = int((statistics or {}).get("count") or 0)
            if not portions or size > room:
                portions.append([])
                room = POINTS_AT_ONCE
            portions[-1].append(SeriesKey(run_id, path))
            room -= size
        for keys in portions:
            yield from source.index.points(PointsRequest(keys, inherit=inherit, replaced=replaced))


def _with_files(source: Source, selection: Selection, series: Series) -> Series:
    """Return a file series whose values say where they are from; any other as it is."""
    if series.type is not AttributeType.FILE_SERIES:
        return series
    run_id, path = series.key.run_id, series.key.path
    files = [
        logged_file(
            source,
            selection,
            run_id,
            path,
            reference,
            source_run=series.segments[position].run_id,
            micro_step=step,
        )
        for reference, position, step in zip(series.values, series.sources.tolist(), series.steps.tolist(), strict=True)
    ]
    return replace(series, values=files)
