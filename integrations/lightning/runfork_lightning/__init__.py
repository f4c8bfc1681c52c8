"""runfork for PyTorch Lightning: ``Trainer(logger=RunforkLogger())`` is all that a script needs.

The classes exist once for ``pytorch_lightning`` and once for ``lightning.pytorch``; importing this package imports neither.
The first access builds the class for the one that is loaded already, else for the one that is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runfork_lightning.for_pytorch_lightning import RunforkCallback, RunforkLogger

__all__ = ["RunforkCallback", "RunforkLogger"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from runfork_lightning.namespaces import load_classes

    return getattr(load_classes(), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
