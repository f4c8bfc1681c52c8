"""Our classes for ``pytorch_lightning``. Importing this imports Lightning; `runfork_lightning` does so when they are first used."""

from __future__ import annotations

from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from runfork.training.arguments import Integration
from runfork_lightning.callback import CallbackMethods
from runfork_lightning.logger import LoggerMethods


class RunforkLogger(LoggerMethods, Logger):  # noqa: D101  below
    __doc__ = LoggerMethods.__doc__

    _integration = Integration.installed("pytorch_lightning", "RunforkLogger", distribution="pytorch-lightning")


class RunforkCallback(CallbackMethods, Callback):
    """Tells a `RunforkLogger` what Lightning does not tell loggers; the arguments are those of `CallbackMethods`."""
