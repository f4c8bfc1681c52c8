"""The callback for ``transformers``. Importing this imports transformers; `runfork_hf` does so when it is first used."""

from __future__ import annotations

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise ImportError(
        f"RunforkCallback needs transformers and torch, which could not be imported ({error}); "
        'install them: pip install "runfork[hf]"'
    ) from error

from runfork.training.arguments import Integration
from runfork_hf.trainer.callback import CallbackMethods


class RunforkCallback(CallbackMethods, TrainerCallback):  # noqa: D101  below
    __doc__ = CallbackMethods.__doc__
    __module__ = "runfork_hf"  # pickles hold the path that users write

    _integration = Integration.installed("transformers", "RunforkCallback")
