"""``runfork export``: runs or points as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runfork.cli.frames import POINT_COLUMNS, points_frames, runs_frame
from runfork.cli.place import find_run, json_option, open_project, place_options, read_condition, tell_unmatched
from runfork.cli.table_files import FORMATS, new_file, write_csv, write_json_rows, write_parquet
from runfork.errors import ArgumentError, NotFoundError
from runfork.index.interface import RunsQuery
from runfork.model.messages import plural
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runfork.cli.frames import Frame, FrameColumn
    from runfork.cli.place import Place
    from runfork.reading.project import Project

__all__ = ["command"]


@click.command("export")
@click.argument("what", type=click.Choice(["runs", "experiments", "points"]))
@click.argument("names", metavar="[RUN]...", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; default: stdout.")
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="Default: by the ending of the file, else csv."
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
        columns: Sequence[FrameColumn] = POINT_COLUMNS
        if what == "points":
            frames: Iterable[Frame] = points_frames(
                project.index, run_ids, pattern, is_own=is_own or is_all, is_replaced=is_replaced
            )
        else:
            table = runs_frame(project.index, run_ids, pattern)
            columns, frames = table.columns, [table]
        with new_file(output, is_forced=is_forced) as file:
            if chosen == "csv":
                write_csv(file, columns, frames)
            elif chosen == "parquet":
                write_parquet(file, columns, frames)
            else:
                write_json_rows(file, frames)


def _choose_format(name: str | None, output: Path | None) -> str:
    ending = output.suffix.lower().lstrip(".") if output is not None else "csv"
    chosen = name or {"pq": "parquet"}.get(ending, ending)
    if chosen not in FORMATS:
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
