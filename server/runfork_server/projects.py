"""The projects of a data directory, and the readers of those that somebody asks for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runfork.disk.layout import Store
from runfork_server.readers import ProjectReader

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST_CLOSE_SECONDS = 1.0
"""So long the end waits for a thread that drains or answers; it ends with the process then."""


class Projects:
    """Holds a reader for each project that is asked for. For the thread of one event loop.

    Args:
        directory: The data directory; it need not be there.
    """

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory)
        self._readers: dict[str, ProjectReader] = {}

    def reader(self, name: str) -> ProjectReader:
        """Return the reader of a project, opened if it is not there yet."""
        found = self._readers.get(name)
        if found is None or found.is_closed:
            found = self._readers[name] = ProjectReader(name, self.store.directory, asyncio.get_running_loop())
        return found

    async def close(self) -> None:
        """Close all readers."""
        readers = [*self._readers.values()]
        self._readers.clear()
        for reader in readers:
            reader.close()
        for reader in readers:
            await reader.wait_until_closed(_LONGEST_CLOSE_SECONDS)
