"""What the journals of a run hold."""

from runfork.index.memory import MemoryIndex
from runfork.status import work_out_state
from runfork.store import journals_of
from runfork.testing.journals import batches_of, records_of


def bodies(run, kind):
    """Return the bodies of the records of a kind."""
    return [record.body for record in records_of(run.directory, kind)]


def rows_of(run):
    """Return the blocks of metric rows."""
    return [rows for path in journals_of(run.directory) for batch in batches_of(path) for rows in batch.rows]


def state_of(folder):
    """Return the state of a run that a reader works out from the journals in its folder."""
    index = MemoryIndex()
    for path in journals_of(folder):
        for batch in batches_of(path):
            index.apply(batch)
    return work_out_state(index.writers().values(), is_quiet=lambda _: False)
