"""Streams: the string series that hold what one process printed to stdout or stderr, and when each of its lines appeared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.model.styled_text import with_writing, without_styles
from runfork_server.console.bars import Bars, bar_label, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runfork.index.interface import Index, Series
    from runfork.model.arrays import Integers

StreamName = Literal["stdout", "stderr"]
LINES_AT_ONCE = 65_536
_PROGRESS = "_progress"
_RANK = re.compile(r"(?:^|/)rank_(\d{1,9})$")
_SHOWN_AFTER = 2_000_000
"""So long before the last line, in microseconds, a state may have been seen that is still drawn."""
_STATES_OF_OPEN = 64
"""So many states are looked at for bars that are still drawn: of nested ones, the outer one changes seldom."""

_NO_STEPS = np.empty(0, np.int64)


class StreamPath(NamedTuple):
    """Where a stream lies: its series, the process' rank, and which stream it is."""

    path: str
    rank: int
    name: StreamName


class OpenBar(NamedTuple):
    """A progress bar that is no line yet: when it was seen last, how it looked, and how many states it had."""

    path: str
    step: int
    text: str
    states: int


def stream_paths(index: Index, run_id: str) -> list[StreamPath]:
    """Return the streams of all processes of a run, by rank."""
    definitions = index.definitions(run_ids=[run_id], types=[AttributeType.STRING_SERIES])
    found: dict[str, StreamPath] = {}
    keys = []
    for one in definitions:
        path = one.path.removesuffix(_PROGRESS)  # a program that has drawn a bar has perhaps no lines yet
        namespace, _, name = path.rpartition("/")
        if name in ("stdout", "stderr"):
            rank = _RANK.search(namespace)
            found[path] = StreamPath(path, int(rank[1]) if rank else 0, "stdout" if name == "stdout" else "stderr")
            keys.append(SeriesKey(run_id, one.path))
    there = index.points(PointsRequest(keys, inherit="own", step_range=(1, 0)))
    clocked = {one.key.path.removesuffix(_PROGRESS) for one in there if one.clock_axis}
    return sorted(
        (one for one in found.values() if one.path in clocked),
        key=lambda one: (one.rank, one.name != "stdout", one.path),
    )


class Stream:
    """When the lines of one stream appeared. What is known is kept, and what is new is read when it is brought up to date.

    Args:
        run_id: The run.
        path: The series.
    """

    def __init__(self, run_id: str, path: str) -> None:
        self.path = path
        self.steps: Integers = _NO_STEPS
        self.bars = Bars()
        self._key = SeriesKey(run_id, path)
        self._progress = SeriesKey(run_id, f"{path}{_PROGRESS}")
        self._styled = SeriesKey(run_id, f"{path}_styled")
        self._counts: tuple[int, int] = (0, 0)
        self._last_state = -1

    @property
    def bytes_kept(self) -> int:
        """What is kept in memory."""
        return self.steps.nbytes + self.bars.bytes_kept

    def update(self, index: Index) -> None:
        """Read what is new. Where something was put between what was there, all is read anew."""
        counts = self._count(index)
        if counts == self._counts:
            return
        if self._counts == (0, 0) or not self._append(index, counts):
            self._read_all(index)
        self._counts = counts

    def _count(self, index: Index) -> tuple[int, int]:
        """Return how many lines and states there are, those that are inherited among them: when this changes, something did."""
        keys = (self._key, self._progress)
        values = index.values([self._key.run_id], paths=[key.path for key in keys]).get(self._key.run_id, {})
        statistics = (values[key.path].statistics if key.path in values else None for key in keys)
        lines, states = (int((some or {}).get("count") or 0) for some in statistics)
        return lines, states

    def _append(self, index: Index, counts: tuple[int, int]) -> bool:
        """Take lines and states after the last ones; return False where that is not all that is new."""
        last = int(self.steps[-1]) if len(self.steps) else -1
        lines = _after(index, self._key, last)
        states = _after(index, self._progress, self._last_state)
        new = (len(lines.steps) if lines else 0, len(states.steps) if states else 0)
        if (counts[0] - self._counts[0], counts[1] - self._counts[1]) != new:
            return False
        if new[1] and not self.bars.has_states:  # so far, nobody looked which lines are bars
            return False
        self._take(lines, states)
        return True

    def _take(self, lines: Series | None, states: Series | None) -> None:
        if states is not None and len(states.steps):
            for step, text in zip(states.steps.tolist(), states.values, strict=True):
                self.bars.add_state(step, text)
            self._last_state = int(states.steps[-1])
        if lines is not None and len(lines.steps):
            self.steps = np.concatenate([self.steps, lines.steps])
            if self.bars.has_states:
                for step, text in zip(lines.steps.tolist(), lines.values, strict=True):
                    self.bars.add_line(step, text)

    def _read_all(self, index: Index) -> None:
        self.steps, self.bars, self._last_state = _NO_STEPS, Bars(), -1
        for states in _forwards(index, self._progress):
            self._take(None, states)
        if self.bars.has_states:
            parts = []
            for lines in _forwards(index, self._key):
                parts.append(lines.steps)
                for step, text in zip(lines.steps.tolist(), lines.values, strict=True):
                    self.bars.add_line(step, text)
        else:
            parts = [lines.steps for lines in _backwards(index, self._key)][::-1]
        self.steps = np.concatenate([_NO_STEPS, *parts])

    # Reading

    def texts(self, index: Index, first: int, end: int) -> list[str]:
        """Return some lines, by their numbers in this stream; fewer where they are gone meanwhile."""
        if first >= end:
            return []
        request = PointsRequest(
            [self._key], inherit="own", step_range=(int(self.steps[first]), int(self.steps[end - 1]))
        )
        found = index.points(request)
        return list(found[0].values) if found else []

    def styled_texts(self, index: Index, first: int, end: int) -> list[str]:
        """As `texts`; lines that were printed in colours are `StyledText`."""
        texts = self.texts(index, first, end)
        if not texts:
            return texts
        steps = self.steps[first:end].tolist()
        places = {step: at for at, step in enumerate(steps[: len(texts)])}
        for series in index.points(PointsRequest([self._styled], inherit="own", step_range=(steps[0], steps[-1]))):
            for step, written in zip(series.steps.tolist(), series.values, strict=True):
                at = places.get(step)
                if at is not None and without_styles(written) == texts[at]:
                    texts[at] = with_writing(texts[at], written)
        return texts

    def states(self, index: Index, step: int, text: str, most: int) -> list[tuple[int, str]]:
        """Return the states that became a line, the last `most` of them: when each was seen, and how it looked."""
        about = self.bars.states_of(step, text)
        if not about.size:
            return []
        label = bar_label(text)
        asked = PointsRequest([self._progress], inherit="own", step_range=(about.after + 1, about.up_to), tail=2 * most)
        found = []
        for series in index.points(asked):
            for seen, state in zip(series.steps.tolist(), series.values, strict=True):
                if any(bar_label(row) == label for row in state.split("\n")):
                    found.append((seen, row_of(state, label)))
        return found[-most:]

    def open_bars(self, index: Index) -> list[OpenBar]:
        """Return bars that are still drawn, as they were seen last: a state tells of those alone that changed."""
        last = int(self.steps[-1]) if len(self.steps) else -1
        if self._last_state <= last - _SHOWN_AFTER:
            return []
        found: dict[str | None, OpenBar] = {}
        for series in index.points(PointsRequest([self._progress], inherit="own", tail=_STATES_OF_OPEN)):
            for step, state in zip(series.steps.tolist(), series.values, strict=True):
                found.pop(None, None)
                for row in state.split("\n"):
                    label = bar_label(row)
                    if step > last - _SHOWN_AFTER and not self._has_become_line(step, row, last):
                        found[label] = OpenBar(self.path, step, row, self.bars.states_of(step, row).size)
                    else:
                        found.pop(label, None)
        return list(found.values())

    def _has_become_line(self, step: int, row: str, last: int) -> bool:
        return self.bars.has_line_after(step, row) if bar_label(row) is not None else last >= step


def _after(index: Index, key: SeriesKey, step: int) -> Series | None:
    found = index.points(PointsRequest([key], inherit="own", step_range=(step + 1, None)))
    return found[0] if found else None


def _backwards(index: Index, key: SeriesKey) -> Iterator[Series]:
    """Yield all points of a series in portions, the last ones first."""
    high: int | None = None
    while True:
        found = index.points(PointsRequest([key], inherit="own", step_range=(None, high), tail=LINES_AT_ONCE))
        if not found or not len(found[0].steps):
            return
        yield found[0]
        high = int(found[0].steps[0]) - 1


def _forwards(index: Index, key: SeriesKey) -> Iterator[Series]:
    """Yield all points of a series in portions, the first ones first: where they begin is found from the end."""
    ends = [(int(part.steps[0]), int(part.steps[-1])) for part in _backwards(index, key)]
    for asked in reversed(ends):
        yield from index.points(PointsRequest([key], inherit="own", step_range=asked))
