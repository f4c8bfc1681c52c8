"""The cells of a notebook, or of IPython's prompt, and the runs that are open in them.

A process of cells lives on after whatever happens in one of them. So an error says something of a run only if it ended the cell
that logged to it last, or a training in it; and that is told when the cell ends. IPython is never imported: it is asked where it
is there and runs the cells.
"""

# pyright: reportReturnType=false
# A protocol's properties have no bodies.

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from runfork.disk.starting_directory import find_shell
from runfork.model.run_ending import Ending, ending_after
from runfork.writing.open_lives import OpenLives

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork.types import File
    from runfork.writing.run_journal import RunJournal


class OfCells(Protocol):
    """The life of an open run, as the cells of a notebook change it."""

    journal: RunJournal
    state: str
    cell: int
    """The number of the cell that opened the run."""
    last_ending: Ending
    """How the last of the cells that used the run ended."""

    @property
    def is_used(self) -> bool:
        """Whether the present cell has logged to the run."""

    def begin_cell(self) -> None:
        """Begin to look whether this cell uses the run."""

    def follow_console(self) -> None:
        """Look where the standard streams are now."""

    def leave_training(self, error: BaseException | None, *, thread: threading.Thread | None = None) -> None:
        """Say that the training which goes on was left."""

    def note_end(self, ending: Ending) -> None:
        """Record how what the run is about ended, unless that was said already, or it goes well."""

    def close(self) -> None:
        """Close the run."""

    def rest(self) -> None:
        """End, and take what is logged later."""


class Notebook:
    """What is known of the cells of one shell, which holds it: it calls it before and after each."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._lives: OpenLives[OfCells] = OpenLives()
        self._source_paths: weakref.WeakKeyDictionary[RunJournal, str] = weakref.WeakKeyDictionary()
        self._cell = 0
        self._pid = os.getpid()
        self._error_before = getattr(sys, "last_value", None)

    @classmethod
    def find(cls) -> Notebook | None:
        """Return the notebook that this process runs, or None."""
        shell = find_shell()
        callbacks = getattr(getattr(shell, "events", None), "callbacks", None)
        if callbacks is None or shell is None:
            return None
        held = (getattr(call, "__self__", None) for call in callbacks.get("post_run_cell", ()))
        for this in held:
            if isinstance(this, cls):
                return this if this.is_of_this_process else None
        this = cls(shell)
        shell.events.register("pre_run_cell", this.before_cell)
        shell.events.register("post_run_cell", this.after_cell)
        return this

    @property
    def is_of_this_process(self) -> bool:
        """False in a child process after ``os.fork()``."""
        return self._pid == os.getpid()

    def join(self, life: OfCells) -> int:
        """Tell `life` of cells that end; returns the number of the present one."""
        self._lives.add(life)
        return self._cell

    def leave(self, life: OfCells) -> None:
        """Tell it no more."""
        self._lives.discard(life)

    def make_room(self, life: OfCells) -> None:
        """Close what earlier cells opened of the very run that is about to begin."""
        for other in self._others(life.journal):
            if other.journal.run_id == life.journal.run_id:
                other.note_end(other.last_ending)
                other.close()

    def take_place(self, life: OfCells) -> list[RunJournal]:
        """Let the runs rest that earlier cells opened under the name of this one (or without one, if it has none); returns them."""
        found, journal = [], life.journal
        for other in self._others(journal):
            if other.journal.experiment_name == journal.experiment_name and other.journal.run_id != journal.run_id:
                other.note_end(other.last_ending)
                other.rest()
                found.append(other.journal)
        return found

    def _others(self, journal: RunJournal) -> list[OfCells]:
        if journal.is_visitor:
            return []
        return [
            life
            for life in self._lives
            if life.cell != self._cell and not life.journal.is_visitor and life.journal.project == journal.project
        ]

    def ending_of(self, life: OfCells) -> Ending:
        """Return how a run ended that is open when the process ends."""
        error = getattr(sys, "last_value", None)
        if not self._cell and isinstance(error, BaseException) and error is not self._error_before:  # ipython train.py
            return ending_after(error)
        return life.last_ending

    # Called by IPython

    def before_cell(self, _info: object = None) -> None:
        """Begin to look at who is used."""
        if not self.is_of_this_process:
            return
        self._cell += 1
        for life in self._lives:
            life.begin_cell()

    def after_cell(self, result: Any) -> None:
        """Tell what ended in the cell."""
        if not self.is_of_this_process:
            return
        error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
        ending = ending_after(error if isinstance(error, BaseException) else None)
        for life in self._lives:
            life.leave_training(error, thread=threading.current_thread())
            if life.is_used or life.cell == self._cell:
                life.last_ending = ending
            if life.state != "running":
                life.rest()
            life.follow_console()

    # What it is

    @property
    def path(self) -> str | None:
        """The notebook's file, as far as anybody tells the kernel."""
        names: Mapping[str, Any] = getattr(self._shell, "user_ns", {})
        candidates = (names.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"), names.get("__session__"))
        return next((name for name in candidates if isinstance(name, str) and name), None)

    @property
    def is_kernel(self) -> bool:
        """Whether this is a kernel, and no prompt in a terminal."""
        return getattr(self._shell, "kernel", None) is not None

    def keep_source(self, journal: RunJournal, path: str) -> None:
        """Have the cells that ran by then logged as a file when the run ends."""
        self._source_paths[journal] = path

    def source_path(self, journal: RunJournal) -> str | None:
        """Return the path of that file; None where it was not asked for."""
        return self._source_paths.get(journal)

    def source_file(self) -> File:
        """Return the cells that ran up to now, as a file to log."""
        from runfork.types import File

        return File(self.source().encode(), mime_type="text/x-python", name="cells.py")

    def source(self) -> str:
        """Return the cells that ran, in their order, in the percent format that editors know."""
        cells = getattr(getattr(self._shell, "history_manager", None), "input_hist_raw", None) or []
        return "\n".join(f"# %% [{number}]\n{text}\n" for number, text in enumerate(cells) if number and text.strip())
