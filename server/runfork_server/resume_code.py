"""What somebody types to fork from a step of a run: in the words of the framework that wrote it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Framework = Literal["lightning", "trainer", "accelerate", "keras", "own"]

FRAMEWORKS: Mapping[str, Framework] = {
    "lightning.pytorch": "lightning",
    "pytorch_lightning": "lightning",
    "lightning": "lightning",
    "transformers": "trainer",
    "accelerate": "accelerate",
    "keras": "keras",
}
"""What ``sys/integration/name`` says, and which framework that is."""


@dataclass(frozen=True)
class ForkPoint:
    """From where somebody wants to fork.

    Args:
        project: ``workspace/project``.
        run_id: The run that logged the step.
        step: The step, as a number.
        mark_id: The mark of the checkpoint that goes up to that step; None if there is none.
        checkpoint: Where the checkpoint lay when it was written; None if nobody said.
    """

    project: str
    run_id: str
    step: float | int
    mark_id: str | None = None
    checkpoint: str | None = None


@dataclass(frozen=True)
class ResumeCode:
    """What to type, and what to know of it.

    Args:
        code: Lines of Python.
        note: What they do, and what has to be filled in, in a sentence or two.
    """

    code: str
    note: str


def resume_code(framework: Framework, point: ForkPoint) -> ResumeCode:
    """Return what to type to fork at a point.

    Args:
        framework: Whose words.
        point: From where.
    """
    if point.mark_id is None:
        return _without_checkpoint(framework, point)
    code = _WITH_CHECKPOINT[framework].format(checkpoint=_shown(point))
    note = "The checkpoint carries the mark: what loads it is a fork."
    if point.checkpoint is None:
        note += " Put in where the checkpoint lies."
    else:
        note += " The path is where it was written; it may have been moved since."
    return ResumeCode(code, note)


def _shown(point: ForkPoint) -> str:
    return repr(point.checkpoint if point.checkpoint is not None else f"path/of/the/checkpoint-of-step-{point.step:g}")


_WITH_CHECKPOINT: Mapping[Framework, str] = {
    "lightning": ("trainer = Trainer(logger=RunforkLogger())\ntrainer.fit(model, ckpt_path={checkpoint})"),
    "trainer": (
        "trainer = Trainer(..., callbacks=[RunforkCallback()])\ntrainer.train(resume_from_checkpoint={checkpoint})"
    ),
    "accelerate": (
        'accelerator.init_trackers("runfork")\naccelerator.load_state({checkpoint})  # what follows is a fork'
    ),
    "keras": (
        "model = keras.models.load_model({checkpoint})\n"
        "model.fit(x, y, callbacks=[RunforkCallback(resume_from={checkpoint})])"
    ),
    "own": (
        'checkpoint = torch.load({checkpoint})\nrun = Run(resume_from=checkpoint)  # carries the mark under "runfork"'
    ),
}

_NAMED: Mapping[Framework, str] = {
    "lightning": "trainer = Trainer(logger=RunforkLogger({arguments}))",
    "trainer": "trainer = Trainer(..., callbacks=[RunforkCallback({arguments})])",
    "accelerate": "accelerator = Accelerator(log_with=RunforkTracker({arguments}))",
    "keras": "model.fit(x, y, callbacks=[RunforkCallback({arguments})])",
    "own": "run = Run({arguments})",
}


def _without_checkpoint(framework: Framework, point: ForkPoint) -> ResumeCode:
    arguments = f"fork_run_id={point.run_id!r}, fork_step={point.step!r}"
    note = (
        f"No checkpoint was marked at step {point.step:g}: the fork is made by the run's name alone. "
        "Load weights that belong to the step yourself."
    )
    comment = f"# load weights that belong to step {point.step:g} yourself: no checkpoint was marked there"
    return ResumeCode(f"{comment}\n{_NAMED[framework].format(arguments=arguments)}", note)
