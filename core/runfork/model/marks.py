"""Checkpoint marks: the small record of identity that rides inside a checkpoint. Pure: no I/O, no clock, no lock.

A mark is a dict of plain strings, ints and None, so that any checkpoint format can carry it, `torch.load(weights_only=True)`
included. The same mark stands in the journal of the run that wrote it, where it also holds the cuts of series on axes of
their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from runfork.errors import ArgumentError, FormatError
from runfork.model.identifiers import check_project, check_run_id
from runfork.model.steps import format_step, from_micro_steps, to_micro_steps

MARK_KEY = "runfork"
"""The key under which our integrations put the mark into a checkpoint."""

MARK_VERSION = 1


@dataclass(frozen=True)
class Mark:
    """A checkpoint mark.

    Args:
        project: Project of the run that wrote the checkpoint.
        run_id: That run.
        mark: Id of the mark, unique in the run.
        step: Main step in micro-steps: the last step that a fork inherits.
        experiment: Experiment name of that run, or None.
        epoch: Epoch, or None.
        fingerprint: Sampled hash of the trainable weights, or None.
        time: When it was made, by the clock of that run, in microseconds since 1970; None in marks of early versions.
        counter: What the framework's own step counter said, where that is not the main step; else None.
    """

    project: str
    run_id: str
    mark: str
    step: int
    experiment: str | None = None
    epoch: int | None = None
    fingerprint: str | None = None
    time: int | None = None
    counter: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the mark as checkpoints carry it; the step as a decimal string, so that it stays exact."""
        found: dict[str, Any] = {
            "version": MARK_VERSION,
            "project": self.project,
            "run_id": self.run_id,
            "experiment": self.experiment,
            "mark": self.mark,
            "step": format_step(self.step),
            "epoch": self.epoch,
            "fingerprint": self.fingerprint,
            "time": self.time,
        }
        return found if self.counter is None else {**found, "counter": self.counter}

    @property
    def counted(self) -> float:
        """What the framework's own step counter said."""
        return self.user_step if self.counter is None else self.counter

    @property
    def user_step(self) -> int | float:
        """The main step as users read it."""
        return from_micro_steps(self.step)


def find_mark(data: object) -> Mapping[str, Any] | None:
    """Return the mark in `data`: a mark itself, or a checkpoint that carries one under ``"runfork"``; None if there is none."""
    if not isinstance(data, Mapping):
        return None
    if MARK_KEY in data:
        found = data[MARK_KEY]
        return found if isinstance(found, Mapping) else {"found": found}
    return data if "mark" in data and "run_id" in data else None


def parse_mark(data: Mapping[str, Any]) -> Mark:
    """Read a mark.

    Raises:
        FormatError: It is of a newer version.
        ArgumentError: It is no mark, or a damaged one.
    """
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise ArgumentError(
            f"a checkpoint mark needs a version, found {dict(data)!r:.120}; pass what checkpoint_mark() returned"
        )
    if version > MARK_VERSION:
        raise FormatError(
            f"the checkpoint mark has version {version}, this runfork reads up to {MARK_VERSION}; upgrade runfork to fork from it"
        )
    try:
        step = to_micro_steps(Decimal(data["step"]))
        mark, experiment, epoch = data["mark"], data.get("experiment"), data.get("epoch")
        if not isinstance(mark, str) or not mark or not isinstance(experiment, str | None):
            raise ArgumentError(f"mark={mark!r}, experiment={experiment!r}")
        return Mark(
            project=check_project(data["project"]),
            run_id=check_run_id(data["run_id"]),
            mark=mark,
            step=step,
            experiment=experiment,
            epoch=int(epoch) if epoch is not None else None,
            fingerprint=str(data["fingerprint"]) if data.get("fingerprint") is not None else None,
            time=int(data["time"]) if data.get("time") is not None else None,
            counter=_number(data.get("counter")),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ArgumentError(
            f"the checkpoint mark is damaged ({type(error).__name__}: {error}), found {dict(data)!r:.200}; "
            "resume from another checkpoint, or name the parent with fork_run_id and fork_step"
        ) from error


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise TypeError(f"counter={value!r}")
