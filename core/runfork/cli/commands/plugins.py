"""``runfork plugins``: which plugins there are, what they hook into, and what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runfork import writing
from runfork.cli import group
from runfork.cli.formats import one_line
from runfork.cli.json_output import write_json
from runfork.cli.place import json_option, place_options
from runfork.plugins import load_plugins

if TYPE_CHECKING:
    from runfork.cli.place import Place
    from runfork.plugins import Plugins


@click.command("plugins")
@json_option
@place_options
@click.pass_context
def command(context: click.Context, *, place: Place, as_json: bool) -> None:
    """List plugins: name, version, the hooks that they implement, and what failed.

    RUNFORK_PLUGINS is an allow-list of those that come with other packages. Exit code 1 if a plugin failed.
    """
    del place  # plugins belong to the installation, not to a project
    plugins = load_plugins(built_in=(*writing.BUILT_IN, *group.BUILT_IN))
    versions = _versions()
    rows = [
        {"name": name, "version": versions.get(name, versions["runfork"]), "hooks": plugins.hooks_of(name)}
        for name in plugins.names()
    ]
    if as_json:
        write_json({"plugins": rows, "failures": plugins.failures})
    else:
        _print_plugins(rows, plugins)
    if plugins.failures:
        context.exit(1)


def _versions() -> dict[str, str]:
    """Return the version of the distribution that each entry point comes from, and our own as ``runfork``."""
    from importlib.metadata import PackageNotFoundError, entry_points, version

    found = {entry.name: entry.dist.version for entry in entry_points(group="runfork") if entry.dist is not None}
    try:
        found["runfork"] = version("runfork")
    except PackageNotFoundError:  # run from a checkout that is not installed
        found["runfork"] = "not installed"
    return found


def _print_plugins(rows: list[dict[str, Any]], plugins: Plugins) -> None:
    from runfork.cli.drawing.console import open_console
    from runfork.cli.drawing.tables import Cell, Column, print_table

    console = open_console()
    columns = [
        Column("PLUGIN", [Cell(row["name"], "bold") for row in rows]),
        Column("VERSION", [Cell(row["version"]) for row in rows], is_optional=True),
        Column("HOOKS", [Cell(", ".join(row["hooks"]), "dim") for row in rows], is_flexible=True),
    ]
    print_table(console, columns)
    if plugins.failures:
        console.print()
        failed = sorted(plugins.failures.items())
        print_table(
            console,
            [
                Column("FAILED", [Cell(name, "red") for name, _ in failed]),
                Column("WHY", [Cell(one_line(" ".join(why.split()))) for _, why in failed], is_flexible=True),
            ],
        )
