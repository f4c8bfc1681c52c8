"""The projects of a data directory, and the readers of those that somebody asks for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from runfork.disk.layout import Store
from runfork_server.readers import ProjectReader

if TYPE_CHECKING:
    from pathlib import Path

_MOST_OPEN = 8
"""So many readers are open at most, beside those whose project is watched."""
_IDLE_SECONDS = 120.0
_SWEEP_SECONDS = 30.0
_LONGEST_CLOSE_SECONDS = 1.0
"""So long the end waits for a thread that drains or answers; it ends with the process then."""


class Projects:
    """Holds a reader for each project that is asked for. For the thread of one event loop.

    Args:
        directory: The data directory; it need not be there.
    """

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory)
        self.is_closed = False
        self._readers: dict[str, ProjectReader] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def reader(self, name: str) -> ProjectReader:
        """Return the reader of a project, opened if it is not there yet.

        Those that nobody has asked for a while are closed, and where many are open, the one asked longest ago.
        """
        found = self._readers.get(name)
        if found is None:
            self._make_room()
            found = self._readers[name] = ProjectReader(name, self.store.directory, asyncio.get_running_loop())
            self._sweep_later()
        return found

    def _make_room(self) -> None:
        unwatched = sorted((reader for reader in self._readers.values() if not reader.watchers), key=_by_use)
        for reader in unwatched[: max(0, len(self._readers) - _MOST_OPEN + 1)]:
            self._close(reader)

    def _close(self, reader: ProjectReader) -> None:
        del self._readers[reader.name]
        reader.close()

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        old = time.monotonic() - _IDLE_SECONDS
        for reader in [*self._readers.values()]:
            if not reader.watchers and reader.asked_at < old:
                self._close(reader)
        if self._readers:
            self._sweep_later()

    async def close(self) -> None:
        """Close all readers."""
        self.is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        readers = [*self._readers.values()]
        self._readers.clear()
        for reader in readers:
            reader.close()
        await asyncio.gather(*(reader.wait_until_closed(_LONGEST_CLOSE_SECONDS) for reader in readers))


def _by_use(reader: ProjectReader) -> float:
    return reader.asked_at
