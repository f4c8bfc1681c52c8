"""The state of one logger's training: what its run is, which trainer fits it, and what that has loaded.

What Lightning tells loggers and what it tells callbacks alone meet here; `logger` and `callback` hand it on.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentTypeError
from runfork.model.marks import MARK_KEY
from runfork.model.messages import shown
from runfork.model.named_parts import named_parts
from runfork.training.guards import attempt
from runfork.training.loaded_checkpoint import LoadedCheckpoint, checkpoint_path, mark_in
from runfork.training.training_steps import checked_step
from runfork_lightning.internals import is_tuner_file, last_saved_path, loaded_checkpoint_of, step_of
from runfork_torch.weights import fingerprint

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from runfork.training.checkpoint_log import CheckpointLog
    from runfork.training.runs import TrainingRuns
    from runfork.training.training import Training
    from runfork.training.training_steps import TrainingSteps
    from runfork.writing.run import Run
    from runfork_torch.gradients import GradientNorms

_LAST_BEHIND = 999_999
"""Values of batches stand between the step of the weights and the next, in millionths."""


class LightningTraining:
    """What a logger does with runs, through the fits and evaluations of its trainers. For the training thread of rank 0 alone.

    Args:
        training: Makes the runs.
        checkpoints: Notes what is saved.
        gradient_norms: Which norms of gradients the user asked for, or None.
    """

    _face = "RunforkLogger"

    def __init__(self, training: Training, checkpoints: CheckpointLog, *, gradient_norms: GradientNorms | None) -> None:
        self._training = training
        self._checkpoints = checkpoints
        self.gradient_norms: GradientNorms | None = gradient_norms
        self.default_root: str | None = None
        """Where the trainer that was met last puts what it writes."""
        self._met: weakref.ref[Any] | None = None
        self._fitted_by: weakref.ref[Any] | None = None
        self._has_taken_checkpoint = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; the trainer there is another one."""
        return {**self.__dict__, "_met": None, "_fitted_by": None}

    @property
    def runs(self) -> TrainingRuns:
        """The runs behind the logger."""
        return self._training.runs

    @property
    def steps(self) -> TrainingSteps:
        """How far its training is."""
        return self._training.steps

    @property
    def is_visiting(self) -> bool:
        """Whether log calls go to the run of another process, whose checkpoint is being evaluated."""
        return self._training.is_visiting

    @property
    def trainer(self) -> Any:
        """The trainer that logs here now, or None."""
        return self._met() if self._met is not None else None

    @property
    def _is_evaluating(self) -> bool:
        return self.trainer is not None and not is_fitting(self.trainer)

    # A fit begins

    def meet(self, trainer: Any) -> None:
        """Learn of the trainer that logs here now, on every rank."""
        self._met = weakref.ref(trainer)
        self.default_root = trainer.default_root_dir

    def agree_on_run(self, trainer: Any) -> None:
        """Learn the run's id from rank 0; each rank must call it."""
        if trainer.world_size > 1:
            self.runs.run_id = trainer.strategy.broadcast(self.runs.run_id)

    def prepare(self) -> None:
        """Prepare for what the trainer is asked for, before it loads anything: a fit from the beginning gets a run of its own."""
        self._training.end_evaluation()
        self._has_taken_checkpoint = False
        if is_fitting(self.trainer):
            fitted_by = self._fitted_by() if self._fitted_by is not None else None
            self._training.begin(
                goes_on=fitted_by is not None and fitted_by is self.trainer and fitted_by.global_step > 0
            )

    def take_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Make the run what loading `checkpoint` means."""
        self._has_taken_checkpoint = True
        path = checkpoint_path(self.trainer.ckpt_path)
        loaded = LoadedCheckpoint(
            mark_in(checkpoint),
            path,
            details={"global_step": checkpoint.get("global_step"), "epoch": checkpoint.get("epoch")},
            is_internal=path is not None and is_tuner_file(os.path.basename(path)),  # noqa: PTH119  it may be a URL
        )
        if is_fitting(self.trainer):
            self._training.start(loaded, fingerprint=self._fingerprint)
        else:
            self._training.evaluate(loaded)

    def take_missed_checkpoint(self) -> None:
        """Look at what an evaluation has loaded: before Lightning 2.6 it showed callbacks the checkpoints of fits alone."""
        if self._is_evaluating and not self._has_taken_checkpoint and (loaded := loaded_checkpoint_of(self.trainer)):
            self.take_checkpoint(loaded)

    def open_for_fit(self) -> None:
        """Open the run: what it comes from is decided, for most strategies."""
        self._fitted_by = self._met
        self._training.run_again()

    def start_fit(self) -> None:
        """Make the run what a fit means that has loaded no checkpoint so far."""
        if not self._has_taken_checkpoint and not self._training.was_trained:
            self._training.start(counter=-1, fingerprint=self._fingerprint)

    def _fingerprint(self) -> str | None:
        return fingerprint(self.trainer.lightning_module.named_parameters())

    # It goes on

    def describe(self, namespace: str, values: Mapping[str, Any]) -> None:
        """Log what is known of one thing, which replaces what was known of it."""
        self.runs.open().describe(values, replaces=[namespace], keeps_own=True)

    def describe_hyperparameters(self, params: Mapping[str, Any] | Namespace) -> None:
        """Log hyperparameters below ``hparams/``. In the evaluation of another run's checkpoint they stay as they are."""
        self.take_missed_checkpoint()
        if self._is_evaluating and self.trainer.ckpt_path is None:
            self.begin_evaluation()
        if not self.is_visiting:
            self._training.describe_hyperparameters(_settings_of(params))

    def finish_step(self, step: float) -> None:
        """Note that the trainer did `step`, on its own axis."""
        self.steps.finish(self.steps.main(step))

    def log_step(self, values: Mapping[str, float], step: float) -> None:
        """Log what was measured of `step`, on the trainer's own axis."""
        if values:
            self.runs.open().log_metrics(values, self.steps.main(step))

    def log_metrics(self, metrics: Mapping[str, float], step: float | None, *, epoch: str) -> None:
        """Log metrics where they belong.

        Args:
            metrics: Path to number.
            step: As Lightning says; None is the step at which training is.
            epoch: Path of Lightning's own count of epochs.
        """
        if self.runs.evaluation is None:
            self.runs.open().log_metrics(metrics, self._place(metrics, step))
        elif epoch in metrics:  # Lightning adds its own count, of another training, where it chose the step
            self._training.log_evaluated({name: value for name, value in metrics.items() if name != epoch})
        elif step is None:
            self._training.log_evaluated(metrics)
        else:  # Lightning does not know the step of the weights; values of single batches stand closely behind it
            self._training.log_evaluated(metrics, behind=min(int(step) + 1, _LAST_BEHIND), is_partial=True)

    def _place(self, metrics: Mapping[str, float], step: float | None) -> float:
        """Return the step at which to log."""
        if step is None:
            return self.steps.place_next(metrics, earlier=self.runs.last_step)
        present = step_of(self.trainer) if self.trainer is not None else None
        main_step = self.steps.main(present) if present is not None else None
        number = step if isinstance(step, int) else checked_step(step)  # a tensor, say
        if main_step is not None and number == present:
            number = main_step
        return max(self.steps.place(metrics, number, main_step=main_step), 0)

    def begin_evaluation(self) -> None:
        """Find out whose weights are evaluated, where no checkpoint was loaded for it."""
        if self.runs.evaluation is None:
            self._training.evaluate_weights(attempt(self, "fingerprint", self._fingerprint), recognizes=True)

    # Checkpoints and the end

    def put_mark(self, checkpoint: dict[str, Any], *, weights: str | None) -> None:
        """Put the mark of the run into a checkpoint that is about to be written.

        Before anything was trained or opened there is no run to name, and nothing is put.

        Args:
            checkpoint: The checkpoint.
            weights: The fingerprint of its weights, or None.
        """
        if mark := self._training.mark(epoch=checkpoint.get("epoch"), fingerprint=weights):
            checkpoint[MARK_KEY] = mark

    def log_saved(self, saver: Any) -> None:
        """Log the file that a ``ModelCheckpoint``, or a proxy of one, has just written."""
        path = last_saved_path(saver) or str(saver.last_model_path or saver.best_model_path)
        if self.is_visiting or not path:
            return
        run, step = self.runs.open(), self.steps.last or 0
        if self._checkpoints.has_noted_at(step) and path == saver.last_model_path != saver.best_model_path:
            # a copy of the one that was just noted
            run.log_string_series({"checkpoints/last_model_path": path}, step=step)
            return
        score = getattr(saver, "best_k_models", {}).get(path)
        self._checkpoints.note(
            run,
            path,
            step=step,
            texts={
                "best_model_path": str(saver.best_model_path or ""),
                "last_model_path": str(saver.last_model_path or ""),
            },
            numbers={"score": score, "best_model_score": saver.best_model_score},
        )

    def fail(self, exception: BaseException) -> None:
        """Record why the training ends, or the evaluation, where there is a run for it."""
        if is_fitting(self.trainer) or self.runs.run is not None or self.is_visiting:
            is_preempted = type(exception).__name__ == "SIGTERMException"
            self._training.fail(exception, state="preempted" if is_preempted else None)

    def finish(self, *, is_success: bool) -> Run | None:
        """Note how a call of the trainer ended; the run stays open. Returns the run, if there is one of its own."""
        self._checkpoints.join()
        visited, run = self.is_visiting, self.runs.run
        self._training.end_evaluation()
        if visited or run is None:
            return None
        if not self._training.has_failed:
            run.set_status("finished" if is_success else "failed")
        return run


def _settings_of(params: Mapping[str, Any] | Namespace) -> Any:
    if named_parts(params) is not None:
        return params
    try:
        return vars(params)
    except TypeError:
        raise ArgumentTypeError(f"params must be a mapping or have attributes, found {shown(params)}") from None


def is_fitting(trainer: Any) -> bool:
    """Return whether the trainer was asked to fit."""
    return trainer.state.fn == "fit"  # type: ignore[no-any-return]  # an enum of strings
