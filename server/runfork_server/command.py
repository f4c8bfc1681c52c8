"""``runfork ui``: serves a data directory on this machine, and opens the web UI."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette

from runfork_server.app import build_app, close_app

if TYPE_CHECKING:
    from runfork_server.settings import ServerSettings

_BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 picks a free one.

    Raises:
        OSError: It is taken, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listening.set_inheritable(False)
    return listening


def make_server(settings: ServerSettings) -> uvicorn.Server:
    """Return a server for settings; its `run` is given the socket."""
    app = build_app(settings)
    config = uvicorn.Config(
        app,
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
    return _Server(config)


class _Server(uvicorn.Server):
    """A server that ends at once: what it streams, and the readers, end before it waits for connections."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the readers, then the connections."""
        app = self.config.app
        if isinstance(app, Starlette):
            await close_app(app)
        await super().shutdown(sockets)
