"""What plugins do for a run that is open: hooks and hardware samples, on a thread of their own, so that none delays the keeper."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.model.attributes import check_path
from runfork.model.clock import now_us
from runfork.model.conversion import convert_config
from runfork.model.messages import described
from runfork.model.secrets import mask_config
from runfork.time_limits import call_within, is_within_limit
from runfork.writing.keeper import Keeper
from runfork.writing.waiting import Latch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.hooks import Decision, Sampler
    from runfork.plugins import Plugins
    from runfork.writing.run import Run

__all__ = ["PluginWork"]

HOOK_SECONDS = 60.0
"""So long a plugin may be busy with an import or a hook beside training before it is left behind."""

CALLER_SECONDS = 5.0
"""So long the caller of ``log_configs`` or `Run.resume` may wait for a hook, and the former for plugins to be imported."""

RESUME_SECONDS = 30.0
"""So long a resume may wait for plugins to be imported: what they decide is worth it."""

IDENTITY = frozenset(
    {"sys/custom_run_id", "sys/name", "sys/experiment/name", "sys/creation_time", "sys/state", "sys/failed"}
)
"""Attributes that are the run's own, whoever else may write below ``sys/``."""

SAMPLE_SECONDS = 10.0
HEAD_START_SECONDS = 0.05


class PluginWork:
    """The plugins' side of one run in one process.

    Args:
        run: The run; everything that is found goes into its journal.
        source_tracking: Collects what is known of the code, or None.
        on_failure: Told what goes wrong here that is no plugin's; must not raise.
        goes_on: Whether the run was described before: it rested.
    """

    def __init__(
        self,
        run: Run,
        *,
        source_tracking: Callable[[Run], Mapping[str, Any]] | None,
        on_failure: Callable[[Exception], None],
        goes_on: bool = False,
    ) -> None:
        self._run = run
        self._source_tracking = source_tracking
        self._goes_on = goes_on
        self._plugins: Plugins | None = None
        self._plugins_lock = threading.RLock()
        self._samplers: list[Sampler] = []
        self._is_ending = False
        self._hurry, self._settled, self._is_loaded = Latch(), Latch(), Latch()
        self._is_late = False
        self._is_forked = False
        self._sample_due = time.monotonic() + min(1.0, run.settings.monitoring_seconds)
        self._keeper = Keeper(f"runfork plugins {run.run_id}", every_second=self._every_second, on_failure=on_failure)

    def start(self) -> bool:
        """Begin; returns False where no thread can be had."""
        describing = () if self._goes_on else (self._tell_created, self._collect, self._track_source)
        for job in (self._let_the_caller_go_first, *describing, self._find_samplers):
            self._keeper.tell(job)
        return self._keeper.start()

    def settle(self, timeout_seconds: float) -> bool:
        """Wait until the jobs queued so far are done; returns False if they are not in time."""
        self._is_ending = True
        self._hurry.set()
        self._settled.set()
        if self._keeper.is_current_thread or is_within_limit():
            return True
        return self._keeper.settle(timeout_seconds)

    def finish(self, timeout_seconds: float) -> bool:
        """Tell the plugins that the run is closed, and end the thread; returns False if it was left behind."""
        self._keeper.tell(self._close_samplers)
        if not self._is_forked:
            self._keeper.tell(lambda: self.plugins.after_run_closed(self._run))
        return self._keeper.stop(0.0 if is_within_limit() else timeout_seconds) or is_within_limit()

    def forget(self) -> None:
        """Begin anew in a child process after ``os.fork()``: no thread, no samplers."""
        self._is_forked = True
        self._plugins_lock = threading.RLock()
        self._is_ending = False
        self._hurry, self._is_loaded = Latch(), Latch()
        self._is_late = False
        self._samplers = []
        self._keeper.forget()

    @property
    def plugins(self) -> Plugins:
        """The plugins, loaded when first needed."""
        with self._plugins_lock:
            if self._plugins is None:
                from runfork.plugins import load_plugins
                from runfork.writing import BUILT_IN

                try:
                    self._plugins = load_plugins(built_in=BUILT_IN, patience_seconds=HOOK_SECONDS)
                finally:
                    self._is_loaded.set()
            return self._plugins

    def _plugins_within(self, seconds: float) -> Plugins | None:
        """Return the plugins, or None if they are not loaded in time; nobody waits for them twice."""
        if self._plugins is not None or not self._keeper.is_started or self._keeper.is_current_thread:
            return self.plugins
        self._hurry.set()
        if not self._is_loaded.wait(0.0 if self._is_late else seconds):
            self._is_late = True
            self._run.problems.tell("plugins", "plugins take long to be imported; what needs them goes on without")
        return self._plugins

    @property
    def failures(self) -> Mapping[str, str]:
        """What went wrong, by plugin or hook; nothing before they are loaded."""
        return {} if self._plugins is None else self._plugins.failures

    # On the caller's thread

    def convert_value(self, value: object) -> object | None:
        """Ask for a known form of `value`."""
        plugins = self._plugins_within(CALLER_SECONDS)
        if plugins is None:
            return None
        return plugins.convert_value(value, patience_seconds=CALLER_SECONDS)

    def decide_resume(self, mark: Mapping[str, Any]) -> Decision:
        """Ask the plugins what resuming from `mark` makes of the run."""
        plugins = self._plugins_within(RESUME_SECONDS)
        if plugins is None:
            from runfork.writing.resume import decide_resume

            return decide_resume(self._run, mark)
        return plugins.decide_resume(self._run, mark, patience_seconds=CALLER_SECONDS)

    def tell_forked(self, parent: str, step: float) -> None:
        """Tell the plugins, beside training, that the run got its parent."""
        self._keeper.tell(lambda: self.plugins.after_run_forked(self._run, parent, step))

    def tell_moved(self) -> None:
        """Say, beside training, where the run lies now, if it was another one when that was said."""

        def job() -> None:
            from runfork.writing.announcements import say_moved

            say_moved(self._run)

        self._keeper.tell(job)

    # Beside training

    def _let_the_caller_go_first(self) -> None:
        """Leave the processor to the program's own first steps: loading plugins takes as long as thousands of log calls."""
        with self._keeper.at_rest():
            self._hurry.wait(HEAD_START_SECONDS)

    def tell_created(self) -> None:
        """Tell the plugins, beside training, that there is a run: now it is settled which one."""
        self._settled.set()

    def _tell_created(self) -> None:
        plugins = self.plugins  # now: one of them may decide which run it is
        with self._keeper.at_rest():
            self._settled.wait(RESUME_SECONDS)
        plugins.after_run_created(self._run)

    def _collect(self) -> None:
        if not self._run.is_visitor:
            self.log_attributes(self.plugins.collect_system_attributes(self._run))

    def _track_source(self) -> None:
        if self._source_tracking is not None:
            self.log_attributes(self._source_tracking(self._run))

    def _find_samplers(self) -> None:
        if self._run.settings.monitoring_seconds > 0 and not self._run.is_visitor and not self._is_ending:
            self._samplers = self.plugins.register_samplers()

    def log_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Log configs that plugins found; system namespaces are open to them."""
        body = {}
        for path, value in attributes.items():
            try:
                name = _check_open(check_path(path))
                kind, converted = convert_config(value, mask=partial(mask_config, name))
                body[name] = [kind.value, converted]
            except ArgumentError as error:
                self._run.problems.tell(f"attribute {path!r}", f"{path!r:.80} was not logged: {error}")
        if not self._run.is_over:  # a run that was over first ends without them
            self._run.recorder.record_values(Kind.CONFIGS, body)

    def _every_second(self) -> None:
        moment = time.monotonic()
        if self._samplers and moment >= self._sample_due and not self._run.is_over:
            self._sample_due = moment + self._run.settings.monitoring_seconds
            self._sample()

    def _sample(self) -> None:
        readings: dict[str, float] = {}
        for sampler in list(self._samplers):
            try:
                readings.update(call_within(SAMPLE_SECONDS, sampler.sample))
            except Exception as error:  # a plugin's sampler may raise anything: it is left out from now on, and said
                self._samplers.remove(sampler)
                name = type(sampler).__name__
                self._run.problems.tell(f"sampler {name}", f"{name} stopped sampling: {described(error)}")
        space = f"{self._run.runtime_namespace}/monitoring"
        row = {f"{space}/{path}": value for path, value in readings.items()}
        if not self._run.is_over:
            self._run.recorder.log_row(row, now_us(), clock_axis=True)

    def _close_samplers(self) -> None:
        samplers, self._samplers = self._samplers, []
        for sampler in samplers:
            with suppress(Exception):  # a plugin's sampler may raise anything, and nobody needs it any more
                call_within(SAMPLE_SECONDS, sampler.close)


def _check_open(path: str) -> str:
    if path in IDENTITY:
        raise ArgumentError("it says who the run is; choose another path")
    return path
