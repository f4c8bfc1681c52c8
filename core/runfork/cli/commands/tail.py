"""``runfork tail``: the last of a run's metrics and console output, and what comes after it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from runfork.cli.following import Followed, Follower, read_last_events
from runfork.cli.formats import format_number, one_line, state_style
from runfork.cli.json_output import write_json_line
from runfork.cli.place import find_run, json_option, open_project, place_options, tell_unmatched
from runfork.model.attributes import AttributeType, state_in
from runfork.model.patterns import compile_pattern
from runfork.model.steps import from_micro_steps, shown_step
from runfork.query.documents import json_number, json_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

    from runfork.cli.drawing.console import OutputConsole
    from runfork.cli.following import Event
    from runfork.cli.place import Place
    from runfork.reading.project import Project

POLL_SECONDS = 0.25
STATE_SECONDS = 1.0


@click.command("tail")
@click.argument("name", metavar="RUN")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="How many of the last to begin with.",
)
@click.option("--no-follow", is_flag=True, help="Stop there, also if the run goes on.")
@click.option("--attributes", metavar="PATTERN", help="Only metrics and streams whose path matches, such as '^val/'.")
@click.option("--no-console", is_flag=True, help="Leave out console output.")
@click.option("--no-metrics", is_flag=True, help="Leave out metrics.")
@json_option
@place_options
def command(
    *,
    place: Place,
    as_json: bool,
    name: str,
    lines: int,
    no_follow: bool,
    attributes: str | None,
    no_console: bool,
    no_metrics: bool,
) -> None:
    """Follow a run's metrics and console output until it ends.

    With --json each event is a line of JSON.
    """
    pattern = None if attributes is None else compile_pattern(attributes)
    followed = Followed(pattern, has_console=not no_console, has_metrics=not no_metrics)
    with open_project(place) as project:
        run_id = find_run(project, name)
        kinds = [AttributeType.FLOAT_SERIES, AttributeType.STRING_SERIES]
        tell_unmatched(attributes, (one.path for one in project.index.definitions(run_ids=[run_id], types=kinds)))
        write = _write_json if as_json else _printer()
        follower = Follower(project, run_id, followed)
        for event in read_last_events(project.index, run_id, lines, followed):
            write(event)
        if not no_follow:
            for event in _follow(project, run_id, follower):
                write(event)
        _write_state(project, run_id, as_json=as_json)


def _follow(project: Project, run_id: str, follower: Follower) -> Iterator[Event]:
    """Yield events until the run has ended and everything it wrote was read."""
    checked = time.monotonic()
    state = _state_of(project, run_id)
    while state == "running":
        yield from follower.read()
        time.sleep(POLL_SECONDS)
        if time.monotonic() - checked >= STATE_SECONDS:
            project.refresh()
            state, checked = _state_of(project, run_id), time.monotonic()
    yield from follower.read()


def _state_of(project: Project, run_id: str) -> str:
    found = project.index.values([run_id], paths=["sys/state"]).get(run_id)
    if found is None:
        return "deleted"  # what followed it goes by what lies on disk
    return state_in(found) or "lost"


def _write_state(project: Project, run_id: str, *, as_json: bool) -> None:
    state = _state_of(project, run_id)
    if as_json:
        write_json_line({"kind": "state", "run_id": run_id, "state": state})
        return
    from runfork.cli.drawing.console import open_console

    open_console().print(
        f"{one_line(run_id)} {state if state != 'running' else 'is running'}", style=state_style(state)
    )


def _write_json(event: Event) -> None:
    document = {"time": json_time(event.time), "step": None if event.step is None else from_micro_steps(event.step)}
    if event.path:
        write_json_line({"kind": "line", **document, "path": event.path, "text": event.text})
    else:
        metrics = {path: json_number(value) for path, value in event.metrics.items()}
        write_json_line({"kind": "metrics", **document, "values": metrics})


def _printer() -> Callable[[Event], None]:
    from runfork.cli.drawing.console import open_console

    console = open_console()

    def write(event: Event) -> None:
        console.print(_event_text(event, console), soft_wrap=True)
        console.file.flush()

    return write


def _event_text(event: Event, console: OutputConsole) -> Text:
    from rich.text import Text

    if event.path:
        text = Text()
        if event.step is not None:
            text.append(f"step {shown_step(event.step)}  {one_line(event.path)}  ", "dim")
        text.append(one_line(event.text), "yellow" if event.is_error else None)
        return text
    text = Text(f"step {shown_step(event.step or 0)}", "cyan")
    for shown, (path, value) in enumerate(event.metrics.items()):
        part = f"  {one_line(path)} "
        number = format_number(value)
        left = len(event.metrics) - shown
        if (
            console.is_terminal
            and shown
            and text.cell_len + len(part) + len(number) + len("  and 9999 more") > console.width
        ):
            text.append(f"  and {left} more", "dim")
            break
        text.append(part, "dim")
        text.append(number)
    return text
