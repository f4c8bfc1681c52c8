"""What a run holds already at one step, read from its journals: nothing takes a place without a look at who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.steps import MICRO, NO_STEP, from_micro_steps, to_micro_steps
from runfork.store import journals_of
from runfork.values import convert_metric

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runfork.journal.records import Batch

__all__ = ["MAX_BYTES", "Place", "Places"]

MAX_BYTES = 256 * 1024 * 1024
"""So much is read of a run; what a larger one holds is not known, and counts as taken."""

Place = Literal["free", "same", "taken"]
"""Nothing is there, the very same is there, or something else is."""

_OTHER = object()
_SERIES = (Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES)


class Places:
    """The points of a run from one step to the next. Its journals are read when it is first asked.

    Args:
        folder: The run's; it need not exist.
        step: The step.
        max_bytes: How much is read at most.
    """

    def __init__(self, folder: Path, step: float, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._low = to_micro_steps(step)
        self._points: dict[tuple[str, int], Any] | None = None
        self._series: dict[str, int] = {}
        self._singles: set[str] = set()
        self._is_known = True

    def at(self, path: str, step: float, value: object = _OTHER) -> Place:
        """Return what is there for a point.

        Args:
            path: The series.
            step: Where the point is to stand; away from the step of these places every series that the run has is taken.
            value: The number or text; left out it is never the same.
        """
        points = self._read()
        if not self._is_known:
            return "taken"
        micro = to_micro_steps(step)
        if not self._low <= micro < self._low + MICRO:
            return "taken" if path in self._series else "free"
        if (path, micro) not in points:
            return "free"
        return "same" if _is_same(points[path, micro], value) else "taken"

    def note(self, path: str, step: float, value: object) -> None:
        """Note that a point was logged."""
        self._read()[path, to_micro_steps(step)] = value

    def has_single(self, path: str) -> bool:
        """Return whether the run has a single value at a path."""
        self._read()
        return not self._is_known or path in self._singles

    def last_step(self, path: str) -> float | None:
        """Return the last step of a series, as far as it is known."""
        self._read()
        return from_micro_steps(self._series[path]) if path in self._series else None

    def _read(self) -> dict[tuple[str, int], Any]:
        if self._points is None:
            self._points = {}
            try:
                self._read_journals(self._points)
            except Exception:  # whatever is wrong with journals that others wrote: then it is not known
                self._is_known = False
        return self._points

    def _read_journals(self, points: dict[tuple[str, int], Any]) -> None:
        paths = journals_of(self._folder)
        if sum(path.stat().st_size for path in paths) > self._max_bytes:
            self._is_known = False
            return
        from runfork.journal.reader import JournalReader

        for path in paths:
            for batch in JournalReader(path).batches():
                self._take(batch, points)

    def _take(self, batch: Batch, points: dict[tuple[str, int], Any]) -> None:
        high = self._low + MICRO
        for rows in batch.rows:
            if rows.clock_axis or rows.completion is not None:
                continue
            if rows.steps.size:
                self._go_on(rows.paths, int(rows.steps.max()))
            for index in ((rows.steps >= self._low) & (rows.steps < high)).nonzero()[0].tolist():
                step = int(rows.steps[index])
                points.update(
                    ((path, step), value) for path, value in zip(rows.paths, rows.values[index].tolist(), strict=True)
                )
        for record in batch.records:
            if record.kind == Kind.CONFIGS or (record.kind == Kind.FILES and record.step == NO_STEP):
                self._singles.update(record.body)
            elif record.kind in _SERIES and not record.clock_axis:
                self._go_on(record.body, record.step)
                if self._low <= record.step < high:
                    is_text = record.kind == Kind.STRINGS
                    points.update(
                        ((path, record.step), value if is_text else _OTHER) for path, value in record.body.items()
                    )

    def _go_on(self, paths: Iterable[str], step: int) -> None:
        for path in paths:
            self._series[path] = max(step, self._series.get(path, step))


def _is_same(held: Any, value: object) -> bool:
    if isinstance(held, str) or isinstance(value, str):
        return held is value or held == value
    try:
        held, number = convert_metric(held), convert_metric(value)
    except ArgumentError:
        return False
    return number == held or (number != number and held != held)  # noqa: PLR0124  both are NaN
