"""runfork for Keras 3: ``model.fit(..., callbacks=[RunforkCallback()])`` is all that a script needs.

Importing this package imports neither Keras nor a backend; the first access to the class does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runfork_keras.for_keras import RunforkCallback

__all__ = ["RunforkCallback"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.util import find_spec

    if find_spec("keras") is None:
        raise ImportError(
            "RunforkCallback needs Keras 3, and found no package 'keras'; install it: pip install \"runfork[keras]\""
        )
    from runfork_keras import for_keras

    return getattr(for_keras, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
