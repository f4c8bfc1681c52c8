"""The callback for the Trainer of transformers keeps the contract of integrations."""

from __future__ import annotations

import pytest
from tests.integrations.hf_driver import HfDriver

from runfork.testing.integration_care_contract import CareContract
from runfork.testing.integration_contract import IntegrationContract
from runfork.testing.integration_evaluation_contract import EvaluationContract

pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


class TestTrainer(EvaluationContract, CareContract, IntegrationContract):
    @pytest.fixture
    def driver(self):
        return HfDriver()
