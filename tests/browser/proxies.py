"""A proxy before a server, as notebooks and clouds have them: below a path of its own, and holding back streams."""

from __future__ import annotations

import copy
import http.client
import threading
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from runfork.testing.waits import HANG_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.ui_servers import UiServer


@contextmanager
def proxied(server: UiServer, *, holds: str = "") -> Iterator[UiServer]:
    """Return the server as it is reached through a proxy, which takes its root path off.

    Args:
        server: What is behind the proxy.
        holds: Answers to addresses that contain this never arrive, as long as the proxy is there.
    """
    is_over = threading.Event()
    upstream = server.address.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            if holds and holds in self.path:
                is_over.wait()
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.removeprefix(server.root_path) if server.root_path else self.path
            with closing(http.client.HTTPConnection(upstream, timeout=HANG_SECONDS)) as connection, suppress(OSError):
                try:
                    connection.request(self.command, path or "/", body, dict(self.headers))
                    answer = connection.getresponse()
                except (OSError, http.client.HTTPException):
                    self.send_error(502)
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"transfer-encoding", "connection", "date", "server"}:
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                while chunk := answer.read1(65536):
                    self.wfile.write(chunk)
            self.close_connection = True

        do_GET = do_POST = forward  # noqa: N815 the names are the library's

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        proxy.daemon_threads = True
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        seen = copy.copy(server)
        seen.address = f"http://127.0.0.1:{proxy.server_address[1]}"
        seen.url = server.url.replace(server.address, seen.address)
        yield seen
        is_over.set()
        proxy.shutdown()
        thread.join()
