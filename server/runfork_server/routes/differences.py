"""Runs side by side: every attribute as a row, and by how much numbers differ from a reference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from runfork.errors import ArgumentError, NotFoundError
from runfork.model.attributes import AttributeType, is_system_path
from runfork.model.differences import compare_values
from runfork.model.patterns import compile_pattern
from runfork.query.documents import json_held, json_number
from runfork_server.answers import PROJECT, answer_project, read_body
from runfork_server.arguments import Arguments
from runfork_server.goals import declared_goals
from runfork_server.trying import try_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runfork.model.attributes import Value
    from runfork.model.differences import ComparisonRow
    from runfork_server.served_project import ServedProject

_MOST_RUNS = 200
_MOST_ROWS = 5000
_LARGEST = 2**53
_AGGREGATES = ("last", "min", "max")
_NUMBERS = (AttributeType.INT, AttributeType.FLOAT)


async def compare_runs(request: Request) -> Response:
    """Answer what runs have at each path; of metrics the last, the least and the greatest value."""
    given = Arguments(await read_body(request))
    given.refuse_others(("run_ids", "reference", "only_differences", "q", "limit", "offset"))
    run_ids = given.texts("run_ids", most=_MOST_RUNS)
    if not run_ids:
        raise ArgumentError("run_ids must name a run at least")
    reference = given.text("reference", run_ids[0])
    if reference is None or reference not in run_ids:
        raise ArgumentError(f"reference must be one of run_ids, found {reference!r}")
    text = given.text("q")
    pattern = compile_pattern(text) if text else None
    only_differences = given.flag("only_differences", default=True)
    limit, offset = given.whole("limit", 500, high=_MOST_ROWS), given.whole("offset", 0, high=_LARGEST)

    def compared(project: ServedProject) -> list[dict[str, Any]]:
        found = project.index.values(run_ids, pattern=pattern)
        if (missing := next((run_id for run_id in run_ids if run_id not in found), None)) is not None:
            raise NotFoundError(f"project {project.name!r} has no run {missing!r}")
        runs = [found[run_id] for run_id in run_ids]
        return _rows(runs, run_ids.index(reference), declared_goals(project.index, run_ids))

    def question(project: ServedProject) -> dict[str, Any]:
        if text:
            try_pattern(text, lambda: (one.path for one in project.index.definitions()))
        rows = project.keep_one((*run_ids, reference, text), lambda: compared(project))
        shown = [row for row in rows if row["differs"] or not only_differences]
        return {
            "run_ids": run_ids,
            "reference": reference,
            "total": len(shown),
            "differing": sum(row["differs"] for row in rows),
            "attribute_count": len({row["path"] for row in rows}),
            "differing_count": len({row["path"] for row in rows if row["differs"]}),
            "rows": shown[offset : offset + limit],
        }

    return await answer_project(request, question)


def _rows(runs: Sequence[Mapping[str, Value]], reference: int, goals: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = []
    for row in compare_values(runs):
        types = {value.type for value in row.values if value is not None}
        if AttributeType.FLOAT_SERIES in types:
            for aggregate in _AGGREGATES:
                numbers = [_aggregate(value, aggregate) for value in row.values]
                about = {"path": row.path, "aggregate": aggregate, "goal": goals.get(row.path)}
                rows.append({**about, **_compared(row, numbers, reference), "differs": _differ(numbers)})
        else:
            numbers = [value.value if value is not None and value.type in _NUMBERS else None for value in row.values]
            about = {"path": row.path, "aggregate": None, "goal": None}
            rows.append({**about, **_compared(row, numbers, reference), "differs": row.differs})
    return rows


def _aggregate(value: Value | None, aggregate: str) -> float | int | None:
    if value is None or value.type not in (*_NUMBERS, AttributeType.FLOAT_SERIES):
        return None
    if aggregate == "last" or value.statistics is None:
        content = value.content if value.type is AttributeType.FLOAT_SERIES else value.value
        return content if isinstance(content, (int, float)) else None
    return value.statistics.get(aggregate)


def _differ(numbers: Sequence[float | int | None]) -> bool:
    first = numbers[0]
    return not all(_same(first, number) for number in numbers[1:])


def _same(left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    return left == right or (math.isnan(left) and math.isnan(right))


def _compared(row: ComparisonRow, numbers: Sequence[float | int | None], reference: int) -> dict[str, Any]:
    types = {value.type.value for value in row.values if value is not None}
    is_metric = AttributeType.FLOAT_SERIES.value in types
    values = [json_number(one) for one in numbers] if is_metric else [json_held(value) for value in row.values]
    base = numbers[reference]
    deltas = [None if base is None or one is None else _minus(one, base) for one in numbers]
    return {
        "type": next(iter(types)) if len(types) == 1 else None,
        "group": _group(row, types),
        "values": values,
        "delta": [json_number(one) for one in deltas],
        "percent": [
            None if one is None or not base or not math.isfinite(one / abs(base)) else 100 * one / abs(base)
            for one in deltas
        ],
    }


def _minus(one: float, base: float) -> float | int | None:
    try:
        difference = one - base
    except OverflowError:
        return None
    return difference if math.isfinite(difference) else None


def _group(row: ComparisonRow, types: set[str]) -> str:
    if is_system_path(row.path):
        return "system"
    if any(kind.endswith("_series") for kind in types):
        return "series"
    is_long = any(value is not None and isinstance(value.value, str) and "\n" in value.value for value in row.values)
    return "text" if is_long else "configs"


ROUTES = [Route(f"{PROJECT}/differences", compare_runs, methods=["POST"])]
