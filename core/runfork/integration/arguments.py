"""The arguments that every logger and callback takes, checked once, and made into how runs are made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.checkpoints import find_given_mark
from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.identifiers import check_experiment_name, check_run_id
from runfork.integration.loaded import Loaded, checkpoint_path
from runfork.integration.run_slot import RunOptions, RunSlot
from runfork.integration.training import Training
from runfork.problems import Problems
from runfork.settings import Settings
from runfork.steps import to_micro_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.hookspecs import Decision
    from runfork.run import Run

__all__ = ["Integration", "RunArguments", "open_training"]

_POLICIES = ("fork", "continue", "new")


class Integration(NamedTuple):
    """Which framework logs, and through what: for ``sys/integration`` and for messages.

    Args:
        name: The framework's package.
        version: Its version.
        face: The class that users write.
    """

    name: str
    version: str
    face: str


class RunArguments(NamedTuple):
    """What every logger and callback can be told.

    Args:
        experiment_name: The experiment that runs belong to; a fork without one belongs to its parent's.
        project: ``workspace/project``; default ``RUNFORK_PROJECT``, else ``local/<name of the working directory>``.
        run_id: Id of the run; naming an existing run continues it. Default: a new one.
        resume: What resuming makes of the run: "fork", "continue" or "new"; None is ``RUNFORK_RESUME``, else "fork".
        resume_from: A mark, a checkpoint that carries one, or the path of one: what the first training goes on from, whatever
            the framework loads.
        fork_run_id: Parent of the first run; needs `fork_step`.
        fork_step: Last step that is inherited from it.
        attach_evaluations: Whether evaluations of a checkpoint log to the run that wrote it, at its step.
        directory: runfork's data directory; default ``RUNFORK_DIR``, else the nearest ``.runfork`` upward.
        mode: "offline", "async" or "disabled"; default ``RUNFORK_MODE``, else "offline".
        tags: Tags of every run.
        group_tags: Group tags of every run.
        settings: All settings as one object, instead of `project`, `directory` and `mode`.
        run: Log to this run, which is open already, instead of making one; it is not closed in the end.
    """

    experiment_name: str | None = None
    project: str | None = None
    run_id: str | None = None
    resume: Decision | None = None
    resume_from: Mapping[str, Any] | str | os.PathLike[str] | None = None
    fork_run_id: str | None = None
    fork_step: float | None = None
    attach_evaluations: bool = True
    directory: str | os.PathLike[str] | None = None
    mode: str | None = None
    tags: Iterable[str] = ()
    group_tags: Iterable[str] = ()
    settings: Settings | None = None
    run: Run | None = None


def open_training(arguments: RunArguments, integration: Integration) -> Training:
    """Return what a logger or callback with these arguments logs through. Nothing is written yet.

    Raises:
        ArgumentError: A value cannot be used.
        ArgumentTypeError: An argument is of the wrong type.
    """
    run, name = arguments.run, arguments.experiment_name
    named = (name, arguments.project, arguments.run_id, arguments.fork_run_id, arguments.resume_from)
    if run is not None and any(one is not None for one in named):
        raise ArgumentError(
            "pass either run, or experiment_name, project, run_id and where it comes from to make one; found both"
        )
    if arguments.resume is not None and arguments.resume not in _POLICIES:
        raise ArgumentError(f"resume must be one of {', '.join(_POLICIES)}, or None, found {arguments.resume!r}")
    options = RunOptions(
        experiment_name=check_experiment_name(name) if name is not None else run.experiment_name if run else None,
        policy=arguments.resume,
        tags=_strings("tags", arguments.tags),
        group_tags=_strings("group_tags", arguments.group_tags),
        integration=integration[:2],
        settings=_settings(arguments),
    )
    run_id = check_run_id(arguments.run_id) if arguments.run_id is not None else None
    return Training(
        RunSlot(options, run_id=run_id, run=run, fork=_fork(arguments)),
        given=_given(arguments),
        attaches_evaluations=bool(arguments.attach_evaluations),
        face=integration.face,
    )


def _settings(arguments: RunArguments) -> Settings:
    run, directory = arguments.run, arguments.directory
    base = arguments.settings if arguments.settings is not None else run.settings if run is not None else None
    if base is not None and not isinstance(base, Settings):
        raise ArgumentTypeError(f"settings must be runfork.Settings, found {base!r:.80}")
    return (base or Settings.from_environment()).with_overrides(
        project=arguments.project,
        directory=os.fspath(directory) if directory is not None else None,
        mode=arguments.mode,
    )


def _fork(arguments: RunArguments) -> tuple[str, float] | None:
    parent, step = arguments.fork_run_id, arguments.fork_step
    if parent is None and step is None:
        return None
    if parent is None or step is None:
        raise ArgumentError(
            f"fork_run_id and fork_step belong together, found fork_run_id={parent!r} and fork_step={step!r}"
        )
    if arguments.resume_from is not None:
        raise ArgumentError("pass either fork_run_id with fork_step, or resume_from, found both")
    to_micro_steps(step, "fork_step")
    return check_run_id(parent, "fork_run_id"), step


def _given(arguments: RunArguments) -> Loaded | None:
    """Return what the user said the training goes on from; that it carries no mark is told when the run is there."""
    source = arguments.resume_from
    if source is None:
        return None
    mark = find_given_mark(source, Problems(raises=False))
    if mark is None:
        return None
    is_path = isinstance(source, (str, os.PathLike))
    return Loaded(is_checkpoint=True, mark=mark, path=checkpoint_path(source) if is_path else None)


def _strings(name: str, values: Iterable[str]) -> tuple[str, ...]:
    found = (values,) if isinstance(values, str) else tuple(values)
    if not all(isinstance(value, str) for value in found):
        raise ArgumentTypeError(f"{name} must be strings, found {found!r}")
    return found
