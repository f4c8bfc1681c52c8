"""The callback, without its base class: what the Trainer calls, and what a user sets.

`for_transformers` gives it the base that the Trainer expects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.disk.liveness import own_identity
from runfork.model.identifiers import random_suffix
from runfork.training.arguments import Integration, RunArguments, open_training, takes_run_arguments
from runfork.training.checkpoint_log import CheckpointLog
from runfork.training.guards import attempt, describe, guarded
from runfork.training.throughput import Throughput
from runfork_hf.trainer.checkpoint_folders import describe_monitor, log_saved
from runfork_hf.trainer.description import (
    describe_arguments,
    describe_configuration,
    describe_data,
    describe_optimizer,
    describe_peft,
)
from runfork_hf.trainer.evaluated_weights import EvaluatedWeights, weights_of
from runfork_hf.trainer.log_history import history_between, named, split
from runfork_hf.trainer.samples import SampleCounter
from runfork_hf.trainer.state_file import loaded_from, put_mark, untracked_steps
from runfork_hf.trainer.trials import TrialLog
from runfork_torch.model_description import describe_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from runfork.training.loaded_checkpoint import LoadedCheckpoint
    from runfork.training.runs import TrainingRuns
    from runfork.writing.run import Run

_DURATIONS = ("runtime", "_per_second", "_time")
"""How the names of metrics end that say how long an evaluation took."""


@takes_run_arguments
class CallbackMethods:
    """Logs a ``transformers.Trainer`` to runfork. Resuming from a checkpoint forks the run that wrote it.

    ``Trainer(callbacks=[RunforkCallback()])`` is all that is needed. On ranks other than 0 it does nothing.

    Args:
        experiment_name: The experiment that runs belong to; default is ``TrainingArguments(run_name=...)``. A fork without one
            belongs to its parent's.
        **arguments

    Raises:
        ArgumentError: A value cannot be used.
        ArgumentTypeError: An argument is of the wrong type.
    """

    _integration = Integration("unknown", "unknown", "RunforkCallback")

    def __init__(self, experiment_name: str | None = None, **arguments: Unpack[RunArguments]) -> None:
        super().__init__()
        self.training = open_training(experiment_name, arguments, self._integration)
        self._checkpoints = CheckpointLog()
        self._throughput = Throughput()
        self._samples = SampleCounter()
        self._trials = TrialLog()
        self._is_training = False
        self._is_rank_zero = own_identity()["rank"] == 0
        self._has_described_evaluation = False
        self._evaluation_data: tuple[str, Mapping[str, Any]] = ("", {})
        self._evaluated = EvaluatedWeights(self.training)
        self._tokens_seen = 0
        self._marks = ""
        self._mark: dict[str, Any] = {}
        self._journaled: str | None = None

    @property
    def run(self) -> Run:
        """The present run, ready to log to; on ranks other than 0 something that does nothing.

        After a second training or a rollback it is the new run, also where it was read before.
        """
        return self.training.runs.handle(logs=self._is_rank_zero)

    @property
    def runs(self) -> TrainingRuns:
        """The runs behind the callback."""
        return self.training.runs

    def on_init_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Learn which process this is."""
        del args, control, objects
        self._is_rank_zero = bool(state.is_world_process_zero)

    # A training begins

    @guarded
    def on_train_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Make the run what the checkpoint that the Trainer has loaded means, and log what is known by now."""
        del control
        if not self._logs(state):
            return
        model = objects.get("model")
        loaded = loaded_from(state)
        self.training.begin()
        self._name_experiment(args)
        self.training.start(loaded, counter=state.global_step, fingerprint=lambda: weights_of(model, self))
        run = self.training.train()
        self._is_training, self._marks = True, random_suffix(8)
        self._has_described_evaluation = False
        self._tokens_seen = state.num_input_tokens_seen
        self.training.steps.finish(self.training.steps.main(state.global_step))
        self._refresh_mark(state)
        self._import_untracked(run, state, loaded)
        self._describe(run, args, state, objects)
        attempt(self, "trial", lambda: self._trials.note(run, state))
        loader, skips = objects.get("train_dataloader"), not args.ignore_data_skip
        attempt(self, "samples", lambda: self._samples.begin(loader, epoch=state.epoch, skips=skips))
        self._throughput.restart()

    def _logs(self, state: Any) -> bool:
        """Return whether this process and this callback log: rank 0, and the first of our callbacks if there are several."""
        if not state.is_world_process_zero:
            return False
        first = state.__dict__.setdefault("_runfork_callback", self)  # no field: it is not saved
        return first is self

    def _name_experiment(self, args: Any) -> None:
        """Take the name that the user gave the training, where the callback was given none."""
        chosen = getattr(args, "run_name", None)
        if isinstance(chosen, str) and chosen not in ("", args.output_dir):
            self.training.runs.name_experiment(chosen)

    @guarded
    def _describe(self, run: Run, args: Any, state: Any, objects: Mapping[str, Any]) -> None:
        model, optimizer = objects.get("model"), objects.get("optimizer")
        loader, batch_size = (
            objects.get("train_dataloader"),
            {"trainer/train_batch_size": _process_batch_size(args, state)},
        )
        describe(self, run, "trainer", values=lambda: describe_arguments(args) | batch_size)
        if model is not None:
            describe(self, run, "model/parameters", values=lambda: describe_model(model))
        describe(self, run, "model/config", values=lambda: describe_configuration(model))
        describe(self, run, "peft", values=lambda: describe_peft(model))
        if optimizer is not None:
            describe(self, run, "optimizer", values=lambda: describe_optimizer(optimizer))
        describe(self, run, "data/train", values=lambda: describe_data("data/train", loader))
        described_in, evaluation_data = self._evaluation_data
        describe(self, run, "data/eval", values=lambda: evaluation_data if described_in == run.run_id else {})
        describe(self, run, "checkpoints", values=lambda: describe_monitor(args))

    @guarded
    def _import_untracked(self, run: Run, state: Any, loaded: LoadedCheckpoint | None) -> None:
        """Log what the Trainer remembers of steps that were trained without us, and say that it comes from there."""
        steps = untracked_steps(state, loaded.mark) if loaded is not None else None
        if steps is None:
            return
        points = 0
        for step, metrics in history_between(state.log_history, *steps):
            run.log_metrics(metrics, self.training.steps.main(step))
            points += len(metrics)
        first, last = (self.training.steps.main(step) for step in steps)
        run.log_configs(
            {
                "source/imported": {
                    "first_step": first,
                    "last_step": last,
                    "points": points,
                    "from": "trainer_state.json",
                }
            }
        )

    # It goes on

    @guarded
    def on_epoch_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Count batches from 0."""
        del args, state, control, objects
        self._samples.begin_epoch()

    @guarded
    def on_substep_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Count a batch that is not the last of its step."""
        del args, state, control, objects
        self._samples.finish_batch()

    @guarded
    def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Count a step, and keep the mark that the next checkpoint will carry at it."""
        del args, control, objects
        if not self._is_training or not self._logs(state):
            return
        self._throughput.count(steps=1, samples=self._samples.finish_step())
        self.training.steps.finish(self.training.steps.main(state.global_step))
        self._refresh_mark(state)

    def _refresh_mark(self, state: Any) -> None:
        """Put the mark of this step where it is saved: whether a checkpoint follows is known to nobody yet."""
        epoch = int(state.epoch) if state.epoch is not None else None
        self._mark = self.training.draft_mark(f"{self._marks}-{state.global_step}", epoch=epoch)
        put_mark(state, self._mark)

    @guarded
    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **objects: Any
    ) -> None:
        """Log metrics under the names that they have in every tracker of the Trainer."""
        del control
        if not logs or not self._logs(state):
            return
        self._meet_weights(args, state, objects.get("model"))
        values = named(logs)
        if self._is_training and "loss" in logs:
            values.update(self._rates(state))
        if self.training.runs.evaluation is not None:
            self._log_evaluated(values)
            return
        run, step = self.training.runs.open(), self._step(state)
        metrics, texts = split(values)
        run.log_metrics(metrics, step)
        if texts:
            run.log_string_series(texts, step)

    def _rates(self, state: Any) -> dict[str, float]:
        tokens, self._tokens_seen = state.num_input_tokens_seen - self._tokens_seen, state.num_input_tokens_seen
        rates = self._throughput.read({"throughput/tokens_per_second": tokens})
        if state.total_flos:
            rates["train/total_flos"] = float(state.total_flos)
        return rates

    def _step(self, state: Any) -> float:
        return self.training.steps.main(state.global_step)

    # Evaluations

    def _meet_weights(self, args: Any, state: Any, model: Any) -> None:
        """Let what is logged without a training stand where results of these weights belong."""
        if not self._is_training:
            self._name_experiment(args)
            self._evaluated.meet(args, state, model)

    @guarded
    def on_prediction_step(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Stop the clock of the throughput while it is evaluated."""
        del args, state, control, objects
        self._throughput.pause()

    @guarded
    def on_evaluate(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Start it again, and describe the data at the first evaluation; the metrics came with ``on_log``."""
        del args, control
        self._throughput.go_on()
        if not self._logs(state):
            return
        loader = objects.get("eval_dataloader")
        if loader is not None and not self._has_described_evaluation and not self.training.is_visiting:
            self._has_described_evaluation = True
            run, values = self.training.runs.open(), describe_data("data/eval", loader)
            self._evaluation_data = run.run_id, values
            run.log_configs(values)
        self._end_evaluation()

    def _end_evaluation(self) -> None:
        """Note that an evaluation outside of a training ended well."""
        if not self._is_training and not self.training.is_visiting:
            self.training.finish()

    @guarded
    def on_predict(self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], **objects: Any) -> None:
        """Log the metrics of ``predict``, which come in no other way."""
        del control
        self._throughput.go_on()
        if not metrics or not self._logs(state):
            return
        self._meet_weights(args, state, objects.get("model"))
        if self.training.runs.evaluation is not None:
            self._log_evaluated(named(metrics))
        else:
            self.training.runs.open().log_metrics(named(metrics), self._step(state))
        self._end_evaluation()

    def _log_evaluated(self, values: Mapping[str, Any]) -> None:
        """Log results at the step of the weights; the epoch is the Trainer's own count, of another training."""
        metrics, texts = split(values)
        metrics.pop("train/epoch", None)
        self.training.log_evaluated(metrics, texts, besides=[name for name in metrics if name.endswith(_DURATIONS)])

    # Checkpoints and the end

    @guarded
    def on_save(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Journal the mark of the checkpoint that was just written, and log where it lies."""
        del control
        if not self._is_training or not self._logs(state) or not self._mark:
            return
        if self._mark["mark"] != self._journaled:  # some versions save the last step twice
            self._journaled = self._mark["mark"]
            weights = weights_of(objects.get("model"), self)
            self.training.mark(epoch=self._mark["epoch"], fingerprint=weights, mark_id=self._journaled)
        run, step = self.training.runs.open(), self._step(state)
        log_saved(self._checkpoints, run, args, state, step=step, mark=self._mark["mark"])

    @guarded
    def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Note that the training ended well. The run stays open for evaluations, until another training begins."""
        del args, control, objects
        if not self._is_training or not self._logs(state):
            return
        self._is_training = False
        self._evaluated.forget()
        self.training.finish()


def _process_batch_size(args: Any, state: Any) -> int:
    """Return the samples in a batch of this process; the Trainer makes it smaller where memory runs out."""
    return int(state.train_batch_size or args.train_batch_size)
