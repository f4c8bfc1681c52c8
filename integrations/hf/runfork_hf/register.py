"""Making ``report_to="runfork"`` and ``log_with="runfork"`` work: both libraries look names up in tables of their own."""

from __future__ import annotations

from importlib.util import find_spec


def register(*, neptune: bool = False) -> None:
    """Make runfork known by name: ``TrainingArguments(report_to="runfork")`` and ``Accelerator(log_with="runfork")``.

    Call it before these are built. Calling it again changes nothing.

    Args:
        neptune: Also answer to ``report_to="neptune"``, so that scripts written for Neptune run unchanged.

    Raises:
        ImportError: Neither transformers nor accelerate is installed.
    """
    has_transformers = find_spec("transformers") is not None
    if has_transformers:
        _register_callback(neptune=neptune)
    if find_spec("accelerate") is not None:
        from runfork_hf.accelerate.for_accelerate import register_tracker

        register_tracker()
    elif not has_transformers:
        raise ImportError(
            'register() needs transformers or accelerate, found neither; install them: pip install "runfork[hf]"'
        )


def _register_callback(*, neptune: bool) -> None:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    from runfork_hf.trainer.for_transformers import RunforkCallback

    INTEGRATION_TO_CALLBACK["runfork"] = RunforkCallback
    if neptune:
        INTEGRATION_TO_CALLBACK["neptune"] = RunforkCallback
