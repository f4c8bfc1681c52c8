"""Every hook that a plugin may implement. `docs/hooks.md` tells them with examples.

A plugin is a module or object whose functions carry ``@runfork.hookimpl``, found through the entry-point group ``runfork``.

Asking hooks return something: ``open_``, ``convert_``, ``find_`` and ``decide_`` stop at the first plugin that does not return
None; ``collect_`` and ``register_`` gather what all return. Telling hooks (``after_``) return nothing, run on runfork's own
thread, and an exception in one plugin reaches neither the others nor training. No hook runs inside a ``log_*`` call, except
``convert_value`` for a value of a type that runfork does not know.
"""

# pyright: reportReturnType=false
# Specifications have no bodies: pluggy never calls them.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import click

    from runfork.index.interface import Index
    from runfork.run import Run

hookspec = pluggy.HookspecMarker("runfork")
hookimpl = pluggy.HookimplMarker("runfork")

Decision = Literal["fork", "continue", "new"]


class Sampler(Protocol):
    """Something that is measured at intervals, such as a GPU.

    `sample` is called on a thread of runfork's own, not always the same one; it should take milliseconds, and may raise: the
    sampler is then left out, and the reason stands in ``sys/diagnostics``.
    """

    def sample(self) -> Mapping[str, float]:
        """Return readings by path below ``runtime/monitoring/``, such as ``{"cpu/percent": 12.5}``; units stand in the names."""

    def close(self) -> None:
        """Release what it holds."""


@hookspec(firstresult=True)
def open_index(uri: str) -> Index | None:
    """Open the index that `uri` names, e.g. ``sqlite:///path/to/file`` or ``memory://``.

    Fires when a reader opens a project, on the reader's thread. None means: not mine. An exception reaches the reader.
    """


@hookspec(firstresult=True)
def convert_value(value: object) -> object | None:
    """Turn a config value of an unknown type into one that runfork knows (number, string, list, ...).

    Fires inside ``log_configs``, on the caller's thread, only for such values. None means: not mine; if nobody wants it,
    its ``str()`` is logged. An exception counts as None and is told once.
    """


@hookspec(firstresult=True)
def find_checkpoint_mark(path: str) -> Mapping[str, Any] | None:
    """Return the checkpoint mark inside the checkpoint at `path` (a file or directory), if it is of this plugin's kind.

    Fires on ``Run(resume_from=path)``, on the caller's thread. None means: not mine, or no mark inside. An exception
    counts as None and is told.
    """


@hookspec(firstresult=True)
def decide_resume(run: Run, mark: Mapping[str, Any]) -> Decision | None:
    """Decide what resuming from `mark` makes of `run`: a fork, the same run continued, or a new run.

    Fires when a checkpoint with a mark is loaded for training, on the caller's thread. None means: no opinion. An exception
    counts as None.
    """


@hookspec
def collect_system_attributes(run: Run) -> Mapping[str, Any]:
    """Return configs that describe where the run takes place, as full paths such as ``sys/hostname``.

    Fires once per run and process, on runfork's own thread. An exception leaves out this plugin's attributes.
    """


@hookspec
def register_samplers() -> Iterable[Sampler]:
    """Return samplers of hardware metrics.

    Fires once per run and process, on runfork's own thread. An exception leaves out this plugin's samplers.
    """


@hookspec
def after_run_created(run: Run) -> None:
    """Called after a run was created or reopened in this process."""


@hookspec
def after_run_forked(run: Run, parent: str, step: float) -> None:
    """Called after a run got its parent: the parent's run id and the fork step."""


@hookspec
def after_run_closed(run: Run) -> None:
    """Called after a run was closed in this process or came to rest, unless ``os.fork()`` made it; its journal is complete."""


@hookspec
def register_commands() -> Iterable[Callable[[], click.Command]]:
    """Return factories of ``runfork`` subcommands.

    Fires when the command line starts. An exception leaves out this plugin's commands and is told.
    """
