"""The application: routes, what they share, and how errors are told. `build_app` makes one from settings.

To add a route:

1. Write ``routes/<noun>.py`` with handlers and ``ROUTES``, a list of `starlette.routing.Route` whose paths are relative to
   ``/api/v1`` (those of a project begin with ``PROJECT``), and add the module to ``_MODULES`` here.
2. A handler that reads a project says what it wants to know as a function of a `ServedProject`, which is called on the
   reader's thread, and answers::

       async def read_things(request: Request) -> Response:
           run = Arguments.of_query(request).wanted_text("run")
           return await answer_project(request, lambda project: {"things": things_of(project.index, run)})

   `answer_project` adds ``revision`` and ETag, answers ``304 Not Modified``, and encodes on the reader's thread. What is not JSON
   asks by itself: ``answer = await project_reader(request).read(question)`` gives ``answer.revision`` and ``answer.value``.
   The function must not keep the project or its index, and must not wait for anything; what it returns must not depend on them.
3. What cannot be used raises `ArgumentError` (400), what is not there `NotFoundError` (404), with the sentence that the command
   line would say; `runfork_server.problems` makes problem JSON of it. A body is read by `read_body`.
4. Describe it in ``openapi/paths.py``; tests compare that with the routes and with real answers.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from runfork_server import pages
from runfork_server.problems import EXCEPTION_HANDLERS, tell_health
from runfork_server.projects import Projects
from runfork_server.routes import (
    attributes,
    console,
    differences,
    events,
    files,
    information,
    lineage,
    links,
    run_tables,
    runs,
    series,
    views,
)
from runfork_server.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runfork_server.settings import ServerSettings

API = "/api/v1"

_MODULES = (
    information,
    events,
    runs,
    run_tables,
    attributes,
    lineage,
    differences,
    views,
    links,
    series,
    console,
    files,
)


def build_app(settings: ServerSettings) -> Starlette:
    """Return the application. It reads nothing before it is asked; `close_app` closes what it opened."""
    routes = [route for module in _MODULES for route in module.ROUTES]
    app = Starlette(
        routes=[Mount(API, routes=routes), Route("/healthz", tell_health), *pages.ROUTES],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=_closing_at_the_end,
    )
    app.state.settings = settings
    app.state.projects = Projects(settings.directory)
    app.state.tokens = Tokens(settings)
    app.state.static = pages.STATIC
    app.state.views = views.Views(settings.directory)
    return app


@asynccontextmanager
async def _closing_at_the_end(app: Starlette) -> AsyncIterator[None]:
    yield
    await close_app(app)


async def close_app(app: Starlette) -> None:
    """Close the readers of an application."""
    projects: Projects = app.state.projects
    await projects.close()
