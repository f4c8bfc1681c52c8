"""Who takes part, in the order of the tables."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.tracker import About

if TYPE_CHECKING:
    from benchmarks.peers.tracker import Tracker

ADAPTERS = (
    "floor",
    "runfork",
    "neptune_scale",
    "goodseed",
    "trackio",
    "wandb",
    "mlflow",
    "mlflow_asynchronous",
    "tensorboardx",
    "aim",
    "swanlab",
    "swanlab_local",
)
"""Modules in ``adapters/``: each has ABOUT and the class Adapter, and imports its tracker when an Adapter is made."""


def about(adapter: str) -> About:
    """Return what an adapter says of its tracker."""
    found = importlib.import_module(f"benchmarks.peers.adapters.{adapter}").ABOUT
    assert isinstance(found, About)
    return found


def adapter_class(adapter: str) -> type[Tracker]:
    """Return the class that puts a tracker to work."""
    found: type[Tracker] = importlib.import_module(f"benchmarks.peers.adapters.{adapter}").Adapter
    return found
