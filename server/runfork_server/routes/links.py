"""Tokens for links: who is in may hand on a link that lets others in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from runfork_server.answers import json_response, read_body
from runfork_server.arguments import Arguments

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from runfork_server.tokens import Tokens


async def make_link(request: Request) -> Response:
    """Answer the token that a link carries; null where the server asks for none."""
    given = Arguments(await read_body(request))
    given.refuse_others(("once",))
    tokens: Tokens = request.app.state.tokens
    answer = json_response({"token": tokens.make_for_once() if given.flag("once") else tokens.for_links})
    answer.headers["Cache-Control"] = "no-store"
    return answer


ROUTES = [Route("/links", make_link, methods=["POST"])]
