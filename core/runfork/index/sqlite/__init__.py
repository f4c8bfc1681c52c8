"""The index in one SQLite file.

`applying` brings in what journals say: `logs` keeps records, `point_writer` points. `updating` says what must be worked out anew,
`attributes` does it, `values` packs what each run has, and `questions` filters and sorts by it. `point_reader` reads points.
"""

from runfork.index.sqlite.index import SqliteIndex
from runfork.index.sqlite.schema import StaleIndexError

__all__ = ["SqliteIndex", "StaleIndexError"]
