"""What loading a checkpoint, or starting without one, makes of the run behind a logger or callback. Pure: a table as a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckpointKind = Literal["none", "marked", "foreign"]
"""What a checkpoint is to us: none at all; one with a mark; or one without a mark that can be used."""

Origin = Literal["nothing", "mark", "foreign"]


@dataclass(frozen=True)
class RunChoice:
    """What to do.

    Args:
        starts_anew: Leave the present run as it is, and begin another one.
        origin: What the run is then told of where it comes from: nothing, the mark in the checkpoint (resume), or a checkpoint
            that is not ours (noted as an attribute).
    """

    starts_anew: bool = False
    origin: Origin = "nothing"


def choose_run(
    checkpoint: CheckpointKind,
    *,
    has_points: bool = False,
    was_trained: bool = False,
    goes_on: bool = False,
    has_origin: bool = False,
    holds_evaluation: bool = False,
) -> RunChoice:
    """Return what is to be done.

    Args:
        checkpoint: What is loaded.
        has_points: The present run already has points, which forbids it a parent.
        was_trained: The present run already holds a training.
        goes_on: The same model trains on from where it stands, without having loaded anything.
        has_origin: The user said which run the present one is forked from.
        holds_evaluation: The present run holds the evaluation of a checkpoint that it did not write, and nothing else.
    """
    if checkpoint == "none":
        return RunChoice(starts_anew=holds_evaluation or (was_trained and not goes_on))
    if checkpoint == "foreign":
        return RunChoice(starts_anew=holds_evaluation or was_trained, origin="foreign")
    if has_origin and not was_trained:
        return RunChoice(starts_anew=holds_evaluation)
    return RunChoice(starts_anew=was_trained or has_points, origin="mark")
