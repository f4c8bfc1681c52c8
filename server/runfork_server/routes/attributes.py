"""Which attributes a project has: for choosing columns, metrics and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from runfork.errors import ArgumentError
from runfork.model.attributes import AttributeType
from runfork.model.patterns import compile_pattern
from runfork_server.answers import PROJECT, answer_project, read_body
from runfork_server.arguments import Arguments
from runfork_server.trying import try_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runfork_server.served_project import ServedProject

_MOST = 5000
_LARGEST = 2**53
_MOST_RUNS = 10_000


async def search_attributes(request: Request) -> Response:
    """Answer paths, their types, and how many runs have them, inherited ones counted."""
    given = Arguments(await read_body(request))
    given.refuse_others(("q", "types", "run_ids", "limit", "offset"))
    text, types = given.text("q"), _types(given)
    pattern = compile_pattern(text) if text else None
    run_ids = given.texts("run_ids", most=_MOST_RUNS)
    limit, offset = given.whole("limit", 500, high=_MOST), given.whole("offset", 0, high=_LARGEST)

    def question(project: ServedProject) -> dict[str, Any]:
        if text:
            try_pattern(text, lambda: (one.path for one in project.index.definitions()))
        found = project.index.definitions(run_ids=run_ids, pattern=pattern, types=types)
        page = [
            {"path": one.path, "type": one.type, "run_count": one.run_count} for one in found[offset : offset + limit]
        ]
        return {"total": len(found), "attributes": page}

    return await answer_project(request, question)


def _types(given: Arguments) -> Sequence[AttributeType] | None:
    names = given.texts("types", most=len(AttributeType))
    known = {kind.value: kind for kind in AttributeType}
    for name in names or ():
        if name not in known:
            raise ArgumentError(f"types must be some of {', '.join(known)}, found {name!r:.80}")
    return None if names is None else [known[name] for name in names]


ROUTES = [Route(f"{PROJECT}/attributes/search", search_attributes, methods=["POST"])]
