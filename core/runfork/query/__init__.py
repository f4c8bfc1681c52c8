"""The query API: questions of users, answered as tables; and what commands and pages ask, before it has a form.

It may import errors, types, model, disk, index, reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runfork.query.attributes import AttributeFilter
    from runfork.query.buckets import fetch_metric_buckets
    from runfork.query.files import LoggedFile, download_files
    from runfork.query.listing import list_attributes, list_experiments, list_runs
    from runfork.query.series import fetch_metrics, fetch_series
    from runfork.query.tables import fetch_experiments_table, fetch_runs_table

__all__ = [
    "AttributeFilter",
    "LoggedFile",
    "download_files",
    "fetch_experiments_table",
    "fetch_metric_buckets",
    "fetch_metrics",
    "fetch_runs_table",
    "fetch_series",
    "list_attributes",
    "list_experiments",
    "list_runs",
]

# Modules are imported when a name is first used: the command line needs few of them.
_HOMES = {
    "attributes": ("AttributeFilter",),
    "buckets": ("fetch_metric_buckets",),
    "files": ("LoggedFile", "download_files"),
    "listing": ("list_attributes", "list_experiments", "list_runs"),
    "series": ("fetch_metrics", "fetch_series"),
    "tables": ("fetch_experiments_table", "fetch_runs_table"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'runfork.query' has no attribute {name!r}")
    return getattr(import_module(f"runfork.query.{home}"), name)
