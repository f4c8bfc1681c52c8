"""The index in one SQLite file.

`schema` holds the tables, `columns` the bytes of chunks, `pieces` writes points and `overlay` reads them, `sight` says what a run
sees along its lineage, `attributes` keeps values ready for `conditions`, `applying` brings in what journals say.
"""

from runfork.index.sqlite.index import SqliteIndex
from runfork.index.sqlite.schema import StaleIndexError

__all__ = ["SqliteIndex", "StaleIndexError"]
