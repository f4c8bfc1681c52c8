"""What the journals of a run hold, and the environment in which it is no more than what was logged."""

from runfork.disk.layout import journals_of
from runfork.index.memory import MemoryIndex
from runfork.journal.format import Kind, encode_file_header
from runfork.journal.header import read_identity
from runfork.reading.state import work_out_state
from runfork.testing.journals import batches_of, records_of

BESIDE = ("runtime/details/", "sys/environment/", "sys/diagnostics/")
"""What the background thread logs, at any moment."""


def bodies(run, kind):
    """Return the bodies of the records of a kind, but for those that are written beside training."""
    found = [record.body for record in records_of(run.directory, kind)]
    return [body for body in found if not any(str(path).startswith(BESIDE) for path in body)]


def rows_of(run):
    """Return the blocks of metric rows."""
    return [rows for path in journals_of(run.directory) for batch in batches_of(path) for rows in batch.rows]


def change_header(path, **changes):
    """Write the header of a journal anew with some of its keys changed."""
    header = read_identity(path)
    assert header is not None
    identity, first_frame = header
    path.write_bytes(encode_file_header({**identity, **changes}, size=first_frame) + path.read_bytes()[first_frame:])


def leave_open_elsewhere(path):
    """Change a journal of an ended process into that of one on another host, which has not closed it."""
    (end,) = (record for batch in batches_of(path) for record in batch.records if record.kind == Kind.CLOSE)
    change_header(path, host="else")
    with path.open("r+b") as file:
        file.truncate(end.offset)


def state_of(folder):
    """Return the state of a run that a reader works out from the journals in its folder."""
    index = MemoryIndex()
    for path in journals_of(folder):
        for batch in batches_of(path):
            index.apply(batch)
    return work_out_state(index.writers().values(), is_quiet=lambda _: False)


def plain_settings(directory):
    """Return the environment of runs that log what they are given, and nothing besides."""
    return {
        "RUNFORK_DIR": str(directory),
        "RUNFORK_PROJECT": "tests/project",
        "RUNFORK_QUIET": "1",
        "RUNFORK_CONSOLE": "0",
        "RUNFORK_MONITORING_SECONDS": "0",
    }
