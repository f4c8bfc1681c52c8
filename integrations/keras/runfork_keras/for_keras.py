"""Our callback with the base class that Keras expects.

Importing this imports Keras; `runfork_keras` does so when it is first used.
"""

from __future__ import annotations

import keras

from runfork.errors import RunforkError
from runfork.integration.arguments import Integration
from runfork_keras.callback import CallbackMethods

__all__ = ["RunforkCallback"]

if int(keras.__version__.partition(".")[0]) < 3:  # noqa: PLR2004  the first version with backends
    raise RunforkError(f"RunforkCallback needs Keras 3, found {keras.__version__}; upgrade it: pip install -U keras")


class RunforkCallback(CallbackMethods, keras.callbacks.Callback):  # type: ignore[misc]  # noqa: D101  below
    __doc__ = CallbackMethods.__doc__

    _integration = Integration("keras", keras.__version__, "RunforkCallback")
