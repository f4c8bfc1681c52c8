"""What became of a framework's call that was under way when we were told of it.

Frameworks say when loading begins, and not whether it went well. The frame of the call knows: where it ended is its last
instruction, a return or not. Only frames of the framework's own code are looked at: reading the variables of a caller's frame
would keep them alive.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from runfork.model.run_ending import has_returned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_MAX_DEPTH = 60

Outcome = Literal["running", "returned", "raised"]


def frames(depth: int = _MAX_DEPTH) -> Iterator[FrameType]:
    """Yield the caller's frame and those above it, the innermost first; at most `depth`."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  there is no public way that is as cheap
    for _ in range(depth):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def is_of(frame: FrameType, package: str) -> bool:
    """Return whether a frame's code belongs to a package."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == package


class OngoingCall:
    """A call that is under way.

    It holds the call's frame until it is asked for the outcome of a call that is over.

    Args:
        frame: The call's; None is a call that nothing is known of, which counts as returned.
    """

    def __init__(self, frame: FrameType | None) -> None:
        self._frame = frame
        self._outcome: Outcome = "returned" if frame is None else "running"

    def __getstate__(self) -> dict[str, object]:
        """Return what a copy knows: a frame can neither be copied nor sent elsewhere."""
        return {"_frame": None, "_outcome": "returned" if self.outcome == "running" else self._outcome}

    @property
    def outcome(self) -> Outcome:
        """Whether it still runs, and how it ended."""
        if self._frame is not None and not _is_running(self._frame):
            self._outcome = "returned" if has_returned(self._frame) else "raised"
            self._frame = None
        return self._outcome


def _is_running(frame: FrameType) -> bool:
    for top in sys._current_frames().values():  # noqa: SLF001  see above
        found: FrameType | None = top
        while found is not None:
            if found is frame:
                return True
            found = found.f_back
    return False
