"""Where a run comes from: what resuming from a checkpoint makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import holds, journals_of
from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.model.identifiers import check_run_id
from runfork.model.secrets import mask_text
from runfork.model.steps import from_micro_steps
from runfork.settings import said_by
from runfork.writing.checkpoint_marks import check_mark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runfork.hooks import Decision
    from runfork.model.marks import Mark
    from runfork.writing.life import Life
    from runfork.writing.run_journal import RunJournal

_MOST_READ = 8 * 1024 * 1024


class Resuming:
    """What resuming from a checkpoint makes of a run. Every method may be called from any thread.

    Args:
        journal: The run's.
        life: The run's.
    """

    def __init__(self, journal: RunJournal, life: Life) -> None:
        self._journal = journal
        self._life = life
        self._identity = journal.identity
        self._recorder = journal.recorder
        self._problems = journal.problems

    @property
    def parent(self) -> tuple[str, float] | None:
        """The parent's run id and the fork step, or None for a root."""
        fork = self._identity.fork
        return None if fork is None else (fork[0], from_micro_steps(fork[1]))

    def begin(self, mark: Mapping[str, Any] | None, checkpoint: str | None, *, forks: bool) -> None:
        """Say where the run comes from, once its first records are written.

        Args:
            mark: A checkpoint's, to resume from.
            checkpoint: Where that lay.
            forks: Whether a parent was named.
        """
        if self._journal.is_reopened and not self._journal.is_visitor:
            self._recorder.on_first_point = self._tell_continued
        if mark is not None:
            self.resume(mark, checkpoint=checkpoint)
        elif forks and self._identity.fork is not None:
            self._tell_forked(*self._identity.fork)

    def resume(
        self, mark: Mapping[str, Any], *, checkpoint: str | None = None, policy: Decision | None = None
    ) -> Decision:
        """Make this run what resuming from a checkpoint means; see `runfork.Run.resume`."""
        if self._recorder.has_points:
            raise ArgumentError(f"run {self._journal.run_id!r} has points already; make a new Run(resume_from=...)")
        checkpoint = None if checkpoint is None else mask_text(checkpoint)  # it may be a signed URL
        found = check_mark(mark, self._identity, self._problems)
        if found is None or self._journal.is_disabled:
            return "new"
        self._recorder.on_first_point = None
        if found.run_id == self._journal.run_id or self._is_attempt_of_this(found.run_id):
            return self._go_on(found, mark, checkpoint, policy)
        if self._has_origin():
            return self._keep_origin(found, mark, checkpoint, policy)
        decision = self._decide(mark, policy)
        if decision == "continue" and not self._can_continue(found):
            decision = "fork"
        if decision == "continue":
            self._continue_as(found)
        elif decision == "fork":
            self._become_fork(found, checkpoint)
        self._log_resume(found, checkpoint, decision)
        if decision == "fork":
            self._tell_forked(found.run_id, found.step)
        return decision

    def _has_origin(self) -> bool:
        """Whether it is settled where this run comes from."""
        return self._identity.fork is not None or (self._journal.is_reopened and self._had_points())

    def _had_points(self) -> bool:
        """Whether an earlier attempt logged points to this run."""
        from runfork.writing.journal_progress import last_step

        return last_step(journals_of(self._journal.directory), passes=self._journal.passes) is not None

    def _keep_origin(
        self, found: Mark, mark: Mapping[str, Any], checkpoint: str | None, policy: Decision | None
    ) -> Decision:
        if self._identity.fork == (found.run_id, found.step):
            if not self._journal.is_reopened:
                return "fork"
            if not self._had_points():
                return "continue"
            return self._begin_attempt(found, checkpoint, self._decide(mark, policy))
        if not self._journal.is_reopened:
            raise ArgumentError(
                f"run {self._journal.run_id!r} has the parent {self.parent}; make a new Run(resume_from=...)"
            )
        stands = "not a fork" if self.parent is None else f"forked from {self.parent[0]!r} at step {self.parent[1]}"
        self._problems.warn(
            "fork",
            f"run {self._journal.run_id!r} exists and is {stands}; that stands, the checkpoint of run {found.run_id!r} at step "
            f"{found.user_step} makes no fork; leave out {said_by('run_id', self._journal.run_id)} to fork",
        )
        return "continue"

    # Attempts under one run id

    def _is_attempt_of_this(self, run_id: str) -> bool:
        if self._identity.attempt_of is not None:
            return False
        from runfork.journal.first_records import read_creation

        creation = read_creation(journals_of(self._journal.folder_of(run_id)))
        return creation is not None and creation.get("attempt_of") == self._journal.run_id

    def _go_on(self, found: Mark, mark: Mapping[str, Any], checkpoint: str | None, policy: Decision | None) -> Decision:
        """Continue a run from a checkpoint of its own, unless that would hide points that it has."""
        from runfork.writing.journal_progress import examine_parent

        folder = self._journal.folder_of(found.run_id)
        state = examine_parent(folder, found.mark, step=found.step, passes=self._journal.passes)
        reason = state.reason_for_an_attempt()
        if reason is not None:
            decision = self._decide(mark, policy)
            if decision == "continue":
                self._warn_not_continued(found, reason)
            return self._begin_attempt(found, checkpoint, decision)
        if found.run_id != self._journal.run_id:
            self._continue_as(found)
        self._log_resume(found, checkpoint, "continue")
        return "continue"

    def _begin_attempt(self, mark: Mark, checkpoint: str | None, decision: Decision) -> Decision:
        """Become a run of its own, whose id begins with the one that was given."""
        from runfork.model.identifiers import attempt_ids
        from runfork.writing.journal_progress import is_taken

        identity, given = self._identity, self._identity.given_id
        identity.attempt_of, identity.created, self._journal.is_reopened = given, self._journal.opened, False
        identity.fork, identity.about_forks = None, {}
        if decision != "new":
            self._set_fork(mark)  # so that it stands in the first record already
        if identity.experiment_name is None:
            identity.experiment_name = mark.experiment
        for candidate in attempt_ids(given, (mark.run_id, mark.step), self._journal.launch.key):
            if is_taken(self._journal.folder_of(candidate), passes=self._journal.passes):
                continue
            provisional, identity.run_id = self._journal.directory, candidate
            self._move_journal(provisional)
            self._recorder.record(Kind.CONFIGS, identity.configs())
            if not is_taken(self._journal.directory, passes=self._journal.passes):
                break  # else another process was here at the same moment
        if decision == "new":
            self._log_resume(mark, checkpoint, decision)
            return decision
        self._become_fork(mark, checkpoint)
        self._log_resume(mark, checkpoint, "fork")
        self._tell_forked(mark.run_id, mark.step)
        return "fork"

    # Forks

    def _decide(self, mark: Mapping[str, Any], policy: Decision | None) -> Decision:
        background = self._life.background
        if policy is not None or background is None:
            return policy or "fork"
        return background.plugins.decide_resume(mark)

    def _become_fork(self, mark: Mark, checkpoint: str | None) -> None:
        body = {
            "parent": mark.run_id,
            "step": mark.step,
            **self._set_fork(mark),
            "policy": "fork",
            "checkpoint": checkpoint,
            "inherit_configs": self._identity.inherits_configs,
        }
        self._recorder.record(Kind.LINEAGE, body)
        self._adopt_experiment(mark)
        self._tell_if_unmarked(mark)

    def _set_fork(self, mark: Mark) -> Mapping[str, Any]:
        """Take a mark's run and step as parent; returns what else records say of the fork."""
        self._identity.fork = (mark.run_id, mark.step)
        about = {"mark": mark.mark, "mark_time": mark.time, "journals": self._journal.sizes_of(mark.run_id)}
        return self._identity.about_forks.setdefault(self._identity.fork, about)

    def _adopt_experiment(self, mark: Mark) -> None:
        if self._identity.experiment_name is None and mark.experiment is not None:
            self._identity.experiment_name = mark.experiment
            self._recorder.record(Kind.CREATE, self._identity.creation())
            self._recorder.record(Kind.CONFIGS, self._identity.configs())
            self._life.take_place()

    def _can_continue(self, mark: Mark) -> bool:
        from runfork.writing.journal_progress import examine_parent

        folder = self._journal.folder_of(mark.run_id)
        parent = examine_parent(folder, mark.mark, passes=self._journal.passes)
        reason = parent.reason_against_continuing()
        if reason is not None:
            self._warn_not_continued(mark, reason)
        return reason is None

    def _warn_not_continued(self, mark: Mark, reason: str) -> None:
        self._problems.warn("continue", f"run {mark.run_id!r} {reason}: it is not continued, but forked")

    def _continue_as(self, mark: Mark) -> None:
        """Become the run that wrote the checkpoint: what this journal holds goes on in a new journal of that run."""
        from runfork.journal.first_records import read_creation

        provisional = self._journal.directory
        self._identity.run_id = mark.run_id
        self._life.make_room()
        if (ignored := self._identity.heed(read_creation(journals_of(self._journal.directory)) or {})) is not None:
            self._problems.warn("fork", ignored)
        self._move_journal(provisional)

    def _move_journal(self, provisional: Path) -> None:
        """Go on in a new journal, in the folder of the run that this is now, with the records of that in `provisional`."""
        from runfork.disk.takeover import Takeover

        takeover = Takeover(provisional)

        def tell(error: OSError) -> None:
            self._problems.tell("continue files", f"{provisional} could not be moved to {folder} ({error}); see both")

        def leave_it() -> None:
            try:
                takeover.leave(left, folder)
            except OSError as error:
                tell(error)

        left, folder = self._journal.writer.restart(takeover.records), self._journal.directory
        try:
            takeover.copy_files(folder)
        except OSError as error:
            tell(error)
            return
        self._life.tell_moved()
        if self._life.background is not None:
            self._life.background.after_sync(leave_it)

    def move_to(self, run_id: str) -> None:
        """Give what this object has logged to a run of another id, without a parent: the id is wanted for something else.

        Args:
            run_id: Of the run that it becomes; there must be none yet.
        """
        if self._journal.is_disabled or self._life.is_closed:
            return
        provisional, identity = self._journal.directory, self._identity
        identity.run_id, identity.fork, identity.attempt_of = check_run_id(run_id), None, None
        if self._journal.is_reopened:
            identity.created, self._journal.is_reopened = self._journal.opened, False
        self._move_journal(provisional)
        self._recorder.record(Kind.CONFIGS, identity.configs())

    def _log_resume(self, mark: Mark, checkpoint: str | None, decision: Decision) -> None:
        values = {"policy": decision, "parent": mark.run_id, "mark": mark.mark, "checkpoint": checkpoint}
        body = {f"sys/resume/{name}": ["string", value] for name, value in values.items() if value is not None}
        self._recorder.record(Kind.CONFIGS, body)

    def _tell_if_unmarked(self, mark: Mark) -> None:
        """Say where the run that a mark names has no such mark: its process ended while it saved, or its id was used again."""
        folder = self._journal.folder_of(mark.run_id)
        if folder.is_dir() and not holds(folder, json.dumps(mark.mark).encode()):
            self._problems.tell(
                "unmarked",
                f"the journals of {mark.run_id!r} hold no mark {mark.mark!r}: it was killed while it saved this checkpoint, or is "
                f"another run that was given the same id; the fork at step {mark.user_step} is told by its step alone",
            )

    def _tell_forked(self, parent: str, step: int) -> None:
        folder = self._journal.folder_of(parent)
        if not folder.is_dir():
            self._problems.tell(
                "pending",
                f"the parent {parent!r} is not in {folder.parent}: the fork is pending until its folder is copied there",
            )
        self._life.tell_forked(parent, from_micro_steps(step))

    def _tell_continued(self) -> None:
        """Say, beside training, what it means that the run has points already: nobody named a checkpoint to go on from."""
        journal = self._journal

        def say() -> None:
            from runfork.writing.announcements import is_quiet, say_continued
            from runfork.writing.journal_progress import last_step

            if is_quiet(journal):
                return
            others = [path for path in journals_of(journal.directory) if path != journal.writer.path]
            # Reading is work, and training goes on meanwhile.
            if sum(path.stat().st_size for path in others) > _MOST_READ:
                say_continued(journal, None)
            elif (last := last_step(others, passes=journal.passes)) is not None:
                say_continued(journal, last)

        self._life.announce(say)
