"""What the server is, which projects there are, and how far one has been read."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from runfork.model.clock import now_us
from runfork.query.documents import json_time
from runfork_server.answers import (
    PROJECT,
    answer_project,
    json_response,
    project_reader,
    projects_of,
    settings_of,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from runfork.disk.layout import Store
    from runfork.reading.project import Project

_LOOKED_INTO = 20
"""Runs of each project whose journals are looked at, for the list of projects."""

_FEATURES = ("events", "series", "console", "files", "lineage", "differences", "views")


async def read_info(request: Request) -> Response:
    """Answer what this server is and where it reads."""
    settings = settings_of(request)
    return json_response(
        {
            "name": "runfork",
            "version": version("runfork"),
            "directory": str(settings.directory),
            "project": settings.project,
            "time": json_time(now_us()),
            "features": list(_FEATURES),
        }
    )


async def list_projects(request: Request) -> Response:
    """Answer which projects there are, from their folders alone."""
    store = projects_of(request).store
    found = await asyncio.to_thread(_projects_of, store)
    return json_response({"directory": str(store.directory), "projects": found})


def _projects_of(store: Store) -> list[dict[str, Any]]:
    return [about for name in store.projects() if (about := _about(store, name)) is not None]


def _about(store: Store, name: str) -> dict[str, Any] | None:
    try:
        with os.scandir(store.project_directory(name)) as entries:
            runs = [(entry.stat().st_mtime, entry.path) for entry in entries if entry.is_dir()]
    except OSError:  # it was deleted at this moment
        return None
    modified = _last_written(runs)
    return {"name": name, "run_count": len(runs), "modified": modified and json_time(int(modified * 1e6))}


def _last_written(runs: list[tuple[float, str]]) -> float | None:
    """Return when a journal among those of the latest runs was written to; a folder tells of new journals alone."""
    times = [time for time, _ in runs]
    for _, folder in sorted(runs)[-_LOOKED_INTO:]:
        with suppress(OSError), os.scandir(folder) as entries:
            times += [entry.stat().st_mtime for entry in entries]
    return max(times, default=None)


async def read_project(request: Request) -> Response:
    """Answer how many runs a project has, and how far its journals have been read."""
    return await answer_project(request, _counts, beside=project_reader(request).progress)


def _counts(project: Project) -> dict[str, Any]:
    nodes = project.index.nodes()
    names = {node.experiment_name for node in nodes.values()} - {None}
    return {
        "name": project.name,
        "directory": str(project.store.project_directory(project.name)),
        "run_count": len(nodes),
        "experiment_count": len(names),
    }


async def read_description(_: Request) -> Response:
    """Answer the OpenAPI document."""
    from runfork_server.openapi import describe_api

    return json_response(describe_api())


ROUTES = [
    Route("/openapi.json", read_description),
    Route("/info", read_info),
    Route("/projects", list_projects),
    Route(PROJECT, read_project),
]
