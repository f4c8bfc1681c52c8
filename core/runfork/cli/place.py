"""Where a command reads: its options, the project that they mean or that is meant where none was named, and runs in it."""

from __future__ import annotations

import difflib
import functools
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from runfork.cli.progress import drain_progress
from runfork.disk.layout import Store, default_project, find_data_directory
from runfork.errors import NotFoundError
from runfork.model.patterns import compile_pattern
from runfork.query.names import listed, suggestion
from runfork.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from runfork.index.interface import Index
    from runfork.model.filters import Filter
    from runfork.reading.project import Project


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


def find_directory(place: Place) -> Path:
    """Return the data directory that `place` names; it need not be there.

    Raises:
        NotFoundError: A file lies there.
    """
    directory = find_data_directory(place.directory)
    if directory.exists() and not directory.is_dir():
        raise NotFoundError(f"the data directory {str(directory)!r} is a file, and no folder; name another with --dir")
    return directory


def open_store(place: Place) -> Store:
    """Return the data directory that `place` names.

    Raises:
        NotFoundError: It is not there.
    """
    directory = find_directory(place)
    if not directory.is_dir():
        raise NotFoundError(f"there is no data directory at {str(directory)!r}; log a run, or name another with --dir")
    return Store(directory)


def choose_project(place: Place, store: Store) -> str:
    """Return the project to read: the one asked for, else the default one, else the only one that has runs.

    Raises:
        NotFoundError: It has no runs; the message names those that have.
    """
    known = store.projects()
    asked = place.project or Settings.from_environment().project
    if asked is None:
        default = default_project()
        return (
            known[0] if len(known) == 1 else _known_project(default, known, store, f"the default project {default!r}")
        )
    short = [name for name in known if name.partition("/")[2] == asked]
    return short[0] if len(short) == 1 else _known_project(asked, known, store, f"project {asked!r}")


def _known_project(name: str, known: list[str], store: Store, described: str) -> str:
    if name in known:
        return name
    missing = f"{described} has no runs in {str(store.directory)!r}"
    if not known:
        raise NotFoundError(f"{missing}, nor has any other; log a run, or name another directory with --dir")
    close = difflib.get_close_matches(name, known, n=1) or known[:1]
    raise NotFoundError(f"{missing}; found {listed(known)}; name one, such as --project {close[0]}")


@contextmanager
def open_project(place: Place) -> Iterator[Project]:
    """Open the project that `place` names, brought up to date; progress is shown on a terminal's stderr."""
    from runfork.cli.group import current_plugins
    from runfork.reading.project import Project

    store = open_store(place)
    project = Project.open(choose_project(place, store), directory=store.directory, plugins=current_plugins())
    try:
        with drain_progress() as progress:
            project.refresh(progress)
        _tell_problems(project)
        yield project
    finally:
        project.close()


def find_run(project: Project, name: str) -> str:
    """Return the run that `name` means; say on stderr where that is a run, and an experiment's name that means another one.

    Raises:
        NotFoundError: No run is meant.
        ArgumentError: Several are.
    """
    run_id = project.find_run(name)
    head = project.experiments().get(name, name) if run_id == name else name
    if head != name:
        text = f"{name!r} is a run and an experiment: the run is meant; the experiment's head is {head!r}"
        click.echo(f"runfork: {text}", err=True)
    return run_id


def read_condition(text: str | None, index: Index) -> Filter | None:
    """Return what a query asks for, with the types that its attributes have; None asks for nothing.

    Raises:
        ArgumentError: It does not follow the grammar, or compares what cannot be compared.
    """
    if text is None:
        return None
    from runfork.model.filters import Filter
    from runfork.query.inference import resolve_filter

    return resolve_filter(Filter.parse(text), index)


def tell_unmatched(text: str | None, paths: Iterable[str]) -> None:
    """Say on stderr that a pattern of attributes matches none of `paths`, and what is closest."""
    there = {*paths}
    if text is None or any(map(compile_pattern(text).matches, there)):
        return
    click.echo(f"runfork: no attribute matches {text!r}{suggestion([text], there)}", err=True)


def _tell_problems(project: Project) -> None:
    """Say on stderr that something could not be read; ``fsck`` says what."""
    for sentence in project.troubles():
        click.echo(f"runfork: {sentence}", err=True)
