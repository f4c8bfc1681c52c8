"""Live events: which project reads differently, as server-sent events. They carry revisions alone; data is asked for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse
from starlette.routing import Route

from runfork.errors import ArgumentError
from runfork.model.identifiers import check_project
from runfork_server.answers import projects_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runfork_server.projects import Projects
    from runfork_server.readers import Change, ProjectReader

_BEAT_SECONDS = 10.0
_MOST_PROJECTS = 8
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # proxies are to pass on each event at once


async def stream_events(request: Request) -> Response:
    """Answer with events, for as long as somebody listens."""
    names = [*dict.fromkeys(map(check_project, request.query_params.getlist("project")))]
    if not 1 <= len(names) <= _MOST_PROJECTS:
        raise ArgumentError(f"project must be given, once for each of up to {_MOST_PROJECTS}; found {len(names)}")
    last = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    events = _events(projects_of(request), names, _revisions(last, len(names)))
    return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)


def _revisions(text: str | None, count: int) -> list[int]:
    """Return the revisions that an event's id tells, by project; 0 where it tells none."""
    parts = (text or "").split("-")
    known = len(parts) == count and all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts)  # noqa: PLR2004
    return [int(part) for part in parts] if known else [0] * count


async def _events(projects: Projects, names: Sequence[str], told: list[int]) -> AsyncIterator[str]:
    listener = asyncio.Event()
    readers = [projects.reader(name) for name in names]
    for reader in readers:
        reader.watchers += 1
        reader.listeners.add(listener)
        reader.touch()
    try:
        yield "retry: 1000\n\n"
        while not any(reader.is_closed for reader in readers):
            listener.clear()
            for place, reader in enumerate(readers):
                change = reader.change_since(told[place])
                if change is not None:
                    told[place] = change.revision
                    yield _event("project", _told(reader, change), "-".join(map(str, told)))
                    if change.progress is not None:
                        done, total = change.progress
                        yield _event("progress", {"project": reader.name, "done": done, "total": total})
            try:
                await asyncio.wait_for(listener.wait(), _BEAT_SECONDS)
            except asyncio.TimeoutError:
                yield _event("beat", {})
    finally:
        for reader in readers:
            reader.watchers -= 1
            reader.listeners.discard(listener)


def _told(reader: ProjectReader, change: Change) -> dict[str, Any]:
    stands = reader.progress()
    return {
        "project": reader.name,
        "revision": change.revision,
        "run_count": reader.run_count,
        "run_ids": None if change.run_ids is None else sorted(change.run_ids),
        "is_reading": stands["is_reading"],
        "troubles": stands["troubles"],
    }


def _event(kind: str, data: dict[str, Any], event_id: str | None = None) -> str:
    identity = "" if event_id is None else f"id: {event_id}\n"
    return f"{identity}event: {kind}\ndata: {json.dumps(data)}\n\n"


ROUTES = [Route("/events", stream_events)]
