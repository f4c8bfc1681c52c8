"""The plugin that registers what the server adds to the command line; it imports neither Starlette nor uvicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    import click


@hookimpl
def register_commands() -> list[Callable[[], click.Command]]:
    """Return the factories of the server's commands."""
    return []
