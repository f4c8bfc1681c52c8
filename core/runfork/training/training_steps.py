"""The steps that a training has done, and the series that count on axes of their own. Pure: no framework, no I/O.

Frameworks count optimizer steps. That is the main axis. Lightning's validation metrics per batch, its throughput per iteration and
whatever a user logs with a step of their own count differently: for each such series the last step is remembered, so that a
checkpoint can say for every series up to where it goes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runfork.model.steps import to_micro_steps

STEP_BETWEEN = 1e-6
"""What belongs to one step and must not replace each other follows at a millionth of a step, the finest there is."""

_NOTHING_DONE = "null"


def checked_step(step: Any) -> float:
    """Return a step that somebody passed as a number, before it is taken for the place where the training is.

    Raises:
        ArgumentError: It is none that can be logged at.
    """
    to_micro_steps(step)
    return step if isinstance(step, (int, float)) else float(step)


@dataclass
class _Axis:
    """The axis of one series.

    Args:
        last: The last step logged.
        distance: From the main step to the step logged, where it was the same at least twice; such a series moves along with
            the main axis, so its points that follow a checkpoint at the same main step belong to it as well.
        shift: What is added to steps, because the counter began at 0 again when training was resumed.
        is_restored: Known from a checkpoint, and not logged since.
        guessed_at: The last step in the checkpoint, while one number alone says that the counter began again.
    """

    last: float
    distance: float | None = None
    is_steady: bool = False
    shift: float = 0
    is_restored: bool = False
    guessed_at: float | None = None

    def follow(self, step: float) -> None:
        """Look whether the counter began at 0 again in this process; that is guessed of a first 0, and the next number confirms it.

        Args:
            step: What it says.
        """
        if self.is_restored:
            self.is_restored = False
            if step == 0 and self.last > 0:
                self.shift, self.guessed_at = self.last + 1, self.last
        elif self.guessed_at is not None:
            if step > self.guessed_at:  # it counts on from where it was
                self.shift, self.last = 0, self.guessed_at
            self.guessed_at = None


class TrainingSteps:
    """Where a training stands, for checkpoint marks."""

    def __init__(self) -> None:
        self.last: int | float | None = None
        """The last main step that was done; None before the first."""
        self.base: int | float = 0
        """Where the framework's counter began, on the main axis: not 0 where weights were taken over and the counter was not."""
        self._axes: dict[str, _Axis] = {}
        self._unnamed: dict[str, float] = {}

    def finish(self, step: float) -> None:
        """Note that main step `step` was done."""
        self.last = step

    def main(self, counter: float) -> float:
        """Return the main step for what the framework's counter says."""
        return counter + self.base

    def place(self, paths: Iterable[str], step: float, *, main_step: float | None) -> float:
        """Return where points belong that are logged at `step` while training is at `main_step`.

        That is `step`, but for a series whose counter was at work in the parent and began at 0 again in this process, as
        Lightning's counter of validation batches does: it goes on where the parent was.
        """
        if step == main_step and not self._axes:
            return step
        if step == main_step:
            axes = [self._axes[path] for path in paths if path in self._axes]
        else:
            axes = [self._axes.setdefault(path, _Axis(last=step)) for path in paths]
        for axis in axes:
            axis.follow(step)
        placed = step + max((axis.shift for axis in axes), default=0)
        for axis in axes:
            distance = None if main_step is None else placed - main_step
            axis.is_steady = distance is not None and distance == axis.distance
            axis.distance = distance
            axis.last = max(axis.last, placed)
        return placed

    def place_next(self, paths: Iterable[str], *, earlier: Callable[[str], float | None] = lambda _path: None) -> float:
        """Return where points belong that are logged without a step: nothing that was logged so before is replaced.

        That is the last step done, and closely behind where the series has a point there; before the first step one after the last.

        Args:
            paths: The series.
            earlier: Returns the last step of a series in what was logged before this process, or None; asked once for each.
        """
        names = list(paths)
        if self.last is None:
            for path in names:
                if path not in self._unnamed and (found := earlier(path)) is not None:
                    self._unnamed[path] = found
        known = [self._unnamed[path] for path in names if path in self._unnamed]
        if self.last is None:
            step: float = int(max(known)) + 1 if known else 0
        else:
            step = self.last if not known or max(known) < self.last else max(known) + STEP_BETWEEN
        self._unnamed.update(dict.fromkeys(names, step))
        return step

    def has_own_axis(self, path: str) -> bool:
        """Return whether a series is known to count something else than checkpoints do."""
        return path in self._axes

    @property
    def cuts(self) -> dict[str, int | float]:
        """Up to where a fork inherits each series that counts on an axis of its own."""
        return {path: cut for path, axis in self._axes.items() if (cut := self._cut(axis)) >= 0}

    def _cut(self, axis: _Axis) -> float:
        if axis.is_steady and axis.distance is not None and self.last is not None:
            return max(axis.last, self.last + axis.distance)
        return axis.last

    def to_text(self) -> str:
        """Return the own axes as text that a checkpoint can carry; "null" where no step was done yet."""
        if not self._axes:
            return "{}" if self.last is not None else _NOTHING_DONE
        return json.dumps(self.cuts, separators=(",", ":"))

    def restore(self, last: float, text: object = None, *, base: float = 0) -> None:
        """Stand where a checkpoint was written: at main step `last`, with the own axes that `to_text` returned.

        Args:
            last: The last step done.
            text: What `to_text` returned when the checkpoint was written, or None.
            base: Where the framework's counter begins now, on the main axis.
        """
        self.last = None if text == _NOTHING_DONE else last
        self.base = base
        self._axes = {}
        try:
            found = json.loads(text) if isinstance(text, str) else {}
        except ValueError:
            return
        if isinstance(found, Mapping):
            self._axes = {
                str(path): _Axis(last=step, is_restored=True)
                for path, step in found.items()
                if isinstance(step, (int, float)) and step >= 0
            }
