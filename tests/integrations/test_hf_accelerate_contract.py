"""Accelerate keeps the contract of integrations."""

from __future__ import annotations

import pytest

from runfork.testing.integration_care_contract import CareContract
from runfork.testing.integration_contract import IntegrationContract
from runfork.testing.integration_evaluation_contract import EvaluationContract

pytest.importorskip("accelerate")

from tests.integrations.accelerate_driver import AccelerateDriver

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


class TestAccelerate(EvaluationContract, CareContract, IntegrationContract):
    @pytest.fixture
    def driver(self):
        return AccelerateDriver()
