"""runfork: experiment tracking where resuming from a checkpoint forks the run that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import runfork.disk.starting_directory  # noqa: F401  now, before the program changes its working directory

if TYPE_CHECKING:
    from runfork.capture.source_code import SourceTrackingConfig
    from runfork.errors import (
        ArgumentError,
        ArgumentTypeError,
        FormatError,
        LoggingError,
        NotFoundError,
        RunforkError,
        RunforkWarning,
    )
    from runfork.hooks import hookimpl
    from runfork.model.filters import Attribute, Filter
    from runfork.query import (
        download_files,
        fetch_experiments_table,
        fetch_metric_buckets,
        fetch_metrics,
        fetch_runs_table,
        fetch_series,
        list_attributes,
        list_experiments,
        list_runs,
    )
    from runfork.settings import Settings
    from runfork.types import File, Histogram
    from runfork.writing.logging_handler import RunforkLoggingHandler
    from runfork.writing.run import Run

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "Attribute",
    "File",
    "Filter",
    "FormatError",
    "Histogram",
    "LoggingError",
    "NotFoundError",
    "Run",
    "RunforkError",
    "RunforkLoggingHandler",
    "RunforkWarning",
    "Settings",
    "SourceTrackingConfig",
    "download_files",
    "fetch_experiments_table",
    "fetch_metric_buckets",
    "fetch_metrics",
    "fetch_runs_table",
    "fetch_series",
    "hookimpl",
    "list_attributes",
    "list_experiments",
    "list_runs",
]

# Where each name lives: modules are imported when a name is first used, so that `import runfork` costs next to nothing.
_HOMES = {
    "runfork.writing.logging_handler": ("RunforkLoggingHandler",),
    "runfork.capture.source_code": ("SourceTrackingConfig",),
    "runfork.errors": (
        "ArgumentError",
        "ArgumentTypeError",
        "FormatError",
        "LoggingError",
        "NotFoundError",
        "RunforkError",
        "RunforkWarning",
    ),
    "runfork.model.filters": ("Attribute", "Filter"),
    "runfork.hooks": ("hookimpl",),
    "runfork.query": (
        "download_files",
        "fetch_experiments_table",
        "fetch_metric_buckets",
        "fetch_metrics",
        "fetch_runs_table",
        "fetch_series",
        "list_attributes",
        "list_experiments",
        "list_runs",
    ),
    "runfork.writing.run": ("Run",),
    "runfork.settings": ("Settings",),
    "runfork.types": ("File", "Histogram"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(module), name)
            globals()[name] = value
            return value
    from runfork.advice import advice_for_module

    raise AttributeError(f"module 'runfork' has no attribute {name!r}{advice_for_module(name)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
