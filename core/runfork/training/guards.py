"""The boundary to training: whatever goes wrong in this integration is told once and never reaches the training loop."""

from __future__ import annotations

import functools
import logging
import sysconfig
from typing import TYPE_CHECKING, Any, TypeVar

from runfork.errors import ArgumentError, LoggingError, RunforkWarning
from runfork.model.messages import described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runfork.training.runs import TrainingRuns
    from runfork.writing.run import Run

_logger = logging.getLogger("runfork")
_Found = TypeVar("_Found")
_Method = TypeVar("_Method", bound="Callable[..., Any]")


def guarded(method: _Method) -> _Method:
    """Keep what `method` raises from its caller, the framework: it is told once per object and method, and None is returned.

    `LoggingError` and `RunforkWarning` pass: they are raised only where the user asked for it, with ``RUNFORK_ON_ERROR=raise`` or
    with ``-W error``.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return method(self, *args, **options)
        except (LoggingError, RunforkWarning):
            raise
        except Exception as error:  # a framework's private parts may change, and a user's objects may raise anything
            _tell(self, method.__name__, error)
            return None

    return call  # type: ignore[return-value]


def attempt(owner: Any, name: str, compute: Callable[[], _Found]) -> _Found | None:
    """Return what `compute` returns, or None where it raises: for what only describes, and must cost nothing but itself.

    Args:
        owner: The logger or callback; it is told once for each name.
        name: What is computed, for the sentence.
        compute: Computes it.
    """
    try:
        return compute()
    except (LoggingError, RunforkWarning):
        raise
    except Exception as error:  # it reads the user's own objects, which may raise anything
        _tell(owner, name, error)
        return None


def describe(owner: Any, run: Run, *namespaces: str, values: Callable[[], Mapping[str, Any]]) -> None:
    """Log what is known of one thing, under a guard of its own: it replaces what was said of it here or in the parent.

    Where it fails nothing is replaced, and nothing else is lost.

    Args:
        owner: The logger or callback.
        run: Where to.
        *namespaces: Beginnings of the paths that belong to it; the first is its name.
        values: Returns attributes by path.
    """
    found = attempt(owner, f"description of {namespaces[0]}", values)
    if found is not None:
        run.describe(found, replaces=namespaces, keeps_own=True)


def _tell(owner: Any, name: str, error: Exception) -> None:
    """Say once what failed; it stands in each run, too, that is open then: an owner's `runs` are known by that name."""
    told = owner.__dict__.setdefault("_told_failures", set())
    is_users = _is_of_the_user(error)
    what = f"{getattr(owner, '_face', type(owner).__name__)}.{name}"
    sentence = f"{what} failed ({described(error)}); training goes on"
    runs: TrainingRuns | None = getattr(owner, "runs", None)
    if runs is not None and runs.run is not None:
        runs.run.problems.keep(f"{what} {is_users}", sentence)
    if (name, is_users) in told:
        return
    told.add((name, is_users))
    advice = "" if is_users else "; please report it"
    _logger.warning("runfork: %s. Told once%s", sentence, advice, exc_info=_logger.isEnabledFor(logging.DEBUG))


def _is_of_the_user(error: Exception) -> bool:
    """Return whether an argument cannot be used, or an object of the user's own raised: nothing that we could mend."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if isinstance(error, ArgumentError) or trace is None:
        return isinstance(error, ArgumentError)
    module, file = str(trace.tb_frame.f_globals.get("__name__")), trace.tb_frame.f_code.co_filename
    is_installed = "site-packages" in file or file.startswith((sysconfig.get_path("stdlib"), "<frozen"))
    return not is_installed and not module.startswith("runfork")
