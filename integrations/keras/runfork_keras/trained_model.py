"""One model in one training of ours: how far it is, and the mark for its files."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from runfork.training.guards import attempt
from runfork_keras.counter import StepCounter
from runfork_keras.weights import weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.training.training import Training
    from runfork_keras.identity import Content


class TrainedModel:
    """What the identity of a model knows of the training that made its weights. For the training thread alone.

    It outlives the callback, so that a model saved later still says where it comes from; it holds the model weakly.

    Args:
        model: The model.
        training: The training, which may go on with other models later.
        before_mark: Called before each mark for a file, to log what belongs to the steps before it.
        after_mark: Told the step of each mark for a file.
    """

    def __init__(
        self,
        model: Any,
        training: Training,
        *,
        before_mark: Callable[[], None],
        after_mark: Callable[[float], None],
    ) -> None:
        self._model = weakref.ref(model)
        self.training = training
        self.counter = StepCounter()
        self.epoch = 0
        self.first_fingerprint: str | None = None
        self.run_id = ""
        self._before_mark, self._after_mark = before_mark, after_mark
        self._last_mark: Mapping[str, Any] = {}
        self._claimed_at = 0

    def is_of(self, model: Any) -> bool:
        """Return whether this is about `model`."""
        return self._model() is model

    @property
    def is_current(self) -> bool:
        """Whether the training still logs to the run that trained this model."""
        return self.training.runs.run_id == self.run_id

    @property
    def has_trained(self) -> bool:
        """Whether a batch was done since the model was claimed."""
        return self.counter.batches > self._claimed_at

    def claim(self, content: Content) -> None:
        """Note in the model's identity that this training makes its weights from now on."""
        self._claimed_at = self.counter.batches
        content.claim(self)

    def finish_step(self, model: Any) -> float:
        """Note which main step the model has done, and return it."""
        step = self.training.steps.main(self.counter.read(model))
        if step > 0:
            self.training.steps.finish(step)
        return step

    def go_on(self, model: Any) -> None:
        """Prepare for another ``fit``: where the model was compiled anew its count begins at 0, and steps go on all the same."""
        steps, count = self.training.steps, self.counter.read(model)
        if steps.last is not None and steps.main(count) < steps.last:
            steps.base = steps.last - count

    def begins_again(self, model: Any) -> bool:
        """Return whether the model stands again where the training began: the user put it back to its first weights."""
        return (
            self.counter.read(model) == 0
            and self.first_fingerprint is not None
            and self.training.steps.last is not None
            and weights_of(model, self.training) == self.first_fingerprint
        )

    def mark(self) -> Mapping[str, Any]:
        """Return the mark for a file that is being written; where the run is over, the last one if it still holds."""
        model = self._model()
        if model is None:
            return {}
        weights = weights_of(model, self.training)
        if not self.is_current:
            is_as_marked = weights is not None and self._last_mark.get("fingerprint") == weights
            return self._last_mark if is_as_marked else {}
        attempt(self.training, "epoch", self._before_mark)
        step = self.finish_step(model)
        self._last_mark = self.training.mark(epoch=self.epoch, fingerprint=weights)
        if self._last_mark:
            attempt(self.training, "checkpoint file", lambda: self._after_mark(step))
        return self._last_mark
