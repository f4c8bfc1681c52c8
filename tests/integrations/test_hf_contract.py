"""The callback for the Trainer of transformers keeps the contract of integrations."""

from __future__ import annotations

import pytest
from tests.integrations.hf_driver import HfDriver

from runfork.testing.integration_contract import IntegrationContract

pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


class TestTrainer(IntegrationContract):
    @pytest.fixture
    def driver(self):
        return HfDriver()
