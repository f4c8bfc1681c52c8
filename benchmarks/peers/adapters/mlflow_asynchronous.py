"""MLflow with its own queue and batches: ``log_metrics(synchronous=False)``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.peers.adapters import mlflow

ABOUT = replace(
    mlflow.ABOUT,
    name="mlflow, asynchronous",
    mode="`sqlite:///mlflow.db`; `log_metrics(synchronous=False)`: its own queue and batches",
    on_return="in memory: nothing promised",
    has_table=False,  # nothing in it is asynchronous
    most_points=100_000,
    most_calls=1000,
)


class Adapter(mlflow.Adapter):
    """The same store, written by a thread."""

    is_synchronous = False
