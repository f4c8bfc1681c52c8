"""The index in one SQLite file.

`applying` brings in what journals say: `logs` keeps records, `pieces` points. `attributes` works out what each run has, `values`
packs it, and `questions` filters and sorts by it. `overlay` reads points.
"""

from runfork.index.sqlite.index import SqliteIndex
from runfork.index.sqlite.schema import StaleIndexError

__all__ = ["SqliteIndex", "StaleIndexError"]
