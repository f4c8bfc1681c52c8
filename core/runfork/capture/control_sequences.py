"""What programs write to a terminal, cut into text, control characters and control sequences. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_ESCAPE = 4096
"""Longest control sequence to wait for the end of."""

_MAX_DIGITS = 9

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TOKEN = re.compile(
    r"""(?P<text>(?:[^\x00-\x1f\x7f-\x9f]|\t)+)
    | (?P<newline>[\n\x0b\x0c])
    | (?P<carriage>\r)
    | (?P<backspace>\x08+)
    | \x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<control>[@-~])
    | (?P<string>\x1b[]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\|(?=[\n\x1b])))
    | \x1b(?P<cursor>[78])
    | (?P<ignored>\x1b[ -/]*[0-Z\\`-~] | [\x00-\x1f\x7f-\x9f])""",
    re.VERBOSE,
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*|[]PX^_][^\x07\x1b\n]*\x1b?)?\Z")


class Token(NamedTuple):
    """One piece.

    Args:
        kind: "text", "newline", "carriage", "backspace" (one or more), "control"; what has no effect is left out.
        text: The characters; of a control sequence the last one, which says what it does: "7" and "8" save and restore the cursor.
        parameters: Of a control sequence, what stands between.
    """

    kind: str
    text: str
    parameters: str = ""

    def number(self, position: int = 0) -> int:
        """Return a parameter; 0 where it is left out or absurd."""
        found = self.parameters.split(";")[position : position + 1]
        return int(found[0]) if found and found[0].isdecimal() and len(found[0]) <= _MAX_DIGITS else 0


def has_control(text: str) -> bool:
    """Return whether `text` is more than lines of ordinary characters and tabs."""
    return _CONTROL.search(text) is not None


def split_unfinished(text: str) -> tuple[str, str]:
    """Return `text` without a sequence at its end that may go on, and that sequence."""
    found = _UNFINISHED.search(text)
    if found is None or len(found[0]) > _MAX_ESCAPE:
        return text, ""
    return text[: found.start()], found[0]


def tokenise(text: str) -> Iterator[Token]:
    """Yield the pieces of `text` that have an effect."""
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind == "control":
            yield Token(kind, found["control"], found["parameters"])
        elif kind == "cursor":
            yield Token("control", found["cursor"])
        elif kind is not None and kind not in ("string", "ignored"):
            yield Token(kind, found[0])
