"""The runs table as CSV: what the page shows, all of it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from runfork_server.answers import PROJECT, project_reader
from runfork_server.arguments import Arguments
from runfork_server.routes.runs import columns_of, find_rows, read_search
from runfork_server.rows import read_rows

if TYPE_CHECKING:
    from starlette.requests import Request

    from runfork_server.routes.runs import Search
    from runfork_server.served_project import ServedProject

_ABOUT = ("run_id", "experiment", "state", "created", "parent", "fork_step", "last_step")


async def write_table(request: Request) -> Response:
    """Answer runs or experiments as CSV in UTF-8; the columns of the table follow those that tell of the run."""
    given = Arguments.of_query(request)
    sorts = given.texts("sort", most=100) or []
    search = read_search(given, [(one.removeprefix("-"), one.startswith("-")) for one in sorts], limit=None)
    reader = project_reader(request)
    await reader.wait_until_recent()
    answer = await reader.read(lambda project: _table(project, search))
    name = f"{reader.name.replace('/', '-')}.csv".encode("ascii", "replace").decode().replace('"', "")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(answer.value, media_type="text/csv", headers=headers)


def _table(project: ServedProject, search: Search) -> bytes:
    columns = columns_of(project, search.columns)
    page = find_rows(project, search, tell=lambda _: None)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*_ABOUT, *(column.title for column in columns)])
    for row in read_rows(project, page.rows, columns, with_lineage=False, with_changes=False):
        fork = row["fork"] or {"parent": None, "step": None}
        about = {**row, "parent": fork["parent"], "fork_step": fork["step"]}
        cells = [about[name] for name in _ABOUT] + [row["values"][column.title] for column in columns]
        writer.writerow([_cell(one) for one in cells])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    """Return a cell as ``runfork export`` writes it: nothing is empty, the members of a set are parted by commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


ROUTES = [Route(f"{PROJECT}/runs.csv", write_table)]
