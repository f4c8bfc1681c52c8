"""What goes on beside training for a run that is open: plugins, hardware samples, console, heartbeats, syncing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType
from runfork.model.clock import now_us
from runfork.model.messages import described
from runfork.model.secrets import mask_text
from runfork.model.styled_text import StyledText
from runfork.writing.plugin_calls import PluginCalls
from runfork.writing.shared_thread import Lane, at_rest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runfork.capture.console import ConsoleCapture
    from runfork.hooks import OpenRun
    from runfork.writing.run_journal import RunJournal

HEARTBEAT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
"""So long whoever closes a run waits in all."""
LAST_SECONDS = 1.0
"""So long the disk and the plugins' last hooks are waited for, whatever took time before."""


class Background:
    """The background side of one run in one process.

    Args:
        journal: The run's; everything that is found goes there.
        run: The run as plugins see it.
        console: Whether to capture the console.
        collect: Collects what is known of the code, or None.
        is_over: Whether nothing is added to the run any more.
        goes_on: Whether the run had one before: it rested.
    """

    def __init__(
        self,
        journal: RunJournal,
        run: OpenRun,
        *,
        console: bool,
        collect: Callable[[], Mapping[str, Any]] | None,
        is_over: Callable[[], bool],
        goes_on: bool = False,
    ) -> None:
        self._journal = journal
        self._writer, self._recorder, self._problems = journal.writer, journal.recorder, journal.problems
        self._namespace = run.runtime_namespace
        self._is_over = is_over
        self._captures_console = console
        self._console: ConsoleCapture | None = None
        self._timeout_seconds = CLOSE_SECONDS
        self._deadline = 0.0
        self._are_plugins_stuck = self._is_disk_stuck = False
        self._heartbeat = time.monotonic()
        self._diagnosed: tuple[int, int, int] = (0, 0, 0)
        self._lane = Lane("runfork background", every_second=self._every_second, on_failure=self._failed)
        self.plugins = PluginCalls(
            journal, run, collect=collect, is_over=is_over, on_failure=self._failed, goes_on=goes_on
        )

    def start(self) -> None:
        """Begin: the threads, the console."""
        if not (self._lane.start() and self.plugins.start()):
            self._problems.tell(
                "background",
                "this interpreter has no thread to give: what is logged is safe, but synced to disk only when the run is closed, "
                "and there are no heartbeats, hardware metrics or plugins; log from the main interpreter to have them",
            )
        if self._captures_console:
            try:
                self._start_console()
            except Exception as error:  # what stands at sys.stdout may raise anything; training goes on
                self._failed(error)

    # The end

    def hurry(self, timeout_seconds: float) -> None:
        """Let whoever closes the run wait no longer than this in all."""
        self._timeout_seconds = timeout_seconds

    def stop(self, *, restores_streams: bool) -> None:
        """Flush the console. What follows waits 5 seconds in all, where they are over 1 for the disk."""
        self._deadline = time.monotonic() + self._timeout_seconds
        console, self._console = self._console, None
        if console is not None:
            try:
                console.stop(restores_streams=restores_streams)
            except Exception as error:  # as in `start`
                self._failed(error)

    def join_plugins(self) -> None:
        """Wait until what plugins have to do is done, so that its records stand before the end."""
        self._are_plugins_stuck = not self.plugins.join(self._wait())  # nor are they waited for a second time

    def join(self) -> None:
        """Wait until the jobs queued so far are done, so that their records stand before the end."""
        if not self._lane.is_current_thread:
            self._lane.join(self._wait())
        self._diagnose()

    def finish(self, *, say_closed: Callable[[], None] | None) -> None:
        """Say, and tell the plugins, that the run is closed; leave the threads."""
        wait = 0.0 if self._are_plugins_stuck else self._wait(at_least=LAST_SECONDS)
        is_done = self.plugins.finish(wait, say_closed=say_closed)
        has_left = self._lane.leave(0.0 if self._is_disk_stuck else self._wait(at_least=LAST_SECONDS))
        if not (has_left or self._is_disk_stuck) or not is_done:
            self._problems.tell("background", "a plugin was still busy when the run was closed; it was left behind")
        self._tell_failures()

    def _wait(self, *, at_least: float = 0.0) -> float:
        """Return for how many seconds whoever closes the run may wait at this point."""
        return min(self._timeout_seconds, max(at_least, self._deadline - time.monotonic()))

    # After `os.fork()`

    def forget(self) -> None:
        """Begin anew in a child process after ``os.fork()``: no console, no samplers, and no thread before there is a journal."""
        self._console = None
        self._diagnosed = self._diagnosis()
        self._lane.forget()
        self.plugins.forget()

    def keep_child(self) -> None:
        """Sync the journal of a child process left by ``os.fork()``, and give signs of life. Called when that journal begins."""
        if not self._lane.is_started:
            self._lane.start()

    # The disk

    def sync(self, *, is_last: bool) -> None:
        """Have the disk keep the journal, on the background thread: one that does not answer is left behind, and told.

        Args:
            is_last: Nothing else is to be done on that thread.
        """
        lane = self._lane
        if lane.is_started and not lane.is_current_thread:
            if lane.do(self._sync, self._wait(at_least=LAST_SECONDS), is_last=is_last):
                return
            self._is_disk_stuck = self._writer.is_syncing
        if not self._is_disk_stuck:  # the thread waits for something else
            self._writer.sync()
            return
        self._problems.tell(
            "disk",
            f"the disk did not say in time that it keeps the journal {self._writer.path}: a killed process loses nothing, power "
            "loss may; check the disk",
        )

    def after_sync(self, job: Callable[[], None]) -> None:
        """Do something once the disk keeps what the journal holds now, and not before; waits for that, for 5 seconds at most."""
        size, lane = self._writer.size, self._lane

        def synced() -> None:
            if self._writer.synced_bytes >= size:
                job()

        if lane.is_started and not lane.is_current_thread:
            lane.tell(self._sync)
            lane.tell(synced)
            lane.join(CLOSE_SECONDS)
        else:
            self._writer.sync()
            synced()

    def _sync(self) -> None:
        with at_rest():
            self._writer.sync()

    def sync_file(self, path: Path) -> None:
        """Have a logged file reach the disk, on the background thread."""
        from runfork.disk.logged_files import sync_file

        def job() -> None:
            try:
                with at_rest():
                    sync_file(path)
            except OSError as error:
                if path.parent.is_dir() and not path.exists():  # a copy of a checkpoint that has gone with it by now
                    return
                self._problems.tell(
                    "sync file", f"the logged file {path} could not be synced to disk ({error}); check the disk"
                )

        self._lane.tell(job)

    # Every second

    def _every_second(self) -> None:
        if self._is_over():
            return
        moment = time.monotonic()
        if moment - self._heartbeat >= HEARTBEAT_SECONDS:  # whatever else is written: a busy run is alive, too
            self._recorder.record(Kind.HEARTBEAT, {})
            self._heartbeat = moment
        try:
            self._observe()
        except Exception as error:  # streams are others': what they raise costs neither the names of rows nor the sync
            self._failed(error)
        self._recorder.repeat_schemas()
        self._recorder.beware_of_distributed_tensors()
        self._sync()

    def _observe(self) -> None:
        console = self._console
        if console is not None:
            console.follow()
            console.flush(now_us())
        self._diagnose()

    def _diagnose(self) -> None:
        self._tell_failures()
        self._problems.tell_noted()
        state = self._diagnosis()
        if state == self._diagnosed or not self._writer.has_begun:
            return
        self._diagnosed = state
        body: dict[str, Any] = {
            "sys/diagnostics/dropped_values": [AttributeType.INT.value, state[0]],
            "sys/diagnostics/lost_records": [AttributeType.INT.value, state[1]],
            "sys/diagnostics/problems": [
                AttributeType.STRING.value,
                mask_text("\n".join(self._problems.sentences)[:65536]),
            ],
        }
        self._recorder.record(Kind.CONFIGS, body)

    def _tell_failures(self) -> None:
        for name, message in dict(self.plugins.failures).items():
            self._problems.tell(f"plugin {name}", f"plugin {name} failed ({message}); it is left out, training goes on")

    def _diagnosis(self) -> tuple[int, int, int]:
        return self._problems.dropped_values, self._writer.lost_records, len(self._problems.sentences)

    def _failed(self, error: Exception) -> None:
        self._problems.tell(
            f"background {type(error).__name__}",
            f"background work failed ({described(error)}); training goes on",
        )

    # Console

    def _start_console(self) -> None:
        from runfork.capture.console import ConsoleCapture

        self._console = ConsoleCapture(self.take_lines)
        self._console.start()

    def follow_console(self) -> None:
        """Look where the standard streams are now. For the thread that may replace them."""
        if self._console is not None:
            self._console.follow()

    def take_lines(self, stream: str, lines: list[str], time_us: int) -> None:
        """Log lines that were printed: those with colours twice, once without and once with the sequences that choose them."""
        path = f"{self._namespace}/{stream}"
        if self._claim_text(path):
            body: dict[str, str | list[str]] = {path: lines[0] if len(lines) == 1 else lines}
            if isinstance(lines[0], StyledText):
                body = self._styled_body(path, lines)
            self._recorder.record_points(Kind.STRINGS, body, step=time_us, time_us=time_us, clock_axis=True)

    def _styled_body(self, path: str, lines: list[str]) -> dict[str, str | list[str]]:
        found = {path: [str(line) for line in lines]}
        if self._claim_text(styled_path := f"{path}_styled"):
            found[styled_path] = [line.written for line in lines if isinstance(line, StyledText)]
        return {name: values[0] if len(values) == 1 else values for name, values in found.items()}

    def _claim_text(self, path: str) -> bool:
        return self._recorder.types.claim(path, AttributeType.STRING_SERIES, clock_axis=True)
