"""How many steps a model has done: its optimizer's iterations, whatever callbacks restore."""

from __future__ import annotations

from typing import Any


def optimizers_of(model: Any) -> list[Any]:
    """Return the Keras optimizers of a model: the one that it was compiled with first, then those in its attributes."""
    import keras

    found = [getattr(model, "optimizer", None), *vars(model).values()]
    kept: list[Any] = []
    for one in found:
        if isinstance(one, keras.optimizers.Optimizer) and not any(one is other for other in kept):
            kept.append(one)
    return kept


class StepCounter:
    """Counts the optimizer steps of one model. For the training thread alone.

    With several optimizers it is the count of the one that made the most steps. Where none counts (a ``train_step`` of the user's
    own that goes without Keras' optimizers) it is the number of batches.
    """

    def __init__(self) -> None:
        self.batches = 0
        """Batches that were seen."""
        self._counts_batches = False
        self._epoch_start = 0

    def begin_epoch(self) -> None:
        """Note that the batches count from 0 again."""
        self._epoch_start = self.batches

    def finish_batches(self, count: int) -> None:
        """Note how many batches of this epoch are done."""
        self.batches = max(self.batches, self._epoch_start + count)

    def read(self, model: Any) -> int:
        """Return the steps done. Waits for the device. On jax the model's state must have been synced."""
        if self._counts_batches:
            return self.batches
        optimizers = optimizers_of(model)
        steps = max((_iterations(one) for one in optimizers), default=0)
        if steps == 0 and self.batches and not (_trains_as_usual(model) and optimizers):
            self._counts_batches = not any(getattr(one, "gradient_accumulation_steps", None) for one in optimizers)
        return self.batches if self._counts_batches else steps


def _iterations(optimizer: Any) -> int:
    import keras

    # One that scales losses left the counting to the optimizer inside, and said 0 itself in early versions.
    counting = getattr(optimizer, "inner_optimizer", optimizer)
    return int(keras.ops.convert_to_numpy(counting.iterations))


def _trains_as_usual(model: Any) -> bool:
    return str(type(model).train_step.__module__).startswith("keras.")
