"""Keras keeps the contract of integrations. `test_keras_other_backend` asks for it on jax."""

from __future__ import annotations

import pytest

from runfork.testing.integration_contract import IntegrationContract

pytest.importorskip("tests.integrations.tiny_keras")

from tests.integrations.keras_driver import KerasDriver

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


class TestKeras(IntegrationContract):
    @pytest.fixture
    def driver(self):
        return KerasDriver()
