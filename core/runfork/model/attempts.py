"""Second attempts: the id of a job that is started again with its run id, where its run went on behind the checkpoint. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.model.identifiers import MAX_NAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runfork.model.marks import Mark

__all__ = ["attempt_ids"]

_ROOM_BYTES = 16


def attempt_ids(run_id: str, mark: Mark, launch: str | None) -> Iterator[str]:
    """Yield the run ids that attempts from one checkpoint may have, in the order in which they are taken.

    All processes of a launch work out the same ones. The mark's own id is not asked: each rank may have saved a mark of its own.

    Args:
        run_id: The id that all attempts were given.
        mark: The mark of the checkpoint.
        launch: What the processes of this launch share, or None.
    """
    place = "\0".join((mark.run_id, str(mark.step), launch or ""))
    base = run_id.encode()[: MAX_NAME_BYTES - _ROOM_BYTES].decode(errors="ignore")
    import hashlib

    first = f"{base}-{hashlib.sha256(place.encode()).hexdigest()[:6]}"
    yield first
    number = 2
    while True:
        yield f"{first}-{number}"
        number += 1
