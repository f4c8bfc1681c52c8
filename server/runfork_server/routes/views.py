"""Views whose state is too long for an address: kept by what they say, so that the same state has the same id."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.routing import Route

from runfork.errors import ArgumentError, NotFoundError
from runfork_server.answers import json_response, read_body
from runfork_server.arguments import Arguments

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

FOLDER = ".views"
_MOST_BYTES = 64 * 1024
_ID = re.compile(r"[0-9a-f]{24}")
_MOST_KEPT = 500
"""So many are kept in memory where the data directory cannot be written to."""


class Views:
    """The views of a data directory. For the thread of one event loop, and threads that it waits for.

    Args:
        directory: The data directory. It is not made: as long as it is not there, views are kept in memory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept: dict[str, bytes] = {}

    def save(self, query: str) -> str:
        """Keep a view; return its id."""
        data = query.encode("utf-8", "surrogatepass")
        if len(data) > _MOST_BYTES:
            raise ArgumentError(f"query must have at most {_MOST_BYTES} bytes, found {len(data)}")
        view = hashlib.sha256(data).hexdigest()[:24]
        try:
            self._write(view, data)
        except OSError:  # read-only, or no space: it lives as long as the server
            self._kept[view] = data
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return view

    def _write(self, view: str, data: bytes) -> None:
        folder = self._directory / FOLDER
        if (folder / view).exists():
            return
        if not folder.exists():
            folder.mkdir()  # and not those above it
        handle, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(folder / view)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def read(self, view: str) -> str:
        """Return a view.

        Raises:
            NotFoundError: There is none of this id.
        """
        if _ID.fullmatch(view):
            if view in self._kept:
                return self._kept[view].decode("utf-8", "surrogatepass")
            with suppress(OSError, UnicodeDecodeError):
                return (self._directory / FOLDER / view).read_bytes().decode("utf-8", "surrogatepass")
        raise NotFoundError(f"there is no view {view!r:.80}; the link may be of another data directory")


def _views(request: Request) -> Views:
    views: Views = request.app.state.views
    return views


async def save_view(request: Request) -> Response:
    """Keep a view; answer its id."""
    given = Arguments(await read_body(request))
    given.refuse_others(("query",))
    view = await asyncio.to_thread(_views(request).save, given.wanted_text("query"))
    return json_response({"id": view})


async def read_view(request: Request) -> Response:
    """Answer a view that was kept."""
    query = await asyncio.to_thread(_views(request).read, request.path_params["id"])
    return json_response({"query": query})


ROUTES = [Route("/views", save_view, methods=["POST"]), Route("/views/{id}", read_view)]
