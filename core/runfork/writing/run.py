"""The run: what user code and integrations log to, put together from its parts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.advice import Advised, with_advice
from runfork.errors import ArgumentTypeError
from runfork.model.identifiers import check_experiment_name
from runfork.model.run_ending import ending_after
from runfork.writing.checkpoint_marks import CheckpointMarks, find_given_mark
from runfork.writing.life import Life
from runfork.writing.log import Log
from runfork.writing.resuming import Resuming
from runfork.writing.run_arguments import check_creation_time, check_fork, check_namespace, check_settings
from runfork.writing.run_journal import RunJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from runfork.capture.source_code import SourceTrackingConfig
    from runfork.hooks import Decision
    from runfork.journal.writer import JournalWriter
    from runfork.model.marks import Mark
    from runfork.model.run_ending import Ending
    from runfork.settings import Settings
    from runfork.types import File, FileReference, Histogram
    from runfork.writing.problems import Problems
    from runfork.writing.recorder import Recorder
    from runfork.writing.status import RunStatus

_DEFAULT_TRACKING: Any = object()


class Run(Advised):
    """One execution segment of an experiment. Creating it makes it exist; logging appends to its journal.

    What a ``log_*`` call was given is safe against the process being killed when the call returns, and against power loss
    about a second later. After construction nothing in the environment (disk, network, plugins) raises into the caller; see
    `status`. Every method may be called from any thread.

    Args:
        experiment_name: The experiment that this run belongs to; the run becomes its head.
        project: ``workspace/project``; default ``RUNFORK_PROJECT``, else ``local/<name of the code base's folder>``.
        run_id: Unique in the project; generated if None. Naming an existing run continues it.
        fork_run_id: Run id of the parent, or an unambiguous beginning of a generated one; needs `fork_step`.
        fork_step: Last step that is inherited from the parent.
        resume_from: A checkpoint mark, a loaded checkpoint that carries one under ``"runfork"``, the path of a checkpoint, or
            None. The run becomes a fork of the run that wrote the checkpoint (or what the setting ``resume_policy`` says).
        inherit_configs: Whether a fork inherits configs.
        mode: "offline" or "disabled"; default ``RUNFORK_MODE``, else "offline".
        creation_time: When the run began; default now. A naive datetime is local time.
        enable_console_log_capture: Whether stdout and stderr are captured.
        runtime_namespace: Where console output and hardware metrics go; default "runtime", "runtime/rank_<n>" on ranks > 0.
        source_tracking_config: What is recorded of the source code; None for nothing.
        is_visitor: Log to a run that another process wrote, without taking part in its life: its state, machine, console and
            source stay what they are. For evaluations of its checkpoints.
        settings: All settings as one object; default is the environment's.

    Raises:
        ArgumentTypeError: An argument is of the wrong type.
        ArgumentError: An argument has a value that cannot be used; nothing was written.
    """

    @with_advice
    def __init__(
        self,
        experiment_name: str | None = None,
        *,
        project: str | None = None,
        run_id: str | None = None,
        fork_run_id: str | None = None,
        fork_step: float | None = None,
        resume_from: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        inherit_configs: bool = True,
        mode: str | None = None,
        creation_time: datetime | None = None,
        enable_console_log_capture: bool = True,
        runtime_namespace: str | None = None,
        source_tracking_config: SourceTrackingConfig | None = _DEFAULT_TRACKING,
        is_visitor: bool = False,
        settings: Settings | None = None,
    ) -> None:
        checked = check_settings(settings, mode=mode, project=project)
        fork = check_fork(fork_run_id, fork_step, resume_from)
        self._journal = RunJournal(
            checked,
            run_id=run_id,
            experiment_name=check_experiment_name(experiment_name) if experiment_name is not None else None,
            created=check_creation_time(creation_time),
            inherits_configs=bool(inherit_configs),
            fork=fork,
            is_visitor=is_visitor,
        )
        self.rank: int = self._journal.rank
        """Which of the processes that write to the run this one is."""
        self.runtime_namespace = check_namespace(runtime_namespace, self.rank)
        """Where console output and hardware metrics go."""
        self.is_visitor = is_visitor
        """Whether it takes no part in the life of the run."""
        self.problems: Problems = self._journal.problems
        self.recorder: Recorder = self._journal.recorder
        self.journal: JournalWriter = self._journal.writer
        mark = find_given_mark(resume_from, self.problems)
        self._log = Log(self._journal, convert_value=self._convert_value, sync_file=self._sync_file)
        self._life = Life(
            self._journal,
            self._log,
            self,
            captures_console=bool(enable_console_log_capture) and checked.console and not is_visitor,
            collect=None
            if is_visitor or source_tracking_config is None
            else self._describe_source(source_tracking_config),
        )
        self._marks = CheckpointMarks(self._journal, self._life)
        self._resuming = Resuming(self._journal, self._life)
        if not self.is_disabled:
            checkpoint = os.fspath(resume_from) if isinstance(resume_from, (str, os.PathLike)) else None
            self._open(mark, checkpoint, forks=fork is not None)

    def _open(self, mark: Mapping[str, Any] | None, checkpoint: str | None, *, forks: bool) -> None:
        """Write the first records, begin what goes on beside, and say where the run comes from."""
        try:
            self._life.make_room()
            self._journal.begin()
            self._life.start()
            self._resuming.begin(mark, checkpoint, forks=forks)
            self._life.tell_created()
            self._life.take_place()
        except BaseException:  # an interrupt, or a warning that the program made an error: nobody will hold this run
            self.withdraw()
            raise

    def _describe_source(self, config: SourceTrackingConfig) -> Callable[[], Mapping[str, Any]]:
        def collect() -> Mapping[str, Any]:
            from runfork.capture.source_code import SourceTrackingConfig
            from runfork.writing.source_tracking import collect_source_code

            chosen = SourceTrackingConfig() if config is _DEFAULT_TRACKING else config
            return collect_source_code(self._journal, self._log, chosen, asks_anew=False)

        return collect

    def _convert_value(self, value: object) -> object | None:
        background = self._life.background
        return None if background is None else background.plugins.convert_value(value)

    def _sync_file(self, path: Path) -> None:
        if (background := self._life.background) is not None:
            background.sync_file(path)

    # What it is

    @property
    def run_id(self) -> str:
        """The run's id, unique in its project; valid from construction."""
        return self._journal.run_id

    @property
    def project(self) -> str:
        """``workspace/project``."""
        return self._journal.project

    @property
    def experiment_name(self) -> str | None:
        """The experiment's name, or None."""
        return self._journal.experiment_name

    @property
    def parent(self) -> tuple[str, float] | None:
        """The parent's run id and the fork step, or None for a root."""
        return self._resuming.parent

    @property
    def attempt_of(self) -> str | None:
        """The run id that it was given, where it is a second attempt with an id of its own; else None."""
        return self._journal.attempt_of

    @property
    def directory(self) -> Path:
        """The folder of its journals and files."""
        return self._journal.directory

    @property
    def url(self) -> str | None:
        """The address of its page in a ``runfork ui`` of its data directory that runs on this machine now; None where none does.

        Whoever opens it needs the token that ``runfork ui`` printed, or a browser that has been there before.
        """
        return None if self.is_disabled else self._journal.url

    @property
    def settings(self) -> Settings:
        """The settings that it goes by."""
        return self._journal.settings

    @property
    def is_disabled(self) -> bool:
        """Whether nothing is written: ``mode="disabled"``."""
        return self._journal.is_disabled

    @property
    def has_points(self) -> bool:
        """Whether a series point was logged by this object (console lines and hardware metrics do not count)."""
        return self.recorder.has_points

    @property
    def is_closed(self) -> bool:
        """Whether it was closed in this process."""
        return self._life.is_closed

    @property
    def is_over(self) -> bool:
        """Whether it is closed or rests, so that nothing is added to it unasked."""
        return self._life.is_over

    @property
    def status(self) -> RunStatus:
        """How it is doing: state, what is written, what was dropped or lost, and why."""
        return self._life.status

    def announce(self, say: Callable[[RunJournal], None]) -> None:
        """Have something said of it on stderr, by one of `runfork.writing.announcements`."""
        say(self._journal)

    def __copy__(self) -> Self:
        """Return itself: whoever copies a model that holds a run logs to that run."""
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        """Return itself."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Raise ArgumentTypeError: it is opened by each process for itself."""
        raise ArgumentTypeError(
            f"a run cannot be sent to another process or saved, found {self!r}; open it there: "
            f"Run(project={self.project!r}, run_id={self.run_id!r})"
        )

    def __repr__(self) -> str:
        """Return what tells it from other runs."""
        name = f", experiment_name={self.experiment_name!r}" if self.experiment_name else ""
        return f"Run(run_id={self.run_id!r}, project={self.project!r}{name}, state={self._life.state!r})"

    # Series

    def log_metrics(
        self,
        data: Mapping[str, Any],
        step: float,
        *,
        timestamp: datetime | float | None = None,
        preview: bool = False,
        preview_completion: float | None = None,
    ) -> None:
        """Append one point to each of several float series.

        Args:
            data: Path to number: int, float, NumPy scalar, 0-d array or one-element tensor; NaN and infinities are kept.
                A value that is no number is dropped with a warning, the others are logged.
            step: ``0 <= step < 1e12``, six decimals; any order. At a step that the series has in this run, the new value wins.
            timestamp: When it was measured: datetime (naive: local) or Unix seconds; default now. For one that is no time
                (NaT, NaN, milliseconds) now stands, with a warning.
            preview: A provisional point, replaced by a later preview or a committed point at its step.
            preview_completion: How complete the preview is, 0 to 1.

        Raises:
            ArgumentTypeError: `data` is no mapping, or `step` no number.
            ArgumentError: `step` is out of range; nothing was logged.
        """
        log = self._log
        if timestamp is None and not preview and preview_completion is None and log.watched_thread is None:
            self.recorder.log_metrics(data, step)
        else:
            log.log_metrics(data, step, timestamp=timestamp, preview=preview, preview_completion=preview_completion)

    def log_string_series(
        self, data: Mapping[str, str], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several string series; texts have at most 1 MiB of UTF-8. Arguments as in `log_metrics`."""
        self._log.log_string_series(data, step, timestamp=timestamp)

    def log_histograms(
        self, histograms: Mapping[str, Histogram], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several histogram series. Arguments as in `log_metrics`, values `runfork.Histogram`."""
        self._log.log_histograms(histograms, step, timestamp=timestamp)

    def log_files(
        self,
        files: Mapping[str, str | os.PathLike[str] | bytes | File | FileReference],
        step: float,
        *,
        timestamp: datetime | float | None = None,
    ) -> None:
        """Append one file to each of several file series; contents are copied now. Arguments as in `log_metrics`.

        A `runfork.types.FileReference` stands for a file that the run keeps already.
        """
        self._log.log_files(files, step, timestamp=timestamp)

    # Single values

    def log_configs(self, data: Any, flatten: bool = False, cast_unsupported: bool = False) -> None:
        """Set single values; a later one replaces an earlier one, the family of types of a path stays.

        Nested mappings, dataclasses and namespaces become ``a/b/c`` paths. What becomes of each kind of value stands in
        ``docs/values.md``; one that raises when it is read is dropped alone.

        Args:
            data: Mapping, dataclass or namespace; None does nothing.
            flatten: Accepted for scripts written for Neptune; nested values are always flattened.
            cast_unsupported: Accepted for scripts written for Neptune; unknown values always become strings.

        Raises:
            ArgumentTypeError: `data` has no named parts.
        """
        del flatten, cast_unsupported
        self._log.log_configs(data)

    def describe(self, values: Any, *, replaces: Iterable[str], keeps_own: bool = False) -> None:
        """Say anew, and whole, what some namespaces hold: what stood below them and is not said again is gone.

        For what is described as a whole, such as a trainer's settings: a fork then does not show the values of its parent that
        it has no more. All single values and files below the namespaces that were set before, or are inherited, are gone unless
        `values` holds them; series are not touched. A value elsewhere is set as by `log_configs`.

        Args:
            values: As in `log_configs`: mapping, dataclass or namespace, the namespaces' own names at its front.
            replaces: The namespaces, such as ``["trainer", "model/config"]``. Those of runfork itself (``sys/``, ``runtime/``,
                ``source_code/``) cannot be replaced.
            keeps_own: What `log_configs` and `assign_files` of this object set below the namespaces stays, unless `values` says
                otherwise: for integrations, which share namespaces with their users.

        Raises:
            ArgumentTypeError: `values` has no named parts, or `replaces` is no list of namespaces.
            ArgumentError: A namespace cannot be replaced; nothing was logged.
        """
        self._log.describe(values, replaces=replaces, keeps_own=keeps_own)

    def assign_files(self, files: Mapping[str, str | os.PathLike[str] | bytes | File | FileReference]) -> None:
        """Set single files; contents are copied now, so the originals may change or go afterwards.

        Args:
            files: Path of the attribute to path on disk, contents, or `runfork.File`. A file that cannot be read is
                dropped with a warning.
        """
        self._log.assign_files(files)

    def add_tags(self, tags: Iterable[str], group_tags: bool = False) -> None:
        """Add tags (or group tags).

        Raises:
            ArgumentTypeError: `tags` is not a collection of strings.
        """
        self._log.change_tags("add", tags, group_tags=group_tags)

    def remove_tags(self, tags: Iterable[str], group_tags: bool = False) -> None:
        """Remove tags (or group tags); those of the parent stay the parent's.

        Raises:
            ArgumentTypeError: `tags` is not a collection of strings.
        """
        self._log.change_tags("remove", tags, group_tags=group_tags)

    # Checkpoints, and where it comes from

    def checkpoint_mark(
        self,
        step: float,
        *,
        epoch: int | None = None,
        fingerprint: str | None = None,
        cuts: Mapping[str, float] | None = None,
        mark_id: str | None = None,
        counter: float | None = None,
    ) -> dict[str, Any]:
        """Journal that a checkpoint is being written, and return the mark to put into it.

        ``Run(resume_from=mark)`` later forks from here. Put the mark into the checkpoint under the key ``"runfork"``.

        Args:
            step: Last step that was logged before the checkpoint: what a fork inherits, inclusive.
            epoch: Epoch of the checkpoint.
            fingerprint: Hash of the trainable weights, for `suggest_parent`.
            cuts: Last step of each series that counts on an axis of its own, by path; a fork inherits those up to there.
            mark_id: Id of the mark, for integrations that had to name it before the checkpoint was written; unique in the run.
                Default: a new one.
            counter: What the framework's own step counter says, where that is not `step`.

        Returns:
            A dict of str, int and None. Empty in disabled mode, which ``resume_from`` understands as no mark.

        Raises:
            ArgumentTypeError: An argument is of the wrong type.
            ArgumentError: `step` is no step, or another argument has a value that no reader would take.
        """
        return self._marks.make(step, epoch=epoch, fingerprint=fingerprint, cuts=cuts, mark_id=mark_id, counter=counter)

    def suggest_parent(self, fingerprint: str | None, *, face: str = "Run") -> Mark | None:
        """Look for the run whose checkpoint held weights of this fingerprint, and offer it as the parent of this run.

        For weights that come without a mark. Nothing is done about it but to say so: on stderr, and in ``sys/resume/suggestion``,
        both times with the arguments that accept it.

        Args:
            fingerprint: Hash of the weights that training begins with, as `checkpoint_mark` was given one; None is nobody's.
            face: The name of what takes the arguments, for the message.

        Returns:
            The mark, or None if no other run here saved such weights.

        Raises:
            ArgumentTypeError: `fingerprint` is neither.
        """
        return self._marks.suggest_parent(fingerprint, face=face)

    def resume(
        self, mark: Mapping[str, Any], *, checkpoint: str | None = None, policy: Decision | None = None
    ) -> Decision:
        """Make this run what resuming from a checkpoint means: a fork of the run that wrote it, unless asked otherwise.

        For integrations: they learn of the checkpoint after the run was created. A damaged mark, or one of another project,
        is told in a warning, and the run stays a new one.

        Args:
            mark: What `checkpoint_mark` returned, or a checkpoint that carries it.
            checkpoint: Where the checkpoint lay, for the record.
            policy: "fork", "continue" or "new"; None asks the plugins (``decide_resume``).

        A run that existed before, under the run id that it was given, is continued from a checkpoint of its own. Where it has
        points beyond that checkpoint they would be hidden: this is a second attempt then, a fork with an id that begins with the
        one given. All processes of one launch find the same id. `run_id` says it.

        Returns:
            What was done. "continue" makes this object continue the run that wrote the checkpoint: `run_id` changes.

        Raises:
            ArgumentError: This run has series points, or another parent, already; make a new `Run` for the fork.
        """
        return self._resuming.resume(mark, checkpoint=checkpoint, policy=policy)

    def move_to(self, run_id: str) -> None:
        """Give what this object has logged to a run of another id, without a parent: the id is wanted for something else.

        Args:
            run_id: Of the run that it becomes; there must be none yet.
        """
        self._resuming.move_to(run_id)

    # State and end

    def set_status(self, state: str, exception: BaseException | None = None) -> None:
        """Record the state that the run is in, and why; it stays open.

        Args:
            state: running, finished, failed, aborted or preempted.
            exception: What ended it.

        Raises:
            ArgumentError: `state` is none of these.
        """
        self._life.set_status(state, exception)

    def end_as(self, ending: Ending) -> None:
        """Record how what the run is about ended; it stays open."""
        self._life.end_as(ending)

    def close(self, state: str | None = None, *, timeout: float | None = None) -> None:
        """End the run in this process: flush the console, write the last record, sync. Waits a few seconds at most.

        Args:
            state: The final state; default is the last one set, or "finished".
            timeout: Seconds to wait for another thread that is closing it, too; None waits until that is done.

        Raises:
            ArgumentError: `state` is no state; the run is still open.
        """
        self._life.close(state, timeout=timeout)

    def rest(self, state: str | None = None, *, wakes: bool = True) -> None:
        """End as `close` does, but take what is logged later.

        For a run that is over as far as anybody can tell, and whose object may still be used: a framework's training ended, an
        earlier cell of a notebook made it, the process ends.

        Args:
            state: As for `close`.
            wakes: Whether the next record opens it again, with all that goes on beside; else it is written and nothing more.
        """
        self._life.rest(state, wakes=wakes)

    def expect_end(self, on_left: Callable[[BaseException | None], None] | None) -> None:
        """Have it told that a training was left without a word; for integrations of frameworks that do not tell of exceptions.

        Args:
            on_left: Called with the exception, if it is known, when the next training begins on this thread, the cell of a
                notebook or the process ends. None: the training has ended.
        """
        self._life.expect_end(on_left)

    def let_ended_rest(self) -> None:
        """Let the other runs of this process rest that are in another state than "running": a training or an evaluation begins.

        They do not capture what it prints, nor measure the machine, nor hold a file open for as long as the process lives.
        """
        self._life.let_ended_rest()

    def withdraw(self) -> None:
        """Take back all that this object has logged: nothing of it is left. What other processes logged to the run stays."""
        self._life.withdraw()

    def terminate(self) -> None:
        """Close as aborted: for code that gives up after an error."""
        self.close("aborted" if self._life.state == "running" else None)

    def wait_for_submission(self, timeout: float | None = None, verbose: bool = True) -> bool:
        """Return whether what was logged is on disk: it is when the log call returns, unless the disk refuses it."""
        del timeout, verbose
        return not self.journal.backlog_bytes

    def wait_for_processing(self, timeout: float | None = None, verbose: bool = True) -> bool:
        """Return what `wait_for_submission` does: without a server, what was logged is processed by whoever reads it."""
        return self.wait_for_submission(timeout, verbose)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; what leaves the block is recorded: "failed", or "aborted" for KeyboardInterrupt; ``sys.exit(0)`` is a good end."""
        del kind, trace
        ending = ending_after(error)
        if self._life.state == "running" and not ending.is_good:
            self.end_as(ending)
        self.close()
