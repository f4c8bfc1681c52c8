"""The operations: what each asks, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.model.attributes import AttributeType
from runfork_server.openapi.shapes import (
    ANYTHING,
    COUNT,
    FLAG,
    NUMBER,
    STEP,
    TEXT,
    TEXTS,
    TIME,
    WHOLE,
    Schema,
    members,
    one_of,
    or_null,
    shape,
    some,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROJECT = "/projects/{workspace}/{project}"
_LARGEST = 2**53
_PROBLEMS = {
    "400": "What was asked cannot be used.",
    "401": "The token is missing.",
    "403": "The name or the origin is none of the server's.",
    "404": "There is no such thing.",
    "405": "The address does not answer to this method.",
    "416": "There are no such bytes.",
    "503": "The index cannot be read at the moment.",
}


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _asked(name: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _operation(
    summary: str,
    answer: Mapping[str, Schema] | str,
    *,
    asks: Sequence[Schema] = (),
    body: Mapping[str, Schema] | None = None,
    required: Sequence[str] = (),
    in_path: Sequence[str] = (),
    is_kept: bool = False,
) -> Schema:
    """Return an operation; `answer` are the members of a JSON document, or another media type."""
    if isinstance(answer, str):
        content: Schema = {answer: {"schema": {"type": "string"} if answer.startswith("text/") else {}}}
    else:
        content = {"application/json": {"schema": members(summary, answer)}}
    responses: Schema = {"200": {"description": summary, "content": content}}
    if is_kept:
        responses["304"] = {"description": "It still is what `If-None-Match` names."}
    for status, told in _PROBLEMS.items():
        of_problem = {"application/problem+json": {"schema": shape("Problem")}}
        responses[status] = {"description": told, "content": of_problem}
    found: Schema = {"summary": summary, "responses": responses}
    if parameters := [*map(_in_path, in_path), *asks]:
        found["parameters"] = parameters
    if body is not None:
        schema = {
            "type": "object",
            "properties": {name: one if name in required else or_null(one) for name, one in body.items()},
            "required": [*required],
            "additionalProperties": False,
        }
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _of_project(summary: str, answer: Mapping[str, Schema] | str, **more: Any) -> Schema:
    """Return an operation of a project."""
    revised = answer if isinstance(answer, str) else {"revision": WHOLE, **answer}
    is_kept = "body" not in more and not isinstance(answer, str)
    return _operation(summary, revised, in_path=("workspace", "project"), is_kept=is_kept, **more)


def _up_to(most: int, least: int = 0) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _list_of(schema: Schema, most: int) -> Schema:
    return {"type": "array", "items": schema, "maxItems": most}


_RUN = _asked("run", TEXT, required=True)
_PATH = _asked("path", TEXT, required=True)
_LINEAGE = one_of("lineage", "own")
_PAGE = (_asked("offset", _up_to(_LARGEST)), _asked("limit", _up_to(1000)))
_CONSOLE = (_RUN, _asked("stream", one_of("both", "stdout", "stderr")), _asked("rank", _up_to(10**9)))
_MODE = one_of("experiments", "runs")
_SORT = {
    "type": "object",
    "properties": {"column": TEXT, "descending": FLAG},
    "required": ["column"],
    "additionalProperties": False,
}
_DRAWN: Mapping[str, Schema] = {
    "run_ids": _list_of(TEXT, 2000),
    "paths": _list_of(TEXT, 2000),
    "x": one_of("step", "relative", "time"),
    "range": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
    "buckets": _up_to(2000, 64),
    "inherited": _LINEAGE,
    "pruned": FLAG,
    "grid": one_of("fitted", "steady"),
    "known": _list_of(TEXT, 2000),
    "line": one_of("last", "mean"),
    "smoothing": {
        "type": "object",
        "properties": {
            "kind": one_of("ema", "sma", "centred", "gaussian"),
            "factor": {"type": "number", "minimum": 0, "maximum": 0.999},
        },
        "required": ["kind", "factor"],
        "additionalProperties": False,
    },
}
_AT = {
    "type": "object",
    "properties": {"kind": one_of("step", "relative", "time"), "value": NUMBER},
    "required": ["value"],
    "additionalProperties": False,
}
_STATUS: Mapping[str, Schema] = {
    "name": TEXT,
    "directory": TEXT,
    "run_count": COUNT,
    "experiment_count": COUNT,
    "is_reading": FLAG,
    "progress": or_null(members("Bytes of journals that are read, of how many.", {"done": COUNT, "total": COUNT})),
    "troubles": TEXTS,
}

PATHS: Mapping[str, Schema] = {
    "/info": {
        "get": _operation(
            "What the server is, and where it reads.",
            {
                "name": TEXT,
                "version": TEXT,
                "directory": TEXT,
                "project": or_null(TEXT),
                "time": TIME,
                "features": TEXTS,
            },
        )
    },
    "/projects": {
        "get": _operation(
            "Which projects there are.",
            {
                "directory": TEXT,
                "projects": some(members("A project.", {"name": TEXT, "run_count": COUNT, "modified": or_null(TIME)})),
            },
        )
    },
    _PROJECT: {"get": _of_project("How many runs a project has, and how far its journals are read.", _STATUS)},
    f"{_PROJECT}/runs/search": {
        "post": _of_project(
            "A page of experiments or runs.",
            {
                "total": COUNT,
                "run_count": COUNT,
                "experiment_count": COUNT,
                "notes": TEXTS,
                "columns": some(shape("Column")),
                "rows": some(shape("Row")),
            },
            body={
                "mode": _MODE,
                "filter": TEXT,
                "sort": _list_of(_SORT, 8),
                "columns": _list_of(TEXT, 1000),
                "limit": _up_to(1000),
                "offset": _up_to(_LARGEST),
                "archived": FLAG,
                "run_ids": _list_of(TEXT, 10_000),
                "lineage": FLAG,
                "changes": FLAG,
            },
        )
    },
    f"{_PROJECT}/runs.csv": {
        "get": _of_project(
            "Experiments or runs as CSV. In `sort`, a minus before a column puts the greatest first.",
            "text/csv",
            asks=[
                _asked("mode", _MODE),
                _asked("filter", TEXT),
                _asked("sort", TEXT),
                _asked("columns", TEXT),
                _asked("archived", FLAG),
            ],
        )
    },
    f"{_PROJECT}/runs/values": {
        "get": _of_project(
            "All attributes of a run.",
            {"run": shape("Row"), "attributes": {"type": "object", "additionalProperties": shape("Attribute")}},
            asks=[_RUN, _asked("prefix", TEXT)],
        )
    },
    f"{_PROJECT}/attributes/search": {
        "post": _of_project(
            "Paths, their types, and how many runs have them.",
            {
                "total": COUNT,
                "attributes": some(members("A path.", {"path": TEXT, "type": TEXT, "run_count": COUNT})),
            },
            body={
                "q": TEXT,
                "types": _list_of(one_of(*AttributeType), len(AttributeType)),
                "run_ids": _list_of(TEXT, 10_000),
                "limit": _up_to(5000),
                "offset": _up_to(_LARGEST),
            },
        )
    },
    f"{_PROJECT}/lineage": {
        "get": _of_project(
            "The family of a run, or of an experiment.",
            {"experiment": or_null(TEXT), "focus": TEXT, "lineage": TEXTS, "runs": some(shape("Member"))},
            asks=[_asked("run", TEXT), _asked("experiment", TEXT)],
        )
    },
    f"{_PROJECT}/marks": {
        "get": _of_project(
            "The checkpoints that a run can be forked from.",
            {"marks": some(shape("Checkpoint"))},
            asks=[_RUN],
        )
    },
    f"{_PROJECT}/resume-code": {
        "get": _of_project(
            "What to type to fork from a step of a run.",
            {
                "framework": one_of("lightning", "trainer", "accelerate", "keras", "own"),
                "run_id": TEXT,
                "name": TEXT,
                "mark_id": or_null(TEXT),
                "step": NUMBER,
                "checkpoint": or_null(TEXT),
                "code": TEXT,
                "note": TEXT,
                "trouble": or_null(TEXT),
                "before": STEP,
                "after": STEP,
            },
            asks=[_RUN, _asked("step", NUMBER, required=True)],
        )
    },
    f"{_PROJECT}/differences": {
        "post": _of_project(
            "Runs side by side.",
            {
                "run_ids": TEXTS,
                "reference": TEXT,
                "total": COUNT,
                "differing": COUNT,
                "attribute_count": COUNT,
                "differing_count": COUNT,
                "rows": some(shape("Difference")),
            },
            body={
                "run_ids": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 200},
                "reference": TEXT,
                "only_differences": FLAG,
                "q": TEXT,
                "limit": _up_to(5000),
                "offset": _up_to(_LARGEST),
            },
            required=("run_ids",),
        )
    },
    f"{_PROJECT}/series/buckets": {
        "post": _of_project(
            "What a chart draws: the length of a header (u32), the header in JSON, padded so that what follows begins at a "
            "multiple of 8, and arrays of float64, all little-endian. The header has `x` (kind, low, high, count, extent) and "
            "`series`; `arrays` of a series say where in the numbers its x, y, raw, min, max, mean and count begin, `length` "
            "how long they are. Each has a `tag`; of one whose tag is among `known` there is no more. docs/ui.md says what "
            "they mean.",
            "application/vnd.runfork.frames",
            body=_DRAWN,
            required=("run_ids", "paths"),
        )
    },
    f"{_PROJECT}/series/csv": {
        "post": _of_project("What a chart draws, as CSV.", "text/csv", body=_DRAWN, required=("run_ids", "paths"))
    },
    f"{_PROJECT}/series/at": {
        "post": _of_project(
            "The last point at or before an x, of each run.",
            {"points": some(shape("Point"))},
            body={"run_ids": _list_of(TEXT, 2000), "path": TEXT, "x": _AT, "inherited": _LINEAGE},
            required=("run_ids", "path", "x"),
        )
    },
    f"{_PROJECT}/series/extremes": {
        "post": _of_project(
            "The least and the greatest finite value that runs show of a metric, what forks pruned left out. `goal` says which of "
            "them checkpoints go by, where a run says so.",
            {
                "least": or_null(shape("Point")),
                "greatest": or_null(shape("Point")),
                "goal": one_of("min", "max", None),
            },
            body={"run_ids": _list_of(TEXT, 2000), "path": TEXT},
            required=("run_ids", "path"),
        )
    },
    f"{_PROJECT}/series/points": {
        "get": _of_project(
            "All points of a series, as CSV or lines of JSON.",
            "text/csv",
            asks=[
                _RUN,
                _PATH,
                _asked("inherited", _LINEAGE),
                _asked("from", NUMBER),
                _asked("to", NUMBER),
                _asked("format", one_of("csv", "ndjson")),
            ],
        )
    },
    f"{_PROJECT}/series/texts": {
        "get": _of_project(
            "A page of a string series.",
            {
                "total": COUNT,
                "points": some(members("A text.", {"step": NUMBER, "time": TIME, "value": TEXT, "source_run": TEXT})),
            },
            asks=[_RUN, _PATH, *_PAGE],
        )
    },
    f"{_PROJECT}/series/values": {
        "get": _of_project(
            "The histogram, file or text at or before a step.",
            {
                "type": TEXT,
                "points_total": COUNT,
                "steps": some(NUMBER),
                "step": STEP,
                "time": or_null(TIME),
                "source_run": or_null(TEXT),
                "value": ANYTHING,
            },
            asks=[_RUN, _PATH, _asked("step", NUMBER)],
        )
    },
    f"{_PROJECT}/console": {
        "get": _of_project(
            "Lines of console output, of all streams and processes in one order.",
            {
                "total": COUNT,
                "ranks": some(COUNT),
                "streams": some(one_of("stdout", "stderr")),
                "lines": some(shape("Line")),
                "open": some(shape("Bar")),
            },
            asks=[*_CONSOLE, *_PAGE],
        )
    },
    f"{_PROJECT}/console/updates": {
        "get": _of_project(
            "The earlier states of a progress bar.",
            {"updates": some(members("A state.", {"time": TIME, "text": TEXT}))},
            asks=[*_CONSOLE, _asked("n", _up_to(_LARGEST), required=True)],
        )
    },
    f"{_PROJECT}/console/search": {
        "get": _of_project(
            "Lines that hold a text.",
            {"total": COUNT, "lines": some(COUNT)},
            asks=[*_CONSOLE, _asked("q", TEXT, required=True), _asked("limit", _up_to(100_000))],
        )
    },
    f"{_PROJECT}/console/raw": {
        "get": _of_project(
            "Console output as text; `colours` with the sequences that choose them.",
            "text/plain",
            asks=[*_CONSOLE, _asked("colours", FLAG)],
        )
    },
    f"{_PROJECT}/files": {
        "get": _of_project(
            "Which files a run has.",
            {"total": COUNT, "files": some(shape("File"))},
            asks=[_RUN, _asked("offset", _up_to(_LARGEST)), _asked("limit", _up_to(5000))],
        )
    },
    f"{_PROJECT}/files/content": {
        "get": _of_project(
            "The contents of a file; a range of them is answered with 206.",
            "*/*",
            asks=[_RUN, _PATH, _asked("step", NUMBER), _asked("download", FLAG)],
        )
    },
    "/events": {
        "get": _operation(
            "Server-sent events: which projects read differently. Events: project, progress, beat.",
            "text/event-stream",
            asks=[
                _asked("project", {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 8}, required=True),
                _asked("last_event_id", TEXT),
            ],
        )
    },
    "/views": {"post": _operation("Keep a view.", {"id": TEXT}, body={"query": TEXT}, required=("query",))},
    "/views/{id}": {"get": _operation("A view that was kept.", {"query": TEXT}, in_path=("id",))},
    "/links": {
        "post": _operation(
            "The token that a link carries to let others in; null where none is asked for.",
            {"token": or_null(TEXT)},
            body={"once": FLAG},
        )
    },
    "/openapi.json": {"get": _operation("This document.", {"openapi": TEXT, "paths": {"type": "object"}})},
}
