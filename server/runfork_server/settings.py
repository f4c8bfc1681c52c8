"""What a server goes by, as one frozen object."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7355
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  to be told from others


@dataclass(frozen=True)
class ServerSettings:
    """What a server goes by. It touches no file; the data directory may come later.

    Args:
        directory: The data directory.
        project: The project whose page is opened first, ``workspace/project``; None lets the page choose.
        token: What whoever asks has to know; None asks for nothing.
        host: Where the server listens.
        port: Its port.
        root_path: The path below which a proxy serves it, such as ``/proxy/7355``; empty for none.
        allowed_hosts: Names in a ``Host`` header that are answered beside those of this machine's own loopback and `host`.
        cookie_key: What cookies are made from; the same one lets pages go on when the server is started again. None takes the
            token.
    """

    directory: Path
    project: str | None = None
    token: str | None = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    root_path: str = ""
    allowed_hosts: tuple[str, ...] = ()
    cookie_key: bytes | None = None

    @property
    def address(self) -> str:
        """Where its pages begin, without the token: ``http://127.0.0.1:7355/``."""
        host = socket.gethostname() if self.host in EVERYWHERE else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{self.root_path}/"
