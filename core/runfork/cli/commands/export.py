"""``runfork export``: runs or points as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runfork.cli.place import find_run, json_option, open_project, place_options, read_condition, tell_unmatched
from runfork.cli.table_files import EXACT, WRITERS, Rows, new_file
from runfork.errors import ArgumentError, NotFoundError
from runfork.index.interface import RunsQuery
from runfork.model.attributes import AttributeType
from runfork.model.messages import plural
from runfork.model.patterns import Pattern, compile_pattern
from runfork.model.steps import from_micro_steps
from runfork.query.attributes import USERS_OWN, Choice, find_definitions
from runfork.query.columns import read_columns
from runfork.query.series import read_in_portions
from runfork.query.source import Source
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.cli.place import Place
    from runfork.index.interface import Series
    from runfork.model.attributes import Value
    from runfork.query.columns import AttributeColumn
    from runfork.query.selection import Inherit
    from runfork.reading.project import Project

ROWS_AT_ONCE = 100_000
"""So many rows are made of points at once: as objects they take ten times as much memory as the points."""
ABOUT = (
    "sys/state",
    "sys/creation_time",
    "sys/modification_time",
    "sys/running_time_seconds",
    "sys/tags",
    "sys/group_tags",
    "sys/description",
    "sys/forking/parent",
    "sys/forking/step",
)
"""What is told of every run, in this order, where no attributes were asked for."""
RUN_COLUMNS = (("run_id", AttributeType.STRING), ("experiment", AttributeType.STRING))
POINT_COLUMNS = (
    *RUN_COLUMNS,
    ("path", AttributeType.STRING),
    ("step", AttributeType.FLOAT),
    ("time", AttributeType.DATETIME),
    ("value", AttributeType.FLOAT),
    ("text", AttributeType.STRING),
    ("source_run", AttributeType.STRING),
)
"""Columns of exported points; `value` is of float series, `text` of string series, `source_run` logged the point."""
POINT_TYPES = (AttributeType.FLOAT_SERIES, AttributeType.STRING_SERIES)


@click.command("export")
@click.argument("what", type=click.Choice(["runs", "experiments", "points"]))
@click.argument("names", metavar="[RUN]...", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; default: stdout.")
@click.option(
    "--format", "format_name", type=click.Choice(list(WRITERS)), help="Default: by the ending of the file, else csv."
)
@click.option("--force", "is_forced", is_flag=True, help="Replace the file if it is there.")
@click.option(
    "--filter", "filter_text", metavar="QUERY", help="Only runs that satisfy QUERY, such as 'val/loss < 0.3'."
)
@click.option("--attributes", metavar="PATTERN", help="Only attributes whose path matches, such as '^train/'.")
@click.option("--all", "is_all", is_flag=True, help="Points: those that every run logged itself, not only of heads.")
@click.option("--own", "is_own", is_flag=True, help="Points: only those that the run logged itself, nothing inherited.")
@click.option("--replaced", "is_replaced", is_flag=True, help="Points: those that later ones at their step replaced.")
@json_option
@place_options
def command(
    *,
    place: Place,
    as_json: bool,
    what: str,
    names: tuple[str, ...],
    output: Path | None,
    format_name: str | None,
    is_forced: bool,
    filter_text: str | None,
    attributes: str | None,
    is_own: bool,
    is_replaced: bool,
    is_all: bool,
) -> None:
    """Write runs, experiments (their heads) or points to CSV, Parquet or JSON.

    Of runs and experiments: a row each with state, times, tags and parent, and a column per attribute; series as their last
    value. Of points: a row each, with run_id, experiment, path, step, time, value or text, and source_run; those that
    experiments' heads show unless RUNs are named or --all is given. What else runfork itself fills in (sys/, runtime/,
    source_code/) is left out unless --attributes asks for it. --json is the same as --format json.
    """
    chosen = _choose_format("json" if as_json else format_name, output)
    pattern = None if attributes is None else compile_pattern(attributes)
    with open_project(place) as project:
        is_all = is_all or (not names and not project.experiments())
        heads_only = what == "experiments" or (what == "points" and not names and not is_all)
        run_ids = _run_ids(project, names, filter_text, heads_only=heads_only)
        if what == "points" and heads_only:
            _tell_left_out(project, run_ids)
        tell_unmatched(attributes, (one.path for one in project.index.definitions(run_ids=run_ids)))
        source = Source(project.name, project.index)
        if what == "points":
            inherit: Inherit = "own" if is_own or is_all else "lineage"
            rows = points_rows(source, run_ids, pattern, inherit=inherit, is_replaced=is_replaced)
        else:
            rows = runs_rows(source, run_ids, pattern)
        with new_file(output, is_forced=is_forced) as file:
            WRITERS[chosen](file, rows)


def _choose_format(name: str | None, output: Path | None) -> str:
    ending = output.suffix.lower().lstrip(".") if output is not None else "csv"
    chosen = name or {"pq": "parquet"}.get(ending, ending)
    if chosen not in WRITERS:
        raise ArgumentError(f"cannot tell the format from {str(output)!r}; add --format csv, parquet or json")
    if chosen == "parquet" and output is None:
        raise ArgumentError("Parquet is not for stdout; name a file with --output")
    return chosen


def _run_ids(project: Project, names: Sequence[str], filter_text: str | None, *, heads_only: bool) -> list[str]:
    named = [find_run(project, name) for name in names] if names else None
    query = RunsQuery(
        filter=read_condition(filter_text, project.index),
        heads_only=heads_only and named is None,
        run_ids=named,
        include_archived=named is not None,
    )
    run_ids = [row.node.run_id for row in project.index.runs(query).rows]
    if not run_ids:
        raise NotFoundError(
            f"project {project.name!r} has no {'experiments' if heads_only else 'runs'} to export, or none that satisfy"
        )
    return run_ids


def _tell_left_out(project: Project, run_ids: Sequence[str]) -> None:
    """Say on stderr that these are not the points of all runs, where that is so."""
    others = len(project.index.nodes()) - len(run_ids)
    if others:
        click.echo(
            f"runfork: these are the points that {plural(len(run_ids), 'head')} of experiments show; {plural(others, 'other run')} "
            "not: name runs, or add --all for what every run logged itself",
            err=True,
        )


def runs_rows(source: Source, run_ids: Sequence[str], pattern: Pattern | None) -> Rows:
    """Return one row per run and one column per attribute; series stand for their last value.

    Args:
        source: The project.
        run_ids: The rows.
        pattern: Which attributes; None is all but those that runfork itself fills in, and `ABOUT`.
    """
    nodes = source.index.nodes()
    choices = [USERS_OWN, Choice(Pattern(names=frozenset(ABOUT)))] if pattern is None else [Choice(pattern)]
    shown = [(path, path, kind) for path, kind in find_definitions(source, choices, run_ids)]
    found = read_columns(source, run_ids, shown)
    if pattern is None:
        found.sort(key=lambda column: ABOUT.index(column.path) if column.path in ABOUT else len(ABOUT))
    kinds = [_kind_of(column) for column in found]
    cells = [
        [None if cell is None else _exported(cell, kind) for cell in column.cells]
        for column, kind in zip(found, kinds, strict=True)
    ]
    names = zip([column.title for column in found], kinds, strict=True)
    experiments = [nodes[run_id].experiment_name for run_id in run_ids]
    return Rows([*RUN_COLUMNS, *names], [[run_ids, experiments, *cells]])


def _kind_of(column: AttributeColumn) -> AttributeType:
    return column.type if column.type is not None and column.type in EXACT else AttributeType.STRING


def _exported(value: Value, kind: AttributeType) -> Any:
    content = value.content
    if kind is not AttributeType.STRING:
        return float(content) if kind is AttributeType.FLOAT else content
    if isinstance(content, FileReference):
        return content.name
    if isinstance(content, Histogram):
        return f"{content.kind} {list(content.bin_edges)} {list(content.values)}"
    return ", ".join(content) if isinstance(content, list) else str(content)


def points_rows(
    source: Source, run_ids: Sequence[str], pattern: Pattern | None, *, inherit: Inherit, is_replaced: bool
) -> Rows:
    """Return points in the order of runs, paths and steps, `ROWS_AT_ONCE` at a time.

    Args:
        source: The project.
        run_ids: Whose.
        pattern: Which float and string series; None is the user's own.
        inherit: How much of the lineage is seen.
        is_replaced: What was replaced at the same step, instead of what stands.
    """
    choice = Choice(USERS_OWN.pattern if pattern is None else pattern, POINT_TYPES)
    nodes = source.index.nodes()
    return Rows(
        POINT_COLUMNS,
        (
            _points(series, nodes[series.key.run_id].experiment_name, slice(first, first + ROWS_AT_ONCE))
            for series in read_in_portions(source, run_ids, [choice], inherit=inherit, replaced=is_replaced)
            for first in range(0, len(series.steps), ROWS_AT_ONCE)
        ),
    )


def _points(series: Series, experiment: str | None, rows: slice) -> list[Sequence[Any]]:
    steps = series.steps[rows].tolist()
    is_float = series.type is AttributeType.FLOAT_SERIES
    values = [float(one) if is_float else str(one) for one in series.values[rows]]
    nothing = [None] * len(steps)
    return [
        [series.key.run_id] * len(steps),
        [experiment] * len(steps),
        [series.key.path] * len(steps),
        [from_micro_steps(step) for step in steps],
        series.times[rows].tolist(),
        values if is_float else nothing,
        nothing if is_float else values,
        [series.segments[at].run_id for at in series.sources[rows].tolist()],
    ]
