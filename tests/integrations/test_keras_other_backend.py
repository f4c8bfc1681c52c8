"""What holds on one backend of Keras holds on the other: a process has one, so the tests are run again in another process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations import user_scripts

tiny = pytest.importorskip("tests.integrations.tiny_keras")

OTHER = "jax"
FILES = ("contract", "identity", "models", "resume")

pytest.importorskip(OTHER)


@pytest.mark.skipif(tiny.keras.backend.backend() == OTHER, reason="this is the other backend")
def test_tests_pass_on_the_other_backend(tmp_path):
    kept = {  # what jax compiles for one test serves the others
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    process = user_scripts.pytest(
        *("-q", "-p", "no:cacheprovider", *(f"tests/integrations/test_keras_{name}.py" for name in FILES)),
        framework="keras",
        folder=Path(__file__).parents[2],
        KERAS_BACKEND=OTHER,
        **kept,
    )

    assert " passed" in user_scripts.finish(process)[0]
