"""Runs and experiments as a table, all values of one run, and the table as CSV."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from runfork.index.interface import RunRow, RunsPage, RunsQuery
from runfork.model.attributes import AttributeType
from runfork.model.filters import Filter
from runfork.model.patterns import Pattern
from runfork.query.documents import json_value
from runfork.query.inference import resolve_filter
from runfork.query.pages import Order, choose_metrics, choose_settings, parse_column, resolve_columns, resolve_order
from runfork_server.answers import PROJECT, answer_project, read_body
from runfork_server.arguments import Arguments
from runfork_server.rows import read_rows
from runfork_server.sorting import is_last_step, needs_steps, sort_by_steps
from runfork_server.trying import try_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runfork.index.interface import Index
    from runfork.query.pages import ColumnChoice
    from runfork_server.served_project import ServedProject

LINEAGE = "lineage"
"""The sort that keeps families together."""
_MOST_ROWS = 1000
_MOST_SORTS = 8
_MOST_COLUMNS = 1000
_MOST_RUNS = 10_000
_LARGEST = 2**53


@dataclass(frozen=True)
class Search:
    """Which rows of which table.

    Args:
        is_runs: Runs rather than experiments.
        filter: The query that runs satisfy, or None.
        order: By what they are sorted; nothing is the newest first.
        by_lineage: Families together, instead.
        columns: What of their attributes is shown; None are metrics and settings that most runs of the project have.
        limit: At most so many; None is all.
        offset: Leave out so many first.
        include_archived: Archived runs too.
        run_ids: Only these, or None.
        with_lineage: Also what each shows of its ancestors.
        with_changes: Also in what each differs from its parent.
    """

    is_runs: bool
    filter: str | None
    order: tuple[Order, ...]
    by_lineage: bool
    columns: tuple[ColumnChoice, ...] | None
    limit: int | None
    offset: int
    include_archived: bool
    run_ids: tuple[str, ...] | None
    with_lineage: bool = False
    with_changes: bool = False


async def search_runs(request: Request) -> Response:
    """Answer a page of runs or experiments."""
    given = Arguments(await read_body(request))
    given.refuse_others(
        ("mode", "filter", "sort", "columns", "limit", "offset", "archived", "run_ids", "lineage", "changes")
    )
    sorts = given.objects("sort", most=_MOST_SORTS)
    for one in sorts:
        one.refuse_others(("column", "descending"))
    search = read_search(
        given,
        [(one.wanted_text("column"), one.flag("descending")) for one in sorts],
        limit=given.whole("limit", 200, high=_MOST_ROWS),
    )
    by_steps = any(map(is_last_step, search.order))  # of 10,000 runs they take a second or more to read
    return await answer_project(request, lambda project: _table(project, search), is_long=by_steps)


def read_search(given: Arguments, sorts: Sequence[tuple[str, bool]], *, limit: int | None) -> Search:
    """Return what was asked: `sorts` are columns, and whether the greatest comes first."""
    mode = given.choice("mode", ("experiments", "runs"), "experiments")
    columns = given.texts("columns", most=_MOST_COLUMNS)
    run_ids = given.texts("run_ids", most=_MOST_RUNS)
    by_lineage = any(column == LINEAGE for column, _ in sorts)
    return Search(
        is_runs=mode == "runs",
        filter=given.text("filter") or None,
        order=tuple(Order(parse_column(column), is_descending) for column, is_descending in sorts if column != LINEAGE),
        by_lineage=by_lineage,
        columns=None if columns is None else tuple(parse_column(one) for one in dict.fromkeys(columns)),
        limit=limit,
        offset=given.whole("offset", 0, high=_LARGEST),
        include_archived=given.flag("archived"),
        run_ids=None if run_ids is None else tuple(run_ids),
        with_lineage=given.flag("lineage"),
        with_changes=given.flag("changes"),
    )


def _table(project: ServedProject, search: Search) -> dict[str, Any]:
    notes: list[str] = []
    columns = columns_of(project, search.columns)
    page = find_rows(project, search, notes.append)
    facts = project.facts
    return {
        "total": page.total,
        "run_count": len(facts.nodes),
        "experiment_count": len(facts.heads),
        "notes": notes,
        "columns": _json_columns(project.index, columns),
        "rows": read_rows(
            project, page.rows, columns, with_lineage=search.with_lineage, with_changes=search.with_changes
        ),
    }


def find_rows(project: ServedProject, search: Search, tell: Callable[[str], None]) -> RunsPage:
    """Return the runs of a page; `tell` is told what the filter names and nobody has."""
    index = project.index
    condition = None if search.filter is None else resolve_filter(Filter.parse(search.filter), index, tell=tell)
    if condition is not None:
        try_filter(condition, index)
    by_steps = needs_steps(index, search.order)
    query = RunsQuery(
        condition,
        heads_only=not search.is_runs,
        run_ids=search.run_ids,
        sort=[] if by_steps else resolve_order(index, search.order),
        limit=search.limit,
        offset=search.offset,
        include_archived=search.include_archived,
    )
    if not (search.by_lineage or by_steps):
        return index.runs(query)
    found = index.runs(replace(query, limit=None, offset=0))
    rows = sort_by_steps(project, found.rows, search.order) if by_steps else found.rows
    if search.by_lineage:
        places = project.facts.places
        rows = sorted(rows, key=lambda row: places[row.node.run_id])
    end = None if search.limit is None else search.offset + search.limit
    return RunsPage(rows[search.offset : end], found.total)


def columns_of(project: ServedProject, asked: Sequence[ColumnChoice] | None) -> list[ColumnChoice]:
    """Return the columns that are meant; where none were asked for, metrics and settings that most runs of the project have."""
    if asked is not None:
        return resolve_columns(project.index, asked)
    definitions = project.index.definitions(
        types=[AttributeType.FLOAT_SERIES, AttributeType.FLOAT, AttributeType.INT, AttributeType.STRING]
    )
    metrics = choose_metrics([one for one in definitions if one.type == AttributeType.FLOAT_SERIES])
    return [*metrics, *choose_settings(definitions)]


def _json_columns(index: Index, columns: Sequence[ColumnChoice]) -> list[dict[str, Any]]:
    types: dict[str, set[str]] = {}
    for one in index.definitions(pattern=Pattern(names=frozenset(column.path for column in columns))):
        types.setdefault(one.path, set()).add(one.type)
    return [
        {
            "title": column.title,
            "path": column.path,
            "aggregate": column.aggregate,
            "type": _one_type(types.get(column.path, set())),
        }
        for column in columns
    ]


def _one_type(types: set[str]) -> str | None:
    kinds = types - {"none"} or types
    if kinds == {"int", "float"}:
        return "float"
    return next(iter(kinds)) if len(kinds) == 1 else None


async def read_values(request: Request) -> Response:
    """Answer all attributes of one run."""
    given = Arguments.of_query(request)
    name, prefix = given.wanted_text("run"), given.text("prefix") or ""
    return await answer_project(request, lambda project: _values(project, name, prefix))


def _values(project: ServedProject, name: str, prefix: str) -> dict[str, Any]:
    run_id = project.find_run(name)
    is_head = run_id in project.facts.heads.values()
    row = RunRow(project.facts.nodes[run_id], is_head)
    (document,) = read_rows(project, [row], [], with_lineage=True, with_changes=True)
    values = project.index.values([run_id])[run_id]
    attributes = {path: json_value(value) for path, value in sorted(values.items()) if path.startswith(prefix)}
    return {"run": document, "attributes": attributes}


ROUTES = [
    Route(f"{PROJECT}/runs/search", search_runs, methods=["POST"]),
    Route(f"{PROJECT}/runs/values", read_values),
]
