"""``runfork show``: everything about one run, on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runfork.cli.following import CONSOLE, read_last_events
from runfork.cli.formats import (
    NOTHING,
    format_age,
    format_duration,
    format_number,
    format_time,
    format_value,
    one_line,
    state_style,
)
from runfork.cli.json_output import write_json
from runfork.cli.place import find_run, json_option, open_project, place_options
from runfork.model.attributes import AttributeType, is_system_path, state_in
from runfork.model.lineage import ancestors, heads
from runfork.model.messages import plural
from runfork.model.steps import format_step, from_micro_steps, shown_step
from runfork.query.documents import json_node, json_time, json_value
from runfork.query.names import short_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.cli.drawing.console import OutputConsole
    from runfork.cli.drawing.tables import Cell
    from runfork.cli.place import Place
    from runfork.model.attributes import Value
    from runfork.model.lineage import RunNode
    from runfork.reading.project import Project

_INDENT = 2


@click.command("show")
@click.argument("name", metavar="RUN")
@click.option("--console", "show_console", is_flag=True, help="Show the last lines of console output instead.")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="With --console: how many.",
)
@click.option("--system", "include_system", is_flag=True, help="Also sys/, runtime/ and source_code/.")
@json_option
@place_options
def command(*, place: Place, as_json: bool, name: str, show_console: bool, lines: int, include_system: bool) -> None:
    """Show one run: state, lineage, configs, tags, series and files.

    RUN is a run id, an unambiguous beginning of one, or an experiment (its head).
    """
    with open_project(place) as project:
        run_id = find_run(project, name)
        if show_console:
            _show_console(project, run_id, lines, as_json=as_json)
            return
        nodes = project.index.nodes()
        values = project.index.values([run_id])[run_id]
        if as_json:
            write_json(_json_run(project, nodes, run_id, values))
        else:
            _print_run(project, nodes, run_id, values, include_system=include_system)


def _json_run(
    project: Project, nodes: Mapping[str, RunNode], run_id: str, values: Mapping[str, Value]
) -> dict[str, Any]:
    node = nodes[run_id]
    return {
        "project": project.name,
        **json_node(node),
        "is_head": heads(nodes.values()).get(node.experiment_name or "") == run_id,
        "state": state_in(values),
        "lineage": [_json_ancestor(nodes[one]) for one in ancestors(run_id, nodes)[::-1]],
        "attributes": {path: json_value(value) for path, value in sorted(values.items())},
    }


def _json_ancestor(node: RunNode) -> dict[str, Any]:
    return {"run_id": node.run_id, "fork_step": None if node.fork is None else from_micro_steps(node.fork.step)}


def _show_console(project: Project, run_id: str, count: int, *, as_json: bool) -> None:
    lines = read_last_events(project.index, run_id, count, CONSOLE)
    if as_json:
        document = [{"time": json_time(line.time), "path": line.path, "text": line.text} for line in lines]
        write_json({"project": project.name, "run_id": run_id, "lines": document})
        return
    from runfork.cli.drawing.console import open_console

    console = open_console()
    if not lines:
        console.print("no console output was captured", style="dim")
    for line in lines:
        console.print(one_line(line.text), style="yellow" if line.is_error else None, soft_wrap=True)


def _print_run(
    project: Project,
    nodes: Mapping[str, RunNode],
    run_id: str,
    values: Mapping[str, Value],
    *,
    include_system: bool,
) -> None:
    from runfork.cli.drawing.console import open_console

    console = open_console()
    _print_head(console, project, nodes, run_id, values)
    shown = {path: value for path, value in sorted(values.items()) if include_system or not is_system_path(path)}
    singles = {path: value for path, value in shown.items() if not value.type.is_series}
    files = {path: value for path, value in singles.items() if value.type is AttributeType.FILE}
    configs = {path: value for path, value in singles.items() if path not in files}
    _print_singles(console, "configs", configs, run_id)
    _print_series(console, {path: value for path, value in shown.items() if value.type.is_series})
    _print_singles(console, "files", files, run_id)
    hidden = len(values) - len(shown)
    if hidden:
        console.print(f"\n{plural(hidden, 'attribute')} of the system; --system shows them", style="dim")


def _print_head(
    console: OutputConsole, project: Project, nodes: Mapping[str, RunNode], run_id: str, values: Mapping[str, Value]
) -> None:
    from rich.text import Text

    from runfork.cli.drawing.tables import Cell, Column, print_table

    node = nodes[run_id]
    state = state_in(values) or ""
    title = Text(one_line(run_id), "bold")
    title.append("  ")
    title.append(state, state_style(state))
    console.print(title)
    experiment = one_line(node.experiment_name or NOTHING)
    if heads(nodes.values()).get(node.experiment_name or "") == run_id:
        experiment += " (head)"
    facts = [
        ("experiment", experiment),
        ("project", one_line(project.name)),
        ("created", _times(node, values)),
        ("lineage", _lineage_line(nodes, run_id, console, room=console.width - _INDENT - 13)),
        ("tags", _value_text(values, "sys/tags")),
        ("group tags", _value_text(values, "sys/group_tags")),
        ("description", _value_text(values, "sys/description")),
        ("failed with", _last_line(values, "sys/exception")),
    ]
    kept = [(name, text) for name, text in facts if text]
    columns = [
        Column("", [Cell(name, "dim") for name, _ in kept]),
        Column("", [Cell(text) for _, text in kept], is_flexible=True),
    ]
    print_table(console, columns, indent=_INDENT, has_titles=False)


def _value_text(values: Mapping[str, Value], path: str) -> str:
    value = values.get(path)
    return "" if value is None or not value.value else format_value(value)


def _last_line(values: Mapping[str, Value], path: str) -> str:
    value = values.get(path)
    lines = str(value.value).strip().splitlines() if value is not None else []
    return one_line(lines[-1]) if lines else ""


def _times(node: RunNode, values: Mapping[str, Value]) -> str:
    text, age = format_time(node.created), format_age(node.created)
    if not text.startswith(age):  # of what is old that is its date, once more
        text = f"{text}, {age}"
    running = values.get("sys/running_time_seconds")
    if running is not None and running.value:
        text += f"; ran {format_duration(running.value)}"
    host = _value_text(values, "sys/hostname")
    return f"{text} on {host}" if host else text


def _lineage_line(nodes: Mapping[str, RunNode], run_id: str, console: OutputConsole, *, room: int) -> str:
    """Return the way from the root to the run, such as ``old-owl ─800→ wise-elk ─900→ shy-fox``.

    Where it is longer than `room`, runs in the middle are counted instead.
    """
    from rich.cells import cell_len

    path = ancestors(run_id, nodes)[::-1]
    names = short_names(nodes, (node.experiment_name for node in nodes.values() if node.experiment_name))
    shown = names if console.is_terminal else {}
    first = nodes[path[0]].fork
    root = [] if first is None else [f"{one_line(first.parent)} (not here yet)"]
    parts = [*root, *(_hop(nodes[one], one_line(shown.get(one, one))) for one in path)]
    if len(parts) == 1:
        return ""
    for left_out in range(len(parts) - 1):
        middle = [f"… {left_out} more …"] if left_out else []
        text = " ".join([parts[0], *middle, *parts[1 + left_out :]])
        if cell_len(text) <= room:
            return text
    return parts[-1]


def _hop(node: RunNode, name: str) -> str:
    return name if node.fork is None else f"─{format_step(node.fork.step)}→ {name}"


def _print_singles(console: OutputConsole, title: str, values: Mapping[str, Value], run_id: str) -> None:
    if not values:
        return
    from runfork.cli.drawing.tables import Cell, Column, print_table

    console.print(f"\n{title}", style="bold")
    columns = [
        Column("", [Cell(one_line(path)) for path in values], is_flexible=True),
        Column("", [Cell(format_value(value)) for value in values.values()], is_flexible=True),
    ]
    if any(value.source_run != run_id for value in values.values()):
        inherited = [Cell("" if value.source_run == run_id else "inherited", "dim") for value in values.values()]
        columns.append(Column("", inherited, is_optional=True))
    print_table(console, columns, indent=_INDENT, has_titles=False)


def _print_series(console: OutputConsole, values: Mapping[str, Value]) -> None:
    if not values:
        return
    from runfork.cli.drawing.tables import Cell, Column, print_table

    console.print("\nseries", style="bold")
    found = list(values.values())
    columns = [
        Column("", [Cell(one_line(path)) for path in values], is_flexible=True),
        Column("LAST", [Cell(format_value(value)) for value in found], is_number=True, is_flexible=True),
        Column("AT STEP", [Cell(_last_step_text(path, value)) for path, value in values.items()], is_number=True),
        Column("MIN", _statistic_cells(found, "min"), is_number=True, is_optional=True),
        Column("MAX", _statistic_cells(found, "max"), is_number=True, is_optional=True),
        Column("POINTS", _statistic_cells(found, "count"), is_number=True, is_optional=True),
    ]
    print_table(console, columns, indent=_INDENT)


def _last_step_text(path: str, value: Value) -> str:
    step = (value.statistics or {}).get("last_step")
    if step is None or is_system_path(path):  # those of the system are on the clock axis
        return NOTHING
    return shown_step(int(step))


def _statistic_cells(values: Sequence[Value], name: str) -> list[Cell]:
    from runfork.cli.drawing.tables import Cell

    return [Cell(format_number((value.statistics or {}).get(name))) for value in values]
