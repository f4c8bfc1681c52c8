"""The steps that a training has done, and the series that count on axes of their own. Pure: no framework, no I/O.

Lightning hands loggers a step that counts optimizer steps from 0. That is the main axis. Validation metrics per batch, throughput
per iteration and whatever a user logs as ``step`` count differently: for each such series the last step is remembered, so that
a checkpoint can say for every series up to where it goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

__all__ = ["StepsSeen"]


class StepsSeen:
    """Where a training stands, for checkpoint marks."""

    def __init__(self) -> None:
        self.last: int | float | None = None
        """The last main step that was done; None before the first."""
        self._own_axes: dict[str, int | float] = {}

    def finish(self, step: float) -> None:
        """Note that main step `step` was done."""
        self.last = step

    def observe(self, paths: Iterable[str], step: float, *, main_step: float | None) -> bool:
        """Note that points are logged at `step` while training is at `main_step`.

        Returns:
            Whether one of the series counts on an axis of its own: those that were ever logged at another step than the main one.
        """
        if step == main_step and not self._own_axes:
            return False
        if step != main_step:
            for path in paths:
                self._note(path, step)
            return True
        moved = [path for path in paths if path in self._own_axes]
        for path in moved:
            self._note(path, step)
        return bool(moved)

    def _note(self, path: str, step: float) -> None:
        known = self._own_axes.get(path)
        if known is None or step > known:
            self._own_axes[path] = step

    @property
    def cuts(self) -> dict[str, int | float]:
        """The last step of every series on an axis of its own."""
        return dict(self._own_axes)

    def to_text(self) -> str:
        """Return the own axes as text that a checkpoint can carry."""
        return json.dumps(self._own_axes, separators=(",", ":"))

    def restore(self, last: float, text: object = None) -> None:
        """Stand where a checkpoint was written: at main step `last`, with the own axes that `to_text` returned."""
        self.last = last
        self._own_axes = {}
        try:
            found = json.loads(text) if isinstance(text, str) else {}
        except ValueError:
            return
        if isinstance(found, Mapping):
            self._own_axes = {
                str(path): step for path, step in found.items() if isinstance(step, (int, float)) and step >= 0
            }
