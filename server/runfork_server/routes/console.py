"""The console of a run: pages of lines, earlier states of progress bars, search, and all of it as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

from starlette.responses import StreamingResponse
from starlette.routing import Route

from runfork.errors import ArgumentError
from runfork_server.answers import PROJECT, answer_project, json_response, project_reader
from runfork_server.arguments import Arguments
from runfork_server.console.view import MOST_LINES, ConsoleQuestion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from runfork_server.console.view import Stretch
    from runfork_server.readers import ProjectReader
    from runfork_server.served_project import ServedProject

_STREAMS = ("both", "stdout", "stderr")
_VIEW = ("run", "stream", "rank")
_LARGEST = 2**53
_MOST_FOUND = 100_000


def _question(project: ServedProject, given: Arguments) -> ConsoleQuestion:
    stream = cast("Literal['both', 'stdout', 'stderr']", given.choice("stream", _STREAMS, "both"))
    rank = given.whole("rank", -1, low=0, high=10**9)
    return ConsoleQuestion(project.find_run(given.wanted_text("run")), stream, None if rank < 0 else rank)


async def read_lines(request: Request) -> Response:
    """Answer a page of lines."""
    given = Arguments.of_query(request)
    given.refuse_others((*_VIEW, "offset", "limit"))
    offset, limit = given.whole("offset", 0, high=_LARGEST), given.whole("limit", 500, high=MOST_LINES)
    return await answer_project(
        request, lambda project: project.consoles.view(_question(project, given)).page(offset, limit)
    )


async def read_updates(request: Request) -> Response:
    """Answer how a progress bar looked before it was the line that it is."""
    given = Arguments.of_query(request)
    given.refuse_others((*_VIEW, "n"))
    number = given.whole("n", -1, high=_LARGEST)
    if number < 0:
        raise ArgumentError("n must be given: the number of a line")
    return await answer_project(
        request, lambda project: {"updates": project.consoles.view(_question(project, given)).updates(number)}
    )


async def search_lines(request: Request) -> Response:
    """Answer which lines hold a text; a portion of them at a time, so that other questions come in between."""
    given = Arguments.of_query(request)
    given.refuse_others((*_VIEW, "q", "limit"))
    wanted = given.wanted_text("q").casefold()
    limit = given.whole("limit", MOST_LINES, high=_MOST_FOUND)
    reader = project_reader(request)
    await reader.wait_until_recent()

    def begin(project: ServedProject) -> tuple[ConsoleQuestion, list[Stretch]]:
        question = _question(project, given)
        return question, project.consoles.view(question).stretches() if wanted else []

    question, stretches = (await reader.read(begin)).value
    found: dict[str, list[int]] = {}
    for stretch in stretches:
        steps = await reader.read(
            lambda project, stretch=stretch: project.consoles.view(question).matches(stretch, wanted)  # type: ignore[misc]
        )
        found.setdefault(stretch.path, []).extend(steps.value)

    def number(project: ServedProject) -> list[int]:
        view = project.consoles.view(question)
        return sorted(line for path, steps in found.items() for line in view.numbers(path, steps))

    answer = await reader.read(number)
    document: dict[str, Any] = {"revision": answer.revision, "total": len(answer.value), "lines": answer.value[:limit]}
    return json_response(document)


async def read_raw(request: Request) -> Response:
    """Answer all lines as text, without colours or with the sequences that choose them."""
    given = Arguments.of_query(request)
    given.refuse_others((*_VIEW, "colours"))
    styled = given.flag("colours")
    reader = project_reader(request)
    await reader.wait_until_recent()

    def begin(project: ServedProject) -> tuple[ConsoleQuestion, list[tuple[int, int]]]:
        question = _question(project, given)
        return question, project.consoles.view(question).raw_portions()

    question, portions = (await reader.read(begin)).value
    ending = re.sub(r"[^A-Za-z0-9_.-]+", "_", question.run_id)[-100:]
    return StreamingResponse(
        _stream(reader, question, portions, styled=styled),
        media_type="text/plain; charset=utf-8",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{ending}-{question.stream}.log"',
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _stream(
    reader: ProjectReader, question: ConsoleQuestion, portions: list[tuple[int, int]], *, styled: bool
) -> AsyncIterator[bytes]:
    for first, end in portions:
        answer = await reader.read(
            lambda project, first=first, end=end: project.consoles.view(question).raw(first, end, styled=styled)  # type: ignore[misc]
        )
        yield answer.value


ROUTES = [
    Route(f"{PROJECT}/console", read_lines),
    Route(f"{PROJECT}/console/updates", read_updates),
    Route(f"{PROJECT}/console/search", search_lines),
    Route(f"{PROJECT}/console/raw", read_raw),
]
