"""Every page of the app, over the projects that are there to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.browser.seeds import HOSTILE_NAMES

if TYPE_CHECKING:
    from tests.browser.seeds import Seeds

TABS = ("overview", "attributes", "charts", "console", "files", "difference", "lineage")
VIEWS: dict[str, dict[str, str]] = {
    "table": {},
    "table-runs": {"mode": "runs", "sort": "lineage"},
    "charts": {},
    "compare": {},
    "lineage": {},
}
"""Pages of a project with what their URL says."""

RUNS = {"lineage": "second", "sweep": "s08-b", "hostile": HOSTILE_NAMES[0], "thousand": "r00007"}
"""The run of a project whose page is looked at."""


def places(seeds: Seeds, name: str) -> dict[str, str]:
    """Return the paths of all pages of a project of the seeds, by name; the project is made."""
    project = getattr(seeds, name)
    views = {view: _path(project, view.partition("-")[0], query) for view, query in VIEWS.items()}
    tabs = {f"run-{tab}": _path(project, "run", {"run": RUNS[name], "tab": tab}) for tab in TABS}
    return {**views, **tabs}


def _path(project: str, page: str, query: dict[str, str]) -> str:
    return f"p/{project}/{page}{'?' if query else ''}{urlencode(query)}"
