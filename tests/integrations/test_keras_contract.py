"""Keras keeps the contract of integrations, on torch and on jax."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from runfork.testing.integration_contract import IntegrationContract

pytest.importorskip("tests.integrations.tiny_keras")

from tests.integrations.keras_driver import KerasDriver

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")

OTHER_BACKEND = "jax"


class TestKeras(IntegrationContract):
    @pytest.fixture
    def driver(self):
        return KerasDriver()


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND") == OTHER_BACKEND, reason="this is the other backend")
def test_the_contract_holds_on_the_other_backend():
    pytest.importorskip(OTHER_BACKEND)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        env={**os.environ, "KERAS_BACKEND": OTHER_BACKEND},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert "passed" in done.stdout
