"""The tracker, without its base class: what Accelerate calls, and what a user sets.

`for_accelerate` gives it the base that Accelerate expects.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from runfork.advice import unknown_argument
from runfork.errors import ArgumentTypeError
from runfork.model.flattening import flatten
from runfork.model.messages import shown
from runfork.training.arguments import Integration, RunArguments, open_training, takes_run_arguments
from runfork.training.checkpoint_log import CheckpointLog
from runfork.training.guards import attempt, describe, guarded
from runfork.training.loaded_checkpoint import LoadedCheckpoint, readable_mark
from runfork.training.run_handle import RunHandle
from runfork.training.training_steps import TrainingSteps, checked_step
from runfork.writing.run import Run
from runfork_hf.accelerate.description import describe_accelerator, describe_models, describe_prepared_optimizers
from runfork_hf.accelerate.first_weights import FirstWeights, fingerprint_of
from runfork_hf.accelerate.loop_steps import place, starts_over
from runfork_hf.accelerate.state_file import held_against_weights
from runfork_hf.accelerate.state_hooks import accelerator_above, hooks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn
    from typing_extensions import Unpack

    from runfork.training.runs import TrainingRuns
    from runfork_hf.accelerate.state_hooks import Loading, StateHooks

_logger = logging.getLogger("runfork")

_PARAMETERS = ("model/parameters", *(f"model/{index}" for index in range(1, 10)))
"""What is described of models as a whole; below ``model/`` itself may lie what is the user's."""


@takes_run_arguments
class TrackerMethods:
    """Logs a training with Accelerate to runfork. ``load_state`` forks the run that called ``save_state``.

    ``Accelerator(log_with="runfork")`` and ``init_trackers("name")`` are all that is needed, after `runfork_hf.register`;
    ``Accelerator(log_with=RunforkTracker("name"))`` works with every version of Accelerate. What a state that was loaded
    makes of the run is decided at the first ``log`` or ``save_state`` after it, so a state may be loaded before or after
    ``init_trackers``, and again in the middle of a training. On ranks other than 0 every method does nothing.

    Metrics logged before any optimizer step, while every model is in eval mode, are an evaluation of the state: they go to the
    run that saved it, at its step. A loop that counts from the beginning again goes on after the step of the state.

    Args:
        run_name: The name that ``init_trackers`` is given. Accelerate calls it the project's; people put anything there, so it
            names the experiment here, and `project` is runfork's.
        experiment_name: The experiment that runs belong to, instead of `run_name`.
        **arguments

    Raises:
        ArgumentError: A value cannot be used.
        ArgumentTypeError: An argument is of the wrong type.
    """

    _integration = Integration("accelerate", "unknown", "RunforkTracker")
    _start_is_called = False  # older versions of Accelerate do not

    def __init__(
        self,
        run_name: str | None = None,
        *,
        experiment_name: str | None = None,
        **arguments: Unpack[RunArguments],
    ) -> None:
        super().__init__()
        self._given_run = arguments.get("run")
        if experiment_name is None and self._given_run is None and run_name is not None and str(run_name).strip():
            experiment_name = str(run_name)
        self.training = open_training(experiment_name, arguments, self._integration)
        self._hooks: StateHooks | None = None
        self._loading: Loading | None = None
        self._weights = FirstWeights()
        self._checkpoints = CheckpointLog()
        self._told: set[str] = set()
        self._is_decided = False
        self._must_follow = False
        self._is_baseline = False
        self._is_finished = False
        self._is_retired = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs, as that of an Accelerator that is sent to another process; it goes on with the same run."""
        return {**self.__dict__, "_given_run": None}

    @property
    def runs(self) -> TrainingRuns:
        """The run behind the tracker."""
        return self.training.runs

    @property
    def tracker(self) -> Run:
        """The present run, ready to log to: what ``get_tracker("runfork", unwrap=True)`` returns.

        After a state was loaded it is the new run, also where it was read before. On ranks other than 0 it does nothing.
        """
        return cast("Run", _TrackedRun(self._current, self.log))

    def _current(self) -> Run:
        if not self._is_here():
            return Run(mode="disabled")
        if self._loaded() is not None and not self._is_evaluation():
            self._take_up()
        return self.runs.current()

    def _is_here(self) -> bool:
        """Return whether this process is the one that logs, and this tracker the one that it logs through."""
        if self._hooks is not None:
            return self._hooks.is_main_process and not self._is_retired
        return os.environ.get("RANK", "0") == "0"

    # What Accelerate calls

    @guarded
    def start(self) -> None:
        """Find the Accelerator that calls this from ``init_trackers``. A tracker that was finished begins another training."""
        self._begin_for_caller()

    @guarded
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Log the configuration below ``hparams/``."""
        self._begin_for_caller()  # older versions call this alone
        if self._is_here():
            self.training.describe_hyperparameters(values)

    @guarded
    def log(self, values: Mapping[str, Any], step: float | None = None, **options: Any) -> None:
        """Log numbers as metrics and strings as string series; nested dicts become ``a/b`` paths.

        Args:
            values: Name to value. Images and tables are not taken; log them as files, through `tracker`.
            step: Of the loop's own count; None is the step after the last one. In an evaluation it is that of the state.
            options: Of `Run.log_metrics`, such as ``timestamp``.
        """
        self._meet_caller()
        if not values or not self._is_here():
            return
        number = checked_step(step) if step is not None else None
        if options:
            _check_options(options)
        metrics, texts = _sorted(values)
        if self._is_evaluation():
            self.training.log_evaluated(metrics, texts, **options)
            return
        self._take_up()
        if self._must_follow and number is not None:
            self._follow(number, (*metrics, *texts))
        at = place(self.training.steps, (*metrics, *texts), number)
        run = self.runs.open()
        if texts:
            run.log_string_series(texts, at, timestamp=options.get("timestamp"))
        if metrics:
            run.log_metrics(metrics, at, **options)

    def log_images(self, *_args: Any, **_options: Any) -> None:
        """Say that images and tables are not taken here."""
        self._tell_once(
            "images and tables are logged as files: get_tracker('runfork', unwrap=True).log_files({path: file}, step)"
        )

    log_table = log_images

    @guarded
    def finish(self) -> None:
        """Close the run: finished, or failed where ``end_training`` is called while an exception passes."""
        if not self._is_here():
            return
        if self._loaded() is not None and self.runs.run is not None and not self._is_evaluation():
            self._take_up()
        self.training.end_evaluation()
        self._weights.release()
        run = self.runs.run
        if run is None:
            return
        if (error := _passing_exception()) is not None:
            self.training.fail(error)
        self.training.finish()
        if run is not self._given_run:
            run.close()
        self._is_finished = True

    # Which Accelerator it is for

    def meet(self, hooks: StateHooks) -> None:
        """Log for the Accelerator of these hooks from now on."""
        if self._hooks is hooks:
            return
        if self._is_finished:
            self._begin_again()
        self._hooks, self._loading = hooks, None
        self._weights.watch(hooks.models, hooks.owns)
        hooks.join(self)

    def retire(self) -> None:
        """Log no longer: Accelerate keeps calling trackers that it has made others for."""
        self.finish()
        self._is_retired = True

    def _begin_again(self) -> None:
        self.training.begin_anew()
        self.training.has_failed = self._is_decided = self._is_finished = False
        self._loading = None
        self._checkpoints = CheckpointLog()
        if self._hooks is not None:
            self._weights.watch(self._hooks.models, self._hooks.owns)

    def _find_hooks(self) -> StateHooks | None:
        accelerator = accelerator_above()
        if accelerator is not None:
            return hooks_of(accelerator)
        if self._hooks is None:
            self._tell_not_found()
        return None

    def _begin_for_caller(self) -> None:
        hooks = self._find_hooks()
        if hooks is None:
            return
        if self._is_finished and hooks is self._hooks and hooks.was_given(self):
            self._begin_again()
        self.meet(hooks)

    def _meet_caller(self) -> None:
        """Find the Accelerator where `start` was not called, as by older versions, or by another one than it is now."""
        if self._hooks is not None and not self._is_finished and self._start_is_called:
            return
        if (hooks := self._find_hooks()) is not None:
            self.meet(hooks)

    def _tell_not_found(self) -> None:
        self._tell_once(
            "RunforkTracker was not called by an Accelerator: load_state() makes no fork, save_state() leaves no mark; "
            "call runfork_hf.track(accelerator)"
        )

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            _logger.warning("runfork: %s", sentence)

    # Where the run comes from

    def take(self, loading: Loading) -> None:
        """Note that a state is being loaded."""
        self.training.end_evaluation()
        if self._is_baseline and not self._weights.has_stepped:
            self.training.steps = TrainingSteps()  # the training has not begun
        self._loading, self._is_baseline = loading, False
        if self._hooks is not None:
            self._weights.watch(self._hooks.models, self._hooks.owns)

    def _loaded(self) -> LoadedCheckpoint | None:
        """Return the state that was loaded since the run was decided on; one that could not be loaded is told, and forgotten."""
        loading = self._loading
        if loading is not None and loading.call.outcome == "raised":
            self._loading = loading = None
            self._tell_once(
                "load_state() ended in an exception: what is trained now is no fork of the run that saved the state"
            )
        return loading.state if loading is not None else None

    def _verified(self, loaded: LoadedCheckpoint) -> LoadedCheckpoint:
        """Return the state with the mark of its weights, where that is another one: it was cut short while it was saved over."""
        weights = attempt(self, "fingerprint", self._weights.fingerprint)
        found, sentence = held_against_weights(loaded, weights, self.training)
        if sentence is not None:
            self._tell_once(sentence)
        return found

    @guarded
    def _take_up(self) -> None:
        """Make the run what was loaded, or that nothing was, means for the training that begins or goes on."""
        loaded = self._loaded()
        if self._is_decided and loaded is None:
            return
        self._loading = None
        self._is_decided = True
        self.training.end_evaluation()
        self.training.start(
            self._verified(loaded) if loaded is not None else None, fingerprint=self._weights.fingerprint
        )
        self._is_baseline = loaded is None and self._weights.are_evaluated
        if not self._is_baseline:
            self._weights.release()
        self.training.run_again()
        self._must_follow = True
        self._describe()

    @guarded
    def _follow(self, step: float, paths: Sequence[str]) -> None:
        """Go on after the fork step where the loop counts from the beginning again, once a series says so that counts steps."""
        steps, parent = self.training.steps, self.runs.parent
        last = steps.last if steps.last is not None else parent[1] if parent is not None else None
        if last is not None and step < last and not self.training.counts_steps(paths, last=last):
            return
        self._must_follow = False
        if last is not None and starts_over(steps, step, last=last):
            self.runs.open().problems.tell(
                "steps",
                f"the loop counts from {step} again after the state of step {last}: its points are logged after that step, "
                f"from {steps.main(step)} on; begin to count at {last + 1} for steps of your own",
            )

    @guarded
    def _describe(self) -> None:
        accelerator = self._hooks.accelerator if self._hooks is not None else None
        if accelerator is not None:
            run = self.runs.open()
            describe(self, run, "accelerate", values=lambda: describe_accelerator(accelerator))
            describe(self, run, *_PARAMETERS, values=lambda: describe_models(accelerator))
            describe(self, run, "optimizer", values=lambda: describe_prepared_optimizers(accelerator))

    def _is_evaluation(self) -> bool:
        """Return whether a state was loaded and is only evaluated; what is logged then goes to the run that saved it."""
        loaded = self._loaded()
        if loaded is None or readable_mark(loaded.mark) is None or not self._weights.are_evaluated:
            return False
        if self.runs.evaluation is None:
            self.training.evaluate(self._verified(loaded))
        return True

    @guarded
    def mark(self, models: Sequence[nn.Module], directory: str) -> dict[str, Any] | None:
        """Return the mark for a state that is being saved, and note where it lies; None if it cannot be had."""
        self._take_up()
        self.runs.open()
        mark = self.training.mark(fingerprint=attempt(self, "fingerprint", lambda: fingerprint_of(models)))
        self._note(directory)
        return mark

    @guarded
    def _note(self, directory: str) -> None:
        run, step = self.runs.open(), self.training.steps.last or 0
        # the size is not known yet
        self._checkpoints.note(run, os.path.abspath(directory), step=step, texts={}, numbers={}, is_complete=False)  # noqa: PTH100


class _TrackedRun(RunHandle):
    """Stands for the run; metrics go through the tracker, so that checkpoints know their step.

    Args:
        open_run: Returns the present run.
        log: The tracker's.
    """

    __slots__ = ("_log",)

    def __init__(self, open_run: Any, log: Any) -> None:
        super().__init__(open_run)
        self._log = log

    def log_metrics(self, data: Mapping[str, Any], step: float, **options: Any) -> None:
        """Log metrics; the arguments are those of `Run.log_metrics`."""
        self._log(data, step, **options)


def _check_options(options: Mapping[str, Any]) -> None:
    known = list(inspect.signature(Run.log_metrics).parameters)[3:]
    if unknown := [name for name in options if name not in known]:
        raise ArgumentTypeError(str(unknown_argument("RunforkTracker.log", unknown[0], known)))


def _sorted(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, str]]:
    """Return numbers, or what may be some, and texts; nested values as ``a/b`` paths."""
    if type(values) is dict and all(type(value) in (int, float) for value in values.values()):
        return values, {}
    if not hasattr(values, "items"):
        raise ArgumentTypeError(f"values must be a dict of name to number or text, found {shown(values)}")
    flat = flatten(values)
    texts = {path: value for path, value in flat.items() if issubclass(type(value), str)}
    return {path: value for path, value in flat.items() if path not in texts}, texts


def _passing_exception() -> BaseException | None:
    """Return the exception that is being handled, as in a ``finally`` that calls ``end_training``."""
    found = sys.exc_info()[1]
    return None if isinstance(found, (SystemExit, GeneratorExit, StopIteration)) else found
