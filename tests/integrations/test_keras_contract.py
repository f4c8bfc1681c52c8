"""Keras keeps the contract of integrations. `test_keras_other_backend` asks for it on jax."""

from __future__ import annotations

import pytest

from runfork.testing.integration_care_contract import CareContract
from runfork.testing.integration_contract import IntegrationContract
from runfork.testing.integration_evaluation_contract import EvaluationContract

pytest.importorskip("tests.integrations.tiny_keras")

from tests.integrations.keras_driver import KerasDriver

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


class TestKeras(EvaluationContract, CareContract, IntegrationContract):
    @pytest.fixture
    def driver(self):
        return KerasDriver()
