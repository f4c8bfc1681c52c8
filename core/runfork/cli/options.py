"""Options that every command understands."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Place", "json_option", "place_options"]


@dataclass(frozen=True)
class Place:
    """Where to read: the project and the data directory that were asked for, None for the default."""

    project: str | None = None
    directory: str | None = None


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--project`` and ``--dir``; the command gets both as one `Place` named ``place``."""

    @functools.wraps(command)
    def with_place(*args: Any, project: str | None, directory: str | None, **rest: Any) -> Any:
        return command(*args, place=Place(project, directory), **rest)

    add_directory = click.option(
        "--dir", "directory", metavar="DIR", help="Data directory; default: RUNFORK_DIR, else the nearest .runfork."
    )
    add_project = click.option(
        "--project", metavar="NAME", help="Project, as workspace/project; default: RUNFORK_PROJECT, else the only one."
    )
    return add_project(add_directory(with_place))


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``; the command gets it as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON, for machines.")(command)
