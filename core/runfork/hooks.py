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
    from datetime import datetime
    from pathlib import Path

    import click

    from runfork.index.interface import Index
    from runfork.settings import Settings

hookspec = pluggy.HookspecMarker("runfork")
hookimpl = pluggy.HookimplMarker("runfork")

Decision = Literal["fork", "continue", "new"]


class OpenRun(Protocol):
    """A run of this process as plugins see it; it is a `runfork.Run`, with all that this has besides."""

    rank: int
    """Which of the processes that write to the run this one is."""
    runtime_namespace: str
    """Where console output and hardware metrics go."""

    @property
    def run_id(self) -> str:
        """The run's id, unique in its project."""

    @property
    def project(self) -> str:
        """``workspace/project``."""

    @property
    def experiment_name(self) -> str | None:
        """The experiment's name, or None."""

    @property
    def parent(self) -> tuple[str, float] | None:
        """The parent's run id and the fork step, or None for a root."""

    @property
    def directory(self) -> Path:
        """The folder of its journals and files."""

    @property
    def settings(self) -> Settings:
        """The settings that it goes by."""

    def log_configs(self, data: Any) -> None:
        """Set single values."""

    def log_metrics(self, data: Mapping[str, Any], step: float, *, timestamp: datetime | float | None = None) -> None:
        """Append one point to each of several float series."""

    def assign_files(self, files: Mapping[str, Any]) -> None:
        """Set single files."""

    def add_tags(self, tags: Iterable[str]) -> None:
        """Add tags."""


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
    """Open the index that `uri` names, e.g. ``clickhouse://host``.

    Fires when a reader opens a project, on the reader's thread, unless the URI is one that runfork opens itself: ``sqlite:///`` and
    ``memory://``. None means: not mine. An exception reaches the reader.
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
def decide_resume(run: OpenRun, mark: Mapping[str, Any]) -> Decision | None:
    """Decide what resuming from `mark` makes of `run`: a fork, the same run continued, or a new run.

    Fires when a checkpoint with a mark is loaded for training, on the caller's thread. None means: no opinion. An exception
    counts as None.
    """


@hookspec
def collect_system_attributes(run: OpenRun) -> Mapping[str, Any]:
    """Return configs that describe where the run takes place, as full paths such as ``sys/hostname``.

    Fires once per run and process, on runfork's own thread. An exception leaves out this plugin's attributes.
    """


@hookspec
def register_samplers() -> Iterable[Sampler]:
    """Return samplers of hardware metrics.

    Fires once per run and process, when the run has been open for a moment, on runfork's own thread. An exception leaves out this
    plugin's samplers.
    """


@hookspec
def after_run_created(run: OpenRun) -> None:
    """Called after a run was created or reopened in this process."""


@hookspec
def after_run_forked(run: OpenRun, parent: str, step: float) -> None:
    """Called after a run got its parent: the parent's run id and the fork step."""


@hookspec
def after_run_closed(run: OpenRun) -> None:
    """Called after a run was closed in this process or came to rest, unless ``os.fork()`` made it; its journal is complete."""


@hookspec
def register_commands() -> Iterable[Callable[[], click.Command]]:
    """Return factories of ``runfork`` subcommands.

    Fires when the command line starts. An exception leaves out this plugin's commands and is told.
    """
