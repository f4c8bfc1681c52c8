"""What loading a checkpoint, or starting without one, makes of the run behind a logger or callback. Pure: a table as a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Checkpoint", "Function", "Origin", "Plan", "Situation", "decide"]

Function = Literal["fit", "evaluate"]
"""What the framework was asked for: to train, or anything else with the weights as they are."""

Checkpoint = Literal["none", "marked", "own", "foreign"]
"""What a checkpoint is to us: none at all; one with a mark of another run or state; one that this very run wrote before it
logged anything in this process, and no other could; or one without a mark that can be used."""

Origin = Literal["nothing", "mark", "foreign", "evaluation"]


@dataclass(frozen=True)
class Situation:
    """What is known at the moment of deciding.

    Args:
        function: What the framework was asked for.
        checkpoint: What it loads.
        has_points: The present run already has points, which forbids it a parent.
        was_trained: The present run already holds a training.
        goes_on: The same model trains on from where it stands, without having loaded anything.
        has_origin: The user said which run the present one is forked from.
        attaches_evaluations: Evaluations of a checkpoint belong to the run that wrote it.
    """

    function: Function
    checkpoint: Checkpoint
    has_points: bool = False
    was_trained: bool = False
    goes_on: bool = False
    has_origin: bool = False
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
    if situation.function != "fit":
        attaches = situation.attaches_evaluations and situation.checkpoint in ("marked", "own")
        return Plan(origin="evaluation" if attaches else "nothing")
    if situation.checkpoint == "none":
        return Plan(starts_anew=situation.was_trained and not situation.goes_on)
    if situation.checkpoint == "foreign":
        return Plan(starts_anew=situation.was_trained, origin="foreign")
    if situation.has_origin and not situation.was_trained:
        return Plan()
    if situation.checkpoint == "own" and not situation.was_trained:
        return Plan()
    return Plan(starts_anew=situation.was_trained or situation.has_points, origin="mark")
