"""The commands that runfork brings along, a module each; this is the plugin that registers them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.hooks import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["CommandFactory", "register_commands"]


@dataclass(frozen=True)
class CommandFactory:
    """Makes a command when it is needed, so that ``runfork --help`` imports none.

    Args:
        name: The command's name, and its module's in this package.
        summary: Its line in ``runfork --help``.
    """

    name: str
    summary: str

    def __call__(self) -> click.Command:
        """Import the command's module and return its ``command``."""
        command: click.Command = importlib.import_module(f"runfork.cli.commands.{self.name}").command
        return command


_COMMANDS = (
    CommandFactory("compare", "Put runs side by side."),
    CommandFactory("demo", "Train a small model, lose it, resume it, and see the fork."),
    CommandFactory("export", "Write runs or points to CSV, Parquet or JSON."),
    CommandFactory("fsck", "Check journals and files for damage, and repair it."),
    CommandFactory("lineage", "Draw how runs forked, what changed, and what was kept."),
    CommandFactory("ls", "List experiments, or runs."),
    CommandFactory("plot", "Plot metrics in the terminal."),
    CommandFactory("plugins", "List plugins, their hooks, and what failed."),
    CommandFactory("show", "Show one run: state, lineage, configs, series, files."),
    CommandFactory("tail", "Follow a run's metrics and console output."),
)


@hookimpl
def register_commands() -> list[CommandFactory]:
    """Return the factories of the built-in commands."""
    return list(_COMMANDS)
