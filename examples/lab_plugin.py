"""A plugin of a group: a book of all runs that its members begin, fork and end, and indexes in memory that readers share.

Put it into a package of yours, and name it in that package's pyproject.toml; whoever installs the package has it:

    [project.entry-points.runfork]
    lab = "my_lab.lab_plugin"

``LAB_BOOK`` says where the book lies, a file that all can write to. ``Project.open(..., index_uri="ram://mine")`` keeps the index
in this machine's memory for all processes, where the disk is slow. ``runfork plugins`` shows what is loaded.
"""

from __future__ import annotations

import getpass
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import runfork

if TYPE_CHECKING:
    from runfork.index.interface import Index

MEMORY = Path("/dev/shm")  # noqa: S108  Linux's file system in memory


@runfork.hookimpl
def after_run_created(run: runfork.Run) -> None:
    """Note that somebody began a run, or opened it again."""
    note(run, f"began {run.experiment_name or 'a run without a name'}")


@runfork.hookimpl
def after_run_forked(run: runfork.Run, parent: str, step: float) -> None:
    """Note what a run goes on from."""
    note(run, f"forked it from {parent} at step {step:g}")


@runfork.hookimpl
def after_run_closed(run: runfork.Run) -> None:
    """Note how a run ended."""
    note(run, run.status.state)


def note(run: runfork.Run, what: str) -> None:
    """Append a line to the book, in one write: many processes have it open."""
    book = os.environ.get("LAB_BOOK")
    if book is not None and run.rank == 0:
        line = f"{datetime.now().astimezone():%Y-%m-%d %H:%M} {getpass.getuser()} {run.project}/{run.run_id}: {what}\n"
        with Path(book).open("a", encoding="utf-8") as file:
            file.write(line)


@runfork.hookimpl
def open_index(uri: str) -> Index | None:
    """Open ``ram://<name>``: an index of runfork's own kind, in a folder that lies in memory and is this user's alone."""
    name = uri.removeprefix("ram://")
    if name == uri or not MEMORY.is_dir():
        return None
    from runfork.index.sqlite import SqliteIndex

    folder = MEMORY / f"runfork-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return SqliteIndex(folder / f"{name}.sqlite3")
