"""Logged files of a run: a list, and their contents, which must not do anything in a page of ours."""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from runfork_server.answers import PROJECT, answer_project, project_reader
from runfork_server.arguments import Arguments
from runfork_server.drawing.request import micros
from runfork_server.files import (
    Stretch,
    describe,
    disposition,
    find_file,
    find_files,
    folder_of,
    media_type,
    open_contents,
    read_range,
)
from runfork_server.problems import problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request

    from runfork_server.files import FoundFile
    from runfork_server.served_project import ServedProject

_MOST_FILES = 5000
_LARGEST = 2**53
_CHUNK_BYTES = 256 * 1024
_SAFE = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; img-src data: blob:; media-src data: blob:; style-src 'unsafe-inline'; font-src data:; "
        "form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
}


async def list_files(request: Request) -> Response:
    """Answer which files a run has."""
    given = Arguments.of_query(request)
    given.refuse_others(("run", "offset", "limit"))
    run = given.wanted_text("run")
    offset, limit = given.whole("offset", 0, high=_LARGEST), given.whole("limit", 1000, high=_MOST_FILES)

    def ask(project: ServedProject) -> dict[str, Any]:
        found = find_files(project.index, project.find_run(run))
        page = found[offset : offset + limit]
        return {"total": len(found), "files": [describe(file, folder_of(project, file)) for file in page]}

    return await answer_project(request, ask)


async def read_contents(request: Request) -> Response:
    """Answer the contents of a file, or a range of them."""
    given = Arguments.of_query(request)
    given.refuse_others(("run", "path", "step", "download"))
    run, path, step = given.wanted_text("run"), given.wanted_text("path"), given.number("step")
    is_download = given.flag("download")
    reader = project_reader(request)
    await reader.wait_until_recent()

    def ask(project: ServedProject) -> tuple[FoundFile, Path]:
        at = None if step is None else micros("step", step)
        file = find_file(project.index, project.find_run(run), path, at)
        return file, folder_of(project, file)

    file, folder = (await reader.read(ask)).value
    descriptor = await asyncio.to_thread(open_contents, folder, file)
    answer: Response | None = None
    try:
        answer = _answer(request, file, descriptor, is_download=is_download)
    finally:
        if not isinstance(answer, StreamingResponse):
            os.close(descriptor)
    assert answer is not None
    return answer


def _answer(request: Request, file: FoundFile, descriptor: int, *, is_download: bool) -> Response:
    size = file.reference.size_bytes
    tag = f'"{file.reference.sha256}"'
    headers = {**_SAFE, "ETag": tag, "Content-Disposition": disposition(file.reference, is_download=is_download)}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    asked = request.headers.get("range") if request.headers.get("if-range", tag) == tag else None
    try:
        part = read_range(asked, size)
    except ValueError:
        detail = f"the file has {size} bytes, and none of those that {asked!r:.80} asks for"
        return problem(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, detail, headers={**_SAFE, "Content-Range": f"bytes */{size}"}
        )
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    part = part or Stretch(0, size)
    headers["Content-Length"] = str(part.size)
    headers["Content-Type"] = media_type(file.reference)
    if status is HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {part.first}-{part.first + part.size - 1}/{size}"
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return _Contents(descriptor, part, status, headers)


class _Contents(StreamingResponse):
    """Bytes of an open file, which is closed at the end, or when whoever asked has gone."""

    def __init__(self, descriptor: int, part: Stretch, status: HTTPStatus, headers: dict[str, str]) -> None:
        super().__init__(_chunks(descriptor, part), status, headers)
        self._descriptor = descriptor

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)


async def _chunks(descriptor: int, part: Stretch) -> AsyncIterator[bytes]:
    position, end = part.first, part.first + part.size
    while position < end:
        chunk = await asyncio.to_thread(os.pread, descriptor, min(_CHUNK_BYTES, end - position), position)
        if not chunk:
            raise OSError("the file was cut while it was sent")
        position += len(chunk)
        yield chunk


ROUTES = [
    Route(f"{PROJECT}/files", list_files),
    Route(f"{PROJECT}/files/content", read_contents),
]
