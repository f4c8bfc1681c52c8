"""The boundary to training: whatever goes wrong in this integration is told once and never reaches the training loop."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from runfork.errors import LoggingError, RunforkWarning

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["guarded"]

_logger = logging.getLogger("runfork")
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


def _tell(owner: Any, name: str, error: Exception) -> None:
    told = owner.__dict__.setdefault("_told_failures", set())
    if name in told:
        return
    told.add(name)
    _logger.warning(
        "runfork: %s.%s failed (%s: %s); training goes on. Told once; please report it",
        type(owner).__name__,
        name,
        type(error).__name__,
        error,
        exc_info=_logger.isEnabledFor(logging.DEBUG),
    )
