"""Settings: everything that arguments and environment variables decide, as one frozen object."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from runfork.advice import advice_for_mode
from runfork.disk.layout import from_start
from runfork.errors import ArgumentError
from runfork.model.identifiers import check_project, check_run_id

MODES = ("offline", "disabled")
POLICIES = ("fork", "continue", "new")
ON_ERROR = ("warn", "raise")
_CHOICES = {"mode": MODES, "on_error": ON_ERROR, "resume_policy": POLICIES}
_WORDS = {
    word: is_on for is_on, words in ((True, "1 true on yes"), (False, "0 false off no")) for word in words.split()
}

_NEPTUNES_OFFLINE = "async"
"""What scripts and environments that were written for Neptune say where they mean that runs are written."""

VARIABLES = {
    "project": ("RUNFORK_PROJECT", "NEPTUNE_PROJECT"),
    "directory": ("RUNFORK_DIR",),
    "index_directory": ("RUNFORK_INDEX_DIR",),
    "mode": ("RUNFORK_MODE", "NEPTUNE_MODE"),
    "on_error": ("RUNFORK_ON_ERROR",),
    "resume_policy": ("RUNFORK_RESUME",),
    "monitoring_seconds": ("RUNFORK_MONITORING_SECONDS",),
    "console": ("RUNFORK_CONSOLE",),
    "run_id": ("RUNFORK_RUN_ID", "NEPTUNE_CUSTOM_RUN_ID"),
}
"""The environment variables of each setting; the first that is set counts."""

_OTHER_VARIABLES = ("RUNFORK_QUIET", "RUNFORK_PLUGINS", "RUNFORK_TRACE_HOOKS", "RUNFORK_DEBUG")
_PREFIXES = ("RUNFORK_", "NEPTUNE_")
_PREFIXES_AS_BYTES = tuple(map(os.fsencode, _PREFIXES))
_KNOWN = frozenset(_OTHER_VARIABLES).union(*VARIABLES.values())


@dataclass(frozen=True)
class Settings:
    """What a run or a reader goes by. Build it with `from_environment`; arguments of `Run` come before it.

    Args:
        project: ``workspace/project``; None is ``local/<name of the code base's folder>``.
        directory: Data directory; None is the nearest ``.runfork`` from the working directory upward, else ``.runfork`` in the
            repository's root, else ``./.runfork``.
        index_directory: Where indexes lie; None is ``.index`` in the data directory, or a disk of this machine where that is on a
            network file system.
        mode: "offline" (runs are written to disk) or "disabled" (nothing is written). Neptune's "async" is taken for "offline".
        on_error: "warn" or "raise": what becomes of values that cannot be logged.
        resume_policy: "fork", "continue" or "new": what resuming from a checkpoint makes of a run.
        monitoring_seconds: Interval of hardware metrics; 0 switches them off.
        console: Whether console output is captured.
        run_id: Run id for runs that are given none.
    """

    project: str | None = None
    directory: str | None = None
    index_directory: str | None = None
    mode: str = "offline"
    on_error: str = "warn"
    resume_policy: str = "fork"
    monitoring_seconds: float = 10.0
    console: bool = True
    run_id: str | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        if self.mode == _NEPTUNES_OFFLINE:
            object.__setattr__(self, "mode", "offline")
        for name, allowed in _CHOICES.items():
            _check_choice(name, getattr(self, name), allowed)
        if self.project is not None:
            check_project(self.project)
        if self.run_id is not None:
            check_run_id(self.run_id)
        _check_seconds("monitoring_seconds", self.monitoring_seconds)

    @classmethod
    def from_environment(cls, **overrides: Any) -> Settings:
        """Return settings from environment variables, with `overrides` (those that are not None) before them.

        Raises:
            ArgumentError: A variable or an override has a value that is not allowed; the message names it.
        """
        found: dict[str, Any] = {}
        present = frozenset(_named_like_ours())
        for name, variables in VARIABLES.items():
            for variable in variables:
                if variable in present and (text := os.environ.get(variable)):
                    found[name] = _parse(name, text, variable)
                    break
        found.update({name: value for name, value in overrides.items() if value is not None})
        return cls(**found)

    def with_overrides(self, **overrides: Any) -> Settings:
        """Return settings with `overrides` (those that are not None)."""
        given = {name: value for name, value in overrides.items() if value is not None}
        return replace(self, **given) if given else self


def said_by(name: str, value: str) -> str:
    """Return what gave a setting this value: the environment variable that has it, else the argument, by the setting's name."""
    return next((variable for variable in VARIABLES[name] if os.environ.get(variable) == value), name)


def misspelled_variables() -> dict[str, str]:
    """Return environment variables that are none of ours, though named nearly like one, and that one's name."""
    unknown = [name for name in _named_like_ours() if name.startswith("RUNFORK_") and name not in _KNOWN]
    if not unknown:
        return {}
    from difflib import get_close_matches

    return {name: close[0] for name in unknown if (close := get_close_matches(name, sorted(_KNOWN), n=1, cutoff=0.85))}


def _named_like_ours() -> list[str]:
    """Return the environment variables that may be ours: few of many, so that most names need not become text."""
    if os.supports_bytes_environ:
        return [os.fsdecode(name) for name in os.environb if name.startswith(_PREFIXES_AS_BYTES)]
    return [name for name in os.environ if name.startswith(_PREFIXES)]


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed and not (allowed is MODES and value == _NEPTUNES_OFFLINE):
        advice = advice_for_mode(value) if allowed is MODES else ""
        raise ArgumentError(f"{name} must be one of {', '.join(allowed)}, found {value!r}{advice}")


def _check_seconds(name: str, seconds: object) -> None:
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
        raise ArgumentError(f"{name} must be 0 (off) or more seconds, found {seconds!r}")


def _parse(name: str, text: str, variable: str) -> object:
    """Return the value that `text` stands for; errors name the variable rather than the setting."""
    if name == "console":
        if text.lower() not in _WORDS:
            raise ArgumentError(f"{variable} must be 1 or 0, found {text!r}")
        return _WORDS[text.lower()]
    if name == "monitoring_seconds":
        try:
            seconds = float(text)
        except ValueError:
            raise ArgumentError(f"{variable} must be a number of seconds, found {text!r}") from None
        _check_seconds(variable, seconds)
        return seconds
    if name in _CHOICES:
        _check_choice(variable, text, _CHOICES[name])
    elif name in ("directory", "index_directory"):
        return str(from_start(text))
    elif name == "run_id":
        check_run_id(text, variable)
    elif name == "project":
        try:
            check_project(text)
        except ArgumentError as error:
            raise ArgumentError(f"{variable}: {error}") from None
    return text
