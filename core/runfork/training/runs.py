"""The run behind a logger or callback: opened late, replaced on a rollback, lent out for an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from runfork.disk.layout import Store, default_project, find_data_directory, journals_of
from runfork.journal.first_records import read_creation
from runfork.model.identifiers import new_run_id
from runfork.settings import Settings
from runfork.training.evaluation import Destination, Evaluation
from runfork.training.existing_points import ExistingPoints
from runfork.training.loaded_checkpoint import readable_mark
from runfork.training.run_handle import AbsentRun, RunHandle
from runfork.writing.announcements import say_created, say_evaluated
from runfork.writing.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.hooks import Decision
    from runfork.model.marks import Mark


@dataclass(frozen=True)
class RunOptions:
    """How runs are made. Plain values, so that it can be sent to another process.

    Args:
        experiment_name: Name of the experiment, or None.
        policy: What resuming makes of a run; None asks the plugins, and they the settings.
        tags: Tags of every run.
        group_tags: Group tags of every run.
        integration: Name and version of the framework, as logged to ``sys/integration``.
        settings: Everything else.
    """

    experiment_name: str | None = None
    policy: Decision | None = None
    tags: tuple[str, ...] = ()
    group_tags: tuple[str, ...] = ()
    integration: tuple[str, str] | None = None
    settings: Settings = field(default_factory=Settings)


class TrainingRuns:
    """Holds the present run of one logger or callback in one process. Used by the training thread alone.

    Args:
        options: How to make runs.
        run_id: Id of the first run; minted here if None, so that it is known before the run is there.
        run: A run that exists already; it is used as it is, and left open.
        fork: Parent's run id and fork step of the first run, or None.
    """

    def __init__(
        self,
        options: RunOptions,
        *,
        run_id: str | None = None,
        run: Run | None = None,
        fork: tuple[str, float] | None = None,
    ) -> None:
        self.options = options
        self._fork = fork
        self._run = run
        self.evaluation: Evaluation | None = None
        """The evaluation that log calls go to, or None."""
        self._earlier: ExistingPoints | None = None
        self._origin: tuple[Run, ExistingPoints | None] | None = None
        self.holds_evaluation = False
        """Whether the present run holds the evaluation of a checkpoint that it did not write, and no training."""
        chosen = run_id or options.settings.run_id
        self._is_id_minted = run is None and chosen is None
        self._is_given = run is not None
        self.run_id = run.run_id if run is not None else chosen or new_run_id()
        self.project = run.project if run is not None else options.settings.project
        self._is_reopened = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: no open run, and no evaluation."""
        return {**self.__dict__, "_run": None, "evaluation": None, "_origin": None, "_is_reopened": True}

    # The present run

    @property
    def run(self) -> Run | None:
        """The run if it is open in this process; never that of an evaluation."""
        return self._run if self._run is not None and not self._run.is_closed else None

    @property
    def has_points(self) -> bool:
        """Whether this process logged points to the run."""
        return self._run is not None and self._run.has_points

    @property
    def has_origin(self) -> bool:
        """Whether the user said which run the present one is forked from."""
        return self._fork is not None

    @property
    def parent(self) -> tuple[str, float] | None:
        """The run id and step that the present run is forked from, as far as it is known."""
        return self._run.parent if self._run is not None else self._fork

    @property
    def was_sent_here(self) -> bool:
        """Whether this is the run of a logger that came from another process, where it was used."""
        return self._is_id_minted and self._may_have_been_sent

    @property
    def _may_have_been_sent(self) -> bool:
        return self._run is None and self._is_reopened and self._exists(self.run_id)

    def current(self) -> Run:
        """Return the run that log calls go to, opening it if need be."""
        return self.evaluation.lent if self.evaluation is not None else self.open()

    def open(self) -> Run:
        """Return the logger's own run, opening it if need be; one that was closed is opened again."""
        if self._run is None or self._run.is_closed:
            is_own = self._run is not None or self._is_id_minted
            self._run = self._make_run(self.run_id, self.options.experiment_name, self._fork)
            if is_own:  # what it holds already was logged from here
                self._run.recorder.on_first_point = None
            self.project = self._run.project
            self._earlier = None if self._is_id_minted else ExistingPoints(self._run.directory, 0)
        return self._run

    def handle(self, *, logs: bool) -> Run:
        """Return what stands for the present run, whichever that is when it is used.

        Args:
            logs: Whether this process logs; else it does nothing.
        """
        return cast("Run", RunHandle(self.current, self.shown) if logs else AbsentRun(self.run_id))

    def shown(self) -> str:
        """Return what is shown of the present run, which need not be open for that."""
        if self.run is not None:
            return repr(self.run)
        return f"Run(run_id={self.run_id!r}, not begun yet)"

    def last_step(self, path: str) -> float | None:
        """Return the last step of a series in what other processes logged to the present run, under a run id that was chosen."""
        run = self.open()
        return self._earlier.last_step(path) if self._earlier is not None and not run.is_disabled else None

    def _make_run(self, run_id: str, experiment_name: str | None, fork: tuple[str, float] | None = None) -> Run:
        options = self.options
        parent, step = fork or (None, None)
        run = Run(
            experiment_name,
            project=self.project,
            run_id=run_id,
            fork_run_id=parent,
            fork_step=step,
            settings=options.settings,
        )
        if options.tags:
            run.add_tags(options.tags)
        if options.group_tags:
            run.add_tags(options.group_tags, group_tags=True)
        if options.integration is not None:
            name, version = options.integration
            run.log_configs({"sys/integration/name": name, "sys/integration/version": version})
        return run

    @property
    def _store(self) -> Store:
        return Store(find_data_directory(self.options.settings.directory))

    @property
    def _project(self) -> str:
        """The project that runs belong to, also before one is there."""
        return self.project or default_project()

    def _exists(self, run_id: str, project: str | None = None) -> bool:
        return self._store.run_directory(project or self._project, run_id).is_dir()

    def origin_points(self) -> ExistingPoints | None:
        """Return what the run holds that the present one goes on from, be it that run itself; None where it is not here."""
        run = self.open()
        if self._origin is None or self._origin[0] is not run:
            origin = run.parent[0] if run.parent is not None else run.run_id
            folder = self._store.run_directory(run.project, origin)
            self._origin = (run, ExistingPoints(folder, 0) if journals_of(folder) else None)
        return self._origin[1]

    def name_experiment(self, name: str) -> None:
        """Name the experiment of runs that are yet to be made, where the user named none."""
        if self.options.experiment_name is None and self._run is None:
            self.options = replace(self.options, experiment_name=name)

    # Where it comes from

    def start_anew(self, *, is_first: bool = False) -> None:
        """Leave the present run and go on with another one, opened when first used. One that the user made stays open.

        Args:
            is_first: There was no training in the present run, so that what the user said of it, such as its id, is meant for the
                other one. What was logged goes to a run of another id.
        """
        keeps_id = is_first and not self._is_id_minted and not self._is_given
        if self.run is not None and not self._is_given:
            if keeps_id:
                self.run.move_to(new_run_id())
            self.run.close()
        self._run = None
        self._is_given = self._is_reopened = self.holds_evaluation = False
        if not is_first:
            self._fork = None
        if not keeps_id:
            self._is_id_minted = True
            self.run_id = new_run_id()

    def resume(self, mark: Mapping[str, Any], *, checkpoint: str | None) -> Decision:
        """Make the present run, which has no points, what resuming from `mark` means.

        Where the project was left open it is that of the mark, so that a checkpoint finds its run from any directory.
        """
        if self.run is None and self.project is None:
            self.project = _project_of(mark)
        run = self.open()
        decision = run.resume(mark, checkpoint=checkpoint, policy=self.options.policy)
        self.run_id = run.run_id
        return decision

    def suggest(self, fingerprint: str | None, *, face: str) -> None:
        """Offer the run and step whose checkpoint held just these weights as parent, where one is known."""
        if fingerprint is not None:
            self.open().suggest_parent(fingerprint, face=face)

    def find_marks(self, fingerprint: str) -> list[Mark]:
        """Return the marks of checkpoints whose weights had this fingerprint, of runs that are not here too.

        Those of this project come first, then those of runs that are here, then the latest.
        """
        from runfork.disk.marks_by_fingerprint import find_marks

        marks, project = find_marks(self._store, fingerprint, includes_absent=True), self._project
        return sorted(marks, key=lambda one: (one.project != project, not self._exists(one.run_id, one.project)))

    def find_marks_here(self, fingerprint: str) -> list[Mark]:
        """Return the marks of checkpoints whose weights had this fingerprint, of runs of this project that are here."""
        from runfork.disk.marks_by_fingerprint import find_marks

        project = self._project
        return [mark for mark in find_marks(self._store, fingerprint) if mark.project == project]

    # Evaluations

    def evaluate_weights(self, step: float) -> None:
        """Send what is logged from now on to the present run, as results of the weights in memory.

        Args:
            step: The step of the weights.
        """
        self.end_evaluation()
        self.evaluation = Evaluation(step, visited=None, own=Destination(self.open, None, is_lent=False))

    def evaluate(self, mark: Mark, source: Mapping[str, Any], *, attaches: bool, was_trained: bool) -> None:
        """Send what is logged from now on where results of a checkpoint belong.

        That is the run that wrote it, as long as it is here and their places are free, and unless a run or an experiment was named
        for them; else a run of its own.

        Args:
            mark: Of the checkpoint.
            source: What is said of where the weights come from, in a run that did not write them.
            attaches: Results may go to a run of another process.
            was_trained: The present run holds a training.
        """
        self.end_evaluation()
        was_trained = was_trained or self._may_have_been_sent  # in another process, such as a spawned one
        if mark.run_id == self.run_id and self.run is not None:
            visit = self._visitor(self.run.project, self.run_id)
            visited: Destination | None = Destination(self.open, self.run.directory, is_lent=False, visit=visit)
        elif attaches and self._exists(mark.run_id, mark.project) and (was_trained or not self._is_named(mark)):
            visited = self._writer_of(mark)
        else:
            visited = None
        own = self._own_destination(mark, source, was_trained=was_trained, is_taken=visited is not None)
        self.evaluation = Evaluation(mark.user_step, visited=visited, own=own)

    def _is_named(self, mark: Mark) -> bool:
        """Return whether the user named a run, an experiment or a project that is not that of the run that wrote a checkpoint."""
        is_run = self._is_given or (not self._is_id_minted and self.run_id not in (mark.run_id, self._attempt_of(mark)))
        return is_run or self._is_named_otherwise(mark) or self.project not in (None, mark.project)

    def _attempt_of(self, mark: Mark) -> str | None:
        """Return the run id that the run of a checkpoint was given, where that is an attempt of a job."""
        creation = read_creation(journals_of(self._store.run_directory(mark.project, mark.run_id)))
        return creation.get("attempt_of") if creation is not None else None

    def _is_named_otherwise(self, mark: Mark) -> bool:
        return self.options.experiment_name not in (None, mark.experiment)

    def _writer_of(self, mark: Mark) -> Destination:
        """Return the run that wrote a checkpoint, to be opened as a visitor."""
        visit = self._visitor(mark.project, mark.run_id)

        def visit_openly() -> Run:
            run = visit()
            run.announce(say_created)
            return run

        return Destination(
            visit_openly, self._store.run_directory(mark.project, mark.run_id), is_lent=True, visit=visit
        )

    def _visitor(self, project: str, run_id: str) -> Callable[[], Run]:
        return lambda: Run(project=project, run_id=run_id, settings=self.options.settings, is_visitor=True)

    def _own_destination(
        self, mark: Mark, source: Mapping[str, Any], *, was_trained: bool, is_taken: bool
    ) -> Destination:
        """Return the run for results that cannot go to the run that wrote the checkpoint; it heads no experiment of that run's.

        Args:
            mark: Of the checkpoint.
            source: What is said of it.
            was_trained: The present run holds a training.
            is_taken: It is for results whose places in the run that wrote the checkpoint are taken.
        """
        is_free = not was_trained and (self._run is None or not self._is_id_minted)

        def make() -> Run:
            is_named = not was_trained and self._is_named_otherwise(mark)
            name = self.options.experiment_name if is_named else None
            if not is_free:
                run = self._make_run(new_run_id(), name)
            elif self._run is None:
                run = self._run = self._make_run(self.run_id, name)
                self.project, self.holds_evaluation = run.project, True
            else:
                run = self.open()
            run.log_configs({f"source/{name}": value for name, value in source.items() if value is not None})
            run.announce(partial(say_evaluated, mark=mark, is_taken=is_taken))
            run.let_ended_rest()
            return run

        return Destination(make, None, is_lent=not is_free)

    def end_evaluation(self) -> None:
        """Log to the own run again."""
        evaluation, self.evaluation = self.evaluation, None
        if evaluation is not None:
            evaluation.end()


def _project_of(mark: Mapping[str, Any]) -> str | None:
    found = readable_mark(mark)
    return found.project if found is not None else None
