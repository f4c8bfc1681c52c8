"""The life of a run in one process: what state it is in, how it ends, and what of the process tells it so."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.model.run_ending import Ending
from runfork.writing.status import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.hooks import OpenRun
    from runfork.writing.background import Background
    from runfork.writing.log import Log
    from runfork.writing.notebook import Notebook
    from runfork.writing.process_end import ProcessEnd
    from runfork.writing.run_journal import RunJournal
    from runfork.writing.termination import Terminator

STATES = ("running", "finished", "failed", "aborted", "preempted")
PREEMPTED_SECONDS = 0.25
"""So long closing waits after SIGTERM: what is waited for may itself wait for a lock of the code that the signal interrupted."""


class Life:
    """How a run begins, rests, wakes and ends. Every method may be called from any thread.

    Args:
        journal: The run's.
        log: The run's.
        run: The run as plugins see it.
        captures_console: Whether console output is captured.
        collect: Collects what is known of the code, or None.
    """

    def __init__(
        self,
        journal: RunJournal,
        log: Log,
        run: OpenRun,
        *,
        captures_console: bool,
        collect: Callable[[], Mapping[str, Any]] | None,
    ) -> None:
        self.journal = journal
        self._log = log
        self._run = run
        self._captures_console = captures_console
        self._collect = collect
        self._closing = threading.RLock()
        self.state = "running"
        self.is_closed = False
        """Whether it was closed in this process."""
        self._is_resting = self._is_dying = False
        self._ended_as: str | None = None
        self.background: Background | None = None
        """What goes on beside; None where nothing is written, and while the run rests."""
        self._goes_on, self._state_before = False, self.state
        self.thread = threading.current_thread()
        """The thread that opened the run."""
        self.cell = 0
        """The number of the notebook's cell that opened it."""
        self.last_ending = Ending()
        """How the last of a notebook's cells that used the run ended."""
        self._notebook: Notebook | None = None
        self._process_end: ProcessEnd | None = None
        self._terminator: Terminator | None = None
        self._on_left: Callable[[BaseException | None], None] | None = None
        self._training_thread: threading.Thread | None = None
        journal.on_fork = self._after_fork
        journal.on_childs_journal = self._keep_child

    @property
    def is_over(self) -> bool:
        """Whether it is closed or rests, so that nothing is added to it unasked."""
        return self.is_closed or self._is_resting

    @property
    def status(self) -> RunStatus:
        """How it is doing: state, what is written, what was dropped or lost, and why."""
        writer, problems = self.journal.writer, self.journal.problems
        return RunStatus(
            state=self.state,
            is_closed=self.is_closed,
            journal=writer.path,
            written_bytes=writer.size,
            unsynced_bytes=writer.unsynced_bytes,
            waiting_bytes=writer.backlog_bytes,
            lost_records=writer.lost_records,
            dropped_values=problems.dropped_values,
            problems=problems.sentences,
        )

    # Begin

    def start(self, *, goes_on: bool = False) -> None:
        """Begin what goes on beside training, and look out for how the process ends."""
        from runfork.writing.background import Background
        from runfork.writing.process_end import ProcessEnd
        from runfork.writing.termination import Terminator

        self._goes_on, self._state_before, self._is_dying = goes_on, self.state, False
        self._on_left = self._training_thread = None
        self.thread, self.last_ending = threading.current_thread(), Ending()
        self.background = Background(
            self.journal,
            self._run,
            console=self._captures_console,
            collect=None if goes_on else self._collect,
            is_over=lambda: self.is_over,
            goes_on=goes_on,
        )
        atexit.register(self._at_exit)
        self._process_end = ProcessEnd.join(self)
        if (notebook := _find_notebook()) is not None:
            self._notebook, self.cell = notebook, notebook.join(self)
        self._terminator = Terminator.install(self)
        self.background.start()

    def make_room(self) -> None:
        """Close what earlier cells of a notebook opened of this very run."""
        if (notebook := _find_notebook()) is not None:
            notebook.make_room(self)

    def take_place(self) -> None:
        """Let the runs rest that earlier cells of a notebook opened under this name."""
        notebook = _find_notebook()
        for other in notebook.take_place(self) if notebook is not None else ():
            from runfork.writing.announcements import say_replaced

            say_replaced(other, self.journal)

    # What is told

    def tell_created(self) -> None:
        """Say, and tell the plugins, that there is a run: now it is settled which one."""
        from runfork.writing.announcements import say_created

        journal = self.journal
        if self.background is not None:
            if not journal.is_visitor:  # of visitors that says who opened them
                self.announce(lambda: say_created(journal), is_first=True)
            self.background.plugins.tell_created()

    def tell_forked(self, parent: str, step: float) -> None:
        """Say, and tell the plugins, that the run got its parent."""
        from runfork.writing.announcements import say_forked

        self.announce(lambda: say_forked(self.journal, parent, step))
        if self.background is not None:
            self.background.plugins.tell_forked(parent, step)

    def tell_moved(self) -> None:
        """Say where the run lies now, where that was said of it under another id."""
        from runfork.writing.announcements import say_moved

        self.announce(lambda: say_moved(self.journal))

    def announce(self, say: Callable[[], None], *, is_first: bool = False) -> None:
        """Have something said beside training; in a notebook at once, so that it stands below the cell that did it.

        Args:
            say: Says it.
            is_first: Not even that there is a run was said.
        """
        if self._notebook is not None:
            say()
        elif self.background is not None:
            self.background.plugins.tell(say, is_first=is_first)

    # State and end

    def set_status(self, state: str, exception: BaseException | None = None) -> None:
        """Record the state that the run is in, and why; it stays open."""
        check_run_state(state)
        self.end_as(Ending.of(state, exception))

    def end_as(self, ending: Ending) -> None:
        """Record how what the run is about ended; it stays open."""
        if self.is_closed:
            return
        self.state = ending.state
        body: dict[str, Any] = {"state": ending.state}
        if ending.kind:
            body["exception"] = {"type": ending.kind, "message": ending.message}
            self.journal.recorder.record(Kind.CONFIGS, {"sys/exception": ["string", ending.traceback]})
        self.journal.recorder.record(Kind.STATUS, body)

    def note_end(self, ending: Ending) -> None:
        """Record how what the run is about ended, unless that was said already, or it goes well."""
        if self.state == "running" and not ending.is_good:
            self.end_as(ending)

    def close(self, state: str | None = None, *, timeout: float | None = None) -> None:
        """End the run in this process; see `runfork.Run.close`."""
        if state is not None:
            check_run_state(state)
        if self._closing.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            try:
                self._close(state)
            finally:
                self._closing.release()

    def rest(self, state: str | None = None, *, wakes: bool = True) -> None:
        """End as `close` does, but take what is logged later; see `runfork.Run.rest`."""
        with self._closing:
            if self.is_closed or self.background is None:
                return
            before = self.state
            self._close(state, is_final=False)
            self._is_resting = wakes
            if wakes:
                self.journal.writer.release()
                self.journal.writer.call_before_next(lambda: self._wake(before))

    def withdraw(self) -> None:
        """Take back all that this process has logged; what other processes logged to the run stays."""
        self.close("aborted")
        self.journal.remove()

    def _wake(self, state: str) -> None:
        self._is_resting, self._ended_as = False, None
        if state == "running":
            self.set_status(state)
        self.start(goes_on=True)

    def _close(self, state: str | None, *, is_final: bool = True) -> None:
        if self.is_closed:
            return
        background = self.background
        if background is not None:
            background.stop(restores_streams=not self._is_dying)
            background.join_plugins()
            self._log_cells()
            background.join()
        self._end(state, is_final=is_final)
        if background is not None:
            self._leave_process()
            background.finish(say_closed=self._say_closed if self._notebook is None else None)
            if self._notebook is not None and not self._is_dying:
                self._say_closed()
        if not is_final:
            self.background = None
        self.journal.problems.tell_noted()

    def _end(self, state: str | None, *, is_final: bool) -> None:
        """Write the last record. A forked child that logged nothing leaves nothing."""
        if self.is_closed:  # by a signal handler, in the meantime
            return
        writer, recorder = self.journal.writer, self.journal.recorder
        self.state = state or (self.state if self.state != "running" else "finished")
        if writer.has_begun and self._ended_as != self.state:  # else it rested, and nothing came
            recorder.repeat_schemas()
            recorder.record(Kind.CLOSE, {"state": self.state})
            self._ended_as = self.state
        if is_final:
            self.is_closed = True
            recorder.close()
        if self.background is not None:
            self.background.sync(is_last=is_final)
        elif not writer.is_syncing:  # else the disk does not answer
            writer.sync()
        if is_final:
            writer.close(syncs=False)

    def _log_cells(self) -> None:
        notebook = self._notebook if not self._is_dying else None
        if notebook is not None and (path := notebook.source_path(self.journal)) is not None:
            self._log.assign_files({path: notebook.source_file()})

    def _say_closed(self) -> None:
        is_news = not self._goes_on or self.state != self._state_before or self._notebook is None
        if is_news and not self.journal.is_visitor:
            from runfork.writing.announcements import say_closed

            say_closed(self.journal, self.status)

    def _leave_process(self) -> None:
        atexit.unregister(self._at_exit)  # not before: a closing that is interrupted is left to the end of the process
        for one in (self._terminator, self._process_end, self._notebook):
            if one is not None:
                one.leave(self)

    # What ends it

    def preempt(self, *, is_last_word: bool) -> None:
        """Record that SIGTERM came; where it ends the process, close the run."""
        if self.background is not None:
            self.background.hurry(PREEMPTED_SECONDS)
        self.set_status("preempted")
        if is_last_word:
            # Neither streams nor log handlers are touched any more: who holds their locks may wait for what was interrupted.
            self._is_dying = True
            self.journal.problems.be_silent()
            self.close(timeout=PREEMPTED_SECONDS)

    def _at_exit(self) -> None:
        # A forked child that logged nothing leaves nothing.
        if self.journal.writer.has_begun and self._process_end is not None:
            notebook = self._notebook
            self.note_end(self._process_end.find() if notebook is None else notebook.ending_of(self))
            self.leave_training(None)
        self.journal.problems.stop_warning()  # daemon threads may still log: they end in the middle of whatever they do
        try:
            self.rest(wakes=False)
        except KeyboardInterrupt:  # somebody is in a hurry
            if self.background is not None:
                self.background.hurry(0.0)
            self.rest(wakes=False)
            raise
        finally:
            self.journal.problems.be_silent()

    def expect_end(self, on_left: Callable[[BaseException | None], None] | None) -> None:
        """Have it told that a training was left without a word; see `runfork.Run.expect_end`.

        Where a training begins, no other is left on this thread.
        """
        if self.background is None:
            return
        self._on_left, self._training_thread = on_left, threading.current_thread()
        if on_left is None or self._process_end is None:
            return
        for other in self._process_end.lives:
            if other is not self:
                other.leave_training(None, thread=self._training_thread)

    def let_ended_rest(self) -> None:
        """Let the other runs of this process rest that have ended; see `runfork.Run.let_ended_rest`."""
        for other in self._process_end.lives if self._process_end is not None else ():
            if other is not self and other.state != "running":
                other.rest()

    def leave_training(self, error: BaseException | None, *, thread: threading.Thread | None = None) -> None:
        """Say that the training which goes on was left, if one does.

        Args:
            error: What ended it, if that is known.
            thread: Asks for a training of this thread; None: of any.
        """
        on_left = self._on_left
        if on_left is None or (thread is not None and self._training_thread is not thread):
            return
        self._on_left = None
        if self.state == "running":
            on_left(error)

    # Cells of a notebook

    def begin_cell(self) -> None:
        """Begin to look whether this cell uses the run."""
        self._log.watched_thread = threading.get_ident()
        self.follow_console()

    @property
    def is_used(self) -> bool:
        """Whether the cell has logged to it."""
        return self._log.watched_thread is None

    def follow_console(self) -> None:
        """Look where the standard streams are now. For the thread that may replace them."""
        if self.background is not None:
            self.background.follow_console()

    # After `os.fork()`

    def _after_fork(self) -> None:
        self._closing = threading.RLock()
        self._is_resting, self._ended_as = False, None
        if self._terminator is not None:
            self._terminator.leave_child()
            self._terminator = None
        if self.background is not None:
            self.background.forget()

    def _keep_child(self) -> None:
        if self.background is not None:
            self.background.keep_child()


def _find_notebook() -> Notebook | None:
    from runfork.writing.notebook import Notebook

    return Notebook.find()


def check_run_state(state: object) -> None:
    """Raise ArgumentError if there is no such state of a run."""
    if state not in STATES:
        raise ArgumentError(f"state must be one of {', '.join(STATES)}, found {state!r}")
