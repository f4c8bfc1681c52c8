"""What is logged of a hyperparameter search: every trial is a run of its own, and all of them share a group tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.model.identifiers import random_suffix

if TYPE_CHECKING:
    from runfork.writing.run import Run


class TrialLog:
    """Tells the trials of one search from trainings of any other kind."""

    def __init__(self) -> None:
        self._search: str | None = None
        self._trials = 0

    def note(self, run: Run, state: Any) -> None:
        """Log to a run that has just begun which trial of which search it is, if it is one."""
        if not state.is_hyper_param_search:
            self._search, self._trials = None, 0
            run.describe({}, replaces=["trial"])
            return
        if self._search is None:
            self._search = f"search-{random_suffix(6)}"
        self._trials += 1
        run.add_tags([self._search], group_tags=True)
        described = {"number": self._trials, "name": state.trial_name, "params": state.trial_params}
        run.describe(
            {f"trial/{name}": value for name, value in described.items() if value is not None}, replaces=["trial"]
        )
