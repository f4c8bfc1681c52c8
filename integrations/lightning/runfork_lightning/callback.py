"""The callback beside the logger, without its base class: what Lightning tells callbacks, and no logger.

It sees the checkpoint, the steps and the exceptions. Lightning adds it by itself where our logger is in use (`factory`).
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from runfork.training.guards import attempt, guarded
from runfork_lightning.internals import is_rank_zero, step_of
from runfork_lightning.lightning_training import is_fitting
from runfork_lightning.logger import LoggerMethods
from runfork_lightning.step_measures import StepMeasures, chosen_norms, is_logged_step, present_step
from runfork_lightning.trainer_description import (
    describe_savers,
    describe_trainer,
    describe_training_data,
    describe_validation_data,
)
from runfork_torch.gradients import has_sharded_gradients
from runfork_torch.model_description import describe_model
from runfork_torch.optimizer_description import describe_optimizers, describe_schedulers
from runfork_torch.weights import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.training.runs import TrainingRuns
    from runfork_lightning.lightning_training import LightningTraining


class CallbackMethods:
    """Tells a `RunforkLogger` what Lightning does not tell loggers. Without one it does nothing.

    Only needed in ``callbacks=[...]`` where Lightning does not find installed entry points; a second one stays silent.

    Args:
        logger: A `RunforkLogger` to add to the trainer if it is not there; None uses those that are there.
    """

    def __init__(self, logger: LoggerMethods | None = None) -> None:
        super().__init__()
        self._logger_to_add = logger
        self._found: list[LoggerMethods] = []
        self._trainer: weakref.ref[Any] | None = None
        self._measures = StepMeasures(self)
        self._must_describe_optimizers = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; the trainer there is another one."""
        return {**self.__dict__, "_trainer": None, "_found": []}

    # Before training

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the loggers; a fit from the beginning gets a run of its own. All ranks learn its id."""
        del pl_module, stage
        if self._logger_to_add is not None and self._logger_to_add not in trainer.loggers:
            trainer.loggers = [*trainer.loggers, self._logger_to_add]
        loggers = self._find_loggers(trainer)
        for logger in loggers:
            logger.training.meet(trainer)
            if is_rank_zero():
                self._prepare(logger.training)
            logger.training.agree_on_run(trainer)
        self._found = loggers if is_rank_zero() else []
        self._trainer = weakref.ref(trainer)

    def _find_loggers(self, trainer: Any) -> list[LoggerMethods]:
        first = next((one for one in trainer.callbacks if isinstance(one, CallbackMethods)), self)
        if first is not self:
            return []
        return [logger for logger in trainer.loggers if isinstance(logger, LoggerMethods)]

    @property
    def _present(self) -> list[LightningTraining]:
        """The trainings of the loggers that log now: a learning-rate finder puts them aside while it tries rates."""
        trainer = self._trainer() if self._trainer is not None else None
        present = trainer.loggers if trainer is not None else ()
        return [logger.training for logger in self._found if any(logger is one for one in present)]

    @property
    def runs(self) -> TrainingRuns | None:
        """The runs behind the first of the loggers."""
        return self._present[0].runs if self._present else None

    @guarded
    def _prepare(self, training: LightningTraining) -> None:
        training.prepare()

    @guarded
    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Mapping[str, Any]) -> None:
        """Decide what the checkpoint makes of the run."""
        del trainer, pl_module
        for training in self._present:
            training.take_checkpoint(checkpoint)

    @guarded
    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Open the run."""
        del trainer, pl_module
        for training in self._present:
            training.open_for_fit()

    @guarded
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Log what is known of trainer, data and model."""
        self._must_describe_optimizers = True
        self._measures.begin(trainer)
        for training in self._present:
            training.start_fit()
        self._describe("trainer", lambda: describe_trainer(trainer))
        self._describe("data/train", lambda: describe_training_data(trainer))
        self._describe("data/validation", lambda: describe_validation_data(trainer))
        self._describe("model", lambda: describe_model(pl_module))
        self._describe("checkpoints", lambda: describe_savers(trainer))

    def _describe(self, namespace: str, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Log what is known of one thing; where that fails nothing else is lost."""
        if self._present and (values := attempt(self, f"description of {namespace}", describe)) is not None:
            for training in self._present:
                training.describe(namespace, values)

    # Training

    @guarded
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Note the learning rates that the coming step uses."""
        del pl_module, batch, batch_idx
        if not self._present:
            return
        if self._must_describe_optimizers:
            self._describe_optimizers(trainer)
        self._measures.note_rates(trainer)

    def _describe_optimizers(self, trainer: Any) -> None:
        """Log the optimizers at the first batch: by then a user's own hooks have changed what they change on a resume."""
        self._must_describe_optimizers = False
        self._measures.name_optimizers(trainer)
        optimizers, schedulers = trainer.optimizers, trainer.lr_scheduler_configs
        self._describe(
            "optimizer", lambda: {**describe_optimizers(optimizers), **describe_schedulers(schedulers, optimizers)}
        )

    @guarded
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Measure the gradients that this optimizer takes, where that was asked for."""
        asked = [training for training in self._present if training.gradient_norms is not None]
        if not asked or not is_logged_step(trainer):
            return
        if not has_sharded_gradients(pl_module):
            self._measures.look_at_gradients(pl_module, optimizer)
            return
        for training in asked:
            training.runs.open().problems.tell(
                "gradients",
                "log_gradient_norms: the gradients are sharded between processes (FSDP2, tensor parallelism), and their norm "
                "takes all of them: it is not logged; log what clip_grad_norm_ returns on every rank",
            )

    @guarded
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note that a step was done; log learning rates, throughput and gradient norms where Lightning logs metrics."""
        del outputs, batch_idx
        present = self._present
        if not present or not self._measures.finish_batch(trainer, pl_module, batch):
            return
        step = present_step(trainer)
        for training in present:
            training.finish_step(step)
        if is_logged_step(trainer):
            rates, norms = self._measures.read()
            for training in present:
                training.log_step({**rates, **chosen_norms(norms, training.gradient_norms)}, step)

    @guarded
    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Stop the clock of the throughput; find out whose weights they are in an evaluation by itself."""
        del pl_module
        self._measures.throughput.pause()
        self._begin_evaluation(trainer)

    @guarded
    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """Find out whose weights they are."""
        del pl_module
        self._begin_evaluation(trainer)

    def _begin_evaluation(self, trainer: Any) -> None:
        if not is_fitting(trainer):
            for training in self._present:
                training.begin_evaluation()

    @guarded
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Start it again."""
        del trainer, pl_module
        self._measures.throughput.go_on()

    # Checkpoints and the end

    @guarded
    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Put the mark into the checkpoint."""
        present = self._present
        if not present:
            return
        self._catch_up(trainer)
        weights = attempt(self, "fingerprint", lambda: fingerprint(pl_module.named_parameters()))
        for training in reversed(present):  # the first logger's mark stands
            training.put_mark(checkpoint, weights=weights)

    def _catch_up(self, trainer: Any) -> None:
        """Count the step that is done already where a callback before this one saves a checkpoint at the end of a batch."""
        step = step_of(trainer)
        if trainer.training and step is not None and self._measures.is_in_new_step(trainer):
            for training in self._present:
                training.finish_step(step)

    @guarded
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Record why the training ends."""
        del trainer, pl_module
        for training in self._present:
            training.fail(exception)
