"""The application behind a socket: what uvicorn does of it, and how it ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import uvicorn

from runfork.disk.web_ui import leave_address, take_away
from runfork_server.access import Guard
from runfork_server.app import build_app, close_app

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from starlette.applications import Starlette

    from runfork_server.settings import ServerSettings
    from runfork_server.tokens import Tokens


_LOG = logging.getLogger("uvicorn.error")


class Serving:
    """Serves an application. `run` is called once.

    Args:
        settings: What the server goes by.
    """

    def __init__(self, settings: ServerSettings) -> None:
        app = build_app(settings)
        self.tokens: Tokens = app.state.tokens
        config = uvicorn.Config(
            Guard(app, settings, self.tokens),
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._settings = settings
        self._server = _Server(config, app)

    def run(self, listening: socket.socket) -> None:
        """Serve until a signal, or `stop`; meanwhile runs on this machine find its address (`runfork.disk.web_ui`).

        Raises:
            KeyboardInterrupt: Ctrl-C ended it; everything is closed by then.
        """
        self._server.left = leave_address(self._settings.directory, self._settings.address)
        try:
            self._server.run(sockets=[listening])
        finally:
            take_away(self._server.left)
            _LOG.disabled = False

    def stop(self) -> None:
        """End `run`, from whatever thread."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """A server that ends at once: what it streams, and the readers, end before it waits for connections."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app
        self.left: Path | None = None
        """What says where it answers."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the readers, then the connections."""
        _LOG.disabled = True  # questions that a slow disk keeps waiting end with the server, which is no fault
        take_away(self.left)  # now: the signal that ended it may end the process as soon as this returns
        await close_app(self._app)
        await super().shutdown(sockets)
