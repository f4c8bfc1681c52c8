"""Gaps in a journal: between which steps and times the records lay that cannot be read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.journal.records import Batch, Damage
    from runfork.model.arrays import Integers


@dataclass(frozen=True)
class Gap:
    """A stretch of damage, and what stands around it.

    Args:
        damage: The stretch.
        steps: Micro-steps of the last row of metrics before it and of the first after it; None where there is none.
        times: The same of the times of any records, microseconds since 1970.
    """

    damage: Damage
    steps: tuple[int | None, int | None]
    times: tuple[int | None, int | None]


class GapFinder:
    """Follows a journal from batch to batch; needs no more memory however many they are."""

    def __init__(self) -> None:
        self._steps = _Track()
        self._times = _Track()
        self._damage: list[Damage] = []

    def add(self, batch: Batch) -> None:
        """Take the next batch."""
        damage = sorted(batch.damage, key=lambda one: one.offset)
        rows = [one for one in batch.rows if len(one.steps)]
        stepped = [one for one in rows if not one.clock_axis]
        records = batch.records
        self._damage += damage
        self._steps.add([one.sequences for one in stepped], [one.steps for one in stepped], damage)
        self._times.add(
            [*(one.sequences for one in rows), np.array([record.offset for record in records], np.int64)],
            [*(one.times for one in rows), np.array([record.time for record in records], np.int64)],
            damage,
        )

    def gaps(self) -> list[Gap]:
        """Return the gaps in their order; to be asked for after the last batch."""
        return list(map(Gap, self._damage, self._steps.around, self._times.around))


class _Track:
    """Numbers by byte offset, of which those just before and after each stretch of damage are kept."""

    def __init__(self) -> None:
        self.around: list[tuple[int | None, int | None]] = []
        self._last: int | None = None
        self._waiting = 0
        """How many stretches, the last ones, have nothing after them so far."""

    def add(self, offsets: Sequence[Integers], values: Sequence[Integers], damage: Sequence[Damage]) -> None:
        places = np.concatenate(offsets) if offsets else np.empty(0, np.int64)
        order = np.argsort(places, kind="stable")
        places = places[order]
        numbers = np.concatenate(values)[order].tolist() if offsets else []
        if numbers:
            self._fill(numbers[0])
        for one in damage:
            at = int(np.searchsorted(places, one.offset))
            after = numbers[at] if at < len(numbers) else None
            self._waiting = 0 if after is not None else self._waiting + 1
            self.around.append((numbers[at - 1] if at else self._last, after))
        if numbers:
            self._last = numbers[-1]

    def _fill(self, number: int) -> None:
        for at in range(len(self.around) - self._waiting, len(self.around)):
            self.around[at] = (self.around[at][0], number)
        self._waiting = 0
