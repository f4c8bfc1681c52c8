"""``runfork lineage``: how runs forked, what each fork changed, and what the head still shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runfork.cli.formats import format_range, one_line, run_names
from runfork.cli.json_output import write_json
from runfork.cli.place import find_run, json_option, open_project, place_options
from runfork.errors import NotFoundError
from runfork.model.messages import plural
from runfork.query.documents import json_member
from runfork.reading.family import read_family

if TYPE_CHECKING:
    from runfork.cli.place import Place
    from runfork.reading.family import Family
    from runfork.reading.project import Project


@click.command("lineage")
@click.argument("name", required=False)
@click.option("--all-changes", is_flag=True, help="Tell every config that a fork changed, not only the first four.")
@json_option
@place_options
def command(*, place: Place, as_json: bool, name: str | None, all_changes: bool) -> None:
    """Draw how runs forked, what each fork changed, and which steps its head kept.

    NAME is an experiment or a run; without it, every experiment is drawn. Kept are the steps that the experiment's head
    (or the run NAME) shows; what its ancestors logged beyond their forks is pruned, and still there. Runs beside the
    lineage keep their own.
    """
    with open_project(place) as project:
        families = [_one_family(project, name)] if name is not None else _all_families(project)
        if as_json:
            write_json({"project": project.name, "families": [_json_family(family) for family in families]})
        else:
            _print_families(project, families, all_changes=all_changes)


def _one_family(project: Project, name: str) -> Family:
    run_id = find_run(project, name)
    is_experiment = name != run_id and project.experiments().get(name) == run_id
    return read_family(project.index, run_id, experiment_name=name if is_experiment else None)


def _all_families(project: Project) -> list[Family]:
    """Return the family of every experiment, the newest head first, and those of runs that are in none of them."""
    nodes = project.index.nodes()
    experiments = sorted(project.experiments().items(), key=lambda one: (-nodes[one[1]].created, one[1]))
    families = [read_family(project.index, head, experiment_name=name) for name, head in experiments]
    shown = {run_id for family in families for run_id in family.members}
    for node in sorted(nodes.values(), key=lambda node: (-node.created, node.run_id)):
        if node.run_id not in shown:  # without a name: seen from the newest run
            families.append(read_family(project.index, node.run_id))
            shown.update(families[-1].members)
    if not families:
        raise NotFoundError(f"project {project.name!r} has no runs")
    return families


def _json_family(family: Family) -> dict[str, Any]:
    return {
        "experiment": family.experiment_name,
        "focus": family.focus,
        "lineage": family.lineage,
        "runs": [json_member(member) for member in family.members.values()],
    }


def _print_families(project: Project, families: list[Family], *, all_changes: bool) -> None:
    from runfork.cli.drawing.console import open_console
    from runfork.cli.drawing.tables import print_lines
    from runfork.cli.drawing.tree import draw_tree

    console = open_console()
    names = run_names(project.index, are_short=console.is_terminal)
    width = min(console.width, 120) if console.is_terminal else console.width
    is_first = True
    for family in families:
        if not is_first:
            console.print()
        is_first = False
        print_lines(console, [_title(family, names)])
        changes = {"shown_changes": None} if all_changes else {}
        print_lines(console, draw_tree(family, width=width, names=names, **changes))
    members = [member for family in families for member in family.members.values()]
    if any(member.extent.pruned or not member.extent.is_in_lineage for member in members):
        console.print("\n● in the lineage  ○ beside it  ━ kept  ─ its own  ╌ pruned  ◆ fork", style="dim")


def _title(family: Family, names: dict[str, str]) -> list[tuple[str, str | None]]:
    runs = plural(len(family.members), "run")
    kept = [member.extent.kept for member in family.members.values() if member.extent.kept]
    low, high = (min(low for low, _ in kept), max(high for _, high in kept)) if kept else (0, 0)
    steps = f", step{'s' if low != high else ''} {format_range(low, high)}" if kept else ""
    name = family.experiment_name
    if name is None:
        return [(one_line(names.get(family.focus, family.focus)), "bold"), (f"  its family: {runs}{steps}", "dim")]
    return [(one_line(name), "bold"), (f"  {runs}{steps}", "dim")]
