"""The index in one SQLite file, of which `index` is the face.

`applying` brings in what journals say, `plain_runs` what those of runs say that are over: `logs` keeps records, `points` points.
`updating` says what must be worked out anew, `inheritance` does it, and `values` keeps what each run has, to be asked for. They
share one object of `tables`, within `transactions`; `schema` says what the tables are, and opens the file.
"""

from runfork.index.interface import StaleIndexError
from runfork.index.sqlite.index import SqliteIndex

__all__ = ["SqliteIndex", "StaleIndexError"]
