"""A pytest plugin that puts our callback into every ``fit``, ``evaluate`` and ``predict`` of the tests that it is loaded for.

Only Keras' own tests are run with it, in a process of their own. Where they look into the list of callbacks nothing of ours helps,
so the callback goes to the end of the list.
"""

from __future__ import annotations

import functools
import inspect


def pytest_configure(config):
    import keras

    from runfork_keras import RunforkCallback

    for name in ("fit", "evaluate", "predict"):
        _inject(keras.Model, name, keras.callbacks.CallbackList, RunforkCallback)


def _inject(kind, name, callback_list, callback):
    original = getattr(kind, name)
    signature = inspect.signature(original)

    @functools.wraps(original)
    def call(self, *args, **options):
        bound = signature.bind(self, *args, **options)
        given = bound.arguments.get("callbacks")
        if not isinstance(given, callback_list):
            own = [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]
            bound.arguments["callbacks"] = [*own, callback(log_every_n_batches=1)]
        return original(*bound.args, **bound.kwargs)

    setattr(kind, name, call)
