"""Who a run is: what its first records say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runfork.model.steps import from_micro_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

_ABOUT_FORKS = ("mark", "mark_time", "journals")


@dataclass
class Identity:
    """Names and origin of a run. Late-bound lineage changes it once.

    Args:
        project: ``workspace/project``.
        run_id: Unique in the project.
        experiment_name: The experiment's name, or None.
        created: Creation time, microseconds since 1970.
        inherits_configs: Whether it inherits its parent's configs.
        fork: Parent's run id and fork step in micro-steps, or None.
        attempt_of: The run id that it was given, where it became a second attempt with an id of its own; else None.
        about_forks: What else records say of a fork, by `fork`: mark, mark_time, and how far the parent's journals were.
    """

    project: str
    run_id: str
    experiment_name: str | None
    created: int
    inherits_configs: bool
    fork: tuple[str, int] | None
    attempt_of: str | None = None
    about_forks: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)

    def creation(self) -> dict[str, Any]:
        """Return the body of the CREATE record."""
        fork = None
        if self.fork is not None:
            fork = {"parent": self.fork[0], "step": self.fork[1], **self.about_forks.get(self.fork, {})}
        body = {
            "run_id": self.run_id,
            "project": self.project,
            "experiment_name": self.experiment_name,
            "creation_time": self.created,
            "inherit_configs": self.inherits_configs,
            "fork": fork,
        }
        return body if self.attempt_of is None else {**body, "attempt_of": self.attempt_of}

    @property
    def given_id(self) -> str:
        """The run id under which all attempts of it were started."""
        return self.run_id if self.attempt_of is None else self.attempt_of

    def configs(self) -> dict[str, Any]:
        """Return the body of the CONFIGS record that names the run."""
        body: dict[str, Any] = {
            "sys/custom_run_id": ["string", self.run_id],
            "sys/creation_time": ["datetime", self.created],
        }
        if self.experiment_name is not None:
            body["sys/name"] = body["sys/experiment/name"] = ["string", self.experiment_name]
        return body

    def heed(self, existing: Mapping[str, Any]) -> str | None:
        """Take over what stands since the run was created, when it is reopened.

        Args:
            existing: What its first records amount to.

        Returns:
            A sentence if another fork, or another experiment name, was asked for than the one that stands.
        """
        self.created = int(existing.get("creation_time", self.created))
        self.attempt_of = existing.get("attempt_of")
        known: Mapping[str, Any] = existing.get("fork") or {}
        asked, self.fork = self.fork, (str(known["parent"]), int(known["step"])) if known else None
        if self.fork is not None:
            self.about_forks[self.fork] = {name: known[name] for name in _ABOUT_FORKS if name in known}
        name, asked_name = existing.get("experiment_name"), self.experiment_name
        self.experiment_name = asked_name if name is None else name
        sentences = [] if asked is None or asked == self.fork else [self._other_fork(asked)]
        if asked_name not in (None, self.experiment_name):
            sentences.append(
                f"run {self.run_id!r} exists and is of experiment {name!r}; that stands, experiment_name={asked_name!r} is "
                "ignored: make a new run for another experiment"
            )
        return "; ".join(sentences) or None

    def _other_fork(self, asked: tuple[str, int]) -> str:
        stands = f"forked from {self.fork[0]!r} at step {from_micro_steps(self.fork[1])}" if self.fork else "not a fork"
        return f"run {self.run_id!r} exists and is {stands}; that stands, fork_run_id={asked[0]!r} is ignored"
