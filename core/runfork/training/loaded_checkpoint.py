"""The checkpoint that a framework has loaded before it trains or evaluates, as far as it matters for lineage. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runfork.errors import ArgumentError, FormatError
from runfork.model.marks import MARK_KEY, Mark, parse_mark

AXES_KEY = "axes"
"""Key inside the mark for the last steps of series on axes of their own, as JSON text."""


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint that was loaded.

    Args:
        mark: What it carries for us, or None. An unreadable mark is passed as it is.
        path: Where it lies, or None.
        details: What else is known of it, such as ``{"global_step": 16}``; noted where the run that wrote it is not known.
        is_internal: A checkpoint that the framework wrote for itself, in the middle of a training; it changes nothing.
    """

    mark: Mapping[str, Any] | None = None
    path: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    is_internal: bool = False


def mark_in(checkpoint: object) -> Mapping[str, Any] | None:
    """Return what a checkpoint carries under our key: the mark, something that cannot be one (as an empty dict), or None."""
    if not isinstance(checkpoint, Mapping) or MARK_KEY not in checkpoint:
        return None
    found = checkpoint[MARK_KEY]
    return found if isinstance(found, Mapping) else {}


def readable_mark(data: Mapping[str, Any] | None) -> Mark | None:
    """Return the mark that `data` holds; None where there is none, or none that can be read."""
    try:
        return parse_mark(data) if data is not None else None
    except (ArgumentError, FormatError):
        return None


def checkpoint_path(path: object) -> str | None:
    """Return a checkpoint's path as text, absolute where it is a local one."""
    if path is None:
        return None
    text = os.fspath(path) if isinstance(path, os.PathLike) else str(path)
    return text if "://" in text else os.path.abspath(text)  # noqa: PTH100  a Path would normalize more than it should
