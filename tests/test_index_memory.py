"""The in-memory index fulfils the contract."""

import pytest

from runfork.index.memory import MemoryIndex
from runfork.testing.index_contract import IndexContract


class TestMemoryIndex(IndexContract):
    @pytest.fixture
    def index(self):
        return MemoryIndex()
