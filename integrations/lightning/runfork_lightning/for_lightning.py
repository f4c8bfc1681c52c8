"""Our classes for ``lightning.pytorch``. Importing this imports Lightning; `runfork_lightning` does so when they are first used."""

from __future__ import annotations

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from runfork.training.arguments import Integration
from runfork_lightning.callback import CallbackMethods
from runfork_lightning.logger import LoggerMethods


class RunforkLogger(LoggerMethods, Logger):  # noqa: D101  below
    __doc__ = LoggerMethods.__doc__

    _integration = Integration.installed("lightning.pytorch", "RunforkLogger", distribution="lightning")


class RunforkCallback(CallbackMethods, Callback):
    """Tells a `RunforkLogger` what Lightning does not tell loggers; the arguments are those of `CallbackMethods`."""
