"""The cells of a notebook, or of IPython's prompt, and the runs that are open in them.

A process of cells lives on after whatever happens in one of them. So an error says something of a run only if it ended the cell
that logged to it last, or a training in it; and that is told when the cell ends. IPython is never imported: it is asked where it
is there and runs the cells.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

from runfork.disk.starting_directory import find_shell
from runfork.model.run_ending import Ending, ending_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork.writing.run import Run
    from runfork.writing.session import Session

__all__ = ["Notebook"]


class Notebook:
    """What is known of the cells of one shell, which holds it: it calls it before and after each."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._sources: weakref.WeakKeyDictionary[Run, str] = weakref.WeakKeyDictionary()
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

    def join(self, session: Session) -> int:
        """Tell `session` of cells that end; returns the number of the present one."""
        self._sessions.add(session)
        return self._cell

    def leave(self, session: Session) -> None:
        """Tell it no more."""
        self._sessions.discard(session)

    def make_room(self, run: Run) -> None:
        """Close what earlier cells opened of the very run that is about to begin."""
        for session in self._others(run):
            if session.run.run_id == run.run_id:
                session.end_as(session.last_ending)
                session.run.close()

    def take_place(self, run: Run) -> list[Run]:
        """Let the runs rest that earlier cells opened under the name of this one (or without one, if it has none); returns them."""
        found = []
        for session in self._others(run):
            if session.run.experiment_name == run.experiment_name and session.run.run_id != run.run_id:
                session.end_as(session.last_ending)
                session.run.rest()
                found.append(session.run)
        return found

    def _others(self, run: Run) -> list[Session]:
        if run.is_visitor:
            return []
        return [
            session
            for session in list(self._sessions)
            if session.cell != self._cell and not session.run.is_visitor and session.run.project == run.project
        ]

    def ending_of(self, session: Session) -> Ending:
        """Return how a run ended that is open when the process ends."""
        error = getattr(sys, "last_value", None)
        if not self._cell and isinstance(error, BaseException) and error is not self._error_before:  # ipython train.py
            return ending_after(error)
        return session.last_ending

    # Called by IPython

    def before_cell(self, _info: object = None) -> None:
        """Begin to look at who is used."""
        if not self.is_of_this_process:
            return
        self._cell += 1
        for session in list(self._sessions):
            session.run.watched_thread = threading.get_ident()
            session.follow_console()

    def after_cell(self, result: Any) -> None:
        """Tell what ended in the cell."""
        if not self.is_of_this_process:
            return
        error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
        ending = ending_after(error if isinstance(error, BaseException) else None)
        for session in list(self._sessions):
            session.leave_training(error, thread=threading.current_thread())
            if session.run.watched_thread is None or session.cell == self._cell:
                session.last_ending = ending
            if session.run.status.state != "running":
                session.run.rest()
            session.follow_console()

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

    def keep_source(self, run: Run, path: str) -> None:
        """Log the cells that ran as a file: now, and when the run ends."""
        self._sources[run] = path
        self.log_source(run)

    def log_source(self, run: Run) -> None:
        """Log the cells that ran up to now, if that was asked for."""
        if (path := self._sources.get(run)) is not None:
            from runfork.types import File

            run.assign_files({path: File(self.source().encode(), mime_type="text/x-python", name="cells.py")})

    def source(self) -> str:
        """Return the cells that ran, in their order, in the percent format that editors know."""
        cells = getattr(getattr(self._shell, "history_manager", None), "input_hist_raw", None) or []
        return "\n".join(f"# %% [{number}]\n{text}\n" for number, text in enumerate(cells) if number and text.strip())
