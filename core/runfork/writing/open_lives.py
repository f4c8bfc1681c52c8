"""The lives of runs that are open, for who is told of what befalls the process."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class OpenLives(Generic[T]):
    """Held weakly, in the order in which they came. Any thread and any signal handler may add, discard and look, all at once.

    Each method does one thing to a dict that no other thread can come between, which `weakref.WeakSet` does not: who looks at one
    while another thread adds to it gets an error.
    """

    def __init__(self) -> None:
        self._refs: dict[int, weakref.ref[T]] = {}

    def add(self, life: T) -> None:
        """Add one, unless it is there."""
        refs, number = self._refs, id(life)
        refs[number] = weakref.ref(life, lambda _: refs.pop(number, None))

    def discard(self, life: T) -> None:
        """Remove one, if it is there."""
        self._refs.pop(id(life), None)

    def __iter__(self) -> Iterator[T]:
        return iter([life for ref in tuple(self._refs.values()) if (life := ref()) is not None])

    def __bool__(self) -> bool:
        return any(True for _ in self)
