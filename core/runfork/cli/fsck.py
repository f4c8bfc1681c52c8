"""``runfork fsck``: what of the journals and files can be read, and what cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runfork.cli.json_output import write_json
from runfork.cli.opening import choose_project, open_store
from runfork.cli.options import json_option, place_options
from runfork.cli.progress import drain_progress
from runfork.inspection import inspect_store

if TYPE_CHECKING:
    from runfork.cli.options import Place
    from runfork.inspection import Inspection, Problem

__all__ = ["command"]


@click.command("fsck")
@click.option("--contents", "has_contents", is_flag=True, help="Also read every logged file and compare its SHA-256.")
@json_option
@place_options
@click.pass_context
def command(context: click.Context, *, place: Place, as_json: bool, has_contents: bool) -> None:
    """Check journals and logged files for damage, in all projects unless one is named; nothing is changed.

    Readers skip what is damaged and go on after it; this tells what was skipped. Exit code 1 if there is damage.
    """
    store = open_store(place)
    projects = [choose_project(place, store)] if place.project is not None else store.projects()
    with drain_progress("Checking journals") as progress:
        inspection = inspect_store(store, projects, has_contents=has_contents, progress=progress)
    if as_json:
        write_json(_document(inspection))
    else:
        _print(inspection)
    if inspection.has_losses:
        context.exit(1)


def _document(inspection: Inspection) -> dict[str, Any]:
    return {
        "directory": str(inspection.directory),
        "journals": inspection.journals,
        "bytes": inspection.size_bytes,
        "records": inspection.records,
        "points": inspection.points,
        "files": inspection.files,
        "problems": [
            {
                "project": problem.project,
                "path": str(problem.path.relative_to(inspection.directory)),
                "offset": problem.offset,
                "length": problem.length,
                "reason": problem.reason,
                "is_loss": problem.is_loss,
            }
            for problem in inspection.problems
        ],
    }


def _print(inspection: Inspection) -> None:
    from runfork.cli.console import open_console
    from runfork.cli.formats import format_size, one_line, plural

    console = open_console()
    for problem in inspection.problems:
        console.print(one_line(str(problem.path.relative_to(inspection.directory))), style="bold", soft_wrap=True)
        console.print(f"  {_sentence(problem)}", style="red" if problem.is_loss else "yellow", soft_wrap=True)
    read = (
        f"{plural(inspection.journals, 'journal')}, {format_size(inspection.size_bytes)}: "
        f"{plural(inspection.records, 'record')}, {plural(inspection.points, 'point')}, {plural(inspection.files, 'file')}"
    )
    console.print(read, style="dim", soft_wrap=True)
    losses = sum(problem.is_loss for problem in inspection.problems)
    if losses:
        console.print(f"{plural(losses, 'problem')}; everything else can be read, and nothing was changed")
    else:
        console.print("no damage")


def _sentence(problem: Problem) -> str:
    if problem.offset is None:
        return problem.reason
    return f"{problem.length} bytes at offset {problem.offset} were skipped: {problem.reason}"
