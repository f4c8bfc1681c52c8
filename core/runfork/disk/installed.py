"""Whether what can be imported has changed: for what is found out once in a process, unless it has."""

from __future__ import annotations

import os
import sys

__all__ = ["installed"]


def installed() -> tuple[tuple[str, int], ...]:
    """Return the folders that modules are imported from, each with the time of its last change: what is installed changes them."""
    return tuple((folder, _changed(folder)) for folder in sys.path)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or os.curdir).st_mtime_ns  # noqa: PTH116  pathlib costs ten times as much
    except OSError:
        return 0
