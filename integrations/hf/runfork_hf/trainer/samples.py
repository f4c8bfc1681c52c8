"""How many samples the steps of a Trainer really hold: the last batch of an epoch is smaller, and so is its last step."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


class SampleCounter:
    """Counts the samples of steps by the batches that they are made of. For the training thread alone."""

    def __init__(self) -> None:
        self._batch_size = 0
        self._samples: int | None = None
        self._skipped = 0
        self._done = 0
        self._counted = 0

    def begin(self, loader: Any, *, epoch: float, skips: bool) -> None:
        """Begin a training.

        Args:
            loader: Its data loader; None, or one that does not say how large its batches are, counts nothing.
            epoch: How far the training is.
            skips: Whether the batches of an epoch that were done before are skipped.
        """
        self._batch_size, self._samples, self._skipped = batch_size_of(loader), None, 0
        with suppress(TypeError, AttributeError, NotImplementedError):  # a stream of unknown length
            self._samples = len(loader.dataset)
            self._skipped = round((epoch or 0) % 1 * len(loader)) if skips else 0

    def begin_epoch(self) -> None:
        """Note that batches count from 0 again; in the first epoch from where it was left."""
        self._done = self._counted = self._skipped
        self._skipped = 0

    def finish_batch(self) -> None:
        """Count a batch."""
        self._done += 1

    def finish_step(self) -> int:
        """Count the last batch of a step, and return the samples in the step."""
        self._done += 1
        before, self._counted = self._counted, self._done
        return self._until(self._done) - self._until(before)

    def _until(self, batches: int) -> int:
        count = batches * self._batch_size
        return min(count, self._samples) if self._samples is not None else count


def batch_size_of(loader: Any) -> int:
    """Return the samples in a batch of all processes together; 0 if that is not known."""
    for name in ("total_batch_size", "batch_size"):  # Accelerate's loaders, and torch's
        with suppress(TypeError, AttributeError):
            size = getattr(loader, name)
            if isinstance(size, int):
                return size
    return 0
