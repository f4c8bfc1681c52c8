"""``runfork ls``: experiments, or runs, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runfork.cli.formats import NOTHING, format_age, format_number, format_value, one_line, run_names, state_style
from runfork.cli.json_output import write_json
from runfork.cli.place import json_option, open_project, place_options, read_condition
from runfork.errors import NotFoundError
from runfork.model.messages import plural
from runfork.model.steps import format_step, shown_step
from runfork.query.documents import json_item
from runfork.query.names import attribute_suggestion, listed
from runfork.query.pages import Order, parse_column, read_listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.cli.drawing.console import OutputConsole
    from runfork.cli.place import Place
    from runfork.index.interface import Index
    from runfork.query.pages import ColumnChoice, Item, Listing
    from runfork.reading.project import Project

DEFAULT_LIMIT = 50
_ALWAYS_SHOWN = ("experiment", "state", "created")
"""Words of columns that are there without being asked for."""


@click.command("ls")
@click.option("--runs", "is_runs", is_flag=True, help="List runs, not experiments.")
@click.option(
    "--filter", "filter_text", metavar="QUERY", help="Only those that satisfy QUERY, such as 'val/loss < 0.3'."
)
@click.option(
    "--sort", "sort_text", metavar="COLUMN", help="Sort by an attribute, the least first; default: newest first."
)
@click.option("-r", "--reverse", "is_descending", is_flag=True, help="With --sort: the greatest first.")
@click.option(
    "--columns",
    "column_texts",
    metavar="COLUMN,...",
    help="Attributes to show, such as 'lr,min(val/loss)'; default: a few metrics.",
)
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(0),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="At most so many; 0 is all.",
)
@click.option("--archived", "include_archived", is_flag=True, help="Archived runs too.")
@json_option
@place_options
def command(
    *,
    place: Place,
    as_json: bool,
    is_runs: bool,
    filter_text: str | None,
    sort_text: str | None,
    is_descending: bool,
    column_texts: str | None,
    limit: int,
    include_archived: bool,
) -> None:
    """List experiments: how many runs, the head, its state and last metrics.

    An experiment is the lineage of runs that share a name; its head is the latest of them. A COLUMN is an attribute's
    path, a word such as state, experiment, parent or created, or of a metric last(path), min(path), max(path),
    average(path) or variance(path).
    """
    with open_project(place) as project:
        listing = read_listing(
            project.index,
            heads_only=not is_runs,
            condition=read_condition(filter_text, project.index),
            order=[] if sort_text is None else [Order(parse_column(sort_text), is_descending)],
            columns=_columns(column_texts),
            limit=limit or None,
            include_archived=include_archived,
        )
        if column_texts is not None:
            _tell_unknown(project.index, listing.columns)
        if as_json:
            write_json(_json_listing(project.name, listing, is_runs=is_runs))
        else:
            _print_listing(
                project,
                listing,
                is_runs=is_runs,
                is_filtered=filter_text is not None,
                is_chosen=column_texts is not None,
            )


def _columns(text: str | None) -> list[ColumnChoice] | None:
    return None if text is None else [parse_column(one) for one in text.split(",") if one.strip()]


def _tell_unknown(index: Index, columns: Sequence[ColumnChoice]) -> None:
    """Say on stderr which columns no run has."""
    there = {one.path for one in index.definitions()}
    if unknown := [column.path for column in columns if column.path not in there and column.word is None]:
        click.echo(f"runfork: no run has {listed(unknown)}{attribute_suggestion(unknown, index)}", err=True)


def _json_listing(project: str, listing: Listing, *, is_runs: bool) -> dict[str, Any]:
    return {
        "project": project,
        "mode": "runs" if is_runs else "experiments",
        "total": listing.total,
        "items": [json_item(item, listing.columns) for item in listing.items],
    }


def _print_listing(project: Project, listing: Listing, *, is_runs: bool, is_filtered: bool, is_chosen: bool) -> None:
    if not listing.items:
        raise NotFoundError(_nothing_found(project.name, listing, is_runs=is_runs, is_filtered=is_filtered))
    from runfork.cli.drawing.console import open_console
    from runfork.cli.drawing.tables import print_table

    console = open_console()
    columns = (_run_columns if is_runs else _experiment_columns)(project, listing, console)
    left_out = print_table(console, columns)
    for note in _notes(listing, left_out, is_runs=is_runs, is_chosen=is_chosen):
        console.print(note, style="dim")


def _nothing_found(project: str, listing: Listing, *, is_runs: bool, is_filtered: bool) -> str:
    what = "runs" if is_runs else "experiments"
    if is_filtered:
        return f"no {what} in project {project!r} satisfy the filter"
    if not is_runs and listing.nameless_count:
        return f"no experiments in project {project!r}, but {plural(listing.nameless_count, 'run')} without a name; use --runs"
    return f"no {what} in project {project!r}"


def _notes(listing: Listing, left_out: Sequence[str], *, is_runs: bool, is_chosen: bool) -> list[str]:
    notes = []
    if hidden := listing.total - len(listing.items):
        notes.append(f"{hidden} more; -n 0 lists all")
    if left_out and is_chosen:  # of columns that nobody asked for, nothing needs to be said
        notes.append(f"no room for {', '.join(left_out)}; a wider terminal has it")
    if not is_runs and listing.nameless_count:
        notes.append(f"{plural(listing.nameless_count, 'run')} without an experiment; --runs lists them")
    return notes


def _experiment_columns(project: Project, listing: Listing, console: OutputConsole) -> list[Any]:
    from runfork.cli.drawing.tables import Cell, Column

    names = run_names(project.index, are_short=console.is_terminal)
    items = listing.items
    return [
        Column(
            "EXPERIMENT",
            [Cell(one_line(item.row.node.experiment_name or ""), "bold") for item in items],
            is_flexible=True,
        ),
        Column("RUNS", [Cell(str(item.run_count)) for item in items], is_number=True),
        Column("HEAD", [Cell(one_line(names[item.row.node.run_id])) for item in items], is_flexible=True),
        *_shared_columns(listing),
    ]


def _run_columns(project: Project, listing: Listing, console: OutputConsole) -> list[Any]:
    from runfork.cli.drawing.tables import Cell, Column

    names = run_names(project.index, are_short=console.is_terminal)
    items = listing.items

    forks = [item.row.node.fork for item in items]

    return [
        Column("RUN", [Cell(one_line(names[item.row.node.run_id]), "bold") for item in items], is_flexible=True),
        Column(
            "EXPERIMENT",
            [
                Cell(one_line(item.row.node.experiment_name or NOTHING), None if item.row.is_head else "dim")
                for item in items
            ],
            is_flexible=True,
        ),
        Column(
            "FORK OF",
            [Cell(one_line(names.get(fork.parent, fork.parent)) if fork else "") for fork in forks],
            is_flexible=True,
        ),
        Column("AT", [Cell(format_step(fork.step) if fork else "") for fork in forks], is_number=True),
        *_shared_columns(listing),
    ]


def _shared_columns(listing: Listing) -> list[Any]:
    from runfork.cli.drawing.tables import Cell, Column

    items = listing.items

    def cell(item: Item, column: ColumnChoice) -> Cell:
        value = item.values.get(column.path)
        if value is None:
            return Cell(NOTHING, "dim")
        return Cell(format_value(value) if column.aggregate is None else format_number(column.content(value)))

    def is_number(column: ColumnChoice) -> bool:
        values = [item.values[column.path] for item in items if column.path in item.values]
        return all(value.type.value in ("int", "float", "float_series", "none") for value in values)

    return [
        Column("STATE", [Cell(item.state or NOTHING, state_style(item.state)) for item in items]),
        Column(
            "STEP",
            [Cell(NOTHING if item.last_step is None else shown_step(item.last_step)) for item in items],
            is_number=True,
        ),
        *(
            Column(
                one_line(column.title),
                [cell(item, column) for item in items],
                is_number=is_number(column),
                is_optional=True,
                is_flexible=not is_number(column),
            )
            for column in listing.columns
            if column.word not in _ALWAYS_SHOWN or column.aggregate is not None
        ),
        Column("CREATED", [Cell(format_age(item.row.node.created), "dim") for item in items], is_optional=True),
    ]
