"""How fast training goes: optimizer steps and samples per second between two logged steps.

Time spent in validation does not count. The clock is the host's and waits for no device: over a logging interval the
host cannot run ahead by more than what the device has queued.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any


class Throughput:
    """Counts what is done between two readings. Used by the training thread alone."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin an interval now."""
        self._start = time.perf_counter()
        self._paused_at: float | None = None
        self._steps = 0
        self._samples = 0

    def pause(self) -> None:
        """Stop the clock."""
        if self._paused_at is None:
            self._paused_at = time.perf_counter()

    def go_on(self) -> None:
        """Start the clock again."""
        if self._paused_at is not None:
            self._start += time.perf_counter() - self._paused_at
            self._paused_at = None

    def count(self, *, steps: int, samples: int) -> None:
        """Count what was done."""
        self._steps += steps
        self._samples += samples

    def read(self, further: Mapping[str, float] | None = None) -> dict[str, float]:
        """Return the rates of the interval that ends now, and begin the next one.

        Args:
            further: Other things that were done in it, by the path of their rate.
        """
        seconds = time.perf_counter() - self._start
        rates: dict[str, float] = {}
        if seconds > 0 and self._steps:
            rates["throughput/steps_per_second"] = self._steps / seconds
            rates.update({path: count / seconds for path, count in (further or {}).items() if count > 0})
            if self._samples:
                rates["throughput/samples_per_second"] = self._samples / seconds
        self.restart()
        return rates


def batch_size(batch: Any, *, depth: int = 3) -> int:
    """Return the length of the first tensor or array found in a batch; 0 if there is none near the surface."""
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    if depth == 0 or isinstance(batch, (str, bytes)):
        return 0
    if isinstance(batch, Mapping):
        return _first(batch.values(), depth)
    if isinstance(batch, (list, tuple)):
        return _first(batch, depth)
    return int(getattr(batch, "num_graphs", 0))


def _first(parts: Iterable[Any], depth: int) -> int:
    for part in parts:
        if size := batch_size(part, depth=depth - 1):
            return size
    return 0
