"""Where a run comes from: what resuming from a checkpoint makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import holds, journal_sizes, journals_of
from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.model.identifiers import check_run_id
from runfork.model.secrets import mask_text
from runfork.model.steps import from_micro_steps
from runfork.settings import said_by
from runfork.writing.checkpoints import check_mark
from runfork.writing.marking import Marking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runfork.hooks import Decision
    from runfork.model.marks import Mark
    from runfork.writing.launch import Launch

__all__ = ["Origin"]


class Origin(Marking):
    """The lineage side of a run. Every method may be called from any thread.

    Set by the run: the launch that its process is part of, when this process made it, and whether it existed before this
    process opened it.
    """

    _launch: Launch
    _opened: int
    _is_reopened: bool

    def _make_room(self) -> None:
        """Let go of what earlier cells of a notebook opened of this very run."""
        raise NotImplementedError

    def _take_place(self) -> None:
        """Let the runs rest that earlier cells of a notebook opened under this name."""
        raise NotImplementedError

    def resume(
        self, mark: Mapping[str, Any], *, checkpoint: str | None = None, policy: Decision | None = None
    ) -> Decision:
        """Make this run what resuming from a checkpoint means: a fork of the run that wrote it, unless asked otherwise.

        For integrations: they learn of the checkpoint after the run was created. A damaged mark, or one of another project,
        is told in a warning, and the run stays a new one.

        Args:
            mark: What `checkpoint_mark` returned, or a checkpoint that carries it.
            checkpoint: Where the checkpoint lay, for the record.
            policy: "fork", "continue" or "new"; None asks the plugins (``decide_resume``).

        A run that existed before, under the run id that it was given, is continued from a checkpoint of its own. Where it has
        points beyond that checkpoint they would be hidden: this is a second attempt then, a fork with an id that begins with the
        one given. All processes of one launch find the same id. `run_id` says it.

        Returns:
            What was done. "continue" makes this object continue the run that wrote the checkpoint: `run_id` changes.

        Raises:
            ArgumentError: This run has series points, or another parent, already; make a new `Run` for the fork.
        """
        if self.has_points:
            raise ArgumentError(f"run {self.run_id!r} has points already; make a new Run(resume_from=...)")
        checkpoint = None if checkpoint is None else mask_text(checkpoint)  # it may be a signed URL
        found = check_mark(mark, self._identity, self.problems)
        if found is None or self.is_disabled:
            return "new"
        self.recorder.on_first_point = None
        if found.run_id == self.run_id or self._is_attempt_of_this(found.run_id):
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
        if self._identity.fork is not None or not self._is_reopened:
            return self._identity.fork is not None
        from runfork.writing.resume import has_points

        return has_points(self.directory, passes=self._passes)

    def _keep_origin(
        self, found: Mark, mark: Mapping[str, Any], checkpoint: str | None, policy: Decision | None
    ) -> Decision:
        if self._identity.fork == (found.run_id, found.step):
            from runfork.writing.resume import has_points

            if not self._is_reopened:
                return "fork"
            if not has_points(self.directory, passes=self._passes):
                return "continue"
            return self._begin_attempt(found, checkpoint, self._decide(mark, policy))
        if not self._is_reopened:
            raise ArgumentError(f"run {self.run_id!r} has the parent {self.parent}; make a new Run(resume_from=...)")
        stands = "not a fork" if self.parent is None else f"forked from {self.parent[0]!r} at step {self.parent[1]}"
        self.problems.warn(
            "fork",
            f"run {self.run_id!r} exists and is {stands}; that stands, the checkpoint of run {found.run_id!r} at step "
            f"{found.user_step} makes no fork; leave out {said_by('run_id', self.run_id)} to fork",
        )
        return "continue"

    # Attempts under one run id

    def _is_attempt_of_this(self, run_id: str) -> bool:
        if self._identity.attempt_of is not None:
            return False
        from runfork.journal.first_records import read_creation

        creation = read_creation(journals_of(self._store.run_directory(self.project, run_id)))
        return creation is not None and creation.get("attempt_of") == self.run_id

    def _passes(self, path: Path, identity: Mapping[str, Any], is_closed: bool) -> bool:
        """Return whether a journal says nothing of earlier attempts: it is this one's, or of another process of this launch."""
        return path == self.journal.path or self._launch.includes(path, identity, is_closed=is_closed)

    def _go_on(self, found: Mark, mark: Mapping[str, Any], checkpoint: str | None, policy: Decision | None) -> Decision:
        """Continue a run from a checkpoint of its own, unless that would hide points that it has."""
        from runfork.writing.resume import examine_parent

        folder = self._store.run_directory(self.project, found.run_id)
        state = examine_parent(folder, found.mark, step=found.step, passes=self._passes)
        reason = state.reason_for_an_attempt()
        if reason is not None:
            decision = self._decide(mark, policy)
            if decision == "continue":
                self._warn_not_continued(found, reason)
            return self._begin_attempt(found, checkpoint, decision)
        if found.run_id != self.run_id:
            self._continue_as(found)
        self._log_resume(found, checkpoint, "continue")
        return "continue"

    def _begin_attempt(self, mark: Mark, checkpoint: str | None, decision: Decision) -> Decision:
        """Become a run of its own, whose id begins with the one that was given."""
        from runfork.model.identifiers import attempt_ids
        from runfork.writing.resume import is_taken

        identity, given = self._identity, self._identity.given_id
        identity.attempt_of, identity.created, self._is_reopened = given, self._opened, False
        identity.fork, identity.about_forks = None, {}
        if decision != "new":
            self._set_fork(mark)  # so that it stands in the first record already
        if identity.experiment_name is None:
            identity.experiment_name = mark.experiment
        for candidate in attempt_ids(given, (mark.run_id, mark.step), self._launch.key):
            if is_taken(self._store.run_directory(self.project, candidate), passes=self._passes):
                continue
            provisional, identity.run_id = self.directory, candidate
            self._move_journal(provisional)
            self.recorder.record(Kind.CONFIGS, identity.configs())
            if not is_taken(self.directory, passes=self._passes):  # else another process was here at the same moment
                break
        if decision == "new":
            self._log_resume(mark, checkpoint, decision)
            return decision
        self._become_fork(mark, checkpoint)
        self._log_resume(mark, checkpoint, "fork")
        self._tell_forked(mark.run_id, mark.step)
        return "fork"

    # Forks

    def _decide(self, mark: Mapping[str, Any], policy: Decision | None) -> Decision:
        if policy is not None or self._session is None:
            return policy or "fork"
        return self._session.plugin_work.decide_resume(mark)

    def _become_fork(self, mark: Mark, checkpoint: str | None) -> None:
        body = {
            "parent": mark.run_id,
            "step": mark.step,
            **self._set_fork(mark),
            "policy": "fork",
            "checkpoint": checkpoint,
            "inherit_configs": self._identity.inherits_configs,
        }
        self.recorder.record(Kind.LINEAGE, body)
        self._adopt_experiment(mark)
        self._tell_if_unmarked(mark)

    def _set_fork(self, mark: Mark) -> Mapping[str, Any]:
        """Take a mark's run and step as parent; returns what else records say of the fork."""
        self._identity.fork = (mark.run_id, mark.step)
        about = {"mark": mark.mark, "mark_time": mark.time, "journals": self._journals_of(mark.run_id)}
        return self._identity.about_forks.setdefault(self._identity.fork, about)

    def _journals_of(self, parent: str) -> dict[str, int] | None:
        """Return how far the parent's journals are now, None where it is not there yet."""
        return journal_sizes(self._store.run_directory(self.project, parent)) or None

    def _adopt_experiment(self, mark: Mark) -> None:
        if self._identity.experiment_name is None and mark.experiment is not None:
            self._identity.experiment_name = mark.experiment
            self.recorder.record(Kind.CREATE, self._identity.creation())
            self.recorder.record(Kind.CONFIGS, self._identity.configs())
            self._take_place()

    def _can_continue(self, mark: Mark) -> bool:
        from runfork.writing.resume import examine_parent

        folder = self._store.run_directory(self.project, mark.run_id)
        parent = examine_parent(folder, mark.mark, passes=self._passes)
        reason = parent.reason_against_continuing()
        if reason is not None:
            self._warn_not_continued(mark, reason)
        return reason is None

    def _warn_not_continued(self, mark: Mark, reason: str) -> None:
        self.problems.warn("continue", f"run {mark.run_id!r} {reason}: it is not continued, but forked")

    def _continue_as(self, mark: Mark) -> None:
        """Become the run that wrote the checkpoint: what this journal holds goes on in a new journal of that run."""
        from runfork.journal.first_records import read_creation

        provisional = self.directory
        self._identity.run_id = mark.run_id
        self._make_room()
        if (ignored := self._identity.heed(read_creation(journals_of(self.directory)) or {})) is not None:
            self.problems.warn("fork", ignored)
        self._move_journal(provisional)

    def _move_journal(self, provisional: Path) -> None:
        """Go on in a new journal, in the folder of the run that this is now, with the records of that in `provisional`."""
        from runfork.disk.run_folders import copy_files, leave
        from runfork.journal.first_records import files_named_in, frames_to_take_over

        names: set[str] = set()

        def take_over(data: bytes) -> bytes:
            frames = frames_to_take_over(data)
            names.update(files_named_in(frames))
            return frames

        def tell(error: OSError) -> None:
            self.problems.tell("continue files", f"{provisional} could not be moved to {folder} ({error}); see both")

        def leave_it() -> None:
            try:
                leave(provisional, left, names=names, target=folder)
            except OSError as error:
                tell(error)

        left, folder = self.journal.restart(take_over), self.directory
        try:
            copy_files(names, provisional, folder)
        except OSError as error:
            tell(error)
            return
        if self._session is not None:
            self._session.tell_moved()
            self._session.after_sync(leave_it)

    def move_to(self, run_id: str) -> None:
        """Give what this object has logged to a run of another id, without a parent: the id is wanted for something else.

        Args:
            run_id: Of the run that it becomes; there must be none yet.
        """
        if self.is_disabled or self._is_closed:
            return
        provisional, identity = self.directory, self._identity
        identity.run_id, identity.fork, identity.attempt_of = check_run_id(run_id), None, None
        if self._is_reopened:
            identity.created, self._is_reopened = self._opened, False
        self._move_journal(provisional)
        self.recorder.record(Kind.CONFIGS, identity.configs())

    def _log_resume(self, mark: Mark, checkpoint: str | None, decision: Decision) -> None:
        values = {"policy": decision, "parent": mark.run_id, "mark": mark.mark, "checkpoint": checkpoint}
        body = {f"sys/resume/{name}": ["string", value] for name, value in values.items() if value is not None}
        self.recorder.record(Kind.CONFIGS, body)

    def _tell_if_unmarked(self, mark: Mark) -> None:
        """Say where the run that a mark names has no such mark: its process ended while it saved, or its id was used again."""
        folder = self._store.run_directory(self.project, mark.run_id)
        if folder.is_dir() and not holds(folder, json.dumps(mark.mark).encode()):
            self.problems.tell(
                "unmarked",
                f"the journals of {mark.run_id!r} hold no mark {mark.mark!r}: it was killed while it saved this checkpoint, or is "
                f"another run that was given the same id; the fork at step {mark.user_step} is told by its step alone",
            )

    def _tell_forked(self, parent: str, step: int) -> None:
        folder = self._store.run_directory(self.project, parent)
        if not folder.is_dir():
            self.problems.tell(
                "pending",
                f"the parent {parent!r} is not in {folder.parent}: the fork is pending until its folder is copied there",
            )
        if self._session is not None:
            self._session.tell_forked(parent, from_micro_steps(step))
