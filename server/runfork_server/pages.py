"""The web UI as it was built: one page for every address, and the files that it loads."""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from runfork.errors import NotFoundError
from runfork_server import notices
from runfork_server.access import forwarded_path
from runfork_server.problems import NOTHING, problem

if TYPE_CHECKING:
    from starlette.requests import Request

STATIC = Path(__file__).parent / "static"
_ASSETS = "assets/"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What a machine's own table says of endings is not the same everywhere."""
_FOREVER = "public, max-age=31536000, immutable"
_OTHER_NAMES = frozenset({"", "index.html"})
"""Addresses of the page where no project is."""


async def serve_page(request: Request) -> Response:
    """Answer with a file of the UI, or with its page for every other address."""
    path = request.path_params["path"]
    if path == "api" or path.startswith("api/"):
        raise NotFoundError(NOTHING)
    static: Path = request.app.state.static
    found = await asyncio.to_thread(_find, static, path)
    if found is not None:
        kept = _FOREVER if path.startswith(_ASSETS) else "no-cache"
        return FileResponse(found, media_type=_TYPES.get(found.suffix), headers={"Cache-Control": kept})
    if path.startswith(_ASSETS):
        raise NotFoundError(f"the web UI has no file {path!r:.100}; it was built anew, load the page again")
    raw_path = request.scope["raw_path"]
    below = forwarded_path(request.headers) if raw_path == b"/" else None
    base = base_of(raw_path) if below is None else f"{below}/"
    if not _is_page(raw_path):
        return notices.miss_page(base) if notices.wants_page(request.headers) else problem(404, NOTHING)
    try:
        page = await asyncio.to_thread((static / "index.html").read_text, "utf-8")
    except OSError:
        return notices.tell_unbuilt(base)
    return HTMLResponse(
        page.replace("<head>", f'<head>\n    <base href="{escape(base)}" />', 1), headers={"Cache-Control": "no-cache"}
    )


def base_of(raw_path: bytes) -> str:
    """Return the way from a page to where the server's paths begin, whatever prefix proxies put before them."""
    return "../" * (raw_path.count(b"/") - 1) or "./"


def _is_page(raw_path: bytes) -> bool:
    """Return whether an address is that of the list of projects, or of a project, whichever page of it."""
    path = raw_path.decode("latin-1").lstrip("/")
    root, *below = path.split("/")
    return path in _OTHER_NAMES or (root == "p" and 2 <= len(below) <= 3 and all(below[:2]))  # noqa: PLR2004


def _find(static: Path, path: str) -> Path | None:
    parts = path.split("/")
    if path == "index.html" or any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        found = static.joinpath(*parts)
        return found if found.suffix in _TYPES and found.is_file() else None
    except (OSError, ValueError):
        return None


ROUTES = [Route("/{path:path}", serve_page)]
