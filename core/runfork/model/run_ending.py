"""What an exception, or the exit status of the process, says of the run that it ends. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.model.secrets import mask_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

MAX_MESSAGE = 4096
MAX_TRACEBACK = 64 * 1024
_LONGEST_CHAIN = 100

_ABORTING = frozenset({("asyncio.exceptions", "CancelledError"), ("bdb", "BdbQuit")})
"""Somebody's wish, as Ctrl-C is: a cancelled task (which Ctrl-C makes of asyncio's main task), and a debugger that was left."""

_BY_STATUS = {128 + signal.SIGINT: "aborted", 128 + signal.SIGTERM: "preempted"}
"""Exit statuses that by custom stand for a signal."""


@dataclass(frozen=True)
class Ending:
    """How something ended.

    Args:
        state: finished, failed, aborted or preempted.
        kind: Class of the exception that ended it; empty where none did.
        message: Its message.
        traceback: Its traceback, with the exceptions before it.
    """

    state: str = "finished"
    kind: str = ""
    message: str = ""
    traceback: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it came to its end."""
        return self.state == "finished"

    @classmethod
    def of(cls, state: str, error: BaseException | None) -> Ending:
        """Return the ending of this state, told by `error`; keeps neither the exception nor what its frames hold."""
        if error is None:
            return cls(state)
        reason = _reason(error)
        return cls(state, type(reason).__name__, _message(reason), _text(error))


def ending_after(error: BaseException | None) -> Ending:
    """Return how that ends which `error` leaves.

    ``sys.exit()`` and ``sys.exit(0)`` are good ends, as is a generator that is closed; any other status is a failure: of the
    exception that was being handled, if there is one. Ctrl-C aborts, also where another exception was raised on the way out.
    """
    if error is None or isinstance(error, GeneratorExit):
        return Ending()
    if not isinstance(error, SystemExit):
        return Ending.of("aborted" if _was_wished(error) else "failed", error)
    status = error.code if isinstance(error.code, int) else None
    if error.code is None or status == 0:
        return Ending()
    by_custom = _BY_STATUS.get(status) if status is not None else None
    return Ending.of(by_custom or ("aborted" if _was_wished(error) else "failed"), error)


def has_returned(frame: FrameType) -> bool:
    """Return whether the last thing that the code of a frame did was to return."""
    from opcode import opname

    return frame.f_lasti >= 0 and opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN_")


def _was_wished(error: BaseException) -> bool:
    return any(
        isinstance(one, KeyboardInterrupt) or (type(one).__module__, type(one).__name__) in _ABORTING
        for one in _chain(error)
    )


def _reason(error: BaseException) -> BaseException:
    """Return the exception that an exit was an answer to, else `error` itself."""
    chain = list(_chain(error))
    return chain[1] if isinstance(error, SystemExit) and len(chain) > 1 else error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what it was raised after, the latest first."""
    one: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if one is None:
            return
        yield one
        one = one.__cause__ if one.__cause__ is not None or one.__suppress_context__ else one.__context__


def _message(error: BaseException) -> str:
    try:
        return mask_text(str(error)[:MAX_MESSAGE])
    except Exception:  # a user's own __str__ may raise anything
        return "its message could not be read"


def _text(error: BaseException) -> str:
    import traceback

    return mask_text("".join(traceback.format_exception(type(error), error, error.__traceback__))[-MAX_TRACEBACK:])
