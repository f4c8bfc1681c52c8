"""Calling code of others that may never return: on a thread of its own, which is left behind when the time is over."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class StillBusyError(TimeoutError):
    """The time is over."""


class _LimitedThread(threading.Thread):
    """A thread that somebody waits for."""


def call_within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return what `call` returns, if it does so in time. Code that never lets go of the interpreter cannot be left.

    Args:
        seconds: How long to wait; `call` goes on afterwards, and what comes of it is nobody's.
        call: What to call, with the context variables of the caller.

    Raises:
        StillBusyError: It takes longer.
        RuntimeError: It ends its thread, as ``sys.exit()`` does.
        Exception: What it raises.
    """
    returned: list[_T] = []
    raised: list[BaseException] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            returned.append(context.run(call))
        except BaseException as error:  # it is raised where it is waited for
            raised.append(error)

    thread = _LimitedThread(target=work, name="runfork plugin", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread can be had: at the end of the process, or in a subinterpreter
        return call()
    thread.join(seconds)
    if raised and isinstance(raised[0], Exception):
        raise raised[0]
    if raised:
        raise RuntimeError(f"it raised {type(raised[0]).__name__}") from raised[0]
    if not returned:
        raise StillBusyError(f"still busy after {seconds:g} seconds")
    return returned[0]


def is_within_limit() -> bool:
    """Return whether the caller is being waited for by `call_within`."""
    return isinstance(threading.current_thread(), _LimitedThread)
