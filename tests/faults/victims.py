"""What processes do until they are killed; each function runs in a process of its own, see `tests.faults.nursery`."""

from pathlib import Path
from typing import Protocol

from tests.faults.mixture import make_call

from runfork import Run
from runfork.disk.layout import Store
from runfork.reading.fsck import inspect_store
from runfork.reading.project import Project

STARTED, LOGGING, CLOSING, CLOSED = 1, 2, 3, 4
CALLS, PHASE = 0, 1


class Channel(Protocol):
    """Numbers in memory that is shared with whoever watches, and outlives the process."""

    def __setitem__(self, slot: int, value: int) -> None:
        """Say how far it has got."""


def log_mixture(channel: Channel, *, run_id: str, seed: int, calls: int) -> None:
    """Log a mixture; says how many calls have returned."""
    prepared = [make_call(seed, number) for number in range(calls)]
    channel[PHASE] = STARTED
    run = Run(run_id=run_id)
    channel[PHASE] = LOGGING
    for number, call in enumerate(prepared, start=1):
        call.do(run)
        channel[CALLS] = number
    channel[PHASE] = CLOSING
    run.close()
    channel[PHASE] = CLOSED


def refresh(channel: Channel) -> None:
    """Bring the index up to date, and close it; says when it has begun and ended."""
    project = Project.open()
    channel[PHASE] = STARTED
    project.refresh()
    channel[PHASE] = CLOSING
    project.close()
    channel[PHASE] = CLOSED


def inspect(channel: Channel) -> None:
    """Look for damage, in files too."""
    channel[PHASE] = STARTED
    store = Store(Path(Project.open(index_uri="memory://").store.directory))
    inspect_store(store, store.projects(), has_contents=True)
    channel[PHASE] = CLOSED
