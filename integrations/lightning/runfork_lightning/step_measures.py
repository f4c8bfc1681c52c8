"""What is measured of a trainer's steps: learning rates, throughput, norms of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.training.guards import attempt
from runfork.training.throughput import Throughput, batch_size
from runfork_lightning.internals import gathers_gradients, step_of
from runfork_torch.gradients import GradientsSeen
from runfork_torch.optimizer_description import labels_of, learning_rates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork_torch.gradients import GradientNorms


class StepMeasures:
    """Measures the steps of one trainer after the other. Used by the training thread alone.

    Args:
        owner: The callback, for which is told what fails.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self.throughput = Throughput()
        self._gradients = GradientsSeen()
        self._labels: list[str] = []
        self._rates: dict[str, float] = {}
        self._steps_done = 0

    def begin(self, trainer: Any) -> None:
        """Begin with a training."""
        self._steps_done = trainer.global_step
        self.throughput.restart()

    def name_optimizers(self, trainer: Any) -> None:
        """Find names for the trainer's optimizers."""
        self._labels = labels_of(trainer.optimizers)

    def note_rates(self, trainer: Any) -> None:
        """Note the learning rates that the coming step uses."""
        if is_logged_step(trainer):
            self._rates = learning_rates(trainer.optimizers, self._labels)

    def look_at_gradients(self, module: Any, optimizer: Any) -> None:
        """Measure the gradients that an optimizer is about to take."""
        self._gradients.look(module, (one for group in optimizer.param_groups for one in group["params"]))

    def is_in_new_step(self, trainer: Any) -> bool:
        """Return whether the trainer has done a step whose batch has not ended, for all that we were told."""
        return bool(trainer.global_step > self._steps_done)

    def finish_batch(self, trainer: Any, module: Any, batch: Any) -> bool:
        """Count a batch, and return whether it has finished an optimizer step, rather than gathered gradients for one."""
        gathers = gathers_gradients(trainer)
        if gathers is None:
            gathers = module.automatic_optimization and not self.is_in_new_step(trainer)
        has_stepped = not gathers
        if has_stepped:
            self._steps_done = trainer.global_step
        samples = attempt(self._owner, "batch size", lambda: batch_size(batch) * trainer.world_size)
        self.throughput.count(steps=int(has_stepped), samples=samples or 0)
        return has_stepped

    def read(self) -> tuple[dict[str, float], Mapping[str, float]]:
        """Return rates and throughput since they were read last, and the norms of the gradients that were looked at."""
        rates, self._rates = {**self._rates, **self.throughput.read()}, {}
        return rates, attempt(self._owner, "gradient norms", lambda: self._gradients.read(detail="layers")) or {}


def chosen_norms(norms: Mapping[str, float], detail: GradientNorms | None) -> Mapping[str, float]:
    """Return those of the norms that were asked for."""
    if detail == "total":
        return {path: norm for path, norm in norms.items() if path == "gradients/norm"}
    return norms if detail == "layers" else {}


def present_step(trainer: Any) -> float:
    """Return the step that the trainer is at, or did last."""
    step = step_of(trainer)
    return step if step is not None else max(trainer.global_step - 1, 0)


def is_logged_step(trainer: Any) -> bool:
    """Return whether Lightning logs metrics at the present step."""
    step, every = step_of(trainer), trainer.log_every_n_steps
    return step is not None and every > 0 and ((step + 1) % every == 0 or bool(trainer.should_stop))
