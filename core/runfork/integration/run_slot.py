"""The run behind a logger or callback: opened late, replaced on a rollback, lent out for an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from runfork.identifiers import new_run_id
from runfork.integration.loaded import readable_mark
from runfork.marks import Mark
from runfork.run import Run
from runfork.settings import Settings
from runfork.store import Store, default_project, find_data_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork.hookspecs import Decision

__all__ = ["RunOptions", "RunSlot"]


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


@dataclass
class _Evaluation:
    """An evaluation of a checkpoint: its mark, and the run that wrote it once it is open."""

    mark: Mark
    run: Run | None = None


class RunSlot:
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
        self._own_evaluation: _Evaluation | None = None
        chosen = run_id or options.settings.run_id
        self._is_id_minted = run is None and chosen is None
        self._is_given = run is not None
        self.run_id = run.run_id if run is not None else chosen or new_run_id()
        self.project = run.project if run is not None else options.settings.project
        self._is_reopened = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: no open run, and no evaluation."""
        return {**self.__dict__, "_run": None, "_own_evaluation": None, "_is_reopened": True}

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
    def is_id_given(self) -> bool:
        """Whether other processes may have logged under the present run's id: it was not minted here."""
        return not self._is_id_minted

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
        return self._run is None and self._is_reopened and self._is_id_minted and self._exists(self.run_id)

    @property
    def evaluated(self) -> Mark | None:
        """The mark of the checkpoint that is being evaluated, or None."""
        return self._own_evaluation.mark if self._own_evaluation else None

    def current(self) -> Run:
        """Return the run that log calls go to, opening it if need be."""
        evaluation = self._own_evaluation
        if evaluation is None or evaluation.mark.run_id == self.run_id:
            return self.open()
        if evaluation.run is None:
            evaluation.run = self._open_visitor(evaluation.mark)
        return evaluation.run

    def open(self) -> Run:
        """Return the logger's own run, opening it if need be; one that was closed is opened again."""
        if self._run is None or self._run.is_closed:
            self._run = self._make_run()
        return self._run

    def _make_run(self) -> Run:
        options = self.options
        parent, step = self._fork or (None, None)
        run = Run(
            options.experiment_name,
            project=self.project,
            run_id=self.run_id,
            fork_run_id=parent,
            fork_step=step,
            settings=options.settings,
        )
        self.project = run.project
        if options.tags:
            run.add_tags(options.tags)
        if options.group_tags:
            run.add_tags(options.group_tags, group_tags=True)
        if options.integration is not None:
            name, version = options.integration
            run.log_configs({"sys/integration/name": name, "sys/integration/version": version})
        return run

    def _exists(self, run_id: str, project: str | None = None) -> bool:
        store = Store(find_data_directory(self.options.settings.directory))
        return store.run_directory(project or self.project or default_project(), run_id).is_dir()

    def name_experiment(self, name: str) -> None:
        """Name the experiment of runs that are yet to be made, where the user named none."""
        if self.options.experiment_name is None and self._run is None:
            self.options = replace(self.options, experiment_name=name)

    # Where it comes from

    def start_anew(self) -> None:
        """Leave the present run and go on with another one, opened when first used. One that the user made stays open."""
        if self.run is not None and not self._is_given:
            self.run.close()
        self._run = self._fork = None
        self._is_given = False
        self._is_reopened = False
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
        from runfork.fingerprints import find_marks

        store = Store(find_data_directory(self.options.settings.directory))
        project = self.project or default_project()
        marks = find_marks(store, fingerprint, includes_absent=True)
        return sorted(marks, key=lambda one: (one.project != project, not self._exists(one.run_id, one.project)))

    def begin_evaluation(self, mark: Mark) -> bool:
        """Send what is logged from now on to the run that wrote the checkpoint.

        Returns:
            False, and nothing changes, where that run is not here.
        """
        self.end_evaluation()
        is_own = mark.run_id == self.run_id
        if not is_own and not self._exists(mark.run_id, mark.project):
            return False
        self._own_evaluation = _Evaluation(mark)
        return True

    def end_evaluation(self) -> None:
        """Log to the own run again."""
        evaluation, self._own_evaluation = self._own_evaluation, None
        if evaluation is not None and evaluation.run is not None:
            evaluation.run.close()

    def _open_visitor(self, mark: Mark) -> Run:
        settings = self.options.settings
        return Run(project=mark.project, run_id=mark.run_id, settings=settings, is_visitor=True)


def _project_of(mark: Mapping[str, Any]) -> str | None:
    found = readable_mark(mark)
    return found.project if isinstance(found, Mark) else None
