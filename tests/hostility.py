"""Objects that raise when they are looked at, wherever that may be, and such as have no end."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from hypothesis import strategies as st


class OwnError(Exception):
    """What nobody expects, and cannot be told either."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


RAISED = [RuntimeError, MemoryError, RecursionError, AttributeError, TypeError, KeyError, StopIteration, OwnError]
METHODS = [
    *(
        "__str__ __repr__ __format__ __eq__ __hash__ __len__ __iter__ __bool__ __contains__ __getitem__ __float__".split()
    ),
    *("__int__ __index__ __fspath__ __lt__ __call__ __getattr__ __abs__ __round__ __bytes__ __array__".split()),
    *("keys items values item tolist isoformat total_seconds as_integer_ratio encode numpy astimezone".split()),
]
PROPERTIES = "__class__ __dict__ shape dtype name value mask filled counts columns tzinfo year _fields".split()


class PlainMapping(Mapping[str, Any]):
    """A mapping of somebody's own."""

    def __init__(self, parts: Any = ()) -> None:
        self.parts = dict(parts)

    def __getitem__(self, key: str) -> Any:
        return self.parts[key]

    def __iter__(self) -> Any:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)


class PlainSequence(Sequence[Any]):
    """A sequence of somebody's own."""

    def __getitem__(self, index: Any) -> Any:
        return ["a", "b"][index]

    def __len__(self) -> int:
        return 2


class PlainSet(AbstractSet[Any]):
    """A set of somebody's own."""

    def __contains__(self, one: object) -> bool:
        return one == "a"

    def __iter__(self) -> Any:
        return iter("ab")

    def __len__(self) -> int:
        return 2


@dataclasses.dataclass
class Record:
    """A dataclass."""

    a: int = 1


class Offering:
    """A mapping that does not say that it is one."""

    def keys(self) -> Any:
        return ["a"]

    def __getitem__(self, key: str) -> Any:
        return key


Pair = collections.namedtuple("Pair", "a b", defaults=(1, 2))  # noqa: PYI024
BASES = [
    *(object, dict, list, set, str, int, float, bytes, tuple, Exception),
    *(PlainMapping, PlainSequence, PlainSet, Record, Offering, Pair, argparse.Namespace),
]
CONTENTS: dict[Any, Any] = {dict: {"a": 1}, list: ["a", "b"], set: ["a", "b"]}


def _raiser(error: type[Exception]) -> Any:
    def raises(*_: Any, **__: Any) -> Any:
        raise error("not now")

    return raises


def _endless(kind: str) -> Any:
    def iterates(*_: Any) -> Any:
        return itertools.repeat("a") if kind == "same" else map(str, itertools.count())

    return iterates


@st.composite
def hostile(draw: st.DrawFn) -> Any:
    """Return what makes an object of one of many kinds: some ways to read it raise, and its iteration may have no end."""
    base: Any = draw(st.sampled_from(BASES))
    error = draw(st.sampled_from(RAISED))
    body: dict[str, Any] = {}
    for name in draw(st.sets(st.sampled_from(METHODS), max_size=6)):
        body[name] = _raiser(error)
    for name in draw(st.sets(st.sampled_from(PROPERTIES), max_size=3)):
        body[name] = property(_raiser(error))
    if draw(st.integers(0, 9)) == 0:
        body["__getattribute__"] = _raiser(error)
    if draw(st.integers(0, 4)) == 0:
        endless = _endless(draw(st.sampled_from(["same", "other"])))
        body.update({"__iter__": endless, "keys": endless})
    made = base.__new__(type("Hostile", (base,), body))
    contents = CONTENTS.get(base)
    if contents is not None and draw(st.booleans()):
        base.__init__(made, contents)
    elif base is PlainMapping:
        object.__setattr__(made, "parts", {"a": 1})
    return lambda: made  # Hypothesis, too, would look at it
