"""From what a user resumes from to a checkpoint mark that can be trusted, or a sentence why there is none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError, ArgumentTypeError, FormatError
from runfork.model.marks import Mark, find_mark, parse_mark

if TYPE_CHECKING:
    from runfork.model.identity import Identity
    from runfork.writing.problems import Problems

__all__ = ["check_mark", "find_given_mark"]

CHECKPOINT_SECONDS = 600.0
"""So long a plugin may read a checkpoint, which may be large, on a slow disk."""


def find_given_mark(resume_from: object, problems: Problems) -> Mapping[str, Any] | None:
    """Return the mark that ``resume_from`` means; None where there is none, said unless nothing was passed.

    Args:
        resume_from: A mark, a checkpoint with one under ``"runfork"``, the path of a checkpoint, or None.
        problems: Where "no mark inside" is told.

    Raises:
        ArgumentTypeError: It is none of these.
        ArgumentError: It is a path, and nothing lies there.
    """
    if resume_from is None:
        return None
    if isinstance(resume_from, (str, os.PathLike)):
        return _mark_in_file(Path(resume_from), problems)
    if not isinstance(resume_from, Mapping):
        raise ArgumentTypeError(f"resume_from must be a mark, a checkpoint dict or a path, found {resume_from!r:.80}")
    found = find_mark(resume_from)
    if found is None and resume_from:
        problems.warn("mark", "the checkpoint carries no mark of runfork under 'runfork': this is a new run")
    return found or None


def _mark_in_file(path: Path, problems: Problems) -> Mapping[str, Any] | None:
    if not path.exists():
        raise ArgumentError(
            f"resume_from names {str(path)!r}, and there is no such checkpoint; pass None to begin anew"
        )
    from runfork.plugins import load_plugins
    from runfork.writing import BUILT_IN

    plugins = load_plugins(built_in=BUILT_IN, patience_seconds=CHECKPOINT_SECONDS)
    mark = plugins.find_checkpoint_mark(str(path))
    if not mark:
        reasons = [text for name, text in plugins.failures.items() if name.endswith(".find_checkpoint_mark")]
        why = f" ({'; '.join(reasons)})" if reasons else ""
        problems.warn("mark", f"the checkpoint {str(path)!r} carries no mark of runfork{why}: this is a new run")
    return mark or None


def check_mark(data: Mapping[str, Any], identity: Identity, problems: Problems) -> Mark | None:
    """Return the mark if `identity` can be forked at it; else None, told in one sentence.

    Args:
        data: The mark, or a checkpoint that carries it.
        identity: The run that is to be forked.
        problems: Where the sentence goes.
    """
    try:
        mark = parse_mark(find_mark(data) or data)
    except (ArgumentError, FormatError) as error:
        problems.warn("mark", f"{error}; run {identity.run_id!r} begins as a new run")
        return None
    if mark.project == identity.project:
        return mark
    problems.warn(
        "mark",
        f"the checkpoint was written by run {mark.run_id!r} of project {mark.project!r}, this run is in "
        f"{identity.project!r}: it begins as a new run; pass project={mark.project!r} to fork",
    )
    return None
