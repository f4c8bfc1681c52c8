"""The callback beside the logger, without its base class.

It sees the checkpoint, the steps and the exceptions, which Lightning shows to no logger. Lightning adds it by itself where our
logger is in use (`factory`).
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from runfork.training.guards import attempt, guarded
from runfork.training.throughput import Throughput, batch_size
from runfork_lightning.logger import LoggerMethods, main_step_of
from runfork_lightning.origins import (
    begin_evaluation,
    begin_fit,
    is_fitting,
    mark_checkpoint,
    start_fit,
    take_checkpoint,
)
from runfork_lightning.ranks import is_rank_zero
from runfork_lightning.trainer_description import (
    describe_savers,
    describe_trainer,
    describe_training_data,
    describe_validation_data,
)
from runfork_torch.gradients import GradientsSeen, has_sharded_gradients
from runfork_torch.model_description import describe_model
from runfork_torch.optimizer_description import describe_optimizers, describe_schedulers, labels_of, learning_rates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CallbackMethods", "join_trainer"]


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
        self._throughput = Throughput()
        self._labels: list[str] = []
        self._rates: dict[str, float] = {}
        self._gradients = GradientsSeen()
        self._global_step = 0
        self._must_describe_optimizers = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; the trainer there is another one."""
        return {**self.__dict__, "_trainer": None, "_found": []}

    # Before training

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the loggers; a fit from the beginning gets a run of its own. All ranks learn its id."""
        del pl_module
        self._add_logger(trainer)
        loggers = self._find_loggers(trainer)
        for logger in loggers:
            logger.meet(trainer)
            if is_rank_zero():
                self._prepare(logger, trainer, stage)
            if trainer.world_size > 1:
                logger.runs.run_id = trainer.strategy.broadcast(logger.runs.run_id)
        self._found = loggers if is_rank_zero() else []
        self._trainer = weakref.ref(trainer)

    def _add_logger(self, trainer: Any) -> None:
        if self._logger_to_add is not None and self._logger_to_add not in trainer.loggers:
            trainer.loggers = [*trainer.loggers, self._logger_to_add]

    def _find_loggers(self, trainer: Any) -> list[LoggerMethods]:
        first = next((one for one in trainer.callbacks if isinstance(one, CallbackMethods)), self)
        if first is not self:
            return []
        return [logger for logger in trainer.loggers if isinstance(logger, LoggerMethods)]

    @property
    def _present(self) -> list[LoggerMethods]:
        """The loggers that log now: a learning-rate finder puts them aside while it tries rates."""
        trainer = self._trainer() if self._trainer is not None else None
        present = trainer.loggers if trainer is not None else ()
        return [logger for logger in self._found if any(logger is one for one in present)]

    @guarded
    def _prepare(self, logger: LoggerMethods, trainer: Any, stage: str) -> None:
        logger.training.end_evaluation()
        logger.has_taken_checkpoint = False
        if stage == "fit":
            begin_fit(logger, trainer)

    @guarded
    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Mapping[str, Any]) -> None:
        """Decide what the checkpoint makes of the run."""
        del pl_module
        for logger in self._present:
            take_checkpoint(logger, trainer, checkpoint)

    @guarded
    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Open the run: what it comes from is decided, for most strategies."""
        del pl_module
        for logger in self._present:
            logger.fitted_by = weakref.ref(trainer)
            logger.training.run_again()

    @guarded
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Log what is known of trainer, data and model."""
        self._global_step = trainer.global_step
        self._must_describe_optimizers = True
        self._throughput.restart()
        for logger in self._present:
            start_fit(logger, trainer)
        self._describe("trainer", lambda: describe_trainer(trainer))
        self._describe("data/train", lambda: describe_training_data(trainer))
        self._describe("data/validation", lambda: describe_validation_data(trainer))
        self._describe("model", lambda: describe_model(pl_module))
        self._describe("checkpoints", lambda: describe_savers(trainer))

    # Training

    @guarded
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Note the learning rates that the coming step uses."""
        del pl_module, batch, batch_idx
        if not self._present:
            return
        if self._must_describe_optimizers:
            self._describe_optimizers(trainer)
        if is_logged_step(trainer):
            self._rates = learning_rates(trainer.optimizers, self._labels)

    def _describe_optimizers(self, trainer: Any) -> None:
        """Log the optimizers at the first batch: by then a user's own hooks have changed what they change on a resume."""
        self._must_describe_optimizers = False
        optimizers = trainer.optimizers
        self._labels = labels_of(optimizers)
        self._describe(
            "optimizer",
            lambda: {
                **describe_optimizers(optimizers),
                **describe_schedulers(trainer.lr_scheduler_configs, optimizers),
            },
        )

    @guarded
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Measure the gradients that this optimizer takes, where that was asked for."""
        asked = [logger for logger in self._present if logger.gradient_norms is not None]
        if not asked or not is_logged_step(trainer):
            return
        if has_sharded_gradients(pl_module):
            for logger in asked:
                logger.runs.open().problems.tell(
                    "gradients",
                    "log_gradient_norms: the gradients are sharded between processes (FSDP2, tensor parallelism), and their norm "
                    "takes all of them: it is not logged; log what clip_grad_norm_ returns on every rank",
                )
            return
        self._gradients.look(pl_module, (one for group in optimizer.param_groups for one in group["params"]))

    @guarded
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note that a step was done; log learning rates, throughput and gradient norms where Lightning logs metrics."""
        del outputs, batch_idx
        if not self._present:
            return
        has_stepped = _has_stepped(trainer, pl_module, self._global_step)
        if has_stepped:
            self._finish_step(trainer)
        samples = attempt(self, "batch size", lambda: batch_size(batch) * trainer.world_size)
        self._throughput.count(steps=int(has_stepped), samples=samples or 0)
        if has_stepped and is_logged_step(trainer):
            self._log_step(self._present_step(trainer))

    def _finish_step(self, trainer: Any) -> None:
        self._global_step = trainer.global_step
        for logger in self._present:
            logger.steps.finish(logger.steps.main(self._present_step(trainer)))

    def _present_step(self, trainer: Any) -> float:
        step = main_step_of(trainer)
        return step if step is not None else max(trainer.global_step - 1, 0)

    def _log_step(self, step: float) -> None:
        values = {**self._rates, **self._throughput.read()}
        self._rates = {}
        norms = attempt(self, "gradient norms", lambda: self._gradients.read(detail="layers")) or {}
        for logger in self._present:
            row = dict(values)
            if logger.gradient_norms is not None:
                layers = logger.gradient_norms == "layers"
                row.update((path, norm) for path, norm in norms.items() if layers or path == "gradients/norm")
            if row:
                logger.runs.open().log_metrics(row, logger.steps.main(step))

    @guarded
    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Stop the clock of the throughput; find out whose weights they are in an evaluation by itself."""
        del pl_module
        self._throughput.pause()
        self._begin_evaluation(trainer)

    @guarded
    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """Find out whose weights they are."""
        del pl_module
        self._begin_evaluation(trainer)

    def _begin_evaluation(self, trainer: Any) -> None:
        if not is_fitting(trainer):
            for logger in self._present:
                begin_evaluation(logger, trainer)

    @guarded
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Start it again."""
        del trainer, pl_module
        self._throughput.go_on()

    # Checkpoints and the end

    @guarded
    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Put the mark into the checkpoint."""
        if not self._present:
            return
        self._catch_up(trainer)
        weights = attempt(self, "fingerprint", lambda: _fingerprint(pl_module))
        for logger in reversed(self._present):  # the first logger's mark stands
            mark_checkpoint(logger, checkpoint, fingerprint=weights)

    def _catch_up(self, trainer: Any) -> None:
        """Count the step that is done already where a callback before this one saves a checkpoint at the end of a batch."""
        step = main_step_of(trainer)
        if trainer.training and step is not None and trainer.global_step > self._global_step:
            for logger in self._present:
                logger.steps.finish(logger.steps.main(step))

    @guarded
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Record why the training ends."""
        del pl_module
        for logger in self._present:
            if is_fitting(trainer) or logger.runs.run is not None or logger.is_visiting:
                logger.training.fail(exception, state=_state_after(exception))

    def _describe(self, namespace: str, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Log what is known of one thing, which replaces what was known of it; where that fails nothing else is lost."""
        if self._present and (values := attempt(self, f"description of {namespace}", describe)) is not None:
            for logger in self._present:
                logger.runs.open().describe(values, replaces=[namespace], keeps_own=True)


def _has_stepped(trainer: Any, pl_module: Any, global_step: int) -> bool:
    """Return whether the batch that ends has finished an optimizer step, rather than gathered gradients for one."""
    accumulates = getattr(trainer.fit_loop.epoch_loop, "_should_accumulate", None)
    if accumulates is not None:
        return not accumulates()
    return trainer.global_step > global_step or not pl_module.automatic_optimization


def is_logged_step(trainer: Any) -> bool:
    """Return whether Lightning logs metrics at the present step."""
    step, every = main_step_of(trainer), trainer.log_every_n_steps
    return step is not None and every > 0 and ((step + 1) % every == 0 or bool(trainer.should_stop))


def _fingerprint(module: Any) -> str | None:
    from runfork_torch.weights import fingerprint

    return fingerprint(module.named_parameters())


def _state_after(exception: BaseException) -> str | None:
    return "preempted" if type(exception).__name__ == "SIGTERMException" else None


def join_trainer(trainer: Any) -> None:
    """Add our callback to a trainer that was built without it, and tell it what it has missed; else do nothing.

    This happens where entry points are not found: the package lies on the path without being installed.
    """
    if any(isinstance(callback, CallbackMethods) for callback in trainer.callbacks):
        return
    from runfork_lightning.namespaces import classes_for_trainer

    callback = classes_for_trainer(trainer).RunforkCallback()
    savers = trainer.checkpoint_callbacks
    place = trainer.callbacks.index(savers[0]) if savers else len(trainer.callbacks)
    trainer.callbacks.insert(place, callback)
    stage, module = trainer.state.fn.value, trainer.lightning_module
    callback.setup(trainer, module, stage=stage)
    loaded = getattr(trainer._checkpoint_connector, "_loaded_checkpoint", None)  # noqa: SLF001  no public way leads there
    if loaded:
        callback.on_load_checkpoint(trainer, module, loaded)
    if stage == "fit":
        callback.on_fit_start(trainer, module)
