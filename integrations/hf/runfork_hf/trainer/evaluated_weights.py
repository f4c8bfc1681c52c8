"""Whose weights a Trainer evaluates while it does not train, in the terms of `runfork.training`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.training.guards import attempt
from runfork_hf.trainer.checkpoint_folders import mark_in_weights
from runfork_torch.weights import fingerprint

if TYPE_CHECKING:
    from runfork.training.loaded_checkpoint import LoadedCheckpoint
    from runfork.training.training import Training


class EvaluatedWeights:
    """Begins evaluations of weights; one goes on as long as the same weights are evaluated.

    Args:
        training: The callback's training.
    """

    def __init__(self, training: Training) -> None:
        self._training = training
        self._path: str | None = None
        self._fingerprint: str | None = None

    def forget(self) -> None:
        """Begin anew at the next evaluation."""
        self._path = self._fingerprint = None

    def meet(self, args: Any, state: Any, model: Any) -> None:
        """Find out whose weights are evaluated now.

        Before any training these are the ones of the checkpoint that the model was read from, if it is one of ours, or of the one
        that held just them. After a training they are those of the step at which a checkpoint held them: the Trainer puts the best
        ones back.
        """
        path = path_of(model)
        is_known = self._training.runs.evaluation is not None
        if not self._training.was_trained and path is not None:
            if path == self._path and is_known:
                return
            self._path = path
            if (loaded := mark_in_weights(path)) is not None:
                self._training.evaluate(loaded)
                return
        weights = weights_of(model, self._training)
        if is_known and weights == self._fingerprint:
            return
        self._fingerprint = weights
        best = _best_of_another_run(args, state, self._training)
        if best is not None:
            self._training.evaluate(best)
        else:
            self._training.evaluate_weights(weights, recognizes=True)


def weights_of(model: Any, owner: Any) -> str | None:
    """Return the fingerprint of a model; None also where it cannot be had, which `owner` tells: it must cost no mark."""
    return attempt(owner, "fingerprint", lambda: fingerprint(model.named_parameters())) if model is not None else None


def _best_of_another_run(args: Any, state: Any, training: Training) -> LoadedCheckpoint | None:
    """Return the best checkpoint, which the Trainer has put back, where it was written before a resume: by another run."""
    if not (training.was_trained and args.load_best_model_at_end and state.best_model_checkpoint):
        return None
    found = mark_in_weights(state.best_model_checkpoint)
    is_own = found is None or found.mark is None or found.mark.get("run_id") == training.runs.run_id
    return None if is_own else found


def path_of(model: Any) -> str | None:
    """Return where the model's weights were read from, as ``from_pretrained`` leaves it."""
    config = getattr(model, "config", None)
    path = getattr(config, "_name_or_path", None)
    return path if isinstance(path, str) and path else None
