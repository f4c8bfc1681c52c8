"""What loading a checkpoint, or starting without one, makes of the run behind a logger. Pure: a table as a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Checkpoint", "Origin", "Plan", "Situation", "decide"]

Checkpoint = Literal["none", "marked", "own", "foreign", "tuner"]
"""What a checkpoint is to us: none at all; one with a mark of another run or state; one that this very run wrote before it
logged anything; one without a mark that can be used; or one that Lightning's Tuner wrote for itself."""

Origin = Literal["nothing", "mark", "foreign", "evaluation"]


@dataclass(frozen=True)
class Situation:
    """What is known at the moment of deciding.

    Args:
        function: What the trainer was asked for: ``fit``, ``validate``, ``test`` or ``predict``.
        checkpoint: What it loads.
        has_points: The logger's run already has points, which forbids it a parent.
        was_trained: The logger's run already holds a training.
        goes_on: The same trainer trains on, from a global step above 0, without having loaded anything.
        attaches_evaluations: Evaluations of a checkpoint belong to the run that wrote it.
    """

    function: str
    checkpoint: Checkpoint
    has_points: bool = False
    was_trained: bool = False
    goes_on: bool = False
    attaches_evaluations: bool = True


@dataclass(frozen=True)
class Plan:
    """What to do.

    Args:
        starts_anew: Leave the present run as it is, and begin another one.
        origin: What the run is then told of where it comes from: nothing, the mark in the checkpoint (resume), a checkpoint
            that is not ours (noted as an attribute), or that it is only an evaluation of the checkpoint of another run.
    """

    starts_anew: bool = False
    origin: Origin = "nothing"


def decide(situation: Situation) -> Plan:
    """Return what the situation calls for."""
    if situation.checkpoint == "tuner":
        return Plan()
    if situation.function != "fit":
        attaches = situation.attaches_evaluations and situation.checkpoint in ("marked", "own")
        return Plan(origin="evaluation" if attaches else "nothing")
    if situation.checkpoint == "none":
        return Plan(starts_anew=situation.was_trained and not situation.goes_on)
    if situation.checkpoint == "foreign":
        return Plan(starts_anew=situation.was_trained, origin="foreign")
    if situation.checkpoint == "own" and not situation.was_trained:
        return Plan()
    return Plan(starts_anew=situation.was_trained or situation.has_points, origin="mark")
