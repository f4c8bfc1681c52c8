"""The query API: what was logged, as lists and pandas frames.

`runfork` offers these functions directly. `listing`, `tables`, `series`, `buckets` and `files` hold one kind of question each;
`selection` says which runs and attributes a question is about, `inference` what type an attribute has, and `frames` how points
become a frame.
"""

from runfork.query.buckets import fetch_metric_buckets
from runfork.query.files import LoggedFile, download_files
from runfork.query.listing import list_attributes, list_experiments, list_runs
from runfork.query.selection import AttributeFilter
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
