"""What the journals of a run hold."""

from runfork.store import journals_of
from runfork.testing.journals import batches_of, records_of


def bodies(run, kind):
    """Return the bodies of the records of a kind."""
    return [record.body for record in records_of(run.directory, kind)]


def rows_of(run):
    """Return the blocks of metric rows."""
    return [rows for path in journals_of(run.directory) for batch in batches_of(path) for rows in batch.rows]
