"""The logger, without its base class: what Lightning calls, and what a user sets.

`for_lightning` and `for_pytorch_lightning` give it the base that each namespace expects.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.identifiers import directory_name
from runfork.model.messages import shown
from runfork.training.arguments import Integration, RunArguments, open_training, takes_run_arguments
from runfork.training.checkpoint_log import CheckpointLog
from runfork.training.guards import guarded
from runfork_lightning.internals import is_rank_zero, loaded_checkpoint_of, trainer_of
from runfork_lightning.lightning_training import LightningTraining
from runfork_lightning.namespaces import classes_for_trainer

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from runfork.training.runs import TrainingRuns
    from runfork.writing.run import Run
    from runfork_torch.gradients import GradientNorms


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
        self.training = LightningTraining(
            open_training(experiment_name, arguments, self._integration),
            CheckpointLog(log_files=log_checkpoint_files),
            gradient_norms=_gradient_norms(log_gradient_norms),
        )
        self._prefix = prefix.strip("/") if prefix else ""
        self._save_dir = os.fspath(save_dir) if save_dir is not None else None

    # What Lightning asks

    @property
    def experiment(self) -> Run:
        """The present run, ready to log to; on ranks other than 0 a disabled one.

        After a rollback it is the new run, also where it was read before.
        """
        return self.training.runs.handle(logs=is_rank_zero())

    @property
    def runs(self) -> TrainingRuns:
        """The runs behind the logger."""
        return self.training.runs

    @property
    def name(self) -> str:
        """The experiment's name (or the project's) as a folder name."""
        return directory_name(self.training.runs.options.experiment_name or self._project_name())

    def _project_name(self) -> str:
        from runfork.disk.layout import default_project

        return (self.training.runs.project or default_project()).rpartition("/")[2]

    @property
    def version(self) -> str:
        """The run's id."""
        return self.training.runs.run_id

    @property
    def save_dir(self) -> str:
        """Where Lightning puts what callbacks save."""
        return self._save_dir or self.training.default_root or os.getcwd()  # noqa: PTH109  Lightning joins strings

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
        if not hasattr(metrics, "items"):
            raise ArgumentTypeError(f"metrics must be a dict of name to number, found {shown(metrics)}")
        if self._prefix:
            metrics = {f"{self._prefix}/{name}": value for name, value in metrics.items()}
        self.training.log_metrics(metrics, step, epoch=f"{self._prefix}/epoch" if self._prefix else "epoch")

    @guarded
    def log_hyperparams(self, params: Mapping[str, Any] | Namespace | None, *_args: Any, **_options: Any) -> None:
        """Log hyperparameters below ``hparams/``. In the evaluation of another run's checkpoint they stay as they are."""
        if params is not None and is_rank_zero():
            self.training.describe_hyperparameters(params)

    @guarded
    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Do nothing with the model; reach its trainer, where our callback was not added to it."""
        del input_array
        if (trainer := trainer_of(model)) is not None:
            _join(trainer)
        if is_rank_zero():
            self.training.take_missed_checkpoint()

    @guarded
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Log a checkpoint file that Lightning has just written."""
        if is_rank_zero():
            self.training.log_saved(checkpoint_callback)

    def save(self) -> None:
        """Do nothing: what was logged is on disk."""

    @guarded
    def finalize(self, status: str) -> None:
        """Note how a call of the trainer ended. The run stays open until another training begins, or the process ends.

        Args:
            status: "success", "finished", or anything else for a failure.
        """
        if is_rank_zero():
            run = self.training.finish(is_success=status in ("success", "finished"))
            if run is not None and _is_spawned():
                run.close()


def _join(trainer: Any) -> None:
    """Add our callback to a trainer that was built without it, and tell it what it has missed; else do nothing.

    That is one of a Lightning that did not find us: the package lies on the path without being installed.
    """
    kind = classes_for_trainer(trainer).RunforkCallback
    if any(isinstance(callback, kind) for callback in trainer.callbacks):
        return
    callback = kind()
    savers = trainer.checkpoint_callbacks
    place = trainer.callbacks.index(savers[0]) if savers else len(trainer.callbacks)
    trainer.callbacks.insert(place, callback)
    stage, module = trainer.state.fn.value, trainer.lightning_module
    callback.setup(trainer, module, stage=stage)
    if loaded := loaded_checkpoint_of(trainer):
        callback.on_load_checkpoint(trainer, module, loaded)
    if stage == "fit":
        callback.on_fit_start(trainer, module)


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
