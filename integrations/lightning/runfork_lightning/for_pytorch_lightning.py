"""Our classes for ``pytorch_lightning``. Importing this imports Lightning; `runfork_lightning` does so when they are first used."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from runfork.training.arguments import Integration
from runfork_lightning.callback import CallbackMethods
from runfork_lightning.logger import LoggerMethods

__all__ = ["RunforkCallback", "RunforkLogger"]


def _version() -> str:
    try:
        return version("pytorch-lightning")
    except PackageNotFoundError:
        return "unknown"


class RunforkLogger(LoggerMethods, Logger):  # noqa: D101  below
    __doc__ = LoggerMethods.__doc__

    _integration = Integration("pytorch_lightning", _version(), "RunforkLogger")


class RunforkCallback(CallbackMethods, Callback):
    """Tells a `RunforkLogger` what Lightning does not tell loggers; the arguments are those of `CallbackMethods`."""
