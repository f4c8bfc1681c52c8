"""Whose weights a loaded state really holds: its mark lies beside them, in a file of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runfork.model.marks import Mark
from runfork.training.loaded_checkpoint import readable_mark

if TYPE_CHECKING:
    from runfork.training.loaded_checkpoint import LoadedCheckpoint
    from runfork.training.training import Training

__all__ = ["held_against_weights"]


def held_against_weights(
    loaded: LoadedCheckpoint, weights: str | None, training: Training
) -> tuple[LoadedCheckpoint, str | None]:
    """Return a state with the mark of its weights, and what is to be told where that is not the one beside them.

    Args:
        loaded: The state.
        weights: The fingerprint of the weights that were loaded, or None.
        training: Knows which weights were marked.
    """
    mark = readable_mark(loaded.mark or {})
    if not isinstance(mark, Mark) or weights is None or mark.fingerprint in (None, weights):
        return loaded, None
    found = training.find_parent(weights)
    counts = (
        f"they are those of run {found['run_id']!r} at step {found['step']}, which counts" if found else "it counts"
    )
    sentence = (
        f"the weights in {loaded.path!r} are not those of its mark (run {mark.run_id!r}, step {mark.user_step}): the state was "
        f"saved over, or layers were frozen or changed since; {counts}"
    )
    return (replace(loaded, mark=found) if found else loaded), sentence
