"""How handlers read and answer: the project of a path, arguments and bodies in words, and JSON with revision and ETag."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from runfork.errors import ArgumentError
from runfork.model.identifiers import check_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from runfork_server.projects import Projects
    from runfork_server.readers import ProjectReader
    from runfork_server.served_project import ServedProject
    from runfork_server.settings import ServerSettings

PROJECT = "/projects/{workspace}/{project}"
"""How the paths of a project's routes begin."""

_LARGEST_BODY = 4 * 1024 * 1024


def settings_of(request: Request) -> ServerSettings:
    """Return what the server goes by."""
    settings: ServerSettings = request.app.state.settings
    return settings


def projects_of(request: Request) -> Projects:
    """Return the projects that the server reads."""
    projects: Projects = request.app.state.projects
    return projects


def project_name(request: Request) -> str:
    """Return the project that a path names.

    Raises:
        ArgumentError: It is no name of a project.
    """
    return check_project(f"{request.path_params['workspace']}/{request.path_params['project']}")


def project_reader(request: Request) -> ProjectReader:
    """Return the reader of the project that a path names."""
    return projects_of(request).reader(project_name(request))


async def answer_project(
    request: Request,
    question: Callable[[ServedProject], Mapping[str, Any]],
    *,
    is_long: bool = False,
    beside: Callable[[], Mapping[str, Any]] | None = None,
) -> Response:
    """Ask the project of a path, and answer as JSON with its revision.

    Args:
        request: What was asked.
        question: Called on the reader's thread; it returns the document, without ``revision``.
        is_long: As in `ProjectReader.read`.
        beside: Called on the event loop's thread when the answer is there; what it returns is told in the same document.
    """
    reader = project_reader(request)
    is_get = request.method == "GET"
    await reader.wait_until_recent()
    if is_get and request.headers.get("if-none-match") == etag(reader.revision):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=_kept(reader.revision))
    asked_at = reader.revision
    headers = _kept(asked_at) if is_get else None
    if beside is not None:
        found = (await reader.read(question, is_long=is_long)).value
        content = encode({"revision": asked_at, **found, **beside()})
    else:
        answer = await reader.read(lambda project: encode({"revision": asked_at, **question(project)}), is_long=is_long)
        content = answer.value
    return Response(content, media_type="application/json", headers=headers)


def etag(revision: int) -> str:
    """Return the entity tag of a revision."""
    return f'"{revision}"'


def _kept(revision: int) -> dict[str, str]:
    return {"ETag": etag(revision), "Cache-Control": "no-cache"}


def json_response(document: Any) -> Response:
    """Return a document that belongs to no project."""
    return Response(encode(document), media_type="application/json", headers={"Cache-Control": "no-store"})


def encode(document: Any) -> bytes:
    """Return a document as JSON in UTF-8."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a character, which a name may hold
        return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries.

    Raises:
        ArgumentError: It is none, or is too large.
    """
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > _LARGEST_BODY:
            raise ArgumentError(f"the body must have at most {_LARGEST_BODY} bytes")
    try:
        document = json.loads(b"".join(parts))
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"the body must be a JSON object: {error}") from None
    if not isinstance(document, dict):
        raise ArgumentError(f"the body must be a JSON object, found {type(document).__name__}")
    return document
