"""Who a run is, and its checkpoint marks: what others may come from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import journal_sizes
from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.journal.format import Kind
from runfork.model.attributes import check_path
from runfork.model.clock import now_us
from runfork.model.conversion import plain_value
from runfork.model.identifiers import check_mark_id, random_suffix
from runfork.model.marks import Mark
from runfork.model.messages import shown
from runfork.model.named_parts import Parts, named_parts
from runfork.model.steps import from_micro_steps, to_micro_steps
from runfork.writing.log import Logbook
from runfork.writing.recorder import check_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runfork.disk.layout import Store
    from runfork.journal.writer import JournalWriter
    from runfork.model.identity import Identity
    from runfork.writing.session import Session

__all__ = ["Marking"]


class Marking(Logbook):
    """The side of a run that says who it is and marks its checkpoints. Every method may be called from any thread.

    Set by the run: its identity, its journal, the store that it lies in, and its session (None where nothing is written).
    """

    journal: JournalWriter
    _identity: Identity
    _store: Store
    _session: Session | None
    _is_closed: bool
    rank: int
    """Which of the processes that write to the run this one is."""
    _mark_ids: set[str]

    @property
    def run_id(self) -> str:
        """The run's id, unique in its project; valid from construction."""
        return self._identity.run_id

    @property
    def project(self) -> str:
        """``workspace/project``."""
        return self._identity.project

    @property
    def experiment_name(self) -> str | None:
        """The experiment's name, or None."""
        return self._identity.experiment_name

    @property
    def parent(self) -> tuple[str, float] | None:
        """The parent's run id and the fork step, or None for a root."""
        return (
            None if self._identity.fork is None else (self._identity.fork[0], from_micro_steps(self._identity.fork[1]))
        )

    @property
    def attempt_of(self) -> str | None:
        """The run id that it was given, where it is a second attempt with an id of its own; else None."""
        return self._identity.attempt_of

    @property
    def directory(self) -> Path:
        """The folder of its journals and files."""
        return self._store.run_directory(self.project, self.run_id)

    @property
    def has_points(self) -> bool:
        """Whether a series point was logged by this object (console lines and hardware metrics do not count)."""
        return self.recorder.has_points

    def checkpoint_mark(
        self,
        step: float,
        *,
        epoch: int | None = None,
        fingerprint: str | None = None,
        cuts: Mapping[str, float] | None = None,
        mark_id: str | None = None,
        counter: float | None = None,
    ) -> dict[str, Any]:
        """Journal that a checkpoint is being written, and return the mark to put into it.

        ``Run(resume_from=mark)`` later forks from here. Put the mark into the checkpoint under the key ``"runfork"``.

        Args:
            step: Last step that was logged before the checkpoint: what a fork inherits, inclusive.
            epoch: Epoch of the checkpoint.
            fingerprint: Hash of the trainable weights, for `suggest_parent`.
            cuts: Last step of each series that counts on an axis of its own, by path; a fork inherits those up to there.
            mark_id: Id of the mark, for integrations that had to name it before the checkpoint was written; unique in the run.
                Default: a new one.
            counter: What the framework's own step counter says, where that is not `step`.

        Returns:
            A dict of str, int and None. Empty in disabled mode, which ``resume_from`` understands as no mark.

        Raises:
            ArgumentTypeError: An argument is of the wrong type.
            ArgumentError: `step` is no step, or another argument has a value that no reader would take.
        """
        micro = to_micro_steps(step)
        recorded = _check_cuts(cuts)
        number, counted = _check_epoch(epoch), _check_counter(counter)
        _check_fingerprint(fingerprint)
        chosen = self._take_mark_id(mark_id)
        if self.is_disabled:
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
        if self._is_closed:
            self.problems.warn(
                "closed mark", "checkpoint_mark() was called after close(): a fork from it finds the run, not the mark"
            )
        else:
            self.recorder.record(Kind.MARK, self._mark_body(mark, recorded), step=micro, time_us=mark.time)
        if fingerprint is not None and self._session is not None:
            self._session.remember_mark(self._store, mark)
        return mark.to_dict()

    def _mark_body(self, mark: Mark, cuts: Mapping[str, int]) -> dict[str, Any]:
        """Return the body of a MARK record: with how far the run's other journals are, as long as that can be seen."""
        body = {"mark": mark.mark, "epoch": mark.epoch, "fingerprint": mark.fingerprint, "cuts": cuts}
        sizes = journal_sizes(self.directory)
        if sizes is None:
            return body  # readers go by the mark's time
        own = self.journal.path and self.journal.path.stem
        return {**body, "journals": {writer: size for writer, size in sizes.items() if writer != own}}

    def _take_mark_id(self, mark_id: object) -> str:
        if mark_id is None:
            return random_suffix(12)
        chosen = check_mark_id(mark_id)
        if chosen in self._mark_ids:
            self.problems.warn(
                "mark id",
                f"mark_id={chosen!r} is taken by an earlier mark of this run: the mark got another id; leave it out",
            )
            return random_suffix(12)
        self._mark_ids.add(chosen)
        return chosen

    def suggest_parent(self, fingerprint: str | None, *, face: str = "Run") -> Mark | None:
        """Look for the run whose checkpoint held weights of this fingerprint, and offer it as the parent of this run.

        For weights that come without a mark. Nothing is done about it but to say so: on stderr, and in ``sys/resume/suggestion``,
        both times with the arguments that accept it.

        Args:
            fingerprint: Hash of the weights that training begins with, as `checkpoint_mark` was given one; None is nobody's.
            face: The name of what takes the arguments, for the message.

        Returns:
            The mark, or None if no other run here saved such weights.

        Raises:
            ArgumentTypeError: `fingerprint` is neither.
        """
        _check_fingerprint(fingerprint)
        if self.is_disabled or fingerprint is None:
            return None
        from runfork.disk.marks_by_fingerprint import find_marks
        from runfork.writing.announcements import say_suggestion

        marks = [mark for mark in find_marks(self._store, fingerprint) if mark.run_id != self.run_id]
        found = next((mark for mark in marks if mark.project == self.project), marks[0] if marks else None)
        if found is None:
            return None
        arguments = f"fork_run_id={found.run_id!r}, fork_step={found.user_step!r}"
        if found.project != self.project:
            arguments = f"project={found.project!r}, {arguments}"
        self.recorder.record(Kind.CONFIGS, {"sys/resume/suggestion": ["string", arguments]})
        say_suggestion(self, found, f"{face}({arguments})")
        return found


def _check_cuts(cuts: object) -> dict[str, int]:
    if cuts is None:
        return {}
    parts = named_parts(check_mapping(cuts, "cuts must be a dict of path to step"))
    if not isinstance(parts, Parts) or parts.trouble is not None:
        raise ArgumentTypeError(f"cuts must be a dict of path to step, found {shown(cuts)}, which could not be read")
    return {check_path(path): to_micro_steps(last, "a cut") for path, last in parts.items}


def _check_fingerprint(fingerprint: object) -> None:
    if fingerprint is not None and not issubclass(type(fingerprint), str):
        raise ArgumentTypeError(f"fingerprint must be a string or None, found {shown(fingerprint)}")


def _check_epoch(epoch: object) -> int | None:
    number = _plain(epoch)
    if number is not None and type(number) not in (int, bool):
        raise ArgumentTypeError(f"epoch must be an int, found {shown(epoch)}")
    return None if number is None else int(number)


def _check_counter(counter: object) -> float | None:
    number = _plain(counter)
    if counter is None or (type(number) in (int, float) and math.isfinite(number)):
        return number  # type: ignore[no-any-return]
    raise ArgumentTypeError(f"counter must be a finite number, found {shown(counter)}")


def _plain(value: object) -> Any:
    """Return what `value` stands for; nothing that is a number where it cannot be read."""
    try:
        return plain_value(value)
    except ArgumentError:
        return ""
