"""What plugins do for a run that is open: hooks and hardware samples, on a thread of their own, so that none delays the disk."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.model.attributes import check_path
from runfork.model.clock import now_us
from runfork.model.conversion import convert_config
from runfork.model.messages import described
from runfork.model.secrets import mask_config
from runfork.time_limits import call_within, is_within_limit
from runfork.writing.shared_thread import Lane, at_rest
from runfork.writing.waiting import Latch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.hooks import Decision, OpenRun, Sampler
    from runfork.plugins import Plugins
    from runfork.writing.run_journal import RunJournal

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

LONGEST_KEPT = 65_536
"""Characters of a text that is remembered with what becomes of it."""

SAMPLE_SECONDS = 10.0
HEAD_START_SECONDS = 0.05
SAMPLERS_SECONDS = 0.3
"""Samplers are looked for after so long: a run that is closed before needs none."""


class PluginCalls:
    """The plugins' side of one run in one process.

    Args:
        journal: The run's; everything that is found goes there.
        run: The run as plugins see it.
        collect: Collects what else is known of the run beside training, or None.
        is_over: Whether nothing is added to the run any more.
        on_failure: Told what goes wrong here that is no plugin's; must not raise.
        goes_on: Whether the run was described before: it rested.
    """

    def __init__(
        self,
        journal: RunJournal,
        run: OpenRun,
        *,
        collect: Callable[[], Mapping[str, Any]] | None,
        is_over: Callable[[], bool],
        on_failure: Callable[[Exception], None],
        goes_on: bool = False,
    ) -> None:
        self._journal = journal
        self._run = run
        self._collect = collect
        self._is_over = is_over
        self._plugins: Plugins | None = None
        self._loading = threading.RLock()
        self._samplers: list[Sampler] | None = None
        self._waiting: list[Callable[[], None]] | None = None if goes_on else []
        self._is_ending = self._is_late = self._is_forked = False
        self._hurry, self._is_loaded = Latch(), Latch()
        self._sample_due = time.monotonic() + SAMPLERS_SECONDS + min(1.0, journal.settings.monitoring_seconds)
        self._lane = Lane(
            "runfork plugins",
            every_second=self._every_second,
            on_failure=on_failure,
            first_seconds=SAMPLERS_SECONDS,
        )

    def start(self) -> bool:
        """Begin; returns False where no thread can be had."""
        self._lane.tell(self._load)
        return self._lane.start()

    def tell(self, job: Callable[[], None], *, is_first: bool = False) -> None:
        """Have something done beside training, once the plugins were told that there is a run; or before that."""
        if self._waiting is not None and not is_first:
            self._waiting.append(job)
        else:
            self._lane.tell(job)

    def join(self, timeout_seconds: float) -> bool:
        """Wait until the jobs queued so far are done; returns False if they are not in time."""
        self._is_ending = True
        self._hurry.set()
        if self._lane.is_current_thread or is_within_limit():
            return True
        return self._lane.join(timeout_seconds)

    def finish(self, timeout_seconds: float, *, say_closed: Callable[[], None] | None) -> bool:
        """Say and tell the plugins that the run is closed, and end; returns False if a plugin was left behind."""
        self._lane.tell(self._close_samplers)
        if not self._is_forked and self._waiting is None:
            if say_closed is not None:
                self._lane.tell(say_closed)
            self._lane.tell(lambda: self.plugins.after_run_closed(self._run))
        return self._lane.leave(0.0 if is_within_limit() else timeout_seconds) or is_within_limit()

    def forget(self) -> None:
        """Begin anew in a child process after ``os.fork()``: no thread, no samplers."""
        self._is_forked = True
        self._loading = threading.RLock()
        self._is_ending = self._is_late = False
        self._hurry, self._is_loaded = Latch(), Latch()
        self._samplers = []
        self._lane.forget()

    @property
    def plugins(self) -> Plugins:
        """The plugins, loaded when first needed."""
        with self._loading:
            if self._plugins is None:
                from runfork.plugins import load_plugins_once
                from runfork.writing import BUILT_IN

                try:
                    self._plugins = load_plugins_once(BUILT_IN, timeout_seconds=HOOK_SECONDS)
                finally:
                    self._is_loaded.set()
            return self._plugins

    def _plugins_within(self, seconds: float) -> Plugins | None:
        """Return the plugins, or None if they are not loaded in time; nobody waits for them twice."""
        if self._plugins is not None or not self._lane.is_started or self._lane.is_current_thread:
            return self.plugins
        self._hurry.set()
        if not self._is_loaded.wait(0.0 if self._is_late else seconds):
            self._is_late = True
            self._journal.problems.tell("plugins", "plugins take long to be imported; what needs them goes on without")
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
        return plugins.convert_value(value, timeout_seconds=CALLER_SECONDS)

    def decide_resume(self, mark: Mapping[str, Any]) -> Decision:
        """Ask the plugins what resuming from `mark` makes of the run."""
        plugins = self._plugins_within(RESUME_SECONDS)
        if plugins is None:
            from runfork.writing.resume_policy import decide_resume

            return decide_resume(self._run, mark)
        return plugins.decide_resume(self._run, mark, timeout_seconds=CALLER_SECONDS)

    def tell_created(self) -> None:
        """Tell the plugins, beside training, that there is a run: now it is settled which one."""
        waiting, self._waiting = self._waiting, None
        self._lane.tell(lambda: self.plugins.after_run_created(self._run))
        for job in waiting or ():
            self._lane.tell(job)
        if not self._journal.is_visitor:
            self._lane.tell(lambda: self._log(self.plugins.collect_system_attributes(self._run)))
        if (collect := self._collect) is not None:
            self._lane.tell(lambda: self._log(collect()))

    def tell_forked(self, parent: str, step: float) -> None:
        """Tell the plugins, beside training, that the run got its parent."""
        self.tell(lambda: self.plugins.after_run_forked(self._run, parent, step))

    # Beside training

    def _load(self) -> None:
        from runfork.plugins import are_loaded

        if not are_loaded():  # the program goes first: loading takes as long as thousands of log calls
            with at_rest():
                self._hurry.wait(HEAD_START_SECONDS)
        _ = self.plugins

    def _log(self, attributes: Mapping[str, Any]) -> None:
        """Log configs that plugins found; system namespaces are open to them."""
        body = {}
        for path, value in attributes.items():
            try:
                is_text = type(path) is type(value) is str and len(value) <= LONGEST_KEPT
                name, held = (_held_again if is_text else _held)(path, value)
                body[name] = held
            except ArgumentError as error:
                self._journal.problems.tell(f"attribute {path!r}", f"{path!r:.80} was not logged: {error}")
        if not self._is_over():  # a run that was over first ends without them
            self._journal.recorder.record_values(Kind.CONFIGS, body)

    def _every_second(self) -> None:
        seconds, moment = self._journal.settings.monitoring_seconds, time.monotonic()
        if self._is_over() or self._is_ending or not seconds or self._journal.is_visitor:
            return
        if self._samplers is None:
            self._samplers = self.plugins.register_samplers()
        elif self._samplers and moment >= self._sample_due:
            self._sample_due = moment + seconds
            self._sample(self._samplers)

    def _sample(self, samplers: list[Sampler]) -> None:
        readings: dict[str, float] = {}
        for sampler in list(samplers):
            try:
                readings.update(call_within(SAMPLE_SECONDS, sampler.sample))
            except Exception as error:  # a plugin's sampler may raise anything: it is left out from now on, and said
                samplers.remove(sampler)
                name = type(sampler).__name__
                self._journal.problems.tell(f"sampler {name}", f"{name} stopped sampling: {described(error)}")
        space = f"{self._run.runtime_namespace}/monitoring"
        row = {f"{space}/{path}": value for path, value in readings.items()}
        if not self._is_over():
            self._journal.recorder.log_row(row, now_us(), clock_axis=True)

    def _close_samplers(self) -> None:
        samplers, self._samplers = self._samplers or (), []
        for sampler in samplers:
            with suppress(Exception):  # a plugin's sampler may raise anything, and nobody needs it any more
                call_within(SAMPLE_SECONDS, sampler.close)


def _held(path: str, value: object) -> tuple[str, tuple[str, Any]]:
    """Return the path, and what a record says of the value.

    Raises:
        ArgumentError: It cannot be logged.
    """
    name = _check_open(check_path(path))
    kind, converted = convert_config(value, mask=partial(mask_config, name))
    return name, (kind.value, converted)


_held_again = lru_cache(maxsize=64)(_held)
"""For texts: what is known of a process, such as its packages, is long to look through and the same for each of its runs."""


def _check_open(path: str) -> str:
    if path in IDENTITY:
        raise ArgumentError("it says who the run is; choose another path")
    return path
