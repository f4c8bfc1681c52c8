"""Finding plugins, and calling their hooks one by one so that no plugin can disturb another or training."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

import pluggy

from runfork import hooks
from runfork.disk.installed import installed
from runfork.errors import ArgumentError
from runfork.model.messages import described
from runfork.time_limits import StillBusyError, call_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from runfork.index.interface import Index

IMPORT_SECONDS = 60.0
"""So long a plugin of others may take to be imported for `load_plugins_once`."""

MAX_GATHERED = 1000
"""So many samplers or commands are taken of one plugin at most."""


def load_plugins(
    names: Iterable[str] | None = None, *, built_in: Iterable[str] = (), timeout_seconds: float | None = None
) -> Plugins:
    """Find and register plugins: some of ours, then those of the entry-point group ``runfork``.

    Args:
        names: Allow-list of entry-point names; None takes ``RUNFORK_PLUGINS`` (comma separated), and all if that is not set.
        built_in: The modules of our own features that are plugins like everyone's, in the order in which they are registered.
            Each room that calls hooks knows which of them it needs: `runfork.writing`, `runfork.reading`, `runfork.cli`.
        timeout_seconds: How long a plugin of others may take to be imported, and each of its hooks; None waits for ever, on the
            caller's thread.

    Returns:
        The plugins. A plugin that cannot be imported, or has a hook that does not exist, is left out and stands in `failures`.
    """
    manager = pluggy.PluginManager("runfork")
    manager.add_hookspecs(hooks)
    ours = tuple(built_in)
    found = Plugins(manager, built_in=ours, timeout_seconds=timeout_seconds)
    for name in ours:
        found.register(name, lambda name=name: __import__(name, fromlist=["_"]))  # type: ignore[misc]
    if names is None and (listed := os.environ.get("RUNFORK_PLUGINS")) is not None:
        names = list(filter(None, map(str.strip, listed.split(","))))
    wanted = None if names is None else set(names)
    if wanted is None or wanted:  # to look for them reads a file of each package that is installed
        from importlib.metadata import entry_points

        for entry in entry_points(group="runfork"):
            if wanted is None or entry.name in wanted:
                found.register(entry.name, entry.load)
    if os.environ.get("RUNFORK_TRACE_HOOKS") == "1":
        manager.trace.root.setwriter(sys.stderr.write)
        manager.enable_tracing()
    return found


def load_plugins_once(built_in: Iterable[str], *, timeout_seconds: float | None = None) -> Plugins:
    """Return plugins as `load_plugins` does, but import and register them once for the process, unless others were installed since.

    What goes wrong in their hooks stands in `failures` of this object alone; a hook that hangs is left out in all of them.
    """
    return _load(tuple(built_in), *_found_by()).apart(timeout_seconds)


def are_loaded() -> bool:
    """Return whether `load_plugins_once` has imported plugins in this process."""
    return _load.cache_info().currsize > 0


def _found_by() -> tuple[Any, ...]:
    return os.environ.get("RUNFORK_PLUGINS"), os.environ.get("RUNFORK_TRACE_HOOKS"), installed()


@lru_cache(maxsize=2)
def _load(built_in: tuple[str, ...], *_found_by: Any) -> Plugins:
    return load_plugins(built_in=built_in, timeout_seconds=IMPORT_SECONDS)


class Plugins:
    """The registered plugins, with one typed method per hook. Safe to call from any thread.

    Args:
        manager: Where they are registered.
        built_in: The names of those that are ours: they are called on the caller's thread, however long they take.
        timeout_seconds: As in `load_plugins`.
    """

    def __init__(
        self, manager: pluggy.PluginManager, *, built_in: Iterable[str] = (), timeout_seconds: float | None = None
    ) -> None:
        self.manager = manager
        self._built_in = frozenset(built_in)
        self._timeout_seconds = timeout_seconds
        self._hanging: set[tuple[str, str]] = set()
        """The hooks that did not come back: nobody waits for them twice."""
        self.failures: dict[str, str] = {}
        """What went wrong, by ``plugin`` or ``plugin.hook``: the last message of each."""

    def apart(self, timeout_seconds: float | None) -> Plugins:
        """Return the same plugins, with failures of their own from now on."""
        found = Plugins(self.manager, built_in=self._built_in, timeout_seconds=timeout_seconds)
        found.failures.update(self.failures)
        found._hanging = self._hanging
        return found

    def register(self, name: str, load: Callable[[], object]) -> None:
        """Load and register one plugin; a failure is noted, never raised."""
        try:
            self.manager.register(self._call(name, load, timeout_seconds=self._timeout_seconds), name=name)
            self.manager.check_pending()
        except Exception as error:  # a plugin's import may raise anything
            self.failures[name] = described(error)
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)

    def names(self) -> list[str]:
        """Return the names of the registered plugins, in order."""
        return [name for name, plugin in self.manager.list_name_plugin() if plugin is not None]

    def hooks_of(self, name: str) -> list[str]:
        """Return the hooks that a plugin implements."""
        callers = self.manager.get_hookcallers(self.manager.get_plugin(name)) or []
        return sorted(caller.name for caller in callers)

    def _call(self, name: str, call: Callable[[], Any], *, timeout_seconds: float | None) -> Any:
        """Call code of a plugin; that of others only so long."""
        if timeout_seconds is None or name in self._built_in:
            return call()
        return call_within(timeout_seconds, call)

    def _each(
        self,
        hook: str,
        *,
        first: bool = False,
        read: Callable[[Any], Any] = lambda found: found,
        timeout_seconds: float | None = None,
        **arguments: Any,
    ) -> list[Any]:
        """Call `hook` plugin by plugin, last registered first as pluggy does, and note what each raises.

        Args:
            hook: Its name.
            first: Stop at the first that does not return None.
            read: Brings what a plugin returned into the form that is expected, or raises.
            timeout_seconds: Instead of that of all hooks.
            arguments: Its arguments.
        """
        results = []
        registered = self.manager.list_name_plugin()
        for name, plugin in reversed(registered):
            if plugin is None or not hasattr(plugin, hook):
                continue
            if (name, hook) in self._hanging:
                self.failures.setdefault(f"{name}.{hook}", "it did not come back when it was called before")
                continue
            others = [other for _, other in registered if other is not None and other is not plugin]

            def ask(others: list[Any] = others) -> Any:
                result = self.manager.subset_hook_caller(hook, others)(**arguments)
                found = result if first else (result[0] if result else None)
                return None if found is None else read(found)

            try:
                found = self._call(name, ask, timeout_seconds=timeout_seconds or self._timeout_seconds)
            except Exception as error:  # a plugin's call may raise anything; the others and training go on
                self.failures[f"{name}.{hook}"] = described(error)
                if isinstance(error, StillBusyError):
                    self._hanging.add((name, hook))
                continue
            if found is not None:
                results.append(found)
                if first:
                    break
        return results

    def open_index(self, uri: str) -> Index:
        """Open an index; raises ArgumentError if no plugin knows `uri`, and what the plugin raises."""
        index: Index | None = self.manager.hook.open_index(uri=uri)
        if index is None:
            raise ArgumentError(f"no plugin opens the index {uri!r}; use sqlite:///path, or install the plugin for it")
        return index

    def convert_value(self, value: object, *, timeout_seconds: float | None = None) -> object | None:
        """Ask for a known form of `value`."""
        found = self._each("convert_value", first=True, timeout_seconds=timeout_seconds, value=value)
        return found[0] if found else None

    def find_checkpoint_mark(self, path: str) -> Mapping[str, Any] | None:
        """Ask for the mark inside a checkpoint."""
        return next(iter(self._each("find_checkpoint_mark", first=True, path=path)), None)

    def decide_resume(
        self, run: hooks.OpenRun, mark: Mapping[str, Any], *, timeout_seconds: float | None = None
    ) -> hooks.Decision:
        """Ask what a resume makes of the run; "fork" if nobody has an opinion."""
        decisions = self._each(
            "decide_resume", first=True, read=_check_decision, timeout_seconds=timeout_seconds, run=run, mark=mark
        )
        return decisions[0] if decisions else "fork"

    def collect_system_attributes(self, run: hooks.OpenRun) -> dict[str, Any]:
        """Gather attributes; those of plugins registered later win."""
        gathered: dict[str, Any] = {}
        for attributes in reversed(self._each("collect_system_attributes", read=_check_mapping, run=run)):
            gathered.update(attributes)
        return gathered

    def register_samplers(self) -> list[hooks.Sampler]:
        """Gather samplers."""
        return [one for some in self._each("register_samplers", read=_taken) for one in some]

    def register_commands(self) -> list[Callable[[], click.Command]]:
        """Gather command factories."""
        return [one for some in self._each("register_commands", read=_taken) for one in some]

    def after_run_created(self, run: hooks.OpenRun) -> None:
        """Tell that a run was created."""
        self._each("after_run_created", run=run)

    def after_run_forked(self, run: hooks.OpenRun, parent: str, step: float) -> None:
        """Tell that a run was forked."""
        self._each("after_run_forked", run=run, parent=parent, step=step)

    def after_run_closed(self, run: hooks.OpenRun) -> None:
        """Tell that a run was closed."""
        self._each("after_run_closed", run=run)


def _taken(found: Iterable[Any]) -> list[Any]:
    """Return what a plugin offers; a generator may have no end."""
    return list(islice(found, MAX_GATHERED))


def _check_mapping(found: object) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        raise ArgumentError(f"attributes must be a dict of path to value, found {type(found).__name__}")
    return dict(found)


def _check_decision(decision: object) -> object:
    if decision not in get_args(hooks.Decision):
        raise ArgumentError(f"decide_resume must return 'fork', 'continue', 'new' or None, found {decision!r:.80}")
    return decision
