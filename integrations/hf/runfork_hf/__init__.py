"""runfork for Hugging Face: ``Trainer(callbacks=[RunforkCallback()])``, or ``Accelerator(log_with="runfork")`` after `register`.

Importing this package imports neither transformers nor accelerate nor torch; the classes are built when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork_hf.register import register

if TYPE_CHECKING:
    from runfork_hf.accelerate.for_accelerate import RunforkTracker, track
    from runfork_hf.trainer.for_transformers import RunforkCallback

__all__ = ["RunforkCallback", "RunforkTracker", "register", "track"]

_HOMES = {
    "RunforkCallback": "runfork_hf.trainer.for_transformers",
    "RunforkTracker": "runfork_hf.accelerate.for_accelerate",
    "track": "runfork_hf.accelerate.for_accelerate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
