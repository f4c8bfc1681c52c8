"""``runfork compare``: runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runfork.cli.formats import format_number, format_value, one_line, run_names
from runfork.cli.json_output import write_json
from runfork.cli.place import find_run, json_option, open_project, place_options, tell_unmatched
from runfork.errors import ArgumentError
from runfork.model.attributes import AttributeType, is_system_path
from runfork.model.differences import compare_values
from runfork.model.patterns import compile_pattern
from runfork.query.documents import json_held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.cli.drawing.tables import Cell
    from runfork.cli.place import Place
    from runfork.model.differences import ComparisonRow
    from runfork.reading.project import Project

_NUMBERS = (AttributeType.INT, AttributeType.FLOAT, AttributeType.FLOAT_SERIES)


@click.command("compare")
@click.argument("names", metavar="RUN RUN...", nargs=-1, required=True)
@click.option("--only-differences", is_flag=True, help="Leave out what is the same in all of them.")
@click.option("--attributes", metavar="PATTERN", help="Only attributes whose path matches, such as 'lr | ^val/'.")
@click.option("--system", "include_system", is_flag=True, help="Also sys/, runtime/ and source_code/.")
@json_option
@place_options
def command(
    *,
    place: Place,
    as_json: bool,
    names: tuple[str, ...],
    only_differences: bool,
    attributes: str | None,
    include_system: bool,
) -> None:
    """Put runs side by side; an experiment stands for its head, a series for its last value.

    With two runs, numbers that differ show by how much.
    """
    if len(names) < 2:  # noqa: PLR2004
        raise ArgumentError(f"compare needs two runs or more, found {len(names)}; 'runfork ls --runs' lists them")
    pattern = None if attributes is None else compile_pattern(attributes)
    with open_project(place) as project:
        run_ids = [find_run(project, name) for name in names]
        tell_unmatched(attributes, (one.path for one in project.index.definitions(run_ids=run_ids)))
        values = project.index.values(list(dict.fromkeys(run_ids)), pattern=pattern)
        rows = [
            row
            for row in compare_values([values.get(run_id, {}) for run_id in run_ids])
            if (include_system or attributes is not None or not is_system_path(row.path))
            and (row.differs or not only_differences)
        ]
        if as_json:
            write_json(_json_comparison(project.name, run_ids, rows))
        else:
            _print_comparison(project, run_ids, rows, only_differences=only_differences)


def _json_comparison(project: str, run_ids: Sequence[str], rows: Sequence[ComparisonRow]) -> dict[str, Any]:
    return {
        "project": project,
        "runs": list(run_ids),
        "attributes": [
            {
                "path": row.path,
                "types": [None if value is None else value.type.value for value in row.values],
                "values": [json_held(value) for value in row.values],
                "differs": row.differs,
            }
            for row in rows
        ],
    }


def _print_comparison(
    project: Project, run_ids: Sequence[str], rows: Sequence[ComparisonRow], *, only_differences: bool
) -> None:
    from runfork.cli.drawing.console import open_console
    from runfork.cli.drawing.tables import Cell, Column, print_table, split_columns

    console = open_console()
    if not rows:
        console.print("no differences" if only_differences else "nothing to compare", style="dim")
        return
    names = run_names(project.index, are_short=console.is_terminal)
    paths = Column("", [Cell(one_line(row.path), None if row.differs else "dim") for row in rows], is_flexible=True)
    columns = [
        Column(one_line(names.get(run_id, run_id)), [_cell(row, at) for row in rows], is_flexible=True)
        for at, run_id in enumerate(run_ids)
    ]
    if len(run_ids) == 2:  # noqa: PLR2004
        difference = Column("Δ", [_difference(row) for row in rows], is_optional=True)
        print_table(console, [paths, *columns, difference])
        return
    for place, part in enumerate(split_columns(columns, beside=paths, width=console.width)):
        if place:
            console.print()
        print_table(console, [paths, *part])


def _cell(row: ComparisonRow, at: int) -> Cell:
    from runfork.cli.drawing.tables import Cell

    value = row.values[at]
    return Cell(format_value(value), "dim" if value is None or not row.differs else None)


def _difference(row: ComparisonRow) -> Cell:
    from runfork.cli.drawing.tables import Cell

    left, right = row.values
    if not row.differs or left is None or right is None or left.type not in _NUMBERS or right.type not in _NUMBERS:
        return Cell("")
    if left.value is None or right.value is None:
        return Cell("")
    difference = right.value - left.value
    share = f" ({difference / abs(left.value):+.1%})" if left.value else ""
    return Cell(f"{'+' if difference > 0 else ''}{format_number(difference, digits=4)}{share}", "cyan")
