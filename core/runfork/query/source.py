"""Where the query functions read from."""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.errors import NotFoundError, warn_caller
from runfork.model.messages import plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from runfork.disk.layout import Store
    from runfork.index.interface import Index


@dataclass(frozen=True)
class Source:
    """One project as the query functions see it.

    Args:
        project: Its name.
        index: Its index, brought up to date.
        directory: The data directory, which files remember so that they can be copied later.
    """

    project: str
    index: Index
    directory: str = ""


@contextmanager
def opened(project: str | None, directory: str | PathLike[str] | None) -> Iterator[Source]:
    """Open a project and bring its index up to date with the journals.

    Args:
        project: Its name; None takes ``RUNFORK_PROJECT``, and what `runfork.Run` would take without it.
        directory: The data directory; None looks for it as `runfork.Run` does.

    Raises:
        NotFoundError: There is no such project.
    """
    from runfork.reading.project import Project

    with Project.open(project, directory=directory) as found:
        if not found.store.project_directory(found.name).is_dir():
            raise _no_project(found.name, found.store)
        found.refresh()
        for sentence in found.troubles():
            warn_caller(sentence)
        yield Source(found.name, found.index, str(found.store.directory))


def _no_project(name: str, store: Store) -> NotFoundError:
    there = store.projects()
    close = difflib.get_close_matches(name, there, n=1, cutoff=0.4)
    hint = (
        f"did you mean {close[0]!r}?"
        if close
        else "pass project= and directory=, or set RUNFORK_PROJECT and RUNFORK_DIR"
    )
    return NotFoundError(
        f"there is no project {name!r} in {store.directory}, found {plural(len(there), 'other')}; {hint}"
    )
