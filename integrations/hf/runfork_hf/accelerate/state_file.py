"""The file with the mark that lies beside the weights in every directory that Accelerate's ``save_state`` writes.

No framework is imported here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.training.loaded_checkpoint import readable_mark

if TYPE_CHECKING:
    from runfork.training.loaded_checkpoint import LoadedCheckpoint
    from runfork.training.training import Training

STATE_FILE = "runfork.json"


def find_mark_in_state(path: str | Path) -> Mapping[str, Any] | None:
    """Return the mark in a directory that ``save_state`` wrote; None if there is none.

    Args:
        path: The directory.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no JSON object.
    """
    file = Path(path) / STATE_FILE
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, Mapping):
        raise ValueError(f"{str(file)!r} must hold a JSON object, found {found!r:.80}")  # noqa: TRY004  the file is wrong
    return found


def take_mark_from_state(path: str | Path) -> Mapping[str, Any] | None:
    """Return the mark likewise, and for a file that cannot be read something that is no mark, so that it is told."""
    try:
        return find_mark_in_state(path)
    except (OSError, ValueError, RecursionError) as error:  # the last of JSON that is nested without end
        return {"found": f"{STATE_FILE}: {error}"}


def put_mark_in_state(directory: str | Path, mark: Mapping[str, Any]) -> None:
    """Write a mark, all or nothing.

    Args:
        directory: The directory that is being saved.
        mark: The mark. An empty one, as in disabled mode, takes away what lies there: these are not its weights any more.
    """
    file = Path(directory) / STATE_FILE
    if not mark:
        file.unlink(missing_ok=True)
        return
    part = file.with_name(f"{STATE_FILE}.{os.getpid()}.part")
    part.write_text(json.dumps(mark), encoding="utf-8")
    part.replace(file)


def held_against_weights(
    loaded: LoadedCheckpoint, weights: str | None, training: Training
) -> tuple[LoadedCheckpoint, str | None]:
    """Return a state with the mark of its weights, and what is to be told where that is not the one in the file beside them.

    Args:
        loaded: The state.
        weights: The fingerprint of the weights that were loaded, or None.
        training: Knows which weights were marked.
    """
    mark = readable_mark(loaded.mark)
    if mark is None or weights is None or mark.fingerprint in (None, weights):
        return loaded, None
    found = training.find_parent(weights)
    counts = (
        f"they are those of run {found['run_id']!r} at step {found['step']}, which counts" if found else "it counts"
    )
    sentence = (
        f"the weights in {loaded.path!r} are not those of its mark (run {mark.run_id!r}, step {mark.user_step}): the state was "
        f"saved over, or layers were frozen or changed since; {counts}"
    )
    return (replace(loaded, mark=found) if found else loaded), sentence
