"""What every index must do.

Subclass `IndexContract` in a test module and give it the fixture ``index``::

    class TestMyIndex(IndexContract):
        @pytest.fixture
        def index(self):
            return MyIndex()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runfork.testing.index_inheritance_contract import InheritanceContract
from runfork.testing.index_lineage_contract import LineageContract
from runfork.testing.index_points_contract import PointsContract
from runfork.testing.index_removal_contract import RemovalContract
from runfork.testing.index_runs_contract import RunsContract
from runfork.testing.index_values_contract import ValuesContract

if TYPE_CHECKING:
    from runfork.index.interface import Index


class IndexContract(
    LineageContract, InheritanceContract, PointsContract, ValuesContract, RunsContract, RemovalContract
):
    """All the tests. Everything that is asked goes through the interface."""

    @pytest.fixture
    def index(self) -> Index:
        """Return an empty index; a subclass says which."""
        raise NotImplementedError
