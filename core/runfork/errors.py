"""What runfork raises and warns with.

The tree::

    RunforkError
    ├── ArgumentError (also ValueError)      a value that was passed cannot be used
    │   └── ArgumentTypeError (also TypeError)   ... because it is of the wrong type
    ├── NotFoundError (also LookupError)     a run, project, attribute or file that was named is not there
    ├── FormatError                          bytes of ours that cannot be read: damaged, or of a newer version
    └── LoggingError                         a value could not be logged, and ``RUNFORK_ON_ERROR=raise`` is set

    RunforkWarning (also UserWarning)        told once per cause; the same cause is counted afterwards

After a `Run` is constructed, nothing in its environment (disk, network, plugins) raises into training.
"""

from __future__ import annotations

import sys
import warnings


class RunforkError(Exception):
    """The root of everything that runfork raises."""


class ArgumentError(RunforkError, ValueError):
    """A value that was passed cannot be used; the message says what was asked, what was found and what to do.

    Attributes:
        position: Where in a text that was passed, counted in characters from 0; None where it is not one place of it.
    """

    position: int | None = None


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument is of the wrong type."""


class NotFoundError(RunforkError, LookupError):
    """A run, project, attribute or file that was named is not there."""


class FormatError(RunforkError):
    """Bytes written by runfork cannot be read: they are damaged, or of a newer version than this one."""


class LoggingError(RunforkError):
    """A value could not be logged; raised only when ``RUNFORK_ON_ERROR=raise`` is set."""


class RunforkWarning(UserWarning):
    """Something was dropped, ignored or decided on the user's behalf; told once per cause."""


def warn_caller(sentence: str) -> None:
    """Warn whoever called runfork, on the line of theirs that did."""
    warnings.warn(sentence, RunforkWarning, stacklevel=frames_of_ours())


def frames_of_ours() -> int:
    """Return the ``stacklevel`` of the function that called this one which points at the code that called runfork."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  what `warnings` itself counts by
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        level, frame = level + 1, frame.f_back
    return level


def _is_ours(module: object) -> bool:
    """Return whether a module is of runfork or of one of its integrations, or what calls their context managers."""
    package = module.partition(".")[0] if isinstance(module, str) else ""
    return package in ("runfork", "contextlib") or package.startswith("runfork_")
