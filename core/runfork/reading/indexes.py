"""Opening an index by its URI: our own at once, others by the plugin that knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runfork.index.interface import Index
    from runfork.plugins import Plugins

_SQLITE = "sqlite:///"


def open_index(uri: str, plugins: Plugins | None = None, *, read_only: bool = False) -> Index:
    """Open the index that `uri` names.

    Looking for plugins takes longer than opening ours and reading a page, so they are asked for what is not ours, and only then.

    Args:
        uri: Ours are ``sqlite:///relative``, ``sqlite:////absolute`` and ``memory://``.
        plugins: Who knows others; None loads them where they are needed.
        read_only: Ours is not made where it is not there, and applies nothing.

    Raises:
        ArgumentError: Nobody knows it.
        UnusableIndexError: It is there, and cannot be used.
        StaleIndexError: Only to read, and there is none that can be read.
    """
    if uri == "memory://":
        from runfork.index.memory import MemoryIndex

        return MemoryIndex()
    if uri.startswith(_SQLITE) and len(uri) > len(_SQLITE):
        from runfork.index.sqlite import SqliteIndex

        return SqliteIndex(uri[len(_SQLITE) :], read_only=read_only)
    from runfork.plugins import load_plugins

    return (plugins or load_plugins()).open_index(uri)
