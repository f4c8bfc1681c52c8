"""Marks of checkpoints: those that a run makes, from which others may come, and those that are found in a checkpoint."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import journal_sizes
from runfork.disk.marks_by_fingerprint import find_marks, remember_mark
from runfork.errors import ArgumentError, ArgumentTypeError, FormatError
from runfork.journal.format import Kind
from runfork.model.attributes import check_path
from runfork.model.clock import now_us
from runfork.model.conversion import plain_value
from runfork.model.identifiers import check_mark_id, random_suffix
from runfork.model.marks import Mark, find_mark, parse_mark
from runfork.model.messages import described, shown
from runfork.model.named_parts import named_parts
from runfork.model.steps import to_micro_steps
from runfork.writing.recorder import check_mapping

if TYPE_CHECKING:
    from runfork.model.identity import Identity
    from runfork.writing.life import Life
    from runfork.writing.problems import Problems
    from runfork.writing.run_journal import RunJournal

CHECKPOINT_SECONDS = 600.0
"""So long a plugin may read a checkpoint, which may be large, on a slow disk."""


class CheckpointMarks:
    """The marks of a run's checkpoints, from which others may come. Every method may be called from any thread.

    Args:
        journal: The run's.
        life: The run's.
    """

    def __init__(self, journal: RunJournal, life: Life) -> None:
        self._journal = journal
        self._life = life
        self._identity = journal.identity
        self._problems = journal.problems
        self._taken: set[str] = set()

    def make(
        self,
        step: float,
        *,
        epoch: int | None = None,
        fingerprint: str | None = None,
        cuts: Mapping[str, float] | None = None,
        mark_id: str | None = None,
        counter: float | None = None,
    ) -> dict[str, Any]:
        """Journal that a checkpoint is being written; see `runfork.Run.checkpoint_mark`."""
        micro = to_micro_steps(step)
        recorded = _check_cuts(cuts)
        number, counted = _check_epoch(epoch), _check_counter(counter)
        _check_fingerprint(fingerprint)
        chosen = self._take_mark_id(mark_id)
        if self._journal.is_disabled:
            return {}
        mark = Mark(
            project=self._identity.project,
            run_id=self._identity.run_id,
            mark=chosen,
            step=micro,
            experiment=self._identity.experiment_name,
            epoch=number,
            fingerprint=fingerprint,
            time=now_us(),
            counter=counted,
        )
        if self._life.is_closed:
            self._problems.warn(
                "closed mark", "checkpoint_mark() was called after close(): a fork from it finds the run, not the mark"
            )
        else:
            self._journal.recorder.record(Kind.MARK, self._mark_body(mark, recorded), step=micro, time_us=mark.time)
            self._remember(mark)
        return mark.to_dict()

    def _remember(self, mark: Mark) -> None:
        """Note the fingerprint, if there is one, before the checkpoint can be written: whoever loads that finds it.

        Later, in the background, would be too late for who loads the weights at once, and for ever where the process is killed.
        """
        try:
            remember_mark(self._journal.store, mark)
        except Exception as error:  # it only describes: whatever it fails of, the mark is there, and is returned
            self._problems.tell(
                "fingerprint",
                f"the fingerprint of a checkpoint could not be noted ({described(error)}): should its weights come back without "
                "their mark, nobody will know whose they are",
            )

    def _mark_body(self, mark: Mark, cuts: Mapping[str, int]) -> dict[str, Any]:
        """Return the body of a MARK record: with how far the run's other journals are, as long as that can be seen."""
        body = {"mark": mark.mark, "epoch": mark.epoch, "fingerprint": mark.fingerprint, "cuts": cuts}
        sizes = journal_sizes(self._journal.directory)
        if sizes is None:
            return body  # readers go by the mark's time
        own = self._journal.writer.path and self._journal.writer.path.stem
        return {**body, "journals": {writer: size for writer, size in sizes.items() if writer != own}}

    def _take_mark_id(self, mark_id: object) -> str:
        if mark_id is None:
            return random_suffix(12)
        chosen = check_mark_id(mark_id)
        if chosen in self._taken:
            self._problems.warn(
                "mark id",
                f"mark_id={chosen!r} is taken by an earlier mark of this run: the mark got another id; leave it out",
            )
            return random_suffix(12)
        self._taken.add(chosen)
        return chosen

    def suggest_parent(self, fingerprint: str | None, *, face: str = "Run") -> Mark | None:
        """Look for the run whose checkpoint held weights of this fingerprint; see `runfork.Run.suggest_parent`."""
        _check_fingerprint(fingerprint)
        if self._journal.is_disabled or fingerprint is None:
            return None
        from runfork.writing.announcements import say_suggestion

        marks = [mark for mark in find_marks(self._journal.store, fingerprint) if mark.run_id != self._journal.run_id]
        found = next((mark for mark in marks if mark.project == self._journal.project), marks[0] if marks else None)
        if found is None:
            return None
        arguments = f"fork_run_id={found.run_id!r}, fork_step={found.user_step!r}"
        if found.project != self._journal.project:
            arguments = f"project={found.project!r}, {arguments}"
        self._journal.recorder.record(Kind.CONFIGS, {"sys/resume/suggestion": ["string", arguments]})
        say_suggestion(self._journal, found, f"{face}({arguments})")
        return found


def _check_cuts(cuts: object) -> dict[str, int]:
    if cuts is None:
        return {}
    parts = named_parts(check_mapping(cuts, "cuts must be a dict of path to step"))
    if parts is None or parts.trouble is not None:
        raise ArgumentTypeError(f"cuts must be a dict of path to step, found {shown(cuts)}, which could not be read")
    return {check_path(path): to_micro_steps(last, "a cut") for path, last in parts.items}


def _check_fingerprint(fingerprint: object) -> None:
    if fingerprint is not None and not issubclass(type(fingerprint), str):
        raise ArgumentTypeError(f"fingerprint must be a string or None, found {shown(fingerprint)}")


def _check_epoch(epoch: object) -> int | None:
    number = _number_in(epoch)
    if number is not None and type(number) not in (int, bool):
        raise ArgumentTypeError(f"epoch must be an int, found {shown(epoch)}")
    return None if number is None else int(number)


def _check_counter(counter: object) -> float | None:
    number = _number_in(counter)
    if counter is None or (type(number) in (int, float) and math.isfinite(number)):
        return number  # type: ignore[no-any-return]
    raise ArgumentTypeError(f"counter must be a finite number, found {shown(counter)}")


def _number_in(value: object) -> Any:
    """Return what `value` stands for; nothing that is a number where it cannot be read."""
    try:
        return plain_value(value)
    except ArgumentError:
        return ""


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
    from runfork.plugins import load_plugins_once
    from runfork.writing import BUILT_IN

    plugins = load_plugins_once(BUILT_IN, timeout_seconds=CHECKPOINT_SECONDS)
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
