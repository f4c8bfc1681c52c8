"""The run: what user code and integrations log to."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runfork.advice import show_as, with_advice
from runfork.disk.layout import JOURNAL_SUFFIX, Store, default_project, find_data_directory, journal_sizes, journals_of
from runfork.disk.liveness import own_identity
from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.journal.format import FLAGS_TIMES, Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.writer import JournalWriter, NullWriter
from runfork.model.attributes import check_path
from runfork.model.clock import now_us, to_micros
from runfork.model.identifiers import (
    check_experiment_name,
    check_project,
    check_run_id,
    new_run_id,
    new_writer_name,
    several_runs,
)
from runfork.model.identity import Identity
from runfork.model.steps import NO_STEP, to_micro_steps
from runfork.settings import Settings
from runfork.writing.checkpoints import find_given_mark
from runfork.writing.launch import Launch
from runfork.writing.life import Life
from runfork.writing.problems import Problems
from runfork.writing.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runfork.capture.source_code import SourceTrackingConfig
    from runfork.writing.session import Session

__all__ = ["Run"]

_DEFAULT_TRACKING: Any = object()
_MOST_NAMED = 512  # a header has 64 KiB at most
_MOST_READ = 8 * 1024 * 1024


class Run(Life):
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
        mode: "offline", "async" or "disabled"; default ``RUNFORK_MODE``, else "offline".
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

    _session: Session | None = None
    _writer: str | None = None
    _forked_by: str | None = None
    _is_reopened: bool = False

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
        self._settings = _checked_settings(settings, mode=mode, project=project)
        chosen_id = run_id if run_id is not None else self._settings.run_id
        self._identity = Identity(
            project=self._settings.project or default_project(),
            run_id=check_run_id(chosen_id) if chosen_id is not None else new_run_id(),
            experiment_name=check_experiment_name(experiment_name) if experiment_name is not None else None,
            created=_check_creation_time(creation_time),
            inherits_configs=bool(inherit_configs),
            fork=_check_fork(fork_run_id, fork_step, resume_from),
        )
        self._opened = self._identity.created
        self._launch = Launch.find()
        if fork_run_id == self.run_id:
            raise ArgumentError(f"a run cannot be forked from itself, found {fork_run_id!r} for run_id and fork_run_id")
        self.is_visitor = is_visitor
        self._captures_console = bool(enable_console_log_capture) and self._settings.console and not is_visitor
        self._store = Store(find_data_directory(self._settings.directory))
        self._settle_parent()
        self.rank = self._find_rank(is_shared=chosen_id is not None and chosen_id == self._settings.run_id)
        self.runtime_namespace = _check_namespace(runtime_namespace, self.rank)
        self.problems = Problems(raises=self._settings.on_error == "raise")
        mark = find_given_mark(resume_from, self.problems)
        self._mark_ids = set()
        self._closing = threading.RLock()
        self.journal: JournalWriter = NullWriter() if self.is_disabled else self._new_journal()
        self.recorder = Recorder(self.journal, self.problems)
        if not self.is_disabled:
            checkpoint = os.fspath(resume_from) if isinstance(resume_from, (str, os.PathLike)) else None
            self._open(mark, checkpoint, tracking=None if is_visitor else source_tracking_config)

    def _open(self, mark: Mapping[str, Any] | None, checkpoint: str | None, *, tracking: Any) -> None:
        """Write the first records, begin what goes on beside, and say where the run comes from."""
        is_asked_to_fork = self._identity.fork is not None
        try:
            self._make_room()
            self._begin()
            self._start_session(tracking=tracking)
            if mark is not None:
                self.resume(mark, checkpoint=checkpoint)
            elif is_asked_to_fork and self._identity.fork is not None:
                self._tell_forked(*self._identity.fork)
            self._tell_created()
            self._take_place()
        except BaseException:  # an interrupt, or a warning that the program made an error: nobody will hold this run
            self.withdraw()
            raise

    def _tell_created(self) -> None:
        if self._session is not None:
            self._session.tell_created()

    def _settle_parent(self) -> None:
        """Find the run that was named as parent, and note how far its journals are."""
        if self._identity.fork is not None:
            name, step = self._identity.fork
            parent = self._find_parent(name)
            self._identity.fork = parent, step
            self._identity.about_forks[parent, step] = {"journals": self._journals_of(parent)}

    def _find_parent(self, name: str) -> str:
        """Return the run that `fork_run_id` means: that of this id, else the one whose generated id begins so.

        Names that users gave are not abbreviated: a run of just that name may be somewhere else, and arrive later.
        """
        if journals_of(self._store.run_directory(self.project, name)):
            return name
        found = [run_id for run_id in self._store.find_short(self.project, name) if run_id != self.run_id]
        if len(found) > 1:
            raise several_runs(name, found, argument="fork_run_id=")
        return found[0] if found else name

    def _find_rank(self, *, is_shared: bool) -> int:
        """Return which of the processes that write to this run this one is.

        SLURM numbers the tasks of every job step, also where each has a run of its own: its number is a rank only where all were
        given one id, or another task of the step writes to the run.
        """
        rank: int = own_identity()["rank"]
        if rank or not self._launch.rank or self.is_disabled:
            return rank
        if not is_shared:
            from runfork.writing.resume import is_taken

            here = self._launch
            is_shared = is_taken(
                self.directory, passes=lambda path, of, closed: not here.includes(path, of, is_closed=closed)
            )
        return self._launch.rank if is_shared else 0

    # What it is

    @property
    def settings(self) -> Settings:
        """The settings that it goes by."""
        return self._settings

    @property
    def is_disabled(self) -> bool:
        """Whether nothing is written: ``mode="disabled"``."""
        return self._settings.mode == "disabled"

    def __repr__(self) -> str:
        """Return what tells it from other runs."""
        name = f", experiment_name={self._identity.experiment_name!r}" if self._identity.experiment_name else ""
        return f"Run(run_id={self._identity.run_id!r}, project={self._identity.project!r}{name}, state={self._state!r})"

    def _convert_value(self, value: object) -> object | None:
        if self._session is not None:
            return self._session.plugin_work.convert_value(value)
        if self.is_disabled:
            return None
        from runfork.capture.unknown_values import convert_value

        return convert_value(value)

    def _sync_file(self, path: Path) -> None:
        if self._session is not None:
            self._session.sync_file(path)

    # The journal

    def _new_journal(self) -> JournalWriter:
        return JournalWriter(
            self._begin_journal,
            on_trouble=lambda sentence: self.problems.note(sentence, sentence),
            on_fork=self._after_fork,
            on_made=self._store.let_git_ignore,
        )

    def _begin_journal(self) -> tuple[Path, bytes]:
        """Return where the journal of this process goes and what it begins with: header and CREATE."""
        identity = own_identity()
        moment = now_us()
        writer = new_writer_name(created=moment, host=identity["host"], pid=identity["pid"])
        header = {
            "project": self._identity.project,
            "run_id": self._identity.run_id,
            "writer": writer,
            "created": moment,
            "tag": self.recorder.tag,
            FLAGS_TIMES: True,
            **identity,
            "rank": self.rank,
            **self._launch.header(),
            **({"is_visitor": True} if self.is_visitor else {}),
            **({"forked_by": self._forked_by} if self._forked_by else self._found_journals()),
        }
        self._writer = writer
        if self._forked_by and self._session is not None:
            self._session.keep_child()
        creation = encode_json(self._identity.creation())
        first = encode_frame(Kind.CREATE, creation, time=moment, step=NO_STEP, schema=self.recorder.tag)
        return self.directory / f"{writer}{JOURNAL_SUFFIX}", encode_file_header(header) + first

    def _found_journals(self) -> dict[str, Any]:
        """Return which journals the run has already, and how long they are: so readers know which session came after which."""
        if self.rank or self.is_visitor:  # they say nothing of the run's state
            return {}
        found = {} if not self.directory.exists() else journal_sizes(self.directory)
        return {} if found is None else {"journals": dict(sorted(found.items())[-_MOST_NAMED:])}

    def _begin(self) -> None:
        """Write the run's first records, after a look at whether it exists already."""
        existing = self._read_existing()
        self._is_reopened = existing is not None
        if existing is not None and (ignored := self._identity.heed(existing)) is not None:
            self.problems.warn("fork", ignored)
        if existing is not None and not self.is_visitor:
            self.recorder.on_first_point = self._tell_continued
        self.recorder.record(Kind.CONFIGS, self._identity.configs())

    def _read_existing(self) -> Mapping[str, Any] | None:
        """Return how the run was made, if it exists already, and learn the types of its configs."""
        if not (journals := journals_of(self.directory)):
            return None
        from runfork.journal.first_records import config_types, read_creation

        if (existing := read_creation(journals)) is not None:
            self.recorder.types.learn(config_types(journals))
        return existing

    def _make_room(self) -> None:
        from runfork.writing.notebook import Notebook

        if (notebook := Notebook.find()) is not None:
            notebook.make_room(self)

    def _take_place(self) -> None:
        from runfork.writing.notebook import Notebook

        notebook = Notebook.find()
        for run in notebook.take_place(self) if notebook is not None else ():
            from runfork.writing.announcements import say_replaced

            say_replaced(run, self)

    def withdraw(self) -> None:
        """Take back all that this object has logged: nothing of it is left. What other processes logged to the run stays."""
        self.close("aborted")
        if self.journal.path is not None:
            with suppress(OSError):
                self.journal.path.unlink()
                self.directory.rmdir()  # unless other processes write to this run, or it was there before

    def _tell_continued(self) -> None:
        """Say, beside training, what it means that the run has points already: nobody named a checkpoint to go on from."""

        def job() -> None:
            from runfork.writing.announcements import is_quiet, say_continued
            from runfork.writing.resume import last_step

            if is_quiet(self):
                return
            others = [path for path in journals_of(self.directory) if path != self.journal.path]
            if (
                sum(path.stat().st_size for path in others) > _MOST_READ
            ):  # reading is work, and training goes on meanwhile
                say_continued(self, None)
            elif (last := last_step(others, passes=self._passes)) is not None:
                say_continued(self, last)

        if self._session is not None:
            self._session.tell_beside(job)

    def _start_session(self, *, tracking: Any, goes_on: bool = False) -> None:
        from runfork.writing.session import Session

        def source(run: Run) -> Mapping[str, Any]:
            from runfork.capture.source_code import SourceTrackingConfig
            from runfork.writing.source_tracking import collect_source_code

            config: SourceTrackingConfig = SourceTrackingConfig() if tracking is _DEFAULT_TRACKING else tracking
            return collect_source_code(run, config)

        self._session = Session(
            self,
            console=self._captures_console,
            source_tracking=None if tracking is None else source,
            goes_on=goes_on,
        )
        self._session.start()

    def _after_fork(self) -> None:
        """In a child process after ``os.fork()``: the journal there is another one, and begins with its first record."""
        self._closing = threading.RLock()
        self._forget_end()
        self._forked_by, self._writer = self._writer or self._forked_by, None
        self.problems.renew_lock()
        self.recorder.forget_journal()
        self.recorder.on_first_point = None
        if self._session is not None:
            self._session.forget()


show_as(Run)


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
    return check_run_id(parent, "fork_run_id"), to_micro_steps(step, "fork_step")


def _check_creation_time(moment: object) -> int:
    if moment is not None and not isinstance(moment, datetime):
        raise ArgumentTypeError(f"creation_time must be a datetime, found {moment!r}")
    return to_micros(moment)


def _checked_settings(settings: object, *, mode: str | None, project: str | None) -> Settings:
    if settings is not None and not isinstance(settings, Settings):
        raise ArgumentTypeError(f"settings must be runfork.Settings, found {settings!r:.80}")
    base = settings if settings is not None else Settings.from_environment()
    return base.with_overrides(mode=mode, project=check_project(project) if project is not None else None)


def _check_namespace(namespace: object, rank: int) -> str:
    if namespace is None:
        return "runtime" if rank == 0 else f"runtime/rank_{rank}"
    return check_path(namespace.strip("/") if isinstance(namespace, str) else namespace)
