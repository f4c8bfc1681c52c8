"""Sorted steps that need not be written out: most series are logged every so many steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from runfork.model.arrays import Integers


@dataclass(frozen=True)
class Progression:
    """The numbers ``start, start + stride, ...``, so many of them; the stride is positive. What it offers works as in NumPy."""

    start: int
    stride: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, places: Integers) -> Integers:
        return self.start + self.stride * places

    @property
    def end(self) -> int:
        """The number that would come next."""
        return self.start + self.stride * self.count

    def searchsorted(self, x: npt.NDArray[np.float64] | Integers, side: Literal["left", "right"] = "left") -> Integers:
        """Return how many of the numbers lie before each x, or, to its right, not beyond it; of floats only nearly so."""
        places = np.asarray(x) - self.start
        before = -(-places // self.stride) if side == "left" else places // self.stride + 1
        found: Integers = np.minimum(np.maximum(before, 0), self.count).astype(np.int64)
        return found


def as_progression(steps: Integers) -> Progression | None:
    """Return the progression that increasing numbers are, if they are one."""
    if len(steps) == 1:
        return Progression(int(steps[0]), 1, 1)
    stride = int(steps[1] - steps[0])
    if stride <= 0 or not (steps[1:] - steps[:-1] == stride).all():
        return None
    return Progression(int(steps[0]), stride, len(steps))


def joined(parts: Sequence[Progression | Integers]) -> Progression | Integers:
    """Join parts of at least one number each, in order: a progression if they are one together."""
    whole: Progression | None = None
    for part in parts:
        found = part if isinstance(part, Progression) else as_progression(part)
        whole = found if whole is None else _continued(whole, found)
        if whole is None:
            return np.concatenate([numbers(part) for part in parts])
    return np.empty(0, np.int64) if whole is None else whole


def _continued(whole: Progression, part: Progression | None) -> Progression | None:
    if part is None:
        return None
    stride = whole.stride if len(whole) > 1 else part.start - whole.start
    if part.start != whole.start + stride * len(whole) or (len(part) > 1 and part.stride != stride) or stride <= 0:
        return None
    return Progression(whole.start, stride, len(whole) + len(part))


def part_of(axis: Progression | Integers, first: int, end: int) -> Progression | Integers:
    """Return the numbers from one place up to another."""
    if isinstance(axis, Progression):
        return Progression(axis.start + axis.stride * first, axis.stride, max(0, end - first))
    return axis[first:end]


def numbers(axis: Progression | Integers) -> Integers:
    """Write the numbers out."""
    if isinstance(axis, Progression):
        return np.arange(axis.start, axis.end, axis.stride)
    return axis
