"""Canaries: the names of frameworks that our code uses and that no documentation promises, each with what of ours needs it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


class PrivateName(NamedTuple):
    """A name that a framework may take away with any version.

    Args:
        name: Where it is found.
        needed_for: What of ours stops working without it, and where that is.
        is_as_known: Whether it still is what we take it for, by what was seen of the framework at work.
    """

    name: str
    needed_for: str
    is_as_known: Callable[[Any], bool]

    def __str__(self):
        return self.name


def check(package: str, one: PrivateName, seen: Any) -> None:
    """Fail with the version that broke a name, and with what depends on it."""
    try:
        holds, why = one.is_as_known(seen), ""
    except Exception as error:
        holds, why = False, f" ({type(error).__name__}: {error})"
    if not holds:
        pytest.fail(
            f"{package} {version(package)} broke {one.name}{why}. We need it for: {one.needed_for}", pytrace=False
        )
