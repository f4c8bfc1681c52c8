"""Whether what is installed has changed: for what is found out once in a process, unless it has."""

from __future__ import annotations

import os
import sys
import time
from functools import lru_cache

_METADATA = (".dist-info", ".egg-info")
_SETTLED_NS = 60 * 10**9
"""In a folder that changed less long ago something may still be being installed, or have been within one tick of its clock."""


_Distributions = tuple[tuple[str, int], ...]


def installed() -> tuple[_Distributions, ...]:
    """Return, of each folder that modules are imported from, its distributions, each with the time of its last change.

    Other changes of these folders do not count: a program's own folder changes whenever it writes there.
    """
    settled, found = time.time_ns() - _SETTLED_NS, []
    for folder in sys.path:
        place = folder or os.curdir
        changed = _changed(place)
        found.append(_known(place, changed) if changed < settled else _listed(place))
    return tuple(found)


def _listed(folder: str) -> _Distributions:
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted((one.path, _changed(one.path)) for one in entries if one.name.endswith(_METADATA)))
    except OSError:  # an archive, or not there
        return ()


@lru_cache(maxsize=256)
def _known(folder: str, _changed_ns: int) -> _Distributions:
    return _listed(folder)


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  pathlib costs ten times as much
    except OSError:
        return 0
