"""What Lightning calls when a Trainer is built: it adds our callback where our logger is in use.

These functions run in every program on the machine that builds a Trainer, so they import nothing and answer with nothing
unless one of our loggers was imported before.
"""

from __future__ import annotations

import sys
from typing import Any


def lightning_callbacks() -> list[Any]:
    """Return our callback for ``lightning.pytorch``, if a `RunforkLogger` may be in use."""
    return _callbacks("runfork_lightning.for_lightning")


def pytorch_lightning_callbacks() -> list[Any]:
    """Return our callback for ``pytorch_lightning``, if a `RunforkLogger` may be in use."""
    return _callbacks("runfork_lightning.for_pytorch_lightning")


def _callbacks(module: str) -> list[Any]:
    if "runfork_lightning.logger" not in sys.modules:
        return []
    import importlib

    return [importlib.import_module(module).RunforkCallback()]
