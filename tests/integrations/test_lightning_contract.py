"""Lightning keeps the contract of integrations."""

from __future__ import annotations

import pytest

from runfork.testing.integration_contract import IntegrationContract

pytest.importorskip("pytorch_lightning")

from tests.integrations.lightning_driver import LightningDriver

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


class TestLightning(IntegrationContract):
    @pytest.fixture
    def driver(self):
        return LightningDriver()
