"""Leaving Python's garbage collector out while many objects are made at once.

The more objects there are, the longer it takes to look through them, and it does so again and again while they are made: a tenth of
the time of bringing runs in, a third of that of reading their values. None of them is garbage.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector, where that is nobody else's business.

    It is one for the whole process. So it is left alone where other threads run, which might make garbage, or switch it on or off
    meanwhile: in a process that logs a run, in a notebook, in a server; and where somebody has switched it off.
    """
    if not (gc.isenabled() and _is_only_thread()):
        yield
        return
    try:
        gc.disable()
        yield
    finally:
        gc.enable()


def _is_only_thread() -> bool:
    threading = sys.modules.get("threading")  # without it nobody has started a thread
    return threading is None or threading.active_count() == 1
