"""The run: what user code and integrations log to."""

from __future__ import annotations

import math
import os
import traceback
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.attributes import AttributeType, check_path, convert_config, convert_histogram, flatten
from runfork.errors import ArgumentError, ArgumentTypeError, FormatError
from runfork.identifiers import (
    check_experiment_name,
    check_project,
    check_run_id,
    new_run_id,
    new_writer_name,
    random_suffix,
)
from runfork.journal.creation import read_creation
from runfork.journal.format import Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.writer import JournalWriter, NullWriter
from runfork.marks import Mark, find_mark, parse_mark
from runfork.problems import Problems
from runfork.recorder import Recorder, now_us, to_micros
from runfork.settings import Settings
from runfork.status import RunStatus, own_identity
from runfork.steps import NO_STEP, from_micro_steps, to_micro_steps
from runfork.store import JOURNAL_SUFFIX, Store, default_project, find_data_directory, journals_of

if TYPE_CHECKING:
    from types import TracebackType

    from runfork.capture.source_code import SourceTrackingConfig
    from runfork.hookspecs import Decision
    from runfork.session import Session
    from runfork.types import File, Histogram

__all__ = ["Run"]

WRITABLE_SYSTEM_PATHS = frozenset(
    {"sys/description", "sys/archived", "sys/tags", "sys/group_tags", "sys/integration/name", "sys/integration/version"}
)
MAX_TRACEBACK = 64 * 1024
MAX_STRING_POINT_BYTES = 1024 * 1024
_DEFAULT_TRACKING: Any = object()


class Run:
    """One execution segment of an experiment. Creating it makes it exist; logging appends to its journal.

    What a ``log_*`` call was given is safe against the process being killed when the call returns, and against power loss
    about a second later. After construction nothing in the environment (disk, network, plugins) raises into the caller; see
    `status`. Every method may be called from any thread.

    Args:
        experiment_name: The experiment that this run belongs to; the run becomes its head.
        project: ``workspace/project``; default ``RUNFORK_PROJECT``, else ``local/<name of the working directory>``.
        run_id: Unique in the project; generated if None. Naming an existing run continues it.
        fork_run_id: Run id of the parent; needs `fork_step`.
        fork_step: Last step that is inherited from the parent.
        resume_from: A checkpoint mark, a loaded checkpoint that carries one under ``"runfork"``, the path of a checkpoint, or
            None. The run becomes a fork of the run that wrote the checkpoint (or what the setting ``resume_policy`` says).
        inherit_configs: Whether a fork inherits configs.
        mode: "offline", "async" or "disabled"; default ``RUNFORK_MODE``, else "offline".
        creation_time: When the run began; default now. A naive datetime is local time.
        enable_console_log_capture: Whether stdout and stderr are captured.
        runtime_namespace: Where console output and hardware metrics go; default "runtime", "runtime/rank_<n>" on ranks > 0.
        source_tracking_config: What is recorded of the source code; None for nothing.
        settings: All settings as one object; default is the environment's.

    Raises:
        ArgumentTypeError: An argument is of the wrong type.
        ArgumentError: An argument has a value that cannot be used; nothing was written.
    """

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
        settings: Settings | None = None,
    ) -> None:
        base = settings if settings is not None else Settings.from_environment()
        self._settings = base.with_overrides(mode=mode, project=check_project(project) if project is not None else None)
        self._project = self._settings.project or default_project()
        self._experiment_name = check_experiment_name(experiment_name) if experiment_name is not None else None
        self._fork = _check_fork(fork_run_id, fork_step, resume_from)
        self._inherits_configs = bool(inherit_configs)
        chosen_id = run_id if run_id is not None else self._settings.run_id
        self._run_id = check_run_id(chosen_id) if chosen_id is not None else new_run_id()
        if self._fork is not None and self._fork[0] == self._run_id:
            raise ArgumentError(f"a run cannot be forked from itself, found run_id={run_id!r} and fork_run_id={fork_run_id!r}")
        if creation_time is not None and not isinstance(creation_time, datetime):
            raise ArgumentTypeError(f"creation_time must be a datetime, found {creation_time!r}")
        self._created = to_micros(creation_time)
        rank = own_identity()["rank"]
        namespace = (runtime_namespace or ("runtime" if rank == 0 else f"runtime/rank_{rank}")).strip("/")
        self.runtime_namespace = check_path(namespace)
        self._store = Store(find_data_directory(self._settings.directory))
        self.problems = Problems(raises=self._settings.on_error == "raise")
        self._state = "running"
        self._is_closed = False
        self.journal: JournalWriter = NullWriter() if self.is_disabled else self._new_journal()
        self.recorder = Recorder(self.journal, self.problems)
        self._session: Session | None = None
        if self.is_disabled:
            return
        mark = self._find_mark(resume_from)
        self._begin()
        self._start_session(console=enable_console_log_capture, tracking=source_tracking_config)
        if mark is not None:
            self.resume(mark, checkpoint=os.fspath(resume_from) if isinstance(resume_from, (str, os.PathLike)) else None)
        elif self._fork is not None:
            self._tell_forked(*self._fork)

    # What it is

    @property
    def run_id(self) -> str:
        """The run's id, unique in its project; valid from construction."""
        return self._run_id

    @property
    def project(self) -> str:
        """``workspace/project``."""
        return self._project

    @property
    def experiment_name(self) -> str | None:
        """The experiment's name, or None."""
        return self._experiment_name

    @property
    def parent(self) -> tuple[str, float] | None:
        """The parent's run id and the fork step, or None for a root."""
        return None if self._fork is None else (self._fork[0], from_micro_steps(self._fork[1]))

    @property
    def settings(self) -> Settings:
        """The settings that it goes by."""
        return self._settings

    @property
    def directory(self) -> Path:
        """The folder of its journals and files."""
        return self._store.run_directory(self._project, self._run_id)

    @property
    def is_disabled(self) -> bool:
        """Whether nothing is written: ``mode="disabled"``."""
        return self._settings.mode == "disabled"

    @property
    def is_closed(self) -> bool:
        """Whether it was closed in this process."""
        return self._is_closed

    @property
    def has_points(self) -> bool:
        """Whether a series point was logged by this object (console lines and hardware metrics do not count)."""
        return self.recorder.has_points

    @property
    def status(self) -> RunStatus:
        """How it is doing: state, what is written, what was dropped or lost, and why."""
        return RunStatus(
            state=self._state,
            is_closed=self._is_closed,
            journal=self.journal.path,
            written_bytes=self.journal.size,
            unsynced_bytes=self.journal.unsynced_bytes,
            waiting_bytes=self.journal.backlog_bytes,
            lost_records=self.journal.lost_records,
            dropped_values=self.problems.dropped_values,
            problems=self.problems.sentences,
        )

    def __repr__(self) -> str:
        """Return what tells it from other runs."""
        name = f", experiment_name={self._experiment_name!r}" if self._experiment_name else ""
        return f"Run(run_id={self._run_id!r}, project={self._project!r}{name}, state={self._state!r})"

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
            timestamp: When it was measured: datetime (naive: local) or Unix seconds; default now.
            preview: A provisional point, replaced by a later preview or a committed point at its step.
            preview_completion: How complete the preview is, 0 to 1.

        Raises:
            ArgumentTypeError: `data` is no mapping, or `step` no number.
            ArgumentError: `step` is out of range; nothing was logged.
        """
        if timestamp is None and not preview and preview_completion is None:
            self.recorder.log_metrics(data, step)
            return
        completion = _check_completion(preview, preview_completion)
        self.recorder.log_row(data, step, timestamp=timestamp, completion=completion)

    def log_string_series(
        self, data: Mapping[str, str], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several string series; texts have at most 1 MiB of UTF-8. Arguments as in `log_metrics`."""
        body: dict[str, Any] = {}
        for path, value in self._checked(data, AttributeType.STRING_SERIES, "string series"):
            text = str(value)
            if len(text) > MAX_STRING_POINT_BYTES // 4 and len(text.encode("utf-8", "replace")) > MAX_STRING_POINT_BYTES:
                self.problems.drop(f"string {path!r}", f"{path!r} was not logged: its text is longer than 1 MiB; log a file")
                continue
            body[path] = text
        self._log_points(Kind.STRINGS, body, step, timestamp)

    def log_histograms(
        self, histograms: Mapping[str, Histogram], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several histogram series. Arguments as in `log_metrics`, values `runfork.Histogram`."""
        body: dict[str, Any] = {}
        for path, value in self._checked(histograms, AttributeType.HISTOGRAM_SERIES, "histograms"):
            try:
                body[path] = convert_histogram(value)
            except ArgumentError as error:
                self.problems.drop(f"histogram {path!r}", f"histogram {path!r} was not logged: {error}")
        self._log_points(Kind.HISTOGRAMS, body, step, timestamp)

    def log_files(
        self,
        files: Mapping[str, str | os.PathLike[str] | bytes | File],
        step: float,
        *,
        timestamp: datetime | float | None = None,
    ) -> None:
        """Append one file to each of several file series; contents are copied now. Arguments as in `log_metrics`."""
        to_micro_steps(step)
        self._log_points(Kind.FILES, self._kept_files(files, AttributeType.FILE_SERIES), step, timestamp)

    def _log_points(self, kind: Kind, body: Mapping[str, Any], step: float, timestamp: object) -> None:
        self.recorder.record_points(kind, body, step=to_micro_steps(step), time_us=to_micros(timestamp))

    # Single values

    def log_configs(self, data: Any, flatten: bool = False, cast_unsupported: bool = False) -> None:  # noqa: A002
        """Set single values; a later one replaces an earlier one, the type of a path stays.

        Nested mappings, dataclasses and namespaces become ``a/b/c`` paths. Collections of strings become string sets, other
        collections their JSON, None the string "None", other objects their ``str()``.

        Args:
            data: Mapping, dataclass or namespace; None does nothing.
            flatten: Accepted for scripts written for Neptune; nested values are always flattened.
            cast_unsupported: Accepted for scripts written for Neptune; unknown values always become strings.

        Raises:
            ArgumentTypeError: `data` has no named parts.
        """
        del flatten, cast_unsupported
        if data is None:
            return
        body: dict[str, Any] = {}
        for path, value in _flatten(data).items():
            try:
                name = check_path(path)
                self._check_writable(name)
                kind, converted = convert_config(value, fallback=self._convert_value)
            except ArgumentError as error:
                self.problems.drop(f"config {path!r}", f"config {path!r:.80} was not logged: {error}")
                continue
            if self.recorder.claim_type(name, kind):
                body[name] = [kind.value, converted]
        self.recorder.record_values(Kind.CONFIGS, body)

    def assign_files(self, files: Mapping[str, str | os.PathLike[str] | bytes | File]) -> None:
        """Set single files; contents are copied now, so the originals may change or go afterwards.

        Args:
            files: Path of the attribute to path on disk, contents, or `runfork.File`. A file that cannot be read is
                dropped with a warning.
        """
        self.recorder.record_values(Kind.FILES, self._kept_files(files, AttributeType.FILE))

    def add_tags(self, tags: Iterable[str], group_tags: bool = False) -> None:
        """Add tags (or group tags).

        Raises:
            ArgumentTypeError: `tags` is not a collection of strings.
        """
        self._change_tags("add", tags, group_tags=group_tags)

    def remove_tags(self, tags: Iterable[str], group_tags: bool = False) -> None:
        """Remove tags (or group tags); those of the parent stay the parent's.

        Raises:
            ArgumentTypeError: `tags` is not a collection of strings.
        """
        self._change_tags("remove", tags, group_tags=group_tags)

    def _change_tags(self, change: str, tags: Iterable[str], *, group_tags: bool) -> None:
        if isinstance(tags, str) or not isinstance(tags, Iterable):
            raise ArgumentTypeError(f"tags must be a list of strings, found {tags!r}; pass [{tags!r}]")
        names = list(tags)
        if not all(isinstance(name, str) for name in names):
            raise ArgumentTypeError(f"tags must be strings, found {names!r}")
        if names:
            self.recorder.record_values(Kind.TAGS, {"sys/group_tags" if group_tags else "sys/tags": {change: names}})

    def _checked(self, data: object, kind: AttributeType, what: str) -> list[tuple[str, Any]]:
        """Return the items of `data` whose path is fit for `kind`."""
        if not isinstance(data, Mapping):
            raise ArgumentTypeError(f"{what} must be a dict of path to value, found {type(data).__name__} {data!r:.60}")
        found = []
        for path, value in data.items():
            try:
                name = check_path(path)
            except ArgumentError as error:
                self.problems.drop(f"path {path!r}", f"{path!r:.80} was not logged: {error}")
                continue
            if self.recorder.claim_type(name, kind):
                found.append((name, value))
        return found

    def _kept_files(self, files: object, kind: AttributeType) -> dict[str, Any]:
        from runfork.files import keep_file

        body: dict[str, Any] = {}
        for path, value in self._checked(files, kind, "files"):
            if self.is_disabled:
                continue
            try:
                kept = keep_file(value, self.directory)
            except ArgumentError as error:
                self.problems.drop(f"file {path!r}", f"file {path!r} was not logged: {error}")
            except OSError as error:
                self.problems.tell("files", f"file {path!r} could not be copied to {self.directory} ({error}); check the disk")
            else:
                body[path] = {"sha256": kept.sha256, "size": kept.size_bytes, "mime": kept.mime_type, "name": kept.name}
        return body

    def _check_writable(self, path: str) -> None:
        if path.startswith("sys/") and path not in WRITABLE_SYSTEM_PATHS and not path.startswith("sys/resume/"):
            raise ArgumentError(f"{path!r} is written by runfork itself; choose a path outside sys/")

    def _convert_value(self, value: object) -> object | None:
        return self._session.plugins.convert_value(value) if self._session is not None else None

    # Checkpoints

    def checkpoint_mark(
        self,
        step: float,
        *,
        epoch: int | None = None,
        fingerprint: str | None = None,
        cuts: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Journal that a checkpoint is being written, and return the mark to put into it.

        ``Run(resume_from=mark)`` later forks from here. Put the mark into the checkpoint under the key ``"runfork"``.

        Args:
            step: Last step that was logged before the checkpoint: what a fork inherits, inclusive.
            epoch: Epoch of the checkpoint.
            fingerprint: Hash of the trainable weights.
            cuts: Last step of each series that counts on an axis of its own, by path; a fork inherits those up to there.

        Returns:
            A dict of str, int and None. Empty in disabled mode, which ``resume_from`` understands as no mark.

        Raises:
            ArgumentError: `step` is no step.
        """
        micro = to_micro_steps(step)
        if self.is_disabled:
            return {}
        mark = Mark(
            project=self._project,
            run_id=self._run_id,
            mark=random_suffix(12),
            step=micro,
            experiment=self._experiment_name,
            epoch=None if epoch is None else int(epoch),
            fingerprint=fingerprint,
        )
        recorded = {path: to_micro_steps(last) for path, last in (cuts or {}).items()}
        body = {"mark": mark.mark, "epoch": mark.epoch, "fingerprint": fingerprint, "cuts": recorded}
        self.recorder.record(Kind.MARK, body, step=micro)
        return mark.to_dict()

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

        Returns:
            What was done. "continue" makes this object continue the run that wrote the checkpoint: `run_id` changes.

        Raises:
            ArgumentError: This run has series points, or a parent, already; make a new `Run` for the fork.
        """
        if self.has_points or self._fork is not None:
            raise ArgumentError(f"run {self._run_id!r} has points or a parent already; make a new Run(resume_from=...)")
        found = self._parsed_mark(mark)
        if found is None or self.is_disabled:
            return "new"
        decision = policy or (self._session.plugins.decide_resume(self, mark) if self._session is not None else "fork")
        if decision == "continue" and not self._can_continue(found):
            decision = "fork"
        if decision == "continue":
            self._continue_as(found)
        elif decision == "fork":
            self._become_fork(found, checkpoint)
        self._log_resume(found, checkpoint, decision)
        if decision == "fork":
            self._tell_forked(found.run_id, found.step)
        return decision

    def _parsed_mark(self, data: Mapping[str, Any]) -> Mark | None:
        try:
            mark = parse_mark(find_mark(data) or data)
        except (ArgumentError, FormatError) as error:
            self.problems.warn("mark", f"{error}; run {self._run_id!r} begins as a new run")
            return None
        if mark.project != self._project:
            self.problems.warn(
                "mark",
                f"the checkpoint was written by run {mark.run_id!r} of project {mark.project!r}, this run is in "
                f"{self._project!r}: it begins as a new run; pass project={mark.project!r} to fork",
            )
            return None
        return mark

    def _become_fork(self, mark: Mark, checkpoint: str | None) -> None:
        self._fork = (mark.run_id, mark.step)
        body = {
            "parent": mark.run_id,
            "step": mark.step,
            "mark": mark.mark,
            "policy": "fork",
            "checkpoint": checkpoint,
            "inherit_configs": self._inherits_configs,
        }
        self.recorder.record(Kind.LINEAGE, body)
        self._adopt_experiment(mark)

    def _adopt_experiment(self, mark: Mark) -> None:
        if self._experiment_name is None and mark.experiment is not None:
            self._experiment_name = mark.experiment
            self.recorder.record(Kind.CREATE, self._creation())
            self.recorder.record(Kind.CONFIGS, self._identity_configs())

    def _can_continue(self, mark: Mark) -> bool:
        from runfork.resume import has_points_after_mark

        went_on = has_points_after_mark(self._store.run_directory(self._project, mark.run_id), mark.mark)
        if went_on is False:
            return True
        reason = "logged points after this checkpoint" if went_on else f"is not in {self._store.directory}"
        self.problems.warn("continue", f"run {mark.run_id!r} {reason}, so it cannot be continued: forked from it instead")
        return False

    def _continue_as(self, mark: Mark) -> None:
        """Become the run that wrote the checkpoint: what this journal holds goes on in a new journal of that run."""
        import shutil

        from runfork.journal.creation import frames_to_take_over

        provisional = self.directory
        self._run_id = mark.run_id
        self._heed_existing(read_creation(journals_of(self.directory)) or {})
        self.journal.restart(frames_to_take_over)
        if (provisional / "files").is_dir():
            shutil.copytree(provisional / "files", self.directory / "files", dirs_exist_ok=True)
        shutil.rmtree(provisional, ignore_errors=True)

    def _log_resume(self, mark: Mark, checkpoint: str | None, decision: Decision) -> None:
        values = {"policy": decision, "parent": mark.run_id, "mark": mark.mark, "checkpoint": checkpoint}
        body = {f"sys/resume/{name}": ["string", value] for name, value in values.items() if value is not None}
        self.recorder.record(Kind.CONFIGS, body)

    def _find_mark(self, resume_from: object) -> Mapping[str, Any] | None:
        """Return the mark that `resume_from` means; None where there is none, said unless nothing was passed."""
        if resume_from is None:
            return None
        if isinstance(resume_from, (str, os.PathLike)):
            path = os.fspath(resume_from)
            if not os.path.exists(path):  # noqa: PTH110  the path may be bytes-like for a PathLike
                raise ArgumentError(f"resume_from names {path!r}, and there is no such checkpoint; pass None to begin anew")
            from runfork.plugins import load_plugins

            plugins = load_plugins()
            mark = plugins.find_checkpoint_mark(path)
            reasons = [text for name, text in plugins.failures.items() if name.endswith(".find_checkpoint_mark")]
            if not mark:
                why = f" ({'; '.join(reasons)})" if reasons else ""
                self.problems.warn("mark", f"the checkpoint {path!r} carries no mark of runfork{why}: this is a new run")
            return mark or None
        if not isinstance(resume_from, Mapping):
            raise ArgumentTypeError(f"resume_from must be a mark, a checkpoint dict or a path, found {resume_from!r:.80}")
        found = find_mark(resume_from)
        if found is None and resume_from:
            self.problems.warn("mark", "the checkpoint carries no mark of runfork under 'runfork': this is a new run")
        return found or None

    # State and end

    def set_status(self, state: str, exception: BaseException | None = None) -> None:
        """Record the state that the run is in, and why; it stays open.

        Args:
            state: running, finished, failed, aborted or preempted.
            exception: What ended it.

        Raises:
            ArgumentError: `state` is none of these.
        """
        allowed = ("running", "finished", "failed", "aborted", "preempted")
        if state not in allowed:
            raise ArgumentError(f"state must be one of {', '.join(allowed)}, found {state!r}")
        self._state = state
        body: dict[str, Any] = {"state": state}
        if exception is not None:
            body["exception"] = {"type": type(exception).__name__, "message": str(exception)[:4096]}
            text = "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))
            self.recorder.record(Kind.CONFIGS, {"sys/exception": ["string", text[-MAX_TRACEBACK:]]})
        self.recorder.record(Kind.STATUS, body)

    def close(self, state: str | None = None) -> None:
        """End the run in this process: flush the console, write the last record, sync. Waits a few seconds at most.

        Args:
            state: The final state; default is the last one set, or "finished".
        """
        if self._is_closed:
            return
        if self._session is not None:
            self._session.stop()
            self._session.settle()
        final = state or (self._state if self._state != "running" else "finished")
        self._state = final
        self.recorder.record(Kind.CLOSE, {"state": final})
        self._is_closed = True
        self.recorder.close()
        self.journal.close()
        if self._session is not None:
            self._session.finish()

    def terminate(self) -> None:
        """Close as aborted: for code that gives up after an error."""
        self.close("aborted" if self._state == "running" else None)

    def wait_for_submission(self, timeout: float | None = None, verbose: bool = True) -> bool:
        """Return True: what was logged is on disk when the log call returns."""
        del timeout, verbose
        return not self.journal.backlog_bytes

    def wait_for_processing(self, timeout: float | None = None, verbose: bool = True) -> bool:
        """Return True: without a server, what was logged is processed by whoever reads it."""
        return self.wait_for_submission(timeout, verbose)

    def __enter__(self) -> Run:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; an exception is recorded: "failed", or "aborted" for KeyboardInterrupt."""
        del kind, trace
        if error is not None and self._state == "running" and not isinstance(error, SystemExit):
            self.set_status("aborted" if isinstance(error, KeyboardInterrupt) else "failed", error)
        self.close()

    # The journal

    def _new_journal(self) -> JournalWriter:
        return JournalWriter(
            self._begin_journal,
            on_trouble=lambda sentence: self.problems.tell(sentence[:20], sentence),
            on_fork=self._after_fork,
        )

    def _begin_journal(self) -> tuple[Path, bytes]:
        """Return where the journal of this process goes and what it begins with: header and CREATE."""
        identity = own_identity()
        moment = now_us()
        writer = new_writer_name(created=moment, host=identity["host"], pid=identity["pid"])
        header = {"project": self._project, "run_id": self._run_id, "writer": writer, "created": moment, **identity}
        first = encode_frame(Kind.CREATE, encode_json(self._creation()), time=moment, step=NO_STEP)
        return self.directory / f"{writer}{JOURNAL_SUFFIX}", encode_file_header(header) + first

    def _begin(self) -> None:
        """Write the run's first records, after a look at whether it exists already."""
        existing = read_creation(journals_of(self.directory))
        if existing is not None:
            self._heed_existing(existing)
        self.recorder.record(Kind.CONFIGS, self._identity_configs())

    def _heed_existing(self, existing: Mapping[str, Any]) -> None:
        """Reopening a run: its parent and creation time stand, whatever this constructor was given."""
        self._created = int(existing.get("creation_time", self._created))
        known = existing.get("fork")
        stands = (str(known["parent"]), int(known["step"])) if known else None
        if self._fork is not None and self._fork != stands:
            found = f"forked from {stands[0]!r} at step {from_micro_steps(stands[1])}" if stands else "not a fork"
            self.problems.warn("fork", f"run {self._run_id!r} exists and is {found}; that stands, fork_run_id={self._fork[0]!r} is ignored")
        self._fork = stands
        if self._experiment_name is None:
            self._experiment_name = existing.get("experiment_name")

    def _creation(self) -> dict[str, Any]:
        fork = None if self._fork is None else {"parent": self._fork[0], "step": self._fork[1]}
        return {
            "run_id": self._run_id,
            "project": self._project,
            "experiment_name": self._experiment_name,
            "creation_time": self._created,
            "inherit_configs": self._inherits_configs,
            "fork": fork,
        }

    def _identity_configs(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "sys/custom_run_id": ["string", self._run_id],
            "sys/creation_time": ["datetime", self._created],
        }
        if self._experiment_name is not None:
            body["sys/name"] = body["sys/experiment/name"] = ["string", self._experiment_name]
        return body

    def _start_session(self, *, console: bool, tracking: Any) -> None:
        from runfork.session import Session

        def source(run: Run) -> Mapping[str, Any]:
            from runfork.capture.source_code import SourceTrackingConfig, collect_source_code

            return collect_source_code(run, SourceTrackingConfig() if tracking is _DEFAULT_TRACKING else tracking)

        self._session = Session(
            self,
            console=bool(console) and self._settings.console,
            source_tracking=None if tracking is None else source,
        )
        self._session.start()

    def _tell_forked(self, parent: str, step: int) -> None:
        if self._session is not None:
            session = self._session
            session.keeper.tell(lambda: session.plugins.after_run_forked(self, parent, from_micro_steps(step)))

    def _after_fork(self) -> None:
        """In a child process after ``os.fork()``: the journal there is another one, and begins with its first record."""
        self.recorder.forget_journal()
        if self._session is not None:
            self._session.forget()


def _check_fork(parent: object, step: object, resume_from: object) -> tuple[str, int] | None:
    if parent is None and step is None:
        return None
    if parent is None or step is None:
        missing = "fork_run_id" if parent is None else "fork_step"
        raise ArgumentError(
            f"fork_run_id and fork_step belong together, found fork_run_id={parent!r} and fork_step={step!r}; pass {missing} too"
        )
    if resume_from is not None:
        raise ArgumentError("pass either fork_run_id with fork_step, or resume_from, found both")
    return check_run_id(parent, "fork_run_id"), to_micro_steps(step)


def _check_completion(preview: bool, completion: object) -> float | None:
    if not preview:
        if completion is not None and completion != 1.0:
            raise ArgumentError(f"preview_completion={completion!r} needs preview=True")
        return None
    if completion is None:
        return 0.0
    if isinstance(completion, bool) or not isinstance(completion, (int, float)):
        raise ArgumentTypeError(f"preview_completion must be a number from 0 to 1, found {completion!r}")
    return 0.0 if math.isnan(completion) else min(max(float(completion), 0.0), 1.0)


_flatten = flatten  # the argument of `log_configs` has the same name
