"""Our callback with the base class that Keras expects.

Importing this imports Keras; `runfork_keras` does so when it is first used.
"""

from __future__ import annotations

try:
    import keras
except ImportError as error:
    is_backend = str(error.name).partition(".")[0] in ("tensorflow", "torch", "jax")
    raise ImportError(
        f"RunforkCallback needs Keras 3 with a backend, and importing keras failed ({error}); install torch, jax or tensorflow "
        "beside it and name which: pip install torch, and KERAS_BACKEND=torch in the environment"
    ) from (None if is_backend else error)

from runfork.errors import RunforkError
from runfork.training.arguments import Integration
from runfork_keras.callback import CallbackMethods

if int(keras.__version__.partition(".")[0]) < 3:  # noqa: PLR2004  the first version with backends
    raise RunforkError(f"RunforkCallback needs Keras 3, found {keras.__version__}; upgrade it: pip install -U keras")


class RunforkCallback(CallbackMethods, keras.callbacks.Callback):  # type: ignore[misc]  # noqa: D101  below
    __doc__ = CallbackMethods.__doc__

    _integration = Integration("keras", keras.__version__, "RunforkCallback")
