"""A view of a run's console: some of its streams, their lines in the order in which they appeared, by number."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from runfork.errors import NotFoundError
from runfork.model.attributes import state_in
from runfork.model.steps import MICRO
from runfork.model.styled_text import PLAIN, StyledText, parts_of
from runfork.query.documents import json_time
from runfork_server.console.streams import LINES_AT_ONCE, Stream, StreamPath, stream_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.index.interface import Index
    from runfork.model.arrays import Integers
    from runfork.model.styled_text import Style

MOST_LINES = 1000
MOST_UPDATES = 1000
MOST_CHARACTERS = 10_000
"""Of a line on a page; the raw text has all of it."""
MOST_BYTES = 64 * 1024 * 1024
_RAW_LINES = 8192
_DRAWING = ("running", "lost", None)
"""States of runs that may have bars that are no lines yet."""


class ConsoleQuestion(NamedTuple):
    """Which view of which console.

    Args:
        run_id: The run.
        stream: "stdout", "stderr" or "both".
        rank: Only that process'; None is all.
    """

    run_id: str
    stream: Literal["stdout", "stderr", "both"] = "both"
    rank: int | None = None


class Stretch(NamedTuple):
    """Lines of one stream that lie one behind the other, by their numbers in it: from one up to another."""

    path: str
    first: int
    end: int


@dataclass(frozen=True)
class View:
    """Lines of several streams in one order.

    Args:
        index: The project's index.
        created: When the run was created.
        all_paths: All streams of the run.
        paths: Those that are shown.
        streams: The same, brought up to date.
        order: int64[n]: for each line its number if streams lay one behind the other.
        may_draw: Whether bars may still be drawn: a run that ended in order left none behind.
    """

    index: Index
    created: int
    all_paths: Sequence[StreamPath]
    paths: Sequence[StreamPath]
    streams: Sequence[Stream]
    order: Integers
    may_draw: bool

    @property
    def total(self) -> int:
        """How many lines there are."""
        return len(self.order)

    def _starts(self) -> Integers:
        return np.concatenate([[0], np.cumsum([len(stream.steps) for stream in self.streams])]).astype(np.int64)

    def page(self, offset: int, limit: int) -> dict[str, Any]:
        """Return some lines, and what there is."""
        open_bars = [bar for stream in self.streams if self.may_draw for bar in stream.open_bars(self.index)]
        names = {path.path: path for path in self.paths}
        return {
            "total": self.total,
            "ranks": sorted({path.rank for path in self.all_paths}),
            "streams": sorted({path.name for path in self.all_paths}, reverse=True),
            "lines": [self._document(*line) for line in self._lines(offset, offset + limit, styled=True)],
            "open": [
                {
                    "path": bar.path,
                    "time": json_time(bar.step),
                    "seconds": (bar.step - self.created) / MICRO,
                    "text": bar.text[:MOST_CHARACTERS],
                    "is_error": names[bar.path].name == "stderr",
                    "updates": bar.states,
                }
                for bar in open_bars
            ],
        }

    def _lines(self, first: int, end: int, *, styled: bool = False) -> list[tuple[int, int, int, str]]:
        """Return lines: number, place of the stream, step, text; `styled` ones with their colours."""
        chosen = self.order[first:end]
        starts = self._starts()
        places = np.searchsorted(starts, chosen, side="right") - 1
        numbers = chosen - starts[places]
        found = []
        for place, stream in enumerate(self.streams):
            there = np.flatnonzero(places == place)
            if len(there):
                begin, last = int(numbers[there[0]]), int(numbers[there[-1]])
                read = stream.styled_texts if styled else stream.texts
                texts = read(self.index, begin, last + 1)
                steps = stream.steps[begin : last + 1].tolist()
                found += list(zip((there + first).tolist(), [place] * len(there), steps, texts, strict=False))
        return sorted(found)

    def _document(self, number: int, place: int, step: int, text: str) -> dict[str, Any]:
        path = self.paths[place]
        document: dict[str, Any] = {
            "n": number,
            "path": path.path,
            "time": json_time(step),
            "seconds": (step - self.created) / MICRO,
            "text": text[:MOST_CHARACTERS],
            "is_error": path.name == "stderr",
            "updates": self.streams[place].bars.states_of(step, text).size,
        }
        if len(text) > MOST_CHARACTERS:
            document["cut"] = len(text) - MOST_CHARACTERS
        if styles := style_documents(text):
            document["styles"] = styles
        return document

    def updates(self, number: int) -> list[dict[str, Any]]:
        """Return the states of the progress bar that became a line.

        Raises:
            NotFoundError: There is no such line.
        """
        lines = self._lines(number, number + 1)
        if not lines:
            raise NotFoundError(f"there is no line {number}, there are {self.total}")
        ((_, place, step, text),) = lines
        states = self.streams[place].states(self.index, step, text, MOST_UPDATES)
        return [{"time": json_time(seen), "text": state} for seen, state in states]

    # Portions of everything

    def stretches(self) -> list[Stretch]:
        """Return all lines, in portions of one stream."""
        return [
            Stretch(stream.path, first, min(first + LINES_AT_ONCE, len(stream.steps)))
            for stream in self.streams
            for first in range(0, len(stream.steps), LINES_AT_ONCE)
        ]

    def matches(self, stretch: Stretch, wanted: str) -> list[int]:
        """Return the steps of lines of a portion that hold a text, whatever its case.

        Args:
            stretch: The portion.
            wanted: The text, case folded.
        """
        stream = next((one for one in self.streams if one.path == stretch.path), None)
        if stream is None or stretch.end > len(stream.steps):
            return []
        texts = stream.texts(self.index, stretch.first, stretch.end)
        steps = stream.steps[stretch.first : stretch.end]
        places = [at for at, text in enumerate(texts[: len(steps)]) if wanted in text.casefold()]
        found: list[int] = steps[places].tolist()
        return found

    def numbers(self, path: str, steps: Sequence[int]) -> list[int]:
        """Return the numbers of lines of a stream, by their steps."""
        place = next((at for at, one in enumerate(self.streams) if one.path == path), None)
        if place is None or not steps:
            return []
        own = np.flatnonzero(np.searchsorted(self._starts(), self.order, side="right") - 1 == place)
        found: list[int] = own[np.searchsorted(self.streams[place].steps, np.array(steps))].tolist()
        return found

    def raw_portions(self) -> list[tuple[int, int]]:
        """Return from which line up to which to read at once."""
        return [(first, min(first + _RAW_LINES, self.total)) for first in range(0, self.total, _RAW_LINES)]

    def raw(self, first: int, end: int, *, styled: bool = False) -> bytes:
        """Return lines as text; `styled` ones with the sequences that choose their colours."""
        texts = (text for *_, text in self._lines(first, end, styled=styled))
        lines = (f"{text.written if isinstance(text, StyledText) else text}\n" for text in texts)
        return "".join(lines).encode("utf-8", "replace")


def style_documents(text: str) -> list[tuple[int, int, dict[str, Any]]]:
    """Return which characters of a line that are shown look otherwise than most: from, up to, and how."""
    if not isinstance(text, StyledText):
        return []
    found = []
    begin = 0
    for part, style in parts_of(text):
        end = begin + len(part)
        if style != PLAIN and begin < MOST_CHARACTERS:
            found.append((begin, min(end, MOST_CHARACTERS), _style_document(style)))
        begin = end
    return found


def _style_document(style: Style) -> dict[str, Any]:
    return {name: value for name, value in style._asdict().items() if value is not None and value is not False}


class Consoles:
    """The consoles of a project's runs that somebody looks at: those looked at last are kept, up to `MOST_BYTES`.

    Args:
        index: The project's index.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._streams: OrderedDict[tuple[str, str], Stream] = OrderedDict()
        self._orders: OrderedDict[tuple[str, ...], tuple[tuple[Integers, ...], Integers]] = OrderedDict()

    def view(self, question: ConsoleQuestion) -> View:
        """Return a view as it is now."""
        run_id = question.run_id
        all_paths = stream_paths(self.index, run_id)
        paths = [
            one for one in all_paths if question.stream in ("both", one.name) and question.rank in (None, one.rank)
        ]
        streams = [self._stream(run_id, one.path) for one in paths]
        for stream in streams:
            stream.update(self.index)
        self._forget_oldest(len(streams))
        created = self.index.nodes()[run_id].created
        state = state_in(self.index.values([run_id], paths=["sys/state"]).get(run_id, {}))
        may_draw = state in _DRAWING
        return View(self.index, created, all_paths, paths, streams, self._order(run_id, streams), may_draw)

    def _stream(self, run_id: str, path: str) -> Stream:
        stream = self._streams.pop((run_id, path), None) or Stream(run_id, path)
        self._streams[run_id, path] = stream
        return stream

    def _forget_oldest(self, wanted: int) -> None:
        while len(self._streams) > wanted and sum(one.bytes_kept for one in self._streams.values()) > MOST_BYTES:
            self._streams.popitem(last=False)

    def _order(self, run_id: str, streams: Sequence[Stream]) -> Integers:
        steps = tuple(stream.steps for stream in streams)
        if len(steps) < 2:  # noqa: PLR2004
            return np.arange(len(steps[0]) if steps else 0)
        key = (run_id, *(stream.path for stream in streams))
        known = self._orders.pop(key, None)
        if known is None or any(old is not new for old, new in zip(known[0], steps, strict=True)):
            known = (steps, np.argsort(np.concatenate(steps), kind="stable"))
        self._orders[key] = known
        while len(self._orders) > 2:  # noqa: PLR2004
            self._orders.popitem(last=False)
        return known[1]
