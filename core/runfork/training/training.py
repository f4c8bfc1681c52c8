"""Where a training comes from, how far it is, and what its checkpoints say of it: the heart of every integration."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from runfork.model.clock import now_us
from runfork.model.marks import Mark
from runfork.model.run_ending import ending_after
from runfork.model.steps import to_micro_steps
from runfork.training.guards import attempt
from runfork.training.loaded_checkpoint import AXES_KEY, LoadedCheckpoint, readable_mark
from runfork.training.run_choice import choose_run
from runfork.training.training_steps import TrainingSteps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runfork.training.runs import TrainingRuns
    from runfork.writing.run import Run

_UNFINISHED = "training began and did not end: it was stopped by an exception that the program caught, or left early"


class Training:
    """What one logger or callback does with runs, through trainings, evaluations and rollbacks. For the training thread alone.

    An integration calls `begin` before a training from which nothing is loaded yet, `start` when it knows what was loaded,
    `evaluate` for evaluations, `mark` for every checkpoint; it logs to ``runs.open()`` (training) or ``runs.current()`` (where
    evaluations go to the run of their checkpoint), at steps that `steps.main` makes of the framework's counter.

    Args:
        runs: The run.
        given: What the user said the first training goes on from, or None.
        attaches_evaluations: Whether evaluations of a checkpoint belong to the run that wrote it.
        face: The class that users write, for messages.
    """

    def __init__(
        self,
        runs: TrainingRuns,
        *,
        given: LoadedCheckpoint | None = None,
        attaches_evaluations: bool = True,
        face: str = "Run",
    ) -> None:
        self.runs = runs
        self.steps = TrainingSteps()
        self.attaches_evaluations = attaches_evaluations
        self._weights: dict[str, Mark] = {}
        self.has_failed = False
        self.given = given
        """What the user said the first training goes on from, as long as none has begun."""
        self._face = face
        self._is_training = False
        self._described = ""

    @property
    def was_trained(self) -> bool:
        """Whether the present run holds a training already."""
        return self.steps.last is not None or self.runs.was_sent_here

    @property
    def is_visiting(self) -> bool:
        """Whether log calls go to a run that is not the present one, since a checkpoint is being evaluated."""
        return self.runs.evaluation is not None and self.runs.evaluation.is_lent

    # How it begins

    def begin(self, *, goes_on: bool = False) -> None:
        """Prepare for a training, before anything is loaded: one that begins anew gets a run of its own.

        A training before it that neither ended nor failed, as far as anybody said, has failed.

        Args:
            goes_on: The framework trains on from where it stands, so the run goes on too.
        """
        self.end_evaluation()
        self._give_up()
        has_failed, self.has_failed = self.has_failed and self.runs.run is not None, False
        choice = choose_run(
            "none",
            was_trained=self.was_trained,
            goes_on=goes_on,
            holds_evaluation=self.runs.holds_evaluation or has_failed,
        )
        if choice.starts_anew:
            self.begin_anew()

    def begin_anew(self) -> None:
        """Go on with another run."""
        self.runs.start_anew(is_first=not self.was_trained)
        self.steps = TrainingSteps()
        self._weights = {}

    def start(
        self,
        loaded: LoadedCheckpoint | None = None,
        *,
        counter: float | None = None,
        fingerprint: Callable[[], str | None] | None = None,
    ) -> None:
        """Make the run what loading a checkpoint (or none) for a training means, and open it.

        Args:
            loaded: What was loaded; None is nothing.
            counter: What the framework's step counter says now: the last step done, on its axis. None: it goes on where the
                checkpoint was written.
            fingerprint: Computes the hash of the weights that training begins with; asked where nothing says whose they are.
        """
        if loaded is not None and loaded.is_internal:
            return
        given, self.given = self.given, None
        loaded = given or loaded
        data = loaded.mark if loaded is not None else None
        mark = readable_mark(data)
        choice = choose_run(
            "none" if loaded is None else "foreign" if data is None else "marked",
            has_points=self.runs.has_points,
            was_trained=self.was_trained,
            has_origin=self.runs.has_origin,
            holds_evaluation=self.runs.holds_evaluation,
        )
        if choice.starts_anew:
            self.begin_anew()
        decision = None
        if choice.origin == "mark" and loaded is not None and data is not None:
            decision = self.runs.resume(data, checkpoint=loaded.path)
        is_known = mark is not None and choice.origin != "foreign"
        if loaded is not None and not is_known:
            self._note_source(loaded)
        if mark is not None and (choice.origin == "mark" or self.steps.last is None):
            self._restore_steps(mark, data or {}, None if decision == "new" and not counter else counter)
        elif self.runs.parent is not None and self.steps.last is None:
            self._follow_parent(counter)
        if fingerprint is not None and not is_known and self.runs.parent is None and not self.was_trained:
            self.runs.suggest(attempt(self, "fingerprint", fingerprint), face=self._face)

    def counts_steps(self, paths: Iterable[str], *, last: float) -> bool:
        """Return whether one of these series is known to count what checkpoints count.

        That is one without an axis of its own that reached the second half of the steps in the run that is gone on from. Where
        that run is not here it is each without an axis of its own.

        Args:
            paths: The series.
            last: The last step of the checkpoint.
        """
        candidates = [path for path in paths if not self.steps.has_own_axis(path)]
        if not candidates:
            return False
        origin = self.runs.origin_points()
        found = [origin.last_step(path) for path in candidates] if origin is not None else [last]
        return any(step is not None and 2 * step >= last for step in found)

    def find_parent(self, fingerprint: str | None, *, counter: float | None = None) -> dict[str, Any] | None:
        """Return the mark of the checkpoint that held just these weights, or None if there is no such one.

        For frameworks that restore weights and counters and do not show what else the checkpoint held.

        Args:
            fingerprint: Hash of the weights.
            counter: What the framework's counter was restored to: only a checkpoint of that step is the one, since weights
                alone may have been taken over for another training. None: any step.
        """
        marks = self.runs.find_marks(fingerprint) if fingerprint is not None else []
        return next((mark.to_dict() for mark in marks if counter is None or mark.counted == counter), None)

    def _note_source(self, loaded: LoadedCheckpoint) -> None:
        attributes = {"source/checkpoint_path": loaded.path} | {
            f"source/{name}": value for name, value in loaded.details.items()
        }
        self.runs.open().log_configs({name: value for name, value in attributes.items() if value is not None})

    def _restore_steps(self, mark: Mark, data: Mapping[str, Any], counter: float | None) -> None:
        at = mark.counted if counter is None or counter >= mark.counted else counter
        self.steps.restore(mark.user_step, data.get(AXES_KEY), base=mark.user_step - at)

    def _follow_parent(self, counter: float | None) -> None:
        """Go on after the fork step where the framework counts from the beginning again."""
        parent = self.runs.parent
        if parent is not None and counter is not None and counter < parent[1]:
            self.steps.restore(parent[1], base=parent[1] - counter)

    def describe_hyperparameters(self, values: Any) -> None:
        """Log hyperparameters below ``hparams/``: the first of a run replace its parent's, and a script may add some of its own."""
        run = self.runs.open()
        if self._described == run.run_id:
            run.log_configs({"hparams": values})
        else:
            self._described = run.run_id
            run.describe({"hparams": values}, replaces=["hparams"], keeps_own=True)

    # Evaluations

    def evaluate(self, loaded: LoadedCheckpoint | None) -> None:
        """Make an evaluation of a checkpoint log its results at the step of the weights, to the run that wrote it if it is here.

        They go to a run of their own where something else stands at their places, and where a run or an experiment was named for
        them: see `TrainingRuns.evaluate`. Without a mark they are those of the weights in memory.
        """
        mark = readable_mark(loaded.mark) if loaded is not None else None
        if loaded is None or mark is None:
            self.runs.evaluate_weights(self._present_step)
            return
        source = {
            "project": mark.project,
            "run_id": mark.run_id,
            "step": mark.user_step,
            "epoch": mark.epoch,
            "checkpoint_path": loaded.path,
        }
        self.runs.evaluate(mark, source, attaches=self.attaches_evaluations, was_trained=self.was_trained)

    def evaluate_weights(self, fingerprint: str | None = None, *, recognizes: bool = False) -> None:
        """Make an evaluation of the weights in memory, for which no checkpoint was loaded, log its results at their step.

        Args:
            fingerprint: Their hash: where it is that of weights that the present run had earlier, which were put back since,
                results stand at the step of these. None: they are the present ones.
            recognizes: Before any training they are those of a checkpoint, if a single run here saved such weights.
        """
        mark = self._weights.get(fingerprint) if fingerprint is not None else None
        if recognizes and fingerprint is not None and not self.was_trained:
            marks = self.runs.find_marks_here(fingerprint)
            mark = marks[0] if len({one.run_id for one in marks}) == 1 else None
        if mark is None or mark.user_step == self.steps.last:
            self.runs.evaluate_weights(self._present_step)
        elif mark.run_id == self.runs.run_id:
            self.runs.evaluate_weights(mark.user_step)
        else:
            self.evaluate(LoadedCheckpoint(mark.to_dict()))

    def note_weights(self, fingerprint: str | None, *, epoch: int | None = None) -> None:
        """Note whose weights these are: those of the last step done. `mark` does so for what it marks."""
        if fingerprint is not None and self.steps.last is not None:
            self._note_weights(fingerprint, self.draft_mark("weights", epoch=epoch))

    def _note_weights(self, fingerprint: str | None, mark: Mapping[str, Any]) -> None:
        if fingerprint is not None and (found := readable_mark(mark)) is not None:
            self._weights[fingerprint] = found

    @property
    def _present_step(self) -> float:
        """The step of the weights in memory, as far as it is known."""
        parent = self.runs.parent
        return self.steps.last if self.steps.last is not None else parent[1] if parent is not None else 0

    def log_evaluated(
        self,
        metrics: Mapping[str, Any],
        texts: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        """Log results of the present evaluation, else of the weights in memory; the arguments are those of `Evaluation.log`."""
        if self.runs.evaluation is None:
            self.runs.evaluate_weights(self._present_step)
        assert self.runs.evaluation is not None
        self.runs.evaluation.log(metrics, texts, **options)

    def end_evaluation(self) -> None:
        """Log to the own run again."""
        self.runs.end_evaluation()

    # Checkpoints and the end

    def mark(
        self, *, epoch: object = None, fingerprint: str | None = None, mark_id: str | None = None
    ) -> dict[str, Any]:
        """Journal that a checkpoint is being written, and return the mark for it.

        Args:
            epoch: Its epoch, if that is an int.
            fingerprint: Hash of its weights.
            mark_id: Id of the mark, where it had to be named before.

        Returns:
            What to put into the checkpoint; empty where there is no run to name, or nothing is logged.
        """
        if self.runs.run is None and self.steps.last is None:
            return {}
        last = self.steps.last or 0
        mark = self.runs.open().checkpoint_mark(
            last,
            epoch=epoch if isinstance(epoch, int) else None,
            fingerprint=fingerprint,
            cuts=self.steps.cuts,
            mark_id=mark_id,
            counter=self._counter(last),
        )
        self._note_weights(fingerprint, mark)
        return {**mark, AXES_KEY: self.steps.to_text()} if mark else {}  # none in disabled mode

    def draft_mark(self, mark_id: str, *, epoch: int | None = None) -> dict[str, Any]:
        """Return what `mark` will return for a checkpoint written now, and journal nothing.

        For frameworks that ask for what goes into a checkpoint before they say that there will be one.

        Args:
            mark_id: Id of the mark, to be passed to `mark` when the checkpoint is there.
            epoch: Its epoch.
        """
        run, last = self.runs.open(), self.steps.last or 0
        if run.is_disabled:
            return {}
        step = to_micro_steps(last)
        draft = Mark(
            run.project,
            run.run_id,
            mark_id,
            step,
            run.experiment_name,
            epoch,
            time=now_us(),
            counter=self._counter(last),
        )
        return {**draft.to_dict(), AXES_KEY: self.steps.to_text()}

    def _counter(self, last: float) -> float | None:
        """Return what the framework's counter says, if that is not the main step."""
        return last - self.steps.base if self.steps.base else None

    def train(self) -> Run:
        """Return the open run, in the state "running".

        For frameworks that do not tell of exceptions: unless `finish` or `fail` is called, the training has failed when the next
        one begins, or the cell of a notebook or the process ends.
        """
        self._is_training = True
        return self.run_again(on_left=self._give_up)

    def run_again(self, *, on_left: Callable[[BaseException | None], None] | None = None) -> Run:
        """Return the open run, in the state "running"; the others of this process that have ended rest.

        Args:
            on_left: As for `Run.expect_end`.
        """
        run = self.runs.open()
        if run.status.state != "running":
            run.set_status("running")
        if on_left is not None:
            run.expect_end(on_left)
        run.let_ended_rest()
        return run

    def _leave(self) -> None:
        if self._is_training and self.runs.run is not None:
            self.runs.run.expect_end(None)
        self._is_training = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs."""
        return {**self.__dict__, "_is_training": False}

    def _give_up(self, error: BaseException | None = None) -> None:
        if self._is_training and self.runs.run is not None:
            self.fail(error or sys.exc_info()[1] or UnfinishedTraining(_UNFINISHED))
            # A guess: if it was another training within this one that began, this one goes on.
            self.has_failed = False
        self._leave()

    def fail(self, exception: BaseException | None, *, state: str | None = None) -> None:
        """Record why a training ended, or an evaluation in a run of its own; one in another's run leaves that as it is.

        Args:
            exception: What ended it, or None if that is not known.
            state: The state to record; default is what the exception says, "failed" where that is not known.
        """
        found = "failed" if exception is None else ending_after(exception).state
        if self.is_visiting and self.runs.evaluation is not None:
            self.runs.evaluation.fail(state or found, exception)
            return
        self.runs.open().set_status(state or found, exception)
        self.has_failed = True
        self._leave()

    def finish(self) -> None:
        """Record that a training ended well."""
        self._leave()
        if self.runs.run is not None and not self.has_failed:
            self.runs.run.set_status("finished")


class UnfinishedTraining(Exception):  # noqa: N818  it is recorded, never raised
    """Stands in a run whose framework said neither that training ended nor why it did not."""
