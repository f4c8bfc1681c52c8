"""What a run holds already at one step, read from its journals: nothing takes a place without a look at who holds it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from runfork.disk.layout import journals_of
from runfork.errors import ArgumentError
from runfork.journal.first_records import read_creation
from runfork.journal.format import Kind
from runfork.journal.locks import locked
from runfork.model.conversion import convert_metric
from runfork.model.identifiers import directory_name
from runfork.model.steps import MICRO, NO_STEP, from_micro_steps, to_micro_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runfork.journal.reader import JournalReader
    from runfork.journal.records import Batch

MAX_BYTES = 256 * 1024 * 1024
"""So much is read of a run; what a larger one holds is not known, and counts as taken."""

Occupancy = Literal["free", "same", "taken"]
"""Nothing is there, the very same is there, or something else is."""

LOCK_SECONDS = 2.0
"""So long another process that takes a place is waited for."""

_OTHER = object()
_SERIES = (Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES)


class _Seen(NamedTuple):
    """How far a journal was read, and how long it was then."""

    reader: JournalReader | None = None
    end: int = 0
    size: int = 0


class ExistingPoints:
    """The points of a run from one step to the next, inherited ones included. Its journals are read when it is first asked.

    Args:
        folder: The run's; it need not exist.
        step: The step.
        max_bytes: How much is read at most, in the runs before it, too.
        children: Folders of the runs on the way here, where this is an ancestor.
    """

    def __init__(
        self, folder: Path, step: float, *, max_bytes: int = MAX_BYTES, children: frozenset[Path] = frozenset()
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._children = children
        self._step = step
        self._low = to_micro_steps(step)
        self._points: dict[tuple[str, int], Any] | None = None
        self._series: dict[str, int] = {}
        self._singles: set[str] = set()
        self._seen: dict[Path, _Seen] = {}
        self.passed_over: set[Path] = set()
        """Journals of this process: what goes into them is noted anyway."""
        self._parent: tuple[ExistingPoints, int] | None = None
        self._bytes = 0
        self._is_known = True

    @property
    def is_known(self) -> bool:
        """Whether all of what the run holds could be read."""
        self._read()
        return self._is_known

    def at(self, path: str, step: float, value: object = _OTHER) -> Occupancy:
        """Return what is there for a point.

        Args:
            path: The series.
            step: Where the point is to stand; away from the step that was asked for every series that the run has is taken.
            value: The number or text; left out it is never the same.
        """
        points = self._read()
        if not self._is_known:
            return "taken"
        micro = to_micro_steps(step)
        if self._low <= micro < self._low + MICRO:
            if (path, micro) in points:
                return "same" if _is_same(points[path, micro], value) else "taken"
        elif path in self._series:
            return "taken"
        if self._parent is not None and micro <= self._parent[1] and self._parent[0].at(path, step, value) == "taken":
            return "taken"
        return "free"  # or the same is inherited, as it seems: then it hides nothing

    def note(self, path: str, step: float, value: object) -> None:
        """Note that a point was logged."""
        self._read()[path, to_micro_steps(step)] = value

    def has_single(self, path: str) -> bool:
        """Return whether the run has a single value at a path, or inherits one."""
        self._read()
        is_own = not self._is_known or path in self._singles
        return is_own or (self._parent is not None and self._parent[0].has_single(path))

    def last_step(self, path: str) -> float | None:
        """Return the last step of a series that the run itself logged, as far as it is known."""
        self._read()
        return from_micro_steps(self._series[path]) if path in self._series else None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other evaluation take a place meanwhile, and know what others have taken.

        That holds among the processes of one machine, and beyond where the file system has locks for several; where it has none,
        or another process does not let go, the look right before is all there is.
        """
        self._read()  # which may take long, while nobody waits
        with locked(self._folder, LOCK_SECONDS):
            self.look_again()
            yield

    def look_again(self) -> None:
        """Read what was written since."""
        points = self._read()
        try:
            self._read_journals(points)
        except Exception:  # whatever is wrong with journals that others wrote: then it is not known
            self._is_known = False

    def _read(self) -> dict[tuple[str, int], Any]:
        if self._points is None:
            self._points = {}
            self.look_again()
            self._find_parent()
        return self._points

    def _find_parent(self) -> None:
        fork = (read_creation(journals_of(self._folder)) or {}).get("fork")
        if fork is None:
            return
        folder = self._folder.parent / directory_name(fork["parent"])
        line = self._children | {self._folder}
        if folder not in line:
            places = ExistingPoints(folder, self._step, max_bytes=max(0, self._max_bytes - self._bytes), children=line)
            self._parent = (places, fork["step"])

    def _read_journals(self, points: dict[tuple[str, int], Any]) -> None:
        grown: dict[Path, _Seen] = {}
        for path in journals_of(self._folder):
            size, seen = path.stat().st_size, self._seen.get(path, _Seen())
            if size != seen.size and path not in self.passed_over:
                grown[path] = seen._replace(size=size)
                self._bytes += size - seen.size
        if self._bytes > self._max_bytes:
            self._is_known = False
            return
        from runfork.journal.reader import JournalReader

        for path, seen in grown.items():
            reader, end = seen.reader or JournalReader(path), seen.end
            for batch in reader.batches(end):
                self._take(batch, points)
                end = batch.end
            self._seen[path] = _Seen(reader, end, seen.size)

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
