"""The SQLite index fulfils the contract, and what else a file must bear."""

import pytest

from runfork.index.sqlite import SqliteIndex
from runfork.testing.index_contract import IndexContract


@pytest.fixture
def index(tmp_path):
    index = SqliteIndex(tmp_path / "index.db")
    yield index
    index.close()


class TestSqliteIndex(IndexContract):
    @pytest.fixture
    def index(self, tmp_path):
        index = SqliteIndex(tmp_path / "index.db")
        yield index
        index.close()
