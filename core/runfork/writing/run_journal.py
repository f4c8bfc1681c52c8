"""Who a run is, and its journal in this process: what all parts of a run stand on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import JOURNAL_SUFFIX, Store, default_project, find_data_directory, journal_sizes, journals_of
from runfork.disk.liveness import own_identity
from runfork.disk.web_ui import find_page
from runfork.errors import ArgumentError
from runfork.journal.format import FLAGS_TIMES, Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.writer import JournalWriter, NullWriter
from runfork.model.clock import now_us
from runfork.model.identifiers import check_run_id, new_run_id, new_writer_name, several_runs
from runfork.model.identity import Identity
from runfork.model.steps import NO_STEP
from runfork.settings import misspelled_variables
from runfork.writing.launch import Launch
from runfork.writing.problems import Problems
from runfork.writing.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runfork.settings import Settings

_MOST_NAMED = 512  # a header has 64 KiB at most


class RunJournal:
    """Who a run is, and where what is logged to it goes. Making one writes nothing.

    Args:
        settings: The settings that it goes by.
        run_id: As it was given to the run; None is the settings', else a new one.
        experiment_name: The experiment's name, or None.
        created: When it began, microseconds since 1970.
        inherits_configs: Whether a fork inherits configs.
        fork: Parent, as it was named, and fork step in micro-steps; or None.
        is_visitor: Whether it takes no part in the life of the run, which another process wrote.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str | None,
        experiment_name: str | None,
        created: int,
        inherits_configs: bool,
        fork: tuple[str, int] | None,
        is_visitor: bool,
    ) -> None:
        self.settings = settings
        self.is_visitor = is_visitor
        chosen_id = run_id if run_id is not None else settings.run_id
        self.identity = Identity(
            project=settings.project or default_project(),
            run_id=check_run_id(chosen_id) if chosen_id is not None else new_run_id(),
            experiment_name=experiment_name,
            created=created,
            inherits_configs=inherits_configs,
            fork=fork,
        )
        if fork is not None and fork[0] == self.run_id:
            raise ArgumentError(
                f"a run cannot be forked from itself, found {fork[0]!r} for run_id and fork_run_id; leave out run_id for a new run"
            )
        self.opened = created
        """When this process opened it: it may have been created before."""
        self.is_reopened = False
        """Whether it existed before this process opened it."""
        self.launch = Launch.find()
        self.store = Store(find_data_directory(settings.directory))
        self._folders: dict[str, Path] = {}
        self._resolve_parent()
        self.rank = self._find_rank(is_shared=chosen_id is not None and chosen_id == settings.run_id)
        """Which of the processes that write to the run this one is."""
        self.problems = Problems(raises=settings.on_error == "raise")
        self.said_as: str | None = None
        """The run id under which it was said where the run lies."""
        self.on_fork: Callable[[], None] = lambda: None
        """Called in a child process after ``os.fork()``."""
        self.on_childs_journal: Callable[[], None] = lambda: None
        """Called when such a child begins a journal of its own."""
        self._name: str | None = None
        self._forked_by: str | None = None
        # last: from here on, a fork calls `_after_fork`
        self.writer: JournalWriter = NullWriter() if self.is_disabled else self._new_writer()
        self.recorder = Recorder(self.writer, self.problems)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.identity.run_id

    @property
    def project(self) -> str:
        """``workspace/project``."""
        return self.identity.project

    @property
    def experiment_name(self) -> str | None:
        """The experiment's name, or None."""
        return self.identity.experiment_name

    @property
    def attempt_of(self) -> str | None:
        """The run id that it was given, where it is a second attempt with an id of its own; else None."""
        return self.identity.attempt_of

    @property
    def directory(self) -> Path:
        """The folder of its journals and files."""
        return self.folder_of(self.run_id)

    def folder_of(self, run_id: str) -> Path:
        """Return the folder of a run of this project; it need not be there."""
        folder = self._folders.get(run_id)
        if folder is None:
            folder = self._folders[run_id] = self.store.run_directory(self.project, run_id)
        return folder

    @property
    def is_disabled(self) -> bool:
        """Whether nothing is written."""
        return self.settings.mode == "disabled"

    @property
    def url(self) -> str | None:
        """The address of its page in a web UI that runs on this machine, or None."""
        return find_page(self.store.directory, self.project, self.run_id)

    def sizes_of(self, run_id: str) -> dict[str, int] | None:
        """Return how far the journals of a run of this project are now, None where it is not there yet."""
        return journal_sizes(self.folder_of(run_id)) or None

    def begin(self) -> None:
        """Write the run's first records, after a look at whether it exists already."""
        for name, meant in misspelled_variables().items():
            self.problems.warn(name, f"the environment variable {name} is no setting of runfork; did you mean {meant}?")
        existing = self._read_existing()
        self.is_reopened = existing is not None
        if existing is not None and (ignored := self.identity.heed(existing)) is not None:
            self.problems.warn("fork", ignored)
        self.recorder.record(Kind.CONFIGS, self.identity.configs())

    def remove(self) -> None:
        """Remove the journal of this process, and the run's folder unless others write to the run, or wrote to it before."""
        if self._name is not None:
            with suppress(OSError):
                self._path(self._name).unlink(missing_ok=True)
                self.directory.rmdir()

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}{JOURNAL_SUFFIX}"

    def passes(self, path: Path, header: Mapping[str, Any], is_closed: bool) -> bool:
        """Return whether a journal says nothing of earlier attempts: it is this one's, or of another process of this launch."""
        return path == self.writer.path or self.launch.includes(path, header, is_closed=is_closed)

    def _resolve_parent(self) -> None:
        """Find the run that was named as parent, and note how far its journals are."""
        if self.identity.fork is not None:
            name, step = self.identity.fork
            parent = self._find_parent(name)
            self.identity.fork = parent, step
            self.identity.about_forks[parent, step] = {"journals": self.sizes_of(parent)}

    def _find_parent(self, name: str) -> str:
        """Return the run that `fork_run_id` means: that of this id, else the one whose generated id begins so.

        Names that users gave are not abbreviated: a run of just that name may be somewhere else, and arrive later.
        """
        if journals_of(self.folder_of(name)):
            return name
        found = [run_id for run_id in self.store.find_short(self.project, name) if run_id != self.run_id]
        if len(found) > 1:
            raise several_runs(name, found, argument="fork_run_id=")
        return found[0] if found else name

    def _find_rank(self, *, is_shared: bool) -> int:
        """Return which of the processes that write to this run this one is.

        SLURM numbers the tasks of every job step, also where each has a run of its own: its number is a rank only where all were
        given one id, or another task of the step writes to the run.
        """
        rank: int = own_identity()["rank"]
        if rank or not self.launch.rank or self.is_disabled:
            return rank
        if not is_shared:
            from runfork.writing.journal_progress import is_taken

            here = self.launch
            is_shared = is_taken(
                self.directory, passes=lambda path, of, closed: not here.includes(path, of, is_closed=closed)
            )
        return self.launch.rank if is_shared else 0

    def _new_writer(self) -> JournalWriter:
        return JournalWriter(
            self._begin_journal,
            on_trouble=lambda sentence: self.problems.note(sentence, sentence),
            on_fork=self._after_fork,
            on_made=self.store.let_git_ignore,
        )

    def _begin_journal(self) -> tuple[Path, bytes]:
        """Return where the journal of this process goes and what it begins with: header and CREATE."""
        identity = own_identity()
        moment = now_us()
        name = new_writer_name(created=moment, host=identity["host"], pid=identity["pid"])
        header = {
            "project": self.project,
            "run_id": self.run_id,
            "writer": name,
            "created": moment,
            "tag": self.recorder.tag,
            FLAGS_TIMES: True,
            **identity,
            "rank": self.rank,
            **self.launch.header(),
            **({"is_visitor": True} if self.is_visitor else {}),
            **({"forked_by": self._forked_by} if self._forked_by else self._found_journals()),
        }
        self._name = name
        if self._forked_by:
            self.on_childs_journal()
        creation = encode_json(self.identity.creation())
        first = encode_frame(Kind.CREATE, creation, time=moment, step=NO_STEP, schema=self.recorder.tag)
        return self._path(name), encode_file_header(header) + first

    def _found_journals(self) -> dict[str, Any]:
        """Return which journals the run has already, and how long they are: so readers know which session came after which."""
        if self.rank or self.is_visitor:  # they say nothing of the run's state
            return {}
        found = {} if not self.directory.exists() else journal_sizes(self.directory)
        return {} if found is None else {"journals": dict(sorted(found.items())[-_MOST_NAMED:])}

    def _read_existing(self) -> Mapping[str, Any] | None:
        """Return how the run was made, if it exists already, and learn the types of its configs."""
        try:
            if not (journals := journals_of(self.directory)):
                return None
            from runfork.journal.first_records import config_types, read_creation

            if (existing := read_creation(journals)) is not None:
                self.recorder.types.learn(config_types(journals))
        except OSError as error:
            self.problems.tell(
                "existing",
                f"whether {self.directory} holds a run already could not be found out ({error}); it is taken for a new one",
            )
            return None
        return existing

    def _after_fork(self) -> None:
        """In a child process after ``os.fork()``: the journal there is another one, and begins with its first record."""
        self._forked_by, self._name = self._name or self._forked_by, None
        self.problems.renew_lock()
        self.recorder.forget_journal()
        self.recorder.on_first_point = None
        self.on_fork()
