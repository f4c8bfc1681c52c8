"""What goes on beside training in a process that has a run open: plugins, hardware samples, console, heartbeats, signals."""

from __future__ import annotations

import atexit
import threading
import time
from typing import TYPE_CHECKING, Any

from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType
from runfork.model.clock import now_us
from runfork.model.messages import described
from runfork.model.run_ending import Ending
from runfork.model.secrets import mask_text
from runfork.writing.keeper import Keeper
from runfork.writing.notebook import Notebook
from runfork.writing.plugin_work import PluginWork
from runfork.writing.process_end import ProcessEnd
from runfork.writing.termination import Terminator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runfork.capture.console import ConsoleCapture
    from runfork.disk.layout import Store
    from runfork.model.marks import Mark
    from runfork.writing.run import Run

__all__ = ["Session"]

HEARTBEAT_SECONDS = 10.0
CLOSE_TIMEOUT_SECONDS = 5.0
LAST_SECONDS = 1.0
"""So long the disk and the plugins' last hooks are waited for, whatever took time before."""
PREEMPTED_PATIENCE_SECONDS = 0.25


class Session:
    """The background side of one run in one process.

    Args:
        run: The run; everything that is found goes into its journal.
        console: Whether to capture the console.
        source_tracking: Collects what is known of the code, or None.
        goes_on: Whether the run had a session before: it rested.
    """

    def __init__(
        self,
        run: Run,
        *,
        console: bool,
        source_tracking: Callable[[Run], Mapping[str, Any]] | None,
        goes_on: bool = False,
    ) -> None:
        self._run = run
        self._captures_console = console
        self._goes_on, self._state_before = goes_on, run.status.state
        self._console: ConsoleCapture | None = None
        self._patience_seconds = CLOSE_TIMEOUT_SECONDS
        self._deadline = 0.0
        self._are_plugins_stuck = self._is_disk_stuck = False
        self._heartbeat = time.monotonic()
        self._diagnosed: tuple[int, int, int] = (0, 0, 0)
        self.thread = threading.current_thread()
        """The thread that opened the run."""
        self.cell = 0
        """The number of the notebook's cell that opened it."""
        self.last_ending = Ending()
        """How the last of a notebook's cells that used the run ended."""
        self._notebook: Notebook | None = None
        self._process_end: ProcessEnd | None = None
        self._on_left: Callable[[BaseException | None], None] | None = None
        self._training_thread: threading.Thread | None = None
        self._terminator: Terminator | None = None
        self._is_dying = False
        self.keeper = Keeper(f"runfork {run.run_id}", every_second=self._every_second, on_failure=self._failed)
        self.plugin_work = PluginWork(run, source_tracking=source_tracking, on_failure=self._failed, goes_on=goes_on)

    @property
    def run(self) -> Run:
        """The run."""
        return self._run

    # Life

    def start(self) -> None:
        """Begin: the threads, the console, the handlers for the end of the process."""
        if not (self.keeper.start() and self.plugin_work.start()):
            self._run.problems.tell(
                "keeper",
                "this interpreter has no thread to give: what is logged is safe, but synced to disk only when the run is closed, "
                "and there are no heartbeats, hardware metrics or plugins; log from the main interpreter to have them",
            )
        atexit.register(self._at_exit)
        self._process_end = ProcessEnd.join(self)
        if (notebook := Notebook.find()) is not None:
            self._notebook, self.cell = notebook, notebook.join(self)
        self._terminator = Terminator.install(self)
        if self._captures_console:
            try:
                self._start_console()
            except Exception as error:  # what stands at sys.stdout may raise anything; training goes on
                self._failed(error)

    def tell_created(self) -> None:
        """Tell the plugins that there is a run: now it is settled which one; in a notebook, say it at once."""
        self.plugin_work.tell_created()
        if self._notebook is not None and not self._goes_on and not self._run.is_visitor:
            from runfork.writing.announcements import say_created

            say_created(self._run)

    def tell_moved(self) -> None:
        """Say where the run lies now, where that was said of it under another id."""
        if self._notebook is None:
            self.plugin_work.tell_moved()
            return
        from runfork.writing.announcements import say_moved

        say_moved(self._run)

    def tell_forked(self, parent: str, step: float) -> None:
        """Tell the plugins that the run got its parent; in a notebook, say it at once."""
        self.plugin_work.tell_forked(parent, step)
        if self._notebook is not None:
            from runfork.writing.announcements import say_forked

            say_forked(self._run, parent, step)

    def tell_beside(self, job: Callable[[], None]) -> None:
        """Have something said on the keeper's thread; in a notebook at once, so that it stands below the cell that did it."""
        if self._notebook is not None:
            job()
        else:
            self.keeper.tell(job)

    def stop(self) -> None:
        """End the recurring work and flush the console. What follows waits 5 seconds in all, where they are over 1 for the disk."""
        self._deadline = time.monotonic() + self._patience_seconds
        console, self._console = self._console, None
        if console is not None:
            try:
                console.stop(restores_streams=not self._is_dying)
            except Exception as error:  # as in `start`
                self._failed(error)

    def finish(self) -> None:
        """Tell the plugins that the run is closed, and end the threads."""
        atexit.unregister(self._at_exit)  # not before: a closing that is interrupted is left to the end of the process
        if self._terminator is not None:
            self._terminator.remove(self)
        if self._process_end is not None:
            self._process_end.leave(self)
        if self._notebook is not None:
            self._notebook.leave(self)
        is_done = self.plugin_work.finish(0.0 if self._are_plugins_stuck else self._wait(at_least=LAST_SECONDS))
        is_stopped = self.keeper.stop(0.0 if self._is_disk_stuck else self._wait(at_least=LAST_SECONDS))
        if not (is_stopped or self._is_disk_stuck) or not is_done:
            self._run.problems.tell("keeper", "a plugin was still busy when the run was closed; it was left behind")
        self._tell_failures()
        is_news = not self._goes_on or self._run.status.state != self._state_before
        if self._notebook is not None and not self._run.is_visitor and is_news and not self._is_dying:
            from runfork.writing.announcements import say_closed

            say_closed(self._run)

    def preempt(self, *, is_last_word: bool) -> None:
        """Record that SIGTERM came; where it ends the process, close the run.

        The keeper is hardly waited for: it may itself wait for a lock of the code that the signal interrupted.
        """
        self._patience_seconds = PREEMPTED_PATIENCE_SECONDS
        self._run.set_status("preempted")
        if is_last_word:
            # Neither streams nor log handlers are touched any more: who holds their locks may wait for what was interrupted.
            self._is_dying = True
            self._run.problems.be_silent()
            self._run.close(timeout=PREEMPTED_PATIENCE_SECONDS)

    def _wait(self, *, at_least: float = 0.0) -> float:
        """Return for how many seconds whoever closes the run may wait at this point."""
        return min(self._patience_seconds, max(at_least, self._deadline - time.monotonic()))

    def settle(self) -> None:
        """Wait until the jobs queued so far are done, so that their records stand before the end."""
        self._are_plugins_stuck = not self.plugin_work.settle(self._wait())  # nor are they waited for a second time
        if self._notebook is not None and not self._is_dying:
            self._notebook.log_source(self._run)
        if not self.keeper.is_current_thread:
            self.keeper.settle(self._wait())
        self._diagnose()

    def sync(self) -> None:
        """Have the disk keep the journal, on the keeper's thread: one that does not answer is left behind, and told."""
        journal, keeper = self._run.journal, self.keeper
        if keeper.is_started and not keeper.is_current_thread:
            keeper.tell(self._sync)
            if keeper.settle(self._wait(at_least=LAST_SECONDS)):
                return
            self._is_disk_stuck = journal.is_syncing
        if not self._is_disk_stuck:  # the keeper waits for something else
            journal.sync()
            return
        self._run.problems.tell(
            "disk",
            f"the disk did not say in time that it keeps the journal {journal.path}: a killed process loses nothing, power loss "
            "may; check the disk",
        )

    def after_sync(self, job: Callable[[], None]) -> None:
        """Do something once the disk keeps what the journal holds now, and not before; waits for that, for 5 seconds at most."""
        journal, size, keeper = self._run.journal, self._run.journal.size, self.keeper

        def synced() -> None:
            if journal.synced_bytes >= size:
                job()

        if keeper.is_started and not keeper.is_current_thread:
            keeper.tell(self._sync)
            keeper.tell(synced)
            keeper.settle(CLOSE_TIMEOUT_SECONDS)
        else:
            journal.sync()
            synced()

    def _sync(self) -> None:
        with self.keeper.at_rest():
            self._run.journal.sync()

    def forget(self) -> None:
        """Begin anew in a child process after ``os.fork()``: no console, no samplers, and no thread before there is a journal."""
        self._console = None
        if self._terminator is not None:
            self._terminator.leave_child()
            self._terminator = None
        self._diagnosed = self._diagnosis()
        self.keeper.forget()
        self.plugin_work.forget()

    def keep_child(self) -> None:
        """Sync the journal of a child process left by ``os.fork()``, and give signs of life. Called when that journal begins."""
        if not self.keeper.is_started:
            self.keeper.start()

    def sync_file(self, path: Path) -> None:
        """Have a logged file reach the disk, on the keeper's thread."""
        from runfork.disk.logged_files import sync_file

        def job() -> None:
            try:
                with self.keeper.at_rest():
                    sync_file(path)
            except OSError as error:
                if path.parent.is_dir() and not path.exists():  # a copy of a checkpoint that has gone with it by now
                    return
                self._run.problems.tell(
                    "sync file", f"the logged file {path} could not be synced to disk ({error}); check the disk"
                )

        self.keeper.tell(job)

    def remember_mark(self, store: Store, mark: Mark) -> None:
        """Note the fingerprint of a checkpoint's weights, on the keeper's thread."""
        from runfork.disk.marks_by_fingerprint import remember_mark

        def job() -> None:
            try:
                with self.keeper.at_rest():
                    remember_mark(store, mark)
            except OSError as error:
                self._run.problems.tell(
                    "fingerprint",
                    f"the fingerprint of a checkpoint could not be noted ({error}): should its weights come back without their "
                    "mark, nobody will know whose they are",
                )

        self.keeper.tell(job)

    # On the keeper's thread

    def _every_second(self) -> None:
        if self._run.is_over:
            return
        moment = time.monotonic()
        if moment - self._heartbeat >= HEARTBEAT_SECONDS:  # whatever else is written: a busy run is alive, too
            self._run.recorder.record(Kind.HEARTBEAT, {})
            self._heartbeat = moment
        try:
            self._observe()
        except Exception as error:  # streams are others': what they raise costs neither the names of rows nor the sync
            self._failed(error)
        self._run.recorder.repeat_schemas()
        self._run.recorder.beware_of_distributed_tensors()
        self._sync()

    def _observe(self) -> None:
        console = self._console
        if console is not None:
            console.follow()
            console.flush(now_us())
        self._diagnose()

    def _diagnose(self) -> None:
        run = self._run
        self._tell_failures()
        run.problems.tell_noted()
        state = self._diagnosis()
        if state == self._diagnosed or not run.journal.has_begun:
            return
        self._diagnosed = state
        body: dict[str, Any] = {
            "sys/diagnostics/dropped_values": [AttributeType.INT.value, state[0]],
            "sys/diagnostics/lost_records": [AttributeType.INT.value, state[1]],
            "sys/diagnostics/problems": [
                AttributeType.STRING.value,
                mask_text("\n".join(run.problems.sentences)[:65536]),
            ],
        }
        run.recorder.record(Kind.CONFIGS, body)

    def _tell_failures(self) -> None:
        for name, message in dict(self.plugin_work.failures).items():
            self._run.problems.tell(
                f"plugin {name}", f"plugin {name} failed ({message}); it is left out, training goes on"
            )

    def _diagnosis(self) -> tuple[int, int, int]:
        problems = self._run.problems
        return problems.dropped_values, self._run.journal.lost_records, len(problems.sentences)

    def _failed(self, error: Exception) -> None:
        self._run.problems.tell(
            f"keeper {type(error).__name__}",
            f"background work failed ({described(error)}); training goes on",
        )

    # Console

    def _start_console(self) -> None:
        from runfork.capture.console import ConsoleCapture

        self._console = ConsoleCapture(self._take_lines)
        self._console.start()

    def follow_console(self) -> None:
        """Look where the standard streams are now. For the thread that may replace them."""
        if self._console is not None:
            self._console.follow()

    def _take_lines(self, stream: str, lines: list[str], time_us: int) -> None:
        path = f"{self._run.runtime_namespace}/{stream}"
        if self._run.recorder.types.claim(path, AttributeType.STRING_SERIES, clock_axis=True):
            body = {path: lines[0] if len(lines) == 1 else lines}
            self._run.recorder.record_points(Kind.STRINGS, body, step=time_us, time_us=time_us, clock_axis=True)

    # The end of the process

    def _at_exit(self) -> None:
        # A forked child that logged nothing leaves nothing.
        if self._run.journal.has_begun and self._process_end is not None:
            notebook = self._notebook
            self.end_as(self._process_end.find() if notebook is None else notebook.ending_of(self))
            self.leave_training(None)
        self._run.problems.stop_warning()  # daemon threads may still log: they end in the middle of whatever they do
        try:
            self._run.rest(wakes=False)
        except KeyboardInterrupt:  # somebody is in a hurry
            self._patience_seconds = 0.0
            self._run.rest(wakes=False)
            raise
        finally:
            self._run.problems.be_silent()

    def end_as(self, ending: Ending) -> None:
        """Record how what the run is about ended, unless that was said already, or it goes well."""
        if self._run.status.state == "running" and not ending.is_good:
            self._run.end_as(ending)

    def expect_end(self, on_left: Callable[[BaseException | None], None] | None) -> None:
        """See `Run.expect_end`. Where a training begins, those that ended before rest, and no other was left on this thread."""
        self._on_left, self._training_thread = on_left, threading.current_thread()
        if on_left is None or self._process_end is None:
            return
        for other in self._process_end.sessions:
            if other is not self:
                other.leave_training(None, thread=self._training_thread)
                if other.run.status.state != "running":
                    other.run.rest()

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
        if self._run.status.state == "running":
            on_left(error)
