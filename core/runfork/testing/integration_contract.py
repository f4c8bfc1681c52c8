"""What every integration of a training framework must do, with the real framework.

Write an `IntegrationDriver` and subclass the contract in a test module::

    pytest_plugins = ["runfork.testing.fixtures"]

    class TestMyFramework(IntegrationContract):
        @pytest.fixture
        def driver(self):
            return MyDriver()

A project's ``conftest.py`` lists the fixtures. Warnings of the framework's own are the test module's to filter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runfork.testing.integration_care_contract import CareContract
from runfork.testing.integration_evaluation_contract import EvaluationContract
from runfork.testing.integration_life_contract import LifeContract
from runfork.testing.integration_resume_contract import ResumeContract

if TYPE_CHECKING:
    from runfork.testing.integration_driver import IntegrationDriver


class IntegrationContract(ResumeContract, EvaluationContract, CareContract, LifeContract):
    """All the tests."""

    @pytest.fixture
    def driver(self) -> IntegrationDriver:
        """Return the driver; a subclass says which."""
        raise NotImplementedError
