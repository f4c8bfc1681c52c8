"""The callback, without its base class: what Keras calls, and what a user sets.

`for_keras` gives it the base that Keras expects.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.training.arguments import Integration, RunArguments, open_training, takes_run_arguments
from runfork.training.checkpoint_log import CheckpointLog
from runfork.training.guards import attempt, describe, guarded
from runfork.training.throughput import Throughput
from runfork_keras.batch_log import BatchLog, Measured
from runfork_keras.calls import FitCall, find_epoch_end, find_fit
from runfork_keras.model_description import describe_model
from runfork_keras.ranks import is_logging_process
from runfork_keras.references import weak_method, weakly
from runfork_keras.saved_files import SavedFiles
from runfork_keras.training_description import describe_compilation, describe_fit, describe_optimizers, learning_rates
from runfork_keras.weight_origins import begin_fit, begin_test
from runfork_keras.weights import weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from runfork.training.runs import TrainingRuns
    from runfork.writing.run import Run
    from runfork_keras.trained_model import TrainedModel


@takes_run_arguments
class CallbackMethods:
    """Logs a Keras training to runfork. Resuming from a checkpoint forks the run that wrote it.

    ``model.fit(..., callbacks=[RunforkCallback()])`` is all that is needed; its place in the list does not matter. In processes of
    distributed training other than the first it does nothing.

    Args:
        experiment_name: The experiment that runs belong to; a fork without one belongs to its parent's.
        log_every_n_batches: Metrics, learning rates and throughput are logged at every so manieth batch of an epoch; 0 or None
            logs epochs alone. Reading the optimizer's count waits for the device, so 1 costs speed on an accelerator.
        log_checkpoint_files: Whether checkpoint files that are written during ``fit`` are copied into the run.
        **arguments

    Raises:
        ArgumentError: A value cannot be used.
        ArgumentTypeError: An argument is of the wrong type.
    """

    async_safe = True
    """Tells Keras that the hooks for batches may be called on another thread, while training goes on."""

    _integration = Integration("unknown", "unknown", "RunforkCallback")

    model: Any
    params: Any

    def __init__(
        self,
        experiment_name: str | None = None,
        *,
        log_every_n_batches: int | None = 50,
        log_checkpoint_files: bool = False,
        **arguments: Unpack[RunArguments],
    ) -> None:
        super().__init__()
        tags, group_tags = arguments.get("tags"), arguments.get("group_tags")
        if tags is not None and not isinstance(tags, str):
            arguments["tags"] = tuple(tags)  # read twice: here, and by copies
        if group_tags is not None and not isinstance(group_tags, str):
            arguments["group_tags"] = tuple(group_tags)
        self._arguments = {
            **arguments,
            "experiment_name": experiment_name,
            "log_every_n_batches": log_every_n_batches,
            "log_checkpoint_files": log_checkpoint_files,
        }
        self._training = open_training(experiment_name, arguments, self._integration)
        self._batches = BatchLog(_interval(log_every_n_batches), self._write_batch)
        self._saved = SavedFiles(CheckpointLog(log_files=log_checkpoint_files))
        self._throughput = Throughput()
        self._call = FitCall()
        self._trained: TrainedModel | None = None
        self._thread = threading.get_ident()
        self._loads = 0
        self._counted = (0.0, 0)
        self._rates: dict[str, float] = {}
        self._first_rates: Measured | None = None
        self._described = ""
        self._epoch_paths: set[str] = set()
        self._is_active = False
        self._is_fitting = False
        self._is_decided = False
        self._is_new_call = False
        self._is_testing_alone = False

    @property
    def _model(self) -> Any:
        """Where Keras keeps the model. It is held weakly: who keeps the callback for its run keeps no weights and no data."""
        return self._met_model()

    @_model.setter
    def _model(self, model: Any) -> None:
        self._met_model = weakly(model)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made, as tuners do for every trial: with the same arguments, and a run of its own."""
        return _make, (type(self), {**self._arguments, "run": None})

    @property
    def run(self) -> Run:
        """The present run, ready to log to; it is opened when first used, or when training begins.

        After a rollback it is the new run, also where it was read before. In processes that do not log it does nothing.
        """
        return self._training.runs.handle(logs=is_logging_process())

    @property
    def runs(self) -> TrainingRuns:
        """The runs behind the callback."""
        return self._training.runs

    @property
    def run_id(self) -> str:
        """The present run's id; valid from construction."""
        return self._training.runs.run_id

    # Before training

    def set_model(self, model: Any) -> None:
        """Give the model its identity, so that it is there when a file is loaded or saved.

        Call it before ``model.load_weights(...)`` to have that recognised without arguments.
        """
        super().set_model(model)  # type: ignore[misc]
        self._meet()

    @guarded
    def _meet(self) -> None:
        self._is_active = is_logging_process()
        self._is_new_call = True
        if self._is_active and self.model is not None:
            from runfork_keras.identity import identify

            identify(self.model)

    @guarded
    def on_train_begin(self, logs: Any = None) -> None:
        """Look at the call of ``fit``. What it goes on from is not known yet: other callbacks may still restore something."""
        del logs
        if not self._is_active:
            return
        if self._is_fitting:  # the fit before broke off
            self._batches.join()
        self._is_fitting, self._is_decided, self._is_new_call = True, False, False
        self._thread, self._first_rates = threading.get_ident(), None
        self._call = find_fit(self.model)

    @guarded
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Decide what the training goes on from, at the first epoch and wherever a callback has loaded a file since."""
        del logs
        if not self._is_active or not self._is_fitting:
            return
        model = self.model
        self._take_up(model, epoch)
        if self._trained is None:
            return
        self._saved.note(self._training)
        self._trained.epoch = epoch
        self._epoch_paths.clear()
        self._trained.counter.begin_epoch()
        self._batches.begin_epoch(getattr(model, "steps_per_execution", 1) or 1)
        self._counted = (self._trained.finish_step(model), 0)
        self._throughput.restart()

    def _take_up(self, model: Any, epoch: int) -> None:
        from runfork_keras.identity import identify

        loads = identify(model).loads
        if self._is_decided and loads == self._loads:
            return
        if self._is_decided:
            self._training.finish()  # a callback went back to a checkpoint: that run is over
        self._is_decided, self._loads = True, loads
        self._trained = begin_fit(
            self._training,
            model,
            epoch=epoch,
            before=self._trained,
            before_mark=weak_method(self._note_epoch),
            after_mark=weak_method(self._note_mark),
        )
        self._training.train()
        self._describe(model, epoch)

    @guarded
    def _describe(self, model: Any, epoch: int) -> None:
        run, call, params, ask = self._training.runs.open(), self._call, self.params or {}, partial(attempt, self)
        begins_at = {} if "initial_epoch" in call.arguments and not epoch else {"fit/initial_epoch": epoch}
        describe(self, run, "fit", "data/train", "trainer", values=lambda: describe_fit(call, params) | begins_at)
        describe(self, run, "model/parameters", values=lambda: describe_model(model))
        describe(self, run, "compile", values=lambda: describe_compilation(model, ask))
        describe(self, run, "optimizer", values=lambda: describe_optimizers(model, ask))
        if self._described != run.run_id:
            self._described = run.run_id
            describe(self, run, "checkpoints", values=dict)

    def _note_epoch(self) -> None:
        """Log an epoch that is over before the mark of a file that another callback saves at its end: it belongs to it."""
        if self._is_fitting and (found := find_epoch_end(self)) is not None:
            self._log_epoch(*found)

    def _note_mark(self, step: float) -> None:
        self._saved.take(self._training, step, is_last=not self._is_fitting)

    # Training

    @guarded
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Find out the step of the batch before, where its metrics come on another thread."""
        del logs
        if self._trained is None or not self._is_fitting:
            return
        self._trained.counter.finish_batches(batch)
        self._saved.note(self._training)
        self._batches.begun = batch
        if batch == 0:
            self._note_rates()
            return
        self._log_first_rates()
        if self._batches.needs_measuring(batch):
            self._batches.measure(batch, self._measure(batch))

    def _note_rates(self) -> None:
        """Note the learning rate that the first step of an epoch uses, when all callbacks have set it; logged once it is done."""
        self._log_first_rates()
        done = self._counted[0]
        self._rates = learning_rates(self.model, steps_done=self._optimizer_steps(done))
        self._first_rates = Measured(done + 1, self._rates)

    def _log_first_rates(self) -> None:
        first, self._first_rates = self._first_rates, None
        if first is not None and first.values:
            self._training.runs.open().log_metrics(first.values, step=first.step)

    def _optimizer_steps(self, step: float) -> int:
        return int(step - self._training.steps.base)

    def _measure(self, done: int, *, is_last: bool = False) -> Measured:
        """Return the step that was done last, its learning rates, and how fast it went; for the training thread.

        Args:
            done: Batches done in this epoch.
            is_last: The epoch is over, and other callbacks may have set the rates of the next one.
        """
        assert self._trained is not None
        model = self.model
        step = self._trained.finish_step(model)
        last_step, last_done = self._counted
        self._throughput.count(
            steps=max(int(step - last_step), 0),
            samples=self._call.samples_until(done) - self._call.samples_until(last_done),
        )
        self._counted = (step, done)
        steps_before = max(self._optimizer_steps(step) - 1, 0)
        known = self._rates if is_last else None
        self._rates = learning_rates(model, steps_done=steps_before, known=known)
        return Measured(step, {**self._rates, **self._throughput.read()})

    @guarded
    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the metrics of the batch. Keras may call this on another thread, and later."""
        if self._trained is None or not self._is_fitting:
            return
        done, measured = batch + 1, None
        if threading.get_ident() == self._thread:
            self._trained.counter.finish_batches(done)
            if self._batches.needs_measuring(done):
                measured = self._measure(done)
        self._batches.take(done, logs or {}, measured)

    def _write_batch(self, logs: Mapping[str, float], measured: Measured) -> None:
        row = {f"batch/{name}": value for name, value in logs.items()}
        self._training.runs.open().log_metrics({**row, **measured.values}, step=measured.step)

    @guarded
    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the metrics of the epoch and of its validation."""
        if self._trained is None or not self._is_fitting:
            return
        self._log_epoch(epoch, logs or {})
        self._saved.note(self._training)
        if self._call.restores_weights:
            self._training.note_weights(weights_of(self.model, self._training), epoch=epoch)

    def _log_epoch(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Log what was not logged before of an epoch."""
        assert self._trained is not None
        self._end_batches()
        row: dict[str, Any] = {"epoch": float(epoch)}
        for name, value in logs.items():
            if name in ("learning_rate", "lr"):  # what callbacks put there; the optimizer is asked itself
                continue
            kind, plain = ("val", name.removeprefix("val_")) if name.startswith("val_") else ("train", name)
            row[f"{kind}/{plain}"] = value
        rest = {path: value for path, value in row.items() if path not in self._epoch_paths}
        if rest:
            self._training.runs.open().log_metrics(rest, step=self._trained.finish_step(self.model))
            self._epoch_paths.update(rest)

    def _end_batches(self) -> None:
        """Log the last batch of the epoch, if its metrics still wait for their step, and how fast the rest went."""
        assert self._trained is not None
        done = self._batches.done
        if done:
            self._log_first_rates()
        self._trained.counter.finish_batches(done)
        if done <= self._counted[1]:
            return
        measured = self._measure(done, is_last=True)
        if self._batches.waits:
            self._batches.measure(done, measured)
        elif measured.values:
            self._training.runs.open().log_metrics(measured.values, step=measured.step)

    @guarded
    def on_train_end(self, logs: Any = None) -> None:
        """Note that the training ended well."""
        del logs
        if not self._is_active or not self._is_fitting:
            return
        if self._trained is not None and self._is_decided:
            self._trained.finish_step(self.model)
            self._saved.note(self._training)
            self._saved.join()
            self._training.finish()
        self._is_fitting = False

    # Evaluations

    @guarded
    def on_test_begin(self, logs: Any = None) -> None:
        """Stop the clock for a validation; find out whose weights they are in an evaluation by itself."""
        del logs
        if not self._is_active:
            return
        if not self._is_new_call:
            if self._trained is not None and self._is_fitting:
                self._end_batches()
                self._throughput.pause()
            return
        self._is_new_call, self._is_testing_alone = False, True
        begin_test(self._training, self.model, trained=self._trained)

    @guarded
    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Log the metrics of an evaluation by itself; those of a validation come with the epoch."""
        if not self._is_testing_alone:
            self._throughput.go_on()
            return
        self._is_testing_alone = False
        try:
            self._log_test(logs or {})
        finally:
            self._training.end_evaluation()

    def _log_test(self, logs: Mapping[str, Any]) -> None:
        training = self._training
        if logs:
            training.log_evaluated({f"test/{name}": value for name, value in logs.items()})
        if not training.is_visiting and not self._is_fitting:
            training.finish()


def _interval(every: object) -> int:
    if every is None or every is False:
        return 0
    if not isinstance(every, int) or every is True or every < 0:
        raise ArgumentError(
            f"log_every_n_batches must be a number of batches, or 0 or None for epochs alone, found {every!r}"
        )
    return every


def _make(kind: type[CallbackMethods], arguments: dict[str, Any]) -> CallbackMethods:
    return kind(**arguments)
