"""The arguments of a run, checked: what they mean, or an error that says what was asked."""

from __future__ import annotations

from datetime import datetime

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.attributes import check_path
from runfork.model.conversion import to_micros
from runfork.model.identifiers import check_project, check_run_id
from runfork.model.steps import to_micro_steps
from runfork.settings import Settings


def check_fork(parent: object, step: object, resume_from: object) -> tuple[str, int] | None:
    """Return the parent, as it was named, and the fork step in micro-steps; None where no parent was named."""
    if parent is None and step is None:
        return None
    if parent is None or step is None:
        missing = "fork_run_id" if parent is None else "fork_step"
        raise ArgumentError(
            f"fork_run_id and fork_step belong together, found fork_run_id={parent!r} and fork_step={step!r}; pass {missing} too"
        )
    if resume_from is not None:
        raise ArgumentError("pass either fork_run_id with fork_step, or resume_from, found both")
    return check_run_id(parent, "fork_run_id"), to_micro_steps(step, "fork_step")


def check_creation_time(moment: object) -> int:
    """Return when a run began, in microseconds since 1970."""
    if moment is not None and not isinstance(moment, datetime):
        raise ArgumentTypeError(f"creation_time must be a datetime, found {moment!r:.80}; leave it out to begin now")
    return to_micros(moment)


def check_settings(settings: object, *, mode: str | None, project: str | None) -> Settings:
    """Return the settings that a run goes by: those given, else the environment's, with what was said beside them."""
    if settings is not None and not isinstance(settings, Settings):
        raise ArgumentTypeError(f"settings must be runfork.Settings, found {settings!r:.80}")
    base = settings if settings is not None else Settings.from_environment()
    return base.with_overrides(mode=mode, project=check_project(project) if project is not None else None)


def check_namespace(namespace: object, rank: int) -> str:
    """Return where console output and hardware metrics of a process go."""
    if namespace is None:
        return "runtime" if rank == 0 else f"runtime/rank_{rank}"
    if not isinstance(namespace, str):
        raise ArgumentTypeError(
            f"runtime_namespace must be a string, found {namespace!r:.80}; leave it out for 'runtime'"
        )
    try:
        return check_path(namespace.strip("/"))
    except ArgumentError as error:
        raise ArgumentError(f"runtime_namespace: {error}") from None
