"""Accelerate keeps the contract of integrations."""

from __future__ import annotations

import pytest

from runfork.testing.integration_contract import IntegrationContract

pytest.importorskip("accelerate")

from tests.integrations.accelerate_driver import AccelerateDriver

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


class TestAccelerate(IntegrationContract):
    @pytest.fixture
    def driver(self):
        return AccelerateDriver()
