"""Names that people give attributes and runs: the words of our tables, and what is closest to a name that means nothing."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from runfork.errors import ArgumentError
from runfork.model.filters import AllOf, AnyOf
from runfork.model.identifiers import generated_prefix, several_runs
from runfork.model.patterns import Pattern, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from runfork.index.interface import Index

HEADINGS: Mapping[str, str] = {
    "run": "sys/custom_run_id",
    "experiment": "sys/name",
    "state": "sys/state",
    "created": "sys/creation_time",
    "duration": "sys/running_time_seconds",
    "parent": "sys/forking/parent",
    "tags": "sys/tags",
    "group_tags": "sys/group_tags",
    "description": "sys/description",
    "owner": "sys/owner",
    "archived": "sys/archived",
}
"""Words that tables and pages have as titles, and the attributes that they show."""

_SHOWN = 5


def full_name(name: str, index: Index) -> str:
    """Return the run id that is meant by its first words, as ``runfork ls`` prints it; any other name as it is.

    Ids that somebody chose have no short names: of ``seed-1`` and ``seed-10`` one must not be taken for the other.

    Raises:
        ArgumentError: Several runs have ids that begin with these words.
    """
    nodes = index.nodes()
    if name in nodes:
        return name
    found = sorted(run_id for run_id in nodes if run_id.startswith(f"{name}-") and generated_prefix(run_id) is not None)
    if len(found) > 1:
        raise several_runs(name, found)
    return found[0] if found else name


def short_names(run_ids: Iterable[str], experiment_names: Iterable[str] = ()) -> dict[str, str]:
    """Return what to call each run where room is scarce; it is a prefix of its id, and no other run's or experiment's.

    Args:
        run_ids: Every run of the project.
        experiment_names: Every experiment of the project.
    """
    ids = list(run_ids)
    found = {run_id: prefix for run_id in ids if (prefix := generated_prefix(run_id))}
    uses = Counter(found.values())
    taken = {*ids, *experiment_names}
    others = sorted(run_id for run_id in ids if run_id not in found)

    def is_free(short: str) -> bool:
        following = bisect_left(others, short)
        is_begun = following < len(others) and others[following].startswith(short)
        return uses[short] == 1 and short not in taken and not is_begun

    return {run_id: short if (short := found.get(run_id)) and is_free(short) else run_id for run_id in ids}


def refuse_filter(argument: str, text: str) -> None:
    """Raise an ArgumentError if text that was taken for a pattern, and matches nothing, reads as a filter."""
    from runfork.model.filters import Filter

    try:
        condition = Filter.parse(text)
    except ArgumentError:
        return
    if isinstance(condition, (AllOf, AnyOf)) and not condition.parts:
        return
    raise ArgumentError(
        f"{argument}={text!r} is a pattern of names, and none matches; as a filter it is {argument}=Filter.parse({text!r})"
    )


def headings(paths: Iterable[str], index: Index) -> dict[str, str]:
    """Return the attributes that are meant by those of `paths` that are words of our tables and that no run has itself."""
    words = frozenset(path for path in paths if path in HEADINGS)
    taken = {one.path for one in index.definitions(pattern=Pattern(names=words))} if words else set()
    return {word: HEADINGS[word] for word in words - taken}


def closest(name: str, there: Collection[str]) -> str | None:
    """Return what of `there` was most likely meant by `name`, None if nothing is like it."""
    close = difflib.get_close_matches(name, there, n=1, cutoff=0.7)
    if close:
        return close[0]
    words = _last_words(name)
    alike = sorted(
        (len(one), one) for one in there if _is_short_for(words, _last_words(one)) or one.startswith(f"{name}/")
    )
    if alike:
        return alike[0][1]
    return next(iter(difflib.get_close_matches(name, there, n=1, cutoff=0.5)), None)


def _last_words(name: str) -> list[str]:
    """Return the words of the last part of a path."""
    return [word for word in re.split(r"[^a-z0-9]+", name.rpartition("/")[2].lower()) if word]


def _is_short_for(words: list[str], others: list[str]) -> bool:
    """Return whether names are of the same words, or one is the initials of the other, as ``lr`` of ``learning_rate``."""
    initials = ["".join(word[0] for word in some) if len(some) > 1 else None for some in (words, others)]
    return words == others or [initials[0]] == others or words == [initials[1]]


def suggestion(names: Iterable[str], there: Collection[str], *, are_exact: bool = False) -> str:
    """Return the end of a sentence that tells what was most likely meant by `names`; empty if nothing is like them.

    Args:
        names: What is not there.
        there: What is.
        are_exact: Whether they were listed, and may have been meant as patterns.
    """
    names = [*names]
    if are_exact and any(map(_is_pattern(names), there)):
        return "; a list has exact names, pass a pattern as a str"
    found = dict.fromkeys(close for name in names if (close := closest(name, there)) is not None)
    return f"; did you mean {listed(found)}?" if found else ""


def attribute_suggestion(paths: Iterable[str], index: Index) -> str:
    """Return the end of a sentence that tells which attributes of a project, or words of tables, were most likely meant."""
    return suggestion(paths, {one.path for one in index.definitions()} | {*HEADINGS})


def _is_pattern(names: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a text matches one of `names`, read as patterns of many."""
    patterns = []
    for name in names:
        with suppress(ArgumentError):
            patterns += [compile_pattern(name)] if any(sign in name for sign in ("*", "+", "|", "^", "$")) else []
    return lambda text: any(pattern.matches(text) for pattern in patterns)


def listed(names: Iterable[str]) -> str:
    """Return names for a sentence, the first few of many."""
    every = [*names]
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(map(repr, every[:_SHOWN])) + more
