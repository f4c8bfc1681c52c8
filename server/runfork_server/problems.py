"""How errors are told: problem JSON as of RFC 9457, with the sentence that the command line would say.

Browsers report every answer of 400 or more as an error of the page, and a filter that is being typed is none. So who sends the
header ``X-Problems: answered`` gets what was asked wrongly, or is not there, with the status 200; `status` in it is as ever.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from runfork.errors import ArgumentError, NotFoundError, RunforkError
from runfork.index.interface import UnusableIndexError
from runfork.model.messages import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (ArgumentError, HTTPStatus.BAD_REQUEST),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (UnusableIndexError, HTTPStatus.SERVICE_UNAVAILABLE),
)

NOTHING = "there is nothing at this address; /api/v1/openapi.json says what there is"
_ANSWERED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE})


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return an error as ``application/problem+json``.

    Args:
        status: The HTTP status.
        detail: What is wrong and what to do, in a sentence.
        headers: Headers of the response.
        more: Members beside those of the RFC, such as ``position``; None is left out.
    """
    title = HTTPStatus(status).phrase
    members = {name: value for name, value in more.items() if value is not None}
    document = {"type": "about:blank", "title": title, "status": int(status), "detail": detail, **members}
    return Response(json.dumps(document), status, headers=headers, media_type="application/problem+json")


async def _tell_ours(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    told = problem(status, str(error), position=getattr(error, "position", None))
    if status in _ANSWERED and request.headers.get("x-problems") == "answered":
        told.status_code = HTTPStatus.OK
    return told


async def _tell_of_disk(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    return await _tell_ours(request, UnusableIndexError(unreadable(error)))


def unreadable(error: OSError) -> str:
    """Return in a sentence what could not be read, and why."""
    if error.strerror is None:
        return str(error)
    return f"{error.filename or 'a file'} cannot be read: {error.strerror.lower()}"


async def _tell_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = (
        _DETAILS.get(error.status_code, error.detail) if error.detail == _phrase(error.status_code) else error.detail
    )
    return problem(error.status_code, detail, headers=error.headers)


async def _tell_others(_: Request, error: Exception) -> Response:
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"this should not happen: {described(error)}; set RUNFORK_DEBUG=1 to see where, and report it",
    )


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


_DETAILS = {
    404: NOTHING,
    405: "this address does not answer to this method; /api/v1/openapi.json says to which it does",
}

EXCEPTION_HANDLERS: Mapping[Any, Any] = {
    RunforkError: _tell_ours,
    OSError: _tell_of_disk,
    HTTPException: _tell_http,
    Exception: _tell_others,
}


async def tell_health(_: Request) -> Response:
    """Answer that the server is there."""
    return PlainTextResponse("ok\n")
