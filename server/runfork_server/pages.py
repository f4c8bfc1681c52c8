"""The web UI as it was built: one page for every address, and the files that it loads."""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from runfork.errors import NotFoundError

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
_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>runfork</title></head>
<body>
<h1>The web UI is not built</h1>
<p>This is a checkout without it: <code>python3 recipes.py ui</code> builds it, then load this page again.
The API answers meanwhile: <a href="{base}api/v1/openapi.json">what it offers</a>.</p>
</body>
</html>
"""


async def serve_page(request: Request) -> Response:
    """Answer with a file of the UI, or with its page for every other address."""
    path = request.path_params["path"]
    if path == "api" or path.startswith("api/"):
        raise NotFoundError("there is nothing at this address; /api/v1/openapi.json says what there is")
    static: Path = request.app.state.static
    found = await asyncio.to_thread(_find, static, path)
    if found is not None:
        kept = _FOREVER if path.startswith(_ASSETS) else "no-cache"
        return FileResponse(found, media_type=_TYPES.get(found.suffix), headers={"Cache-Control": kept})
    if path.startswith(_ASSETS):
        raise NotFoundError(f"the web UI has no file {path!r:.100}; it was built anew, load the page again")
    base = base_of(request.scope["raw_path"])
    try:
        page = await asyncio.to_thread((static / "index.html").read_text, "utf-8")
    except OSError:
        return HTMLResponse(_NOT_BUILT.format(base=base), 503, headers={"Cache-Control": "no-store"})
    return HTMLResponse(
        page.replace("<head>", f'<head>\n    <base href="{escape(base)}" />', 1), headers={"Cache-Control": "no-cache"}
    )


def base_of(raw_path: bytes) -> str:
    """Return the way from a page to where the server's paths begin, whatever prefix proxies put before them."""
    return "../" * (raw_path.count(b"/") - 1) or "./"


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
