"""The built-in plugin that opens ``sqlite:///path`` and ``memory://``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.hooks import hookimpl

if TYPE_CHECKING:
    from runfork.index.interface import Index

__all__ = ["open_index"]

_SQLITE = "sqlite:///"


@hookimpl
def open_index(uri: str) -> Index | None:
    """Open our own indexes: ``sqlite:///relative``, ``sqlite:////absolute``, ``memory://``."""
    if uri == "memory://":
        from runfork.index.memory import MemoryIndex

        return MemoryIndex()
    if uri.startswith(_SQLITE) and len(uri) > len(_SQLITE):
        from runfork.index.sqlite import SqliteIndex

        return SqliteIndex(uri[len(_SQLITE) :])
    return None
