"""``runfork fsck``: what of the journals and files can be read, what cannot, and what a repair did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runfork.cli.formats import format_size, format_time, one_line
from runfork.cli.json_output import write_json
from runfork.cli.place import choose_project, json_option, open_store, place_options
from runfork.cli.progress import drain_progress
from runfork.model.messages import plural
from runfork.model.steps import format_step, from_micro_steps
from runfork.query.documents import json_time
from runfork.reading.fsck import inspect_store, repair_store

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from runfork.cli.place import Place
    from runfork.reading.fsck import Inspection, Repairs
    from runfork.reading.fsck.findings import Problem
    from runfork.reading.fsck.gaps import Gap


@click.command("fsck")
@click.option("--contents", "has_contents", is_flag=True, help="Also read every logged file and compare its SHA-256.")
@click.option("--repair", "is_repair", is_flag=True, help="Repair what can be, keeping the damaged journals.")
@json_option
@place_options
@click.pass_context
def command(context: click.Context, *, place: Place, as_json: bool, has_contents: bool, is_repair: bool) -> None:
    """Check journals and logged files for damage, in all projects unless one is named.

    Readers skip what is damaged and go on after it; this tells what was skipped, and changes nothing
    unless --repair is given. Exit code 1 if there is damage (after the repair).
    """
    store = open_store(place)
    projects = [choose_project(place, store)] if place.project is not None else store.projects()

    def inspect() -> Inspection:
        with drain_progress("Checking journals") as progress:
            return inspect_store(store, projects, has_contents=has_contents, progress=progress)

    before = inspection = inspect()
    repairs = None
    if is_repair:
        repairs = repair_store(before, store)
        inspection = inspect()
    if as_json:
        write_json(
            {**_json_inspection(inspection), **({} if repairs is None else {"repairs": _json_repairs(before, repairs)})}
        )
    else:
        _print_inspection(before, repairs, inspection)
    if inspection.has_losses:
        context.exit(1)


def _json_inspection(inspection: Inspection) -> dict[str, Any]:
    directory = inspection.directory
    return {
        "directory": str(directory),
        "journals": inspection.journals,
        "bytes": inspection.size_bytes,
        "records": inspection.records,
        "points": inspection.points,
        "files": inspection.files,
        "problems": [_json_problem(problem, directory) for problem in inspection.problems],
        "notes": [
            {"project": note.project, "path": _shown(note.path, directory), "reason": note.reason}
            for note in inspection.notes
        ],
    }


def _json_problem(problem: Problem, directory: Path) -> dict[str, Any]:
    return {
        "kind": problem.kind,
        "project": problem.project,
        "run_id": problem.run_id,
        "path": _shown(problem.path, directory),
        "offset": problem.offset,
        "length": problem.length,
        "reason": problem.reason,
        "remedy": problem.remedy,
        "is_loss": problem.is_loss,
        "loss": None if problem.gap is None else _json_gap(problem.gap),
    }


def _json_gap(gap: Gap) -> dict[str, Any]:
    return {
        "steps": [None if step is None else from_micro_steps(step) for step in gap.steps],
        "times": [None if time is None else json_time(time) for time in gap.times],
    }


def _json_repairs(before: Inspection, repairs: Repairs) -> dict[str, Any]:
    directory = before.directory
    return {
        "problems": [_json_problem(problem, directory) for problem in before.problems],
        "journals": [
            {
                "path": _shown(repair.path, directory),
                "kept": _shown(repair.kept, directory),
                "filled": repair.filled,
                "cut": repair.cut,
                "has_new_header": repair.has_new_header,
            }
            for repair in repairs.journals
        ],
        "deleted": [_shown(path, directory) for path in repairs.deleted],
        "refused": {_shown(path, directory): reason for path, reason in repairs.refused.items()},
    }


def _print_inspection(before: Inspection, repairs: Repairs | None, after: Inspection) -> None:
    from runfork.cli.drawing.console import open_console

    console = open_console()
    _print_problems(console, before)
    if repairs is not None:
        _print_repairs(console, repairs, after)
    for note in after.notes:
        place = one_line(_shown(note.path, after.directory))
        console.print(f"note: {place}: {note.reason}", style="dim", soft_wrap=True)
    read = (
        f"{plural(after.journals, 'journal')}, {format_size(after.size_bytes)}: "
        f"{plural(after.records, 'record')}, {plural(after.points, 'point')}, {plural(after.files, 'file')}"
    )
    console.print(read, style="dim", soft_wrap=True)
    losses = sum(problem.is_loss for problem in after.problems)
    if losses:
        ending = "everything else can be read, and nothing was changed"
        if repairs is not None:
            ending = "no repair brings back what is gone; everything else can be read"
        console.print(f"{plural(losses, 'problem')}{'' if repairs is None else ' left'}; {ending}", soft_wrap=True)
    else:
        console.print("no damage")


def _print_problems(console: Console, inspection: Inspection) -> None:
    shown: Path | None = None
    for problem in inspection.problems:
        if problem.path != shown:
            shown = problem.path
            console.print(one_line(_shown(shown, inspection.directory)), style="bold", soft_wrap=True)
        style = "red" if problem.is_loss else "yellow"
        console.print(f"  {one_line(_damage_sentence(problem))}", style=style, soft_wrap=True)
        if problem.gap is not None:
            console.print(f"    lost: {one_line(_lost(problem.run_id, problem.gap))}", soft_wrap=True)
        console.print(f"    to do: {one_line(problem.remedy)}", style="dim", soft_wrap=True)


def _damage_sentence(problem: Problem) -> str:
    if problem.offset is None:
        return problem.reason
    return f"{problem.length} bytes at offset {problem.offset} were skipped: {problem.reason}"


def _lost(run_id: str | None, gap: Gap) -> str:
    """Say what was lost, in the words of who logged it."""
    what = f"records of run {run_id!r}"
    (before, after), (earlier, later) = gap.steps, gap.times
    if before is not None and after is not None:
        return f"{what}, between steps {format_step(before)} and {format_step(after)}"
    if before is not None:
        what += f", after step {format_step(before)}"
    elif after is not None:
        what += f", before step {format_step(after)}"
    if earlier is not None and later is not None:
        return f"{what}, between {format_time(earlier)} and {format_time(later)}"
    if earlier is not None:
        return f"{what}, after {format_time(earlier)}"
    return what if later is None else f"{what}, before {format_time(later)}"


def _print_repairs(console: Console, repairs: Repairs, after: Inspection) -> None:
    directory = after.directory
    for repair in repairs.journals:
        done = [
            *(["its header was written anew"] if repair.has_new_header else []),
            *([f"{plural(repair.filled, 'unreadable byte')} closed"] if repair.filled else []),
            *([f"{plural(repair.cut, 'byte')} after the last record cut off"] if repair.cut else []),
        ]
        sentence = f"{_shown(repair.path, directory)}: {', '.join(done)}; every record kept; the original is {repair.kept.name}"
        console.print(f"repaired {one_line(sentence)}", style="green", soft_wrap=True)
    for path in repairs.deleted:
        console.print(f"deleted {one_line(_shown(path, directory))}", style="green", soft_wrap=True)
    for path, reason in repairs.refused.items():
        console.print(
            f"not repaired {one_line(f'{_shown(path, directory)}: {reason}')}", style="yellow", soft_wrap=True
        )


def _shown(path: Path, directory: Path) -> str:
    """Return a path below the data directory; one that lies elsewhere, as an index may, in full."""
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else str(path)
