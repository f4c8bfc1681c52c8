"""The journal: append-only files, one per process that writes to a run. The only truth; all else is derived from it.

`format` describes the bytes, `writer` appends them, `reader` turns them back into records and columns.
"""
