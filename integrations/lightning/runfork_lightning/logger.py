"""The logger, without its base class: what Lightning calls, and what a user sets.

`for_lightning` and `for_pytorch_lightning` give it the base that each namespace expects.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from runfork.errors import ArgumentError
from runfork.model.identifiers import directory_name
from runfork.model.named_parts import named_parts
from runfork.training.arguments import Integration, RunArguments, open_training, takes_run_arguments
from runfork.training.checkpoint_log import CheckpointLog
from runfork.training.guards import guarded
from runfork.training.run_handle import AbsentRun, RunHandle
from runfork_lightning.checkpoints import note_saved
from runfork_lightning.origins import begin_evaluation, is_fitting, take_checkpoint
from runfork_lightning.ranks import is_rank_zero

if TYPE_CHECKING:
    import weakref
    from argparse import Namespace
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from runfork.training.runs import TrainingRuns
    from runfork.training.training_steps import TrainingSteps
    from runfork.writing.run import Run
    from runfork_torch.gradients import GradientNorms

__all__ = ["LoggerMethods"]

_LAST_BEHIND = 999_999
"""Values of batches stand between the step of the weights and the next, in millionths."""


@takes_run_arguments
class LoggerMethods:
    """Logs a Lightning training to runfork. Resuming from a checkpoint forks the run that wrote it.

    ``Trainer(logger=RunforkLogger())`` is all that is needed. On ranks other than 0 every method does nothing.

    Args:
        experiment_name: The experiment that runs belong to; a fork without one belongs to its parent's.
        log_gradient_norms: "total" for the norm of all gradients, "layers" (or True) for that of each parameter too. Reading
            them waits for the device, at logged steps only.
        log_checkpoint_files: Whether checkpoint files are copied into the run, beside training. A copy goes with its file.
        prefix: Put in front of the names of metrics, with a slash.
        save_dir: Where Lightning puts checkpoints, in ``<save_dir>/<name>/<version>/checkpoints``; default is the trainer's
            ``default_root_dir``.
        **arguments

    Raises:
        ArgumentError: A value cannot be used.
        ArgumentTypeError: An argument is of the wrong type.
    """

    _integration = Integration("unknown", "unknown", "RunforkLogger")

    def __init__(
        self,
        experiment_name: str | None = None,
        *,
        log_gradient_norms: bool | GradientNorms = False,
        log_checkpoint_files: bool = False,
        prefix: str | None = None,
        save_dir: str | os.PathLike[str] | None = None,
        **arguments: Unpack[RunArguments],
    ) -> None:
        super().__init__()
        self.training = open_training(experiment_name, arguments, self._integration)
        self.gradient_norms = _gradient_norms(log_gradient_norms)
        self._checkpoints = CheckpointLog(log_files=log_checkpoint_files)
        self._prefix = prefix.strip("/") if prefix else ""
        self._save_dir = os.fspath(save_dir) if save_dir is not None else None
        self._default_root: str | None = None
        self.trainer: weakref.ref[Any] | None = None
        self.fitted_by: weakref.ref[Any] | None = None
        self.has_taken_checkpoint = False
        self._described = ""

    @property
    def runs(self) -> TrainingRuns:
        """The run behind the logger."""
        return self.training.runs

    @property
    def steps(self) -> TrainingSteps:
        """How far its training is."""
        return self.training.steps

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; the trainer there is another one."""
        return {**self.__dict__, "trainer": None, "fitted_by": None}

    # What Lightning asks

    @property
    def experiment(self) -> Run:
        """The present run, ready to log to; on ranks other than 0 a disabled one.

        After a rollback it is the new run, also where it was read before.
        """
        handle = RunHandle(self.runs.current, self.runs.shown) if is_rank_zero() else AbsentRun(self.runs.run_id)
        return cast("Run", handle)

    @property
    def name(self) -> str:
        """The experiment's name (or the project's) as a folder name."""
        return directory_name(self.runs.options.experiment_name or self._project_name())

    def _project_name(self) -> str:
        from runfork.disk.layout import default_project

        return (self.runs.project or default_project()).rpartition("/")[2]

    @property
    def version(self) -> str:
        """The run's id."""
        return self.runs.run_id

    @property
    def save_dir(self) -> str:
        """Where Lightning puts what callbacks save."""
        return self._save_dir or self._default_root or os.getcwd()  # noqa: PTH109  Lightning joins strings

    @property
    def group_separator(self) -> str:
        """What stands between the parts of a metric's name."""
        return "/"

    # What Lightning says

    @guarded
    def log_metrics(self, metrics: Mapping[str, float], step: float | None = None) -> None:
        """Log metrics under their own names.

        Args:
            metrics: Name to number.
            step: None is the step at which training is.
        """
        if not metrics or not is_rank_zero():
            return
        if self._prefix:
            metrics = {f"{self._prefix}/{name}": value for name, value in metrics.items()}
        if self.runs.evaluation is not None:
            self._log_evaluated(metrics, step)
        else:
            self.runs.open().log_metrics(metrics, self._place(metrics, step))

    def _log_evaluated(self, metrics: Mapping[str, float], step: float | None) -> None:
        """Log results at the step of the weights, which Lightning does not know; those of single batches closely behind."""
        epoch = f"{self._prefix}/epoch" if self._prefix else "epoch"
        if epoch in metrics:  # Lightning adds its own count, of another training, where it chose the step
            self.training.log_evaluated({name: value for name, value in metrics.items() if name != epoch})
        elif step is None:
            self.training.log_evaluated(metrics)
        else:
            self.training.log_evaluated(metrics, behind=min(int(step) + 1, _LAST_BEHIND), is_partial=True)

    def _place(self, metrics: Mapping[str, float], step: float | None) -> float:
        """Return the step at which to log."""
        trainer = self.trainer() if self.trainer is not None else None
        main_step = main_step_of(trainer, self.steps.base) if trainer is not None else None
        if step is None:
            return self.steps.place_next(metrics, earlier=self.runs.last_step)
        if trainer is not None and step == main_step_of(trainer):
            step = main_step
        number: float = step if isinstance(step, int) else float(step)  # type: ignore[arg-type]  # a tensor, say
        return max(self.steps.place(metrics, number, main_step=main_step), 0)

    @guarded
    def log_hyperparams(self, params: Mapping[str, Any] | Namespace | None, *_args: Any, **_options: Any) -> None:
        """Log hyperparameters below ``hparams/``. In the evaluation of another run's checkpoint they stay as they are."""
        if params is None or not is_rank_zero():
            return
        self._take_missed_checkpoint()
        trainer = self.trainer() if self.trainer is not None else None
        if trainer is not None and not is_fitting(trainer) and trainer.ckpt_path is None:
            begin_evaluation(self, trainer)
        if self.is_visiting:
            return
        run = self.runs.open()
        values = {"hparams": params if named_parts(params) is not None else vars(params)}
        if self._described == run.run_id:  # a script may add some of its own
            run.log_configs(values)
        else:
            self._described = run.run_id
            run.describe(values, replaces=["hparams"], keeps_own=True)

    @guarded
    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Do nothing with the model; reach its trainer, where our callback was not added to it."""
        del input_array
        trainer = getattr(model, "_trainer", None)
        if trainer is not None:
            from runfork_lightning.companion import join_trainer

            join_trainer(trainer)
        if is_rank_zero():
            self._take_missed_checkpoint()

    def _take_missed_checkpoint(self) -> None:
        """Look at what an evaluation has loaded: before Lightning 2.6 it showed callbacks the checkpoints of fits alone."""
        trainer = self.trainer() if self.trainer is not None else None
        if trainer is None or self.has_taken_checkpoint or is_fitting(trainer):
            return
        loaded = getattr(trainer._checkpoint_connector, "_loaded_checkpoint", None)  # noqa: SLF001  no public way
        if loaded:
            take_checkpoint(self, trainer, loaded)

    @guarded
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Log a checkpoint file that Lightning has just written."""
        if not is_rank_zero() or self.is_visiting:
            return
        note_saved(self._checkpoints, self.runs.open(), checkpoint_callback, step=self.steps.last or 0)

    def save(self) -> None:
        """Do nothing: what was logged is on disk."""

    @guarded
    def finalize(self, status: str) -> None:
        """Note how a call of the trainer ended. The run stays open, to be closed when the process ends.

        Args:
            status: "success", "finished", or anything else for a failure.
        """
        if not is_rank_zero():
            return
        self._checkpoints.settle()
        visited, run = self.is_visiting, self.runs.run
        self.training.end_evaluation()
        if visited or run is None:
            return
        if not self.training.has_failed:
            run.set_status("finished" if status in ("success", "finished") else "failed")
        if _is_spawned():
            run.close()

    # What our callback says

    @property
    def is_visiting(self) -> bool:
        """Whether log calls go to the run of another process, whose checkpoint is being evaluated."""
        return self.training.is_visiting

    def meet(self, trainer: Any) -> None:
        """Learn of the trainer that logs here now."""
        import weakref

        self.trainer = weakref.ref(trainer)
        self._default_root = trainer.default_root_dir


def main_step_of(trainer: Any, base: float = 0) -> float | None:
    """Return the step that Lightning hands to loggers now; `base` is where its counter began."""
    step = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
    return int(step) + base if step is not None else None


def _is_spawned() -> bool:
    """Return whether this is a worker that multiprocessing started: it ends without the handlers of a program's end."""
    import multiprocessing

    return multiprocessing.parent_process() is not None


def _gradient_norms(asked: object) -> GradientNorms | None:
    if asked in (False, None):
        return None
    if asked is True:
        return "layers"
    if asked in ("total", "layers"):
        return "total" if asked == "total" else "layers"
    raise ArgumentError(f'log_gradient_norms must be "total", "layers" or a bool, found {asked!r}')
