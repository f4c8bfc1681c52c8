"""``runfork plot``: metrics as charts of braille dots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click
import numpy as np

from runfork.cli.drawing.canvas import bin_columns
from runfork.cli.formats import format_number, one_line, run_names
from runfork.cli.json_output import write_json
from runfork.cli.place import find_run, json_option, open_project, place_options
from runfork.model.messages import plural
from runfork.model.patterns import compile_pattern
from runfork.query.curves import choose_paths, read_curves
from runfork.query.documents import json_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.cli.drawing.canvas import Span
    from runfork.cli.place import Place
    from runfork.model.arrays import Floats
    from runfork.query.curves import Axis, Curve
    from runfork.reading.project import Project

DEFAULT_CHARTS = 4
JSON_COLUMNS = 200
_LISTED_FORKS = 4
_COLOURS = ("green", "cyan", "yellow", "magenta", "blue", "red", "bright_green", "bright_cyan")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


@click.command("plot")
@click.argument("name", metavar="RUN")
@click.argument("patterns", metavar="[METRIC]...", nargs=-1)
@click.option("--with", "others", metavar="RUN", multiple=True, help="Another run in the same charts; may be repeated.")
@click.option("--overlay", is_flag=True, help="All metrics in one chart.")
@click.option("--pruned", "has_pruned", is_flag=True, help="Also what forks pruned, dashed.")
@click.option("--own", "is_own", is_flag=True, help="Only points that the run logged itself, nothing inherited.")
@click.option("--x", "axis", type=click.Choice(["step", "time"]), default="step", show_default=True, help="The x axis.")
@click.option("--log-x", is_flag=True, help="Logarithmic x axis.")
@click.option("--log-y", is_flag=True, help="Logarithmic y axis; values of 0 and less are marked on the floor.")
@click.option("--width", metavar="N", type=click.IntRange(20, 1000), help="Columns; default: the terminal's, else 80.")
@click.option(
    "--height", metavar="N", type=click.IntRange(3, 200), default=12, show_default=True, help="Rows of a chart."
)
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=DEFAULT_CHARTS,
    show_default=True,
    help="At most so many metrics.",
)
@json_option
@place_options
def command(*, place: Place, name: str, patterns: tuple[str, ...], others: tuple[str, ...], **options: Any) -> None:
    """Plot metrics of a run, or of an experiment's head, in the terminal.

    METRIC is a pattern, such as 'loss' or '^train/ & !grad'; without one, the metrics of most interest are plotted. The
    line is what the run shows: its own points and what it inherited. Every column spans from the least to the greatest
    value that falls into it, so a single outlier is seen. NaN is marked x, infinities with triangles, forks with diamonds.
    """
    pattern = compile_pattern(" | ".join(patterns)) if patterns else None
    with open_project(place) as project:
        run_ids = list(dict.fromkeys(find_run(project, one) for one in (name, *others)))
        paths = choose_paths(project.index, run_ids, pattern)
        shown = paths[: options["limit"]]
        axis = cast("Axis", options["axis"])
        kinds = {"has_pruned": options["has_pruned"], "is_own": options["is_own"]}
        groups = [read_curves(project.index, run_ids, path, axis=axis, **kinds) for path in shown]
        if options["overlay"]:
            groups = [[curve for group in groups for curve in group]]
        if options["as_json"]:
            write_json(_json_curves(project.name, groups, paths))
        else:
            _print_charts(project, groups, options, shown=len(shown), hidden=len(paths) - len(shown))


def _json_curves(project: str, groups: Sequence[Sequence[Curve]], paths: Sequence[str]) -> dict[str, Any]:
    return {
        "project": project,
        "metrics": list(paths),
        "curves": [_json_curve(curve) for group in groups for curve in group],
    }


def _json_curve(curve: Curve) -> dict[str, Any]:
    return {
        "run_id": curve.run_id,
        "path": curve.path,
        "x_axis": curve.axis,
        "forks": curve.forks,
        **_json_columns(curve.x, curve.y),
        "pruned": [_json_columns(x, y) for x, y in curve.pruned],
    }


def _json_columns(x: Floats, y: Floats) -> dict[str, Any]:
    low, high = (float(x[0]), float(x[-1])) if len(x) else (0.0, 0.0)
    columns = bin_columns(x, y, low=low, high=high, count=JSON_COLUMNS)
    there = np.flatnonzero(columns.points).tolist()
    edges = [low + (high - low) * at / JSON_COLUMNS for at in there]
    values = {name: getattr(columns, name)[there].tolist() for name in ("first", "last", "minimum", "maximum")}
    return {
        "range": [low, high],
        "points": len(x),
        "x": edges,
        **{name: [None if np.isnan(one) else json_number(one) for one in some] for name, some in values.items()},
        "nan": int(columns.nan.sum()),
        "positive_infinity": int(columns.positive_infinity.sum()),
        "negative_infinity": int(columns.negative_infinity.sum()),
    }


def _print_charts(
    project: Project, groups: Sequence[Sequence[Curve]], options: Mapping[str, Any], *, shown: int, hidden: int
) -> None:
    from runfork.cli.drawing.console import chart_width, open_console
    from runfork.cli.drawing.tables import print_lines

    width = options["width"] or chart_width()
    console = open_console(width)
    names = run_names(project.index, are_short=console.is_terminal)
    for at, curves in enumerate(groups):
        if at:
            console.print()
        print_lines(
            console, _chart_lines(curves, names, options, width=width, has_colour=console.color_system is not None)
        )
    if hidden:
        console.print(f"\n{plural(hidden, 'more metric')}; name them, or -n {shown + hidden} plots all", style="dim")


def _chart_lines(
    curves: Sequence[Curve], names: Mapping[str, str], options: Mapping[str, Any], *, width: int, has_colour: bool
) -> list[Span]:
    from runfork.cli.drawing.chart import Chart, Line, draw_chart

    has_labels = len(curves) > 1
    start, unit, title = _x_unit(curves)
    lines, forks, legend = [], [], []
    for at, curve in enumerate(curves):
        style = _COLOURS[at % len(_COLOURS)]
        label = _LETTERS[at % len(_LETTERS)] if has_labels and not has_colour else ""
        lines += [Line((x - start) / unit, y, f"dim {style}", is_pruned=True) for x, y in curve.pruned]
        lines.append(Line((curve.x - start) / unit, curve.y, style, label))
        forks += [(fork - start) / unit for fork in curve.forks]
        legend += _legend(
            curve, names, style if has_labels else None, label, has_path=bool(options["overlay"]), width=width
        )
    chart = Chart(lines, width, options["height"], options["log_x"], options["log_y"], sorted(set(forks)))
    path = "" if options["overlay"] else curves[0].path if curves else ""
    head: list[Span] = [[(one_line(path), "bold"), (f"  by {title}" if title else "", "dim")]] if path or title else []
    return [*head, *draw_chart(chart), *legend]


def _x_unit(curves: Sequence[Curve]) -> tuple[float, float, str]:
    """Return where x begins, what it is divided by, and how that is called; steps stay what they are."""
    times = [curve for curve in curves if curve.axis == "time" and len(curve.x)]
    if not times:
        return 0.0, 1.0, ""
    start = min(float(curve.x[0]) for curve in times)
    span = max(float(curve.x[-1]) for curve in times) - start
    unit, name = next((one for one in _UNITS if span >= 2 * one[0]), _UNITS[-1])
    return start, unit, name


def _legend(
    curve: Curve, names: Mapping[str, str], style: str | None, label: str, *, has_path: bool, width: int
) -> list[Span]:
    name = one_line(names.get(curve.run_id, curve.run_id)) + (f"  {one_line(curve.path)}" if has_path else "")
    key = f"{label or '━'} " if style else ""
    finite = curve.y[np.isfinite(curve.y)]
    facts = [f"last {format_number(float(curve.y[-1]))}" if len(curve.y) else "no points"]
    if len(finite):
        facts += [f"min {format_number(float(finite.min()))}", f"max {format_number(float(finite.max()))}"]
    facts += [f"{count} {what}" for count, what in _not_finite(curve.y) if count]
    if curve.axis == "step" and curve.forks:
        facts.append(_forks_text(curve.forks))
    lines: list[Span] = [[(key, style), (name, None)]]
    room = width - len(key) - len(name)
    for fact in facts:
        part = f"  {fact}"
        if len(part) > room:
            lines.append([(" " * len(key), None)])
            room = width - len(key)
        lines[-1].append((part, "dim"))
        room -= len(part)
    return lines


def _forks_text(forks: Sequence[float]) -> str:
    if len(forks) > _LISTED_FORKS:
        return f"{len(forks)} forks, the last at {format_number(forks[-1], digits=12)}"
    return f"fork{'s' if len(forks) > 1 else ''} at " + ", ".join(format_number(fork, digits=12) for fork in forks)


def _not_finite(y: Floats) -> list[tuple[int, str]]:
    return [
        (int(np.isnan(y).sum()), "NaN"),
        (int(np.isposinf(y).sum()), "+inf"),
        (int(np.isneginf(y).sum()), "-inf"),
    ]
