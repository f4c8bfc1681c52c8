"""The arguments that every logger and callback takes, checked once, and made into how runs are made."""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar

from runfork.advice import unknown_argument
from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.identifiers import check_experiment_name, check_run_id
from runfork.settings import POLICIES, Settings
from runfork.training.loaded_checkpoint import LoadedCheckpoint, checkpoint_path
from runfork.training.runs import RunOptions, TrainingRuns
from runfork.training.training import Training
from runfork.writing.checkpoint_marks import find_given_mark
from runfork.writing.problems import Problems
from runfork.writing.run import Run
from runfork.writing.run_arguments import check_fork

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.hooks import Decision

_Kind = TypeVar("_Kind")


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

    @classmethod
    def installed(cls, name: str, face: str, *, distribution: str | None = None) -> Integration:
        """Return that of a framework as it is installed; `distribution` says how the package is called there, if not `name`."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return cls(name, version(distribution or name), face)
        except PackageNotFoundError:
            return cls(name, "unknown", face)


class RunArguments(TypedDict, total=False):
    """What every logger and callback can be told, by keyword.

    Args:
        project: ``workspace/project``; default ``RUNFORK_PROJECT``, else ``local/<name of the code base's folder>``.
        run_id: Id of the run; naming an existing run continues it. Default: a new one.
        resume: What resuming from a checkpoint makes of the run: "fork" of the run that wrote it; "continue" that run, where it has
            logged nothing after the checkpoint (else a fork); "new", unrelated. None is ``RUNFORK_RESUME``, else "fork".
        resume_from: A mark, a checkpoint that carries one, or the path of one: what the first training goes on from, whatever the
            framework loads.
        fork_run_id: Parent of the first run; needs `fork_step`. Where the framework counts from 0, steps go on after the fork step.
        fork_step: Last step that is inherited from it.
        attach_evaluations: Whether evaluations of a checkpoint log to the run that wrote it, at its step. Default: they do.
        directory: runfork's data directory; default ``RUNFORK_DIR``, else the nearest ``.runfork`` upward.
        mode: "offline" or "disabled"; default ``RUNFORK_MODE``, else "offline".
        tags: Tags of every run.
        group_tags: Group tags of every run.
        settings: All settings as one object, instead of `project`, `directory` and `mode`.
        run: Log to this run, which is open already, instead of making one; it is not closed in the end.
    """

    project: str | None
    run_id: str | None
    resume: Decision | None
    resume_from: Mapping[str, Any] | str | os.PathLike[str] | None
    fork_run_id: str | None
    fork_step: float | None
    attach_evaluations: bool
    directory: str | os.PathLike[str] | None
    mode: str | None
    tags: Iterable[str]
    group_tags: Iterable[str]
    settings: Settings | None
    run: Run | None


_DEFAULTS = {**dict.fromkeys(RunArguments.__annotations__), "attach_evaluations": True, "tags": (), "group_tags": ()}


def takes_run_arguments(kind: type[_Kind]) -> type[_Kind]:
    """Show `RunArguments` in the signature and in the docstring of a class whose constructor takes them as ``**arguments``.

    So they are written down once, and every logger and callback shows them all to ``help()``, to notebooks and to tools that read
    signatures. In the docstring they stand in the place of ``**arguments``.
    """
    constructor = kind.__init__
    signature = inspect.signature(constructor)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    further = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_DEFAULTS[name],
            annotation=getattr(annotation, "__forward_arg__", annotation),
        )
        for name, annotation in RunArguments.__annotations__.items()
    ]
    constructor.__signature__ = signature.replace(parameters=[*own, *further])  # type: ignore[attr-defined]
    if kind.__doc__ and RunArguments.__doc__:  # neither is there with -OO
        kind.__doc__ = kind.__doc__.replace("        **arguments\n", _lines_of(RunArguments.__doc__))
    return kind


def _lines_of(docstring: str) -> str:
    return docstring.partition("Args:\n")[2].rstrip() + "\n"


def open_training(experiment_name: str | None, arguments: RunArguments, integration: Integration) -> Training:
    """Return what a logger or callback with these arguments logs through. Nothing is written yet.

    Raises:
        TypeError: There is no such argument.
        ArgumentError: A value cannot be used.
        ArgumentTypeError: An argument is of the wrong type.
    """
    if unknown := [name for name in arguments if name not in _DEFAULTS]:
        raise unknown_argument(integration.face, unknown[0], ["experiment_name", *_DEFAULTS])
    given: dict[str, Any] = {**_DEFAULTS, **arguments}
    run = given["run"]
    if run is not None and not isinstance(run, Run):
        raise ArgumentTypeError(f"run must be a runfork.Run, found {run!r:.80}; pass run_id to name one")
    named = (experiment_name, *(given[name] for name in ("project", "run_id", "fork_run_id", "resume_from")))
    if run is not None and any(one is not None for one in named):
        raise ArgumentError(
            "pass either run, or experiment_name, project, run_id and where it comes from to make one; found both"
        )
    if given["resume"] is not None and given["resume"] not in POLICIES:
        raise ArgumentError(f"resume must be one of {', '.join(POLICIES)}, or None, found {given['resume']!r}")
    if experiment_name is not None:
        experiment_name = check_experiment_name(experiment_name)
    options = RunOptions(
        experiment_name=experiment_name if run is None else run.experiment_name,
        policy=given["resume"],
        tags=_strings("tags", given["tags"]),
        group_tags=_strings("group_tags", given["group_tags"]),
        integration=integration[:2],
        settings=_settings(given),
    )
    check_fork(given["fork_run_id"], given["fork_step"], given["resume_from"])
    fork = None if given["fork_run_id"] is None else (given["fork_run_id"], given["fork_step"])
    run_id = check_run_id(given["run_id"]) if given["run_id"] is not None else None
    return Training(
        TrainingRuns(options, run_id=run_id, run=run, fork=fork),
        given=_given(given["resume_from"]),
        attaches_evaluations=bool(given["attach_evaluations"]),
        face=integration.face,
    )


def _settings(arguments: Mapping[str, Any]) -> Settings:
    run, directory = arguments["run"], arguments["directory"]
    if directory is not None and not isinstance(directory, (str, os.PathLike)):
        raise ArgumentTypeError(f"directory must be a path, found {directory!r:.80}")
    base = arguments["settings"] if arguments["settings"] is not None else run.settings if run is not None else None
    if base is not None and not isinstance(base, Settings):
        raise ArgumentTypeError(f"settings must be runfork.Settings, found {base!r:.80}")
    return (base or Settings.from_environment()).with_overrides(
        project=arguments["project"],
        directory=os.fspath(directory) if directory is not None else None,
        mode=arguments["mode"],
    )


def _given(source: Mapping[str, Any] | str | os.PathLike[str] | None) -> LoadedCheckpoint | None:
    """Return what the user said the training goes on from; that it carries no mark is told when the run is there."""
    if source is None:
        return None
    mark = find_given_mark(source, Problems(raises=False))
    if mark is None:
        return None
    is_path = isinstance(source, (str, os.PathLike))
    return LoadedCheckpoint(mark, checkpoint_path(source) if is_path else None)


def _strings(name: str, values: Iterable[str]) -> tuple[str, ...]:
    found = (values,) if isinstance(values, str) else tuple(values)
    if not all(isinstance(value, str) for value in found):
        raise ArgumentTypeError(f"{name} must be strings, found {found!r}")
    return found
