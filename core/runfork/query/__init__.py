"""The query API: questions of users, answered as tables.

It may import errors, types, model, disk, index, reading.
"""

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
