"""Trying out regular expressions that may take for ever, where that stops nobody.

While Python matches, nothing else of its process goes on, Ctrl-C included. So an expression whose repeats may multiply is
matched by a process of its own first, with the same texts: what does not end there in time is refused.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from runfork.errors import ArgumentError
from runfork.model.filters import comparisons_in
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runfork.index.interface import Index
    from runfork.model.filters import Filter

LONGEST_SECONDS = 2.0
_REPEAT = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|([*+]|\{\d*,\d*\})", re.DOTALL)
_FEW = 2
"""So many repeats, none of a group, take no longer than the square of a text's length."""
_PROGRAM = """
import json, re, sys
asked = json.load(sys.stdin)
for part in asked["parts"]:
    search = re.compile(part).search
    for text in asked["texts"]:
        search(text)
"""


def try_pattern(pattern: str, texts: Callable[[], Iterable[str]]) -> None:
    """Refuse a pattern that would take too long.

    Args:
        pattern: As users write it.
        texts: Called for what it is to be matched with, where it has to be tried.

    Raises:
        ArgumentError: It takes longer than `LONGEST_SECONDS`.
    """
    parts = [part.pattern for one in compile_pattern(pattern).alternatives for _, part in one]
    risky = [part for part in parts if _may_multiply(part)]
    if not risky:
        return
    asked = json.dumps({"parts": risky, "texts": [*texts()]})
    try:
        subprocess.run(
            [sys.executable, "-I", "-c", _PROGRAM],
            input=asked.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ArgumentError(
            f"the pattern {pattern!r:.200} takes longer than {LONGEST_SECONDS:g} seconds; write it with fewer repeats in repeats"
        ) from None


def try_filter(condition: Filter, index: Index) -> None:
    """Refuse a filter one of whose patterns would take too long.

    Raises:
        ArgumentError: One does.
    """
    for one in comparisons_in(condition):
        if one.operator.endswith("MATCHES") and isinstance(one.value, str):
            try_pattern(one.value, lambda name=one.attribute.name: _texts_at(index, name))  # type: ignore[misc]


def _may_multiply(part: str) -> bool:
    repeats = [found for found in _REPEAT.finditer(part) if found[1]]
    return len(repeats) > _FEW or any(part[: found.start()].endswith(")") for found in repeats)


def _texts_at(index: Index, path: str) -> Iterator[str]:
    for values in index.values([*index.nodes()], paths=[path]).values():
        for value in values.values():
            content = value.content
            if isinstance(content, str):
                yield content
            elif isinstance(content, (list, tuple, set, frozenset)):
                yield from map(str, content)
