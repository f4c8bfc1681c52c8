"""Progress bars among lines: which states became which line. Pure.

What is drawn anew is one line with its last state, and a series of the states in between, one a second at most; nothing else ties
them together. A state belongs to the next line that is a bar of the same label: the letters before its first number or bar.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple

_BAR = re.compile(r"[\u2500-\u259f\u2800-\u28ff]|%|\d ?/ ?\d|[=#>.-]{4,}")
_HEAD = re.compile(r"[^\d%|\[\u2500-\u259f]*")
_NO_LETTERS = re.compile(r"[\W\d_]+")


def bar_label(text: str) -> str | None:
    """Return what tells a progress bar from others; None of text that does not look like one."""
    if _BAR.search(text) is None:
        return None
    head = _HEAD.match(text)
    return _NO_LETTERS.sub(" ", head[0] if head else "").strip().lower()


class States(NamedTuple):
    """States of a bar: those after one step, up to another one, and how many there are."""

    after: int
    up_to: int
    size: int


class Bars:
    """When bars of each label were lines, and when they had which states. Steps are microseconds, and added in order."""

    def __init__(self) -> None:
        self._lines: dict[str, array[int]] = {}
        self._states: dict[str, array[int]] = {}

    @property
    def has_states(self) -> bool:
        """Whether anything was drawn anew."""
        return bool(self._states)

    @property
    def bytes_kept(self) -> int:
        """What the steps take."""
        return sum(8 * len(steps) for steps in (*self._lines.values(), *self._states.values()))

    def add_line(self, step: int, text: str) -> None:
        """Take a line."""
        if (label := bar_label(text)) is not None:
            self._lines.setdefault(label, array("q")).append(step)

    def add_state(self, step: int, text: str) -> None:
        """Take what was on the screen at one moment: a row for each bar."""
        for label in {bar_label(row) for row in text.split("\n")} - {None}:
            self._states.setdefault(label or "", array("q")).append(step)

    def states_of(self, step: int, text: str) -> States:
        """Return the states that became a line."""
        label = bar_label(text)
        states = None if label is None else self._states.get(label)
        if states is None or label is None:
            return States(step, step, 0)
        lines = self._lines.get(label, array("q"))
        at = bisect_left(lines, step)
        after = lines[at - 1] if at else -1
        return States(after, step, bisect_right(states, step) - bisect_right(states, after))

    def has_line_after(self, step: int, text: str) -> bool:
        """Return whether a state became a line."""
        label = bar_label(text)
        lines = None if label is None else self._lines.get(label)
        return lines is not None and lines[-1] >= step


def row_of(text: str, label: str | None) -> str:
    """Return the row of a state that is a bar of some label; all of it where none is."""
    rows = text.split("\n")
    return next((row for row in reversed(rows) if bar_label(row) == label), text)
