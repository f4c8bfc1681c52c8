"""Lightning comes under two names, and classes of one are strangers to the other: which one to use."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

NAMESPACES = {
    "pytorch_lightning": "runfork_lightning.for_pytorch_lightning",
    "lightning.pytorch": "runfork_lightning.for_lightning",
}
"""Lightning's package, and the module with our classes for it."""


def load_classes() -> ModuleType:
    """Return the module with our classes for the Lightning that is in use.

    Raises:
        ImportError: None is installed.
    """
    return importlib.import_module(NAMESPACES[_package_in_use()])


def load_framework() -> ModuleType:
    """Return the Lightning that is in use.

    Raises:
        ImportError: None is installed.
    """
    return importlib.import_module(_package_in_use())


def _package_in_use() -> str:
    for package in NAMESPACES:
        if package in sys.modules:
            return package
    for package in NAMESPACES:
        if find_spec(package.partition(".")[0]) is not None:
            return package
    raise ImportError(
        "RunforkLogger needs PyTorch Lightning, found neither 'pytorch_lightning' nor 'lightning'; "
        'install one: pip install "runfork[lightning]"'
    )


def classes_for_trainer(trainer: Any) -> ModuleType:
    """Return the module with our classes for the Lightning that `trainer` is of."""
    for base in type(trainer).__mro__:
        for package, module in NAMESPACES.items():
            if base.__module__.startswith(package + "."):
                return importlib.import_module(module)
    return load_classes()
