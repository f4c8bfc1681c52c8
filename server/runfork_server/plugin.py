"""The plugin that registers what the server adds to the command line; it imports neither Starlette nor uvicorn."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    import click


@dataclass(frozen=True)
class CommandFactory:
    """Makes a command when it is needed, so that ``runfork --help`` imports neither it nor what serves.

    Args:
        name: The command's name.
        summary: Its line in ``runfork --help``.
        module: Where its ``command`` is.
    """

    name: str
    summary: str
    module: str

    def __call__(self) -> click.Command:
        """Import the command's module and return its ``command``."""
        command: click.Command = importlib.import_module(self.module).command
        return command


_COMMANDS = (CommandFactory("ui", "Open the web UI on the runs of this machine.", "runfork_server.command"),)


@hookimpl
def register_commands() -> list[Callable[[], click.Command]]:
    """Return the factories of the server's commands."""
    return [*_COMMANDS]
