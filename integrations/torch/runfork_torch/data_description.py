"""What is logged of a data loader: batch size, workers, and what it draws from."""

from __future__ import annotations

import contextlib
from typing import Any


def describe_loader(loader: Any) -> dict[str, Any]:
    """Return batch size, workers, class of the dataset and number of samples of a torch data loader, as far as they are known."""
    found: dict[str, Any] = {}
    size = getattr(loader, "batch_size", None) or getattr(getattr(loader, "batch_sampler", None), "batch_size", None)
    if isinstance(size, int):
        found["batch_size"] = size
    if isinstance(workers := getattr(loader, "num_workers", None), int):
        found["workers"] = workers
    dataset = getattr(loader, "dataset", None)
    if dataset is not None:
        found["dataset"] = type(dataset).__name__
        with contextlib.suppress(TypeError, NotImplementedError):  # a stream of unknown length
            found["samples"] = len(dataset)
    return found
