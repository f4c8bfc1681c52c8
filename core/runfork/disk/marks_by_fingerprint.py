"""Whose weights these are: which run saved weights of a given fingerprint, for checkpoints that carry no mark.

Every checkpoint mark with a fingerprint is noted below ``.fingerprints/`` in the data directory, in one of 256 append-only files of
JSON lines, so that looking one up reads a small file however many runs there are. They are derived from the marks in the
journals. Deleting them loses nothing that was logged; weights whose file carries no mark, and models that Keras' ``load_model``
reads, are then nobody's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runfork.disk.layout import holds
from runfork.errors import ArgumentError, FormatError
from runfork.journal.descriptors import open_descriptor
from runfork.model.marks import parse_mark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runfork.disk.layout import Store
    from runfork.model.marks import Mark

FOLDER = ".fingerprints"


def remember_mark(store: Store, mark: Mark) -> None:
    """Note a mark that has a fingerprint.

    One at step 0 is left out: weights that nothing has trained are those of every run with the same seed.

    Raises:
        OSError: It could not be written.
    """
    if mark.fingerprint is None or mark.step <= 0:
        return
    file = _file(store, mark.fingerprint)
    file.parent.mkdir(parents=True, exist_ok=True)
    line = "\n" + json.dumps(mark.to_dict(), separators=(",", ":")) + "\n"  # the line before may have been cut short
    with open(file, "ab", buffering=0, opener=open_descriptor) as notes:
        notes.write(line.encode())


def find_marks(store: Store, fingerprint: str, *, includes_absent: bool = False) -> list[Mark]:
    """Return the marks of checkpoints whose weights had this fingerprint, the latest first.

    What is noted is held against the journals: a run that is here and has no such mark (it was deleted, and its id used again)
    saved no such weights.

    Args:
        store: The data directory.
        fingerprint: The fingerprint.
        includes_absent: Whether runs count that are not here: that were deleted, or moved away for now.
    """
    try:
        lines = _file(store, fingerprint).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = _parsed(reversed(lines), fingerprint)
    return [mark for mark in found if _is_true(store, mark, includes_absent=includes_absent)]


def _parsed(lines: Iterator[str], fingerprint: str) -> Iterator[Mark]:
    """Yield the marks in lines; one that was cut short, or written by a newer version, is passed over."""
    for line in lines:
        if fingerprint not in line:
            continue
        try:
            mark = parse_mark(json.loads(line))
        except (ValueError, AttributeError, ArgumentError, FormatError):
            continue
        if mark.fingerprint == fingerprint:
            yield mark


def _is_true(store: Store, mark: Mark, *, includes_absent: bool) -> bool:
    folder = store.run_directory(mark.project, mark.run_id)
    return holds(folder, json.dumps(mark.mark).encode()) if folder.is_dir() else includes_absent


def _file(store: Store, fingerprint: str) -> Path:
    prefix = fingerprint[:2].lower()
    return store.directory / FOLDER / (prefix if prefix.isalnum() and prefix.isascii() else "other")
