"""Series: what a chart draws, the points behind it, and texts, histograms and files along the steps."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from runfork.errors import ArgumentError
from runfork.index.interface import SeriesKey
from runfork.model.steps import MAX_MICRO_STEP, MICRO
from runfork_server.answers import PROJECT, answer_project, project_reader, read_body
from runfork_server.arguments import Arguments
from runfork_server.drawing.frames import MEDIA_TYPE, encode_frame
from runfork_server.drawing.lines import draw
from runfork_server.drawing.request import AXES, INHERITED, MOST_LINES, AxisKind, micros, names, read_request
from runfork_server.drawing.seen import SeriesReader
from runfork_server.extremes import extreme_point
from runfork_server.goals import declared_goals
from runfork_server.points import (
    CSV_HEAD,
    FORMATS,
    Format,
    Inherit,
    StepRange,
    page_of_texts,
    points_at,
    read_portion,
    split,
    value_at,
    write_points,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from runfork_server.drawing.lines import Drawing
    from runfork_server.readers import ProjectReader
    from runfork_server.served_project import ServedProject

_MOST_TEXTS = 1000
_CSV = "text/csv; charset=utf-8"
_NDJSON = "application/x-ndjson"


async def read_buckets(request: Request) -> Response:
    """Answer what a chart draws, as a binary frame."""
    given = Arguments(await read_body(request))
    asked, known = read_request(given), frozenset(given.texts("known", most=MOST_LINES) or ())
    reader = project_reader(request)
    await reader.wait_until_recent()
    revision = reader.revision
    answer = await reader.read(lambda project: encode_frame(draw(project.series, asked), revision, known), is_long=True)
    return Response(answer.value, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


async def read_drawn_csv(request: Request) -> Response:
    """Answer what a chart draws, as CSV."""
    asked = read_request(Arguments(await read_body(request)))
    reader = project_reader(request)
    await reader.wait_until_recent()
    answer = await reader.read(lambda project: _drawn_csv(draw(project.series, asked)), is_long=True)
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="chart.csv"'}
    return Response(answer.value, media_type=_CSV, headers=headers)


def _drawn_csv(drawing: Drawing) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    is_smoothed = any(line.entries.raw is not None for line in drawing.lines)
    middle = ("y", "unsmoothed") if is_smoothed else ("y",)
    writer.writerow(("run_id", "path", drawing.kind, *middle, "min", "max", "mean", "count"))
    for line in drawing.lines:
        entries = line.entries
        columns = [entries.x / MICRO, entries.y, entries.raw, entries.minimum, entries.maximum, entries.mean]
        rows = zip(*(column.tolist() for column in columns if column is not None), strict=True)
        for row, points in zip(rows, entries.counts.tolist(), strict=True):
            cells = ("" if cell != cell else cell for cell in row)  # noqa: PLR0124  not a number
            writer.writerow((*line.key, *cells, int(points)))
    return text.getvalue().encode("utf-8", "replace")


async def read_points_at(request: Request) -> Response:
    """Answer the last point at or before some x, of each run."""
    given = Arguments(await read_body(request))
    given.refuse_others(("run_ids", "path", "x", "inherited"))
    run_ids, path = names(given, "run_ids"), given.wanted_text("path")
    at = given.given.get("x")
    if not isinstance(at, dict):
        raise ArgumentError(f"x must be an object of kind and value, found {at!r:.80}")
    where = Arguments(at)
    where.refuse_others(("kind", "value"))
    kind = cast("AxisKind", where.choice("kind", AXES, "step"))
    x = micros("value", at.get("value"))
    inherit = cast("Inherit", given.choice("inherited", INHERITED, "lineage"))
    keys = [SeriesKey(run_id, path) for run_id in run_ids]

    def ask(project: ServedProject) -> dict[str, Any]:
        return {"points": points_at(SeriesReader(project.series, inherit), keys, kind, x)}

    return await answer_project(request, ask)


async def read_extremes(request: Request) -> Response:
    """Answer the least and the greatest value that some runs show of a metric, and which of them is the better one."""
    given = Arguments(await read_body(request))
    given.refuse_others(("run_ids", "path"))
    run_ids, path = names(given, "run_ids"), given.wanted_text("path")

    def ask(project: ServedProject) -> dict[str, Any]:
        reader = SeriesReader(project.series, "lineage")
        return {
            "least": extreme_point(reader, run_ids, path, "min"),
            "greatest": extreme_point(reader, run_ids, path, "max"),
            "goal": declared_goals(project.index, run_ids).get(path),
        }

    return await answer_project(request, ask)


async def read_points(request: Request) -> Response:
    """Answer all points of a series, a portion at a time, as CSV or lines of JSON."""
    given = Arguments.of_query(request)
    given.refuse_others(("run", "path", "inherited", "from", "to", "format"))
    run, path = given.wanted_text("run"), given.wanted_text("path")
    inherit = cast("Inherit", given.choice("inherited", INHERITED, "lineage"))
    kind = cast("Format", given.choice("format", FORMATS, "csv"))
    asked = StepRange(_step(given, "from", 0), _step(given, "to", MAX_MICRO_STEP))
    reader = project_reader(request)
    await reader.wait_until_recent()

    def begin(project: ServedProject) -> tuple[SeriesKey, list[StepRange]]:
        key = SeriesKey(project.find_run(run), path)
        return key, split(project.index, key, inherit, asked)

    key, portions = (await reader.read(begin)).value
    ending = re.sub(r"[^A-Za-z0-9_.-]+", "_", f"{key.run_id}-{path}")[-100:]
    return StreamingResponse(
        _stream(reader, key, inherit, portions, kind),
        media_type=_CSV if kind == "csv" else _NDJSON,
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{ending}.{kind}"'},
    )


async def _stream(
    reader: ProjectReader, key: SeriesKey, inherit: Inherit, portions: list[StepRange], kind: Format
) -> AsyncIterator[bytes]:
    if kind == "csv":
        yield CSV_HEAD.encode()
    for steps in portions:
        answer = await reader.read(
            lambda project, steps=steps: read_portion(project.index, key, inherit, steps),  # type: ignore[misc]
            is_long=True,
        )
        if answer.value is not None:
            yield await asyncio.to_thread(write_points, answer.value, kind)


def _step(given: Arguments, name: str, default: int) -> int:
    number = given.number(name)
    return default if number is None else max(0, min(micros(name, number), MAX_MICRO_STEP))


async def read_texts(request: Request) -> Response:
    """Answer a page of a string series."""
    given = Arguments.of_query(request)
    given.refuse_others(("run", "path", "offset", "limit"))
    run, path = given.wanted_text("run"), given.wanted_text("path")
    offset = given.whole("offset", 0, high=2**53)
    limit = given.whole("limit", 200, high=_MOST_TEXTS)
    return await answer_project(
        request,
        lambda project: page_of_texts(project.series, SeriesKey(project.find_run(run), path), offset, limit),
    )


async def read_value(request: Request) -> Response:
    """Answer a histogram, file or text at or before a step."""
    given = Arguments.of_query(request)
    given.refuse_others(("run", "path", "step"))
    run, path, step = given.wanted_text("run"), given.wanted_text("path"), given.number("step")
    at = None if step is None else micros("step", step)
    return await answer_project(
        request, lambda project: value_at(project.index, SeriesKey(project.find_run(run), path), at)
    )


ROUTES = [
    Route(f"{PROJECT}/series/buckets", read_buckets, methods=["POST"]),
    Route(f"{PROJECT}/series/csv", read_drawn_csv, methods=["POST"]),
    Route(f"{PROJECT}/series/at", read_points_at, methods=["POST"]),
    Route(f"{PROJECT}/series/extremes", read_extremes, methods=["POST"]),
    Route(f"{PROJECT}/series/points", read_points),
    Route(f"{PROJECT}/series/texts", read_texts),
    Route(f"{PROJECT}/series/values", read_value),
]
