"""Weak references: a callback outlives trainings, and must keep neither models nor other callbacks."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def weakly(one: Any) -> Callable[[], Any]:
    """Return a function that returns `one` as long as somebody else holds it; None for None."""
    return weakref.ref(one) if one is not None else _nothing


def weak_method(method: Any) -> Callable[..., None]:
    """Return a function that calls `method` as long as its object lives."""
    found = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        if (one := found()) is not None:
            one(*arguments)

    return call


def _nothing() -> None:
    """Stand for a reference to nothing."""
