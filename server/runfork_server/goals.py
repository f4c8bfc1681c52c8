"""Whether low or high values of a metric are what one wants, as far as runs say it: by what their checkpoints are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.index.interface import Index

_MONITOR, _MODE = "checkpoints/monitor", "checkpoints/mode"


def declared_goals(index: Index, run_ids: Sequence[str]) -> dict[str, str]:
    """Return for which metrics checkpoints are compared, and whether the least ("min") or the greatest ("max") is the best."""
    goals: dict[str, str] = {}
    for values in index.values(run_ids, paths=[_MONITOR, _MODE]).values():
        monitor, mode = values.get(_MONITOR), values.get(_MODE)
        if monitor is not None and mode is not None and mode.value in ("min", "max"):
            goals.setdefault(str(monitor.value), mode.value)
    return goals
