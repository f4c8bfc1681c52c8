r"""Extended regular expressions, by which names and paths are selected.

``a | b & !c`` reads: matches a, or matches b and does not match c. Alternatives are split at `` | ``, then parts at
`` & `` (the blanks are required, and may be ends of lines), a leading ``!`` negates. Each part is a regular expression
that may match anywhere. A literal blank or ``!`` can be written ``\x20`` and ``\x21``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern; build it with `compile_pattern`, or from exact names.

    Args:
        text: As it was written; empty for an exact one.
        alternatives: For each alternative its parts: whether the part is negated, and its expression.
        names: Exact names, instead of alternatives.
    """

    text: str = ""
    alternatives: tuple[tuple[tuple[bool, re.Pattern[str]], ...], ...] = ()
    names: frozenset[str] | None = None

    def matches(self, text: str) -> bool:
        """Return whether `text` satisfies the pattern."""
        if self.names is not None:
            return text in self.names
        return any(
            all((part.search(text) is None) is negated for negated, part in alternative)
            for alternative in self.alternatives
        )

    def matches_together(self, texts: Collection[str]) -> bool:
        """Return whether a set of texts satisfies the pattern: each part asks whether any of them matches."""
        if self.names is not None:
            return not self.names.isdisjoint(texts)
        return any(
            all(any(map(part.search, texts)) is not negated for negated, part in alternative)
            for alternative in self.alternatives
        )


def compile_pattern(text: str) -> Pattern:
    """Compile an extended regular expression.

    Raises:
        ArgumentError: A part is no regular expression.
    """
    return Pattern(text, tuple(tuple(map(_part, _AND.split(one))) for one in _OR.split(text)))


_BLANKS = " \t\r\n\f\v"
_OR, _AND = (re.compile(rf"[{_BLANKS}]{sign}[{_BLANKS}]") for sign in (r"\|", "&"))


def _stripped(text: str) -> str:
    """Return `text` without blanks around it; one that is escaped belongs to it."""
    found = text.strip(_BLANKS)
    behind = text[len(text.rstrip(_BLANKS)) :]
    is_escaped = (len(found) - len(found.rstrip("\\"))) % 2 == 1
    return found + behind[:1] if is_escaped else found


def _part(text: str) -> tuple[bool, re.Pattern[str]]:
    text = _stripped(text)
    negated = text.startswith("!")
    try:
        return negated, re.compile(text[1:].lstrip(_BLANKS) if negated else text)
    except re.error as error:
        raise ArgumentError(
            f"{text!r} is no regular expression: {error}; escape special characters with a backslash"
        ) from error
