"""NumPy, imported when something of it is used first: a page of runs is read without it, in less time than the import takes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["np"]


class _Later:
    """Has what NumPy has."""

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(import_module("numpy"), name)
        return found


np: Any = _Later()
