"""Where points go that a training loop logs at steps of its own. Pure: no framework, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from runfork.training.training_steps import TrainingSteps


def place(steps: TrainingSteps, paths: Collection[str], step: float | None) -> float:
    """Return the step at which to log, and note it.

    Accelerate counts no steps; those that the loop names are all there is. The farthest axis is the main one, of which a
    checkpoint is. What is logged behind it, as epochs behind iterations, counts on an axis of its own.

    Args:
        steps: How far the training is.
        paths: What is logged.
        step: As the loop says; None is the step after the last one.
    """
    last = steps.last
    if step is None:
        step = 0 if last is None else last + 1
    else:
        if last is not None and step < last and steps.cuts.keys() >= set(paths):
            return steps.place(paths, step, main_step=last)
        number = steps.main(step)
        if last is not None and number < last:
            return steps.place(paths, step, main_step=last)
        step = number
    steps.finish(step)
    return steps.place(paths, step, main_step=step)


def starts_over(steps: TrainingSteps, step: float, *, last: float) -> bool:
    """Have a loop that counts from the beginning again, after a checkpoint was loaded, go on after it instead.

    A loop that took up its own count logs near the step of the checkpoint, or after it; that stays as it is. One that logs
    in the first half of what was done before has begun again: left there, its points would lie over those it comes from.

    Args:
        steps: How far the training is.
        step: The first step that the loop names.
        last: The last step in the checkpoint, on the main axis.

    Returns:
        Whether it does, which the user should be told.
    """
    if 2 * step > last - steps.base or step >= last - steps.base:
        return False
    counter = -1 if step == 0 else 0  # what the loop would have called the step before its first one
    steps.last, steps.base = last, last - counter
    return True
