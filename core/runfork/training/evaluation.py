"""Where the results of an evaluation go: the run whose weights they are of, or one of their own. They replace nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from runfork.model.flattening import flatten
from runfork.training.existing_points import ExistingPoints
from runfork.training.run_handle import RunHandle
from runfork.training.training_steps import STEP_BETWEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from runfork.training.existing_points import Occupancy
    from runfork.writing.run import Run

_MAX_HELD = 4096
_LAST_BEHIND = 999_999


class Destination(NamedTuple):
    """A run that results can go to.

    Args:
        open: Returns it, opening it if need be.
        folder: Where its journals lie; None where that is known once it is open.
        is_lent: It was opened for the evaluation alone, and is closed with it.
        visit: Opens it once more, as a visitor: what is logged to that can be taken back. None where nobody needs to.
    """

    open: Callable[[], Run]
    folder: Path | None
    is_lent: bool
    visit: Callable[[], Run] | None = None


class _Row(NamedTuple):
    metrics: dict[str, Any]
    texts: dict[str, str]
    besides: frozenset[str]
    behind: int
    options: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        return {**self.metrics, **self.texts}


class Evaluation:
    """One evaluation of weights of which it is known, or not, which run they are of.

    Args:
        step: The step of the weights.
        visited: The run that the weights are of, as long as all its places are free; None where results go to `own` anyway.
        own: Where they go otherwise.
    """

    def __init__(self, step: float, *, visited: Destination | None, own: Destination) -> None:
        self.step = step
        self._destination = visited or own
        self._own = own
        self._held: list[_Row] = []
        self._drafts: Run | None = None
        self._counts: dict[str, int] = {}
        self._runs: dict[Destination, Run] = {}
        self._places: dict[Destination, ExistingPoints] = {}

    @property
    def is_visiting(self) -> bool:
        """Whether results go to the run that the weights are of."""
        return self._destination is not self._own

    @property
    def is_lent(self) -> bool:
        """Whether results go to a run that is closed with the evaluation."""
        return self._destination.is_lent

    # Results

    def log(
        self,
        metrics: Mapping[str, Any],
        texts: Mapping[str, str] | None = None,
        *,
        besides: Collection[str] = (),
        behind: int | None = None,
        is_partial: bool = False,
        **options: Any,
    ) -> None:
        """Log results at the step of the weights.

        Where something else stands there already, they and all that follow go to a run of their own; what stands there just so is
        not logged again.

        Args:
            metrics: Path to number.
            texts: Path to text.
            besides: Paths of what is no result, such as how long it took: left out where something else stands in its place.
            behind: Millionths of a step behind it, for values of single batches; None is as many as the path was logged before.
            is_partial: They go where those of the whole evaluation go. Until these come they stand in a journal of their own, so
                that they are safe, and can be taken back.
            options: Of `Run.log_metrics`.
        """
        if any(hasattr(value, "items") for value in metrics.values()):
            metrics = flatten(metrics)
        if behind is None:
            behind = max((self._counts.get(path, 0) for path in (*metrics, *(texts or ()))), default=0)
            self._counts.update(dict.fromkeys((*metrics, *(texts or ())), behind + 1))
        row = _Row(dict(metrics), dict(texts or {}), frozenset(besides), behind, options)
        if self.is_visiting:
            with self._look().alone():
                if not self._is_taken(row, behind):
                    self._write(row, behind, is_draft=self._keep(row, is_partial=is_partial))
                    return
            self._leave()
        self._write(row, self._free_place(row))

    def _keep(self, row: _Row, *, is_partial: bool) -> bool:
        """Keep a row of a part until the whole comes; with that, or with too many, all of them stay. Returns whether it is kept."""
        if not is_partial or len(self._held) >= _MAX_HELD:
            self._commit()
            return False
        self._held.append(row)
        return True

    def _commit(self) -> None:
        """Let all that was logged stay where it is."""
        self._held = []
        if self._drafts is not None:
            self._drafts.close()
        self._drafts = None

    def _leave(self) -> None:
        """Go on in the run of its own, with what belongs to the evaluation and was logged to the visited run."""
        self._destination, rows, self._held = self._own, self._held, []
        for row in rows:
            self._write(row, self._free_place(row))
        if self._drafts is not None:
            self._drafts.withdraw()
        self._drafts = None

    def _write(self, row: _Row, behind: int, *, is_draft: bool = False) -> None:
        step, places = self._at(behind), self._look()
        free = [
            path for path, value in row.values.items() if not places.is_known or places.at(path, step, value) == "free"
        ]
        if not free:
            return
        run = self._draft_run() if is_draft else self.run
        if metrics := {path: row.metrics[path] for path in free if path in row.metrics}:
            run.log_metrics(metrics, step, **row.options)
        if texts := {path: row.texts[path] for path in free if path in row.texts}:
            run.log_string_series(texts, step, timestamp=row.options.get("timestamp"))
        for path in free:
            places.note(path, step, row.values[path])

    def _draft_run(self) -> Run:
        if self._drafts is None:
            assert self._destination.visit is not None  # what is visited is a run that others can open, too
            self._drafts = self._destination.visit()
            if self._drafts.journal.path is not None:
                self._look().passed_over.add(self._drafts.journal.path)
        return self._drafts

    def _free_place(self, row: _Row) -> int:
        """Return how far behind the step a row replaces nothing in the run of its own."""
        behind = row.behind
        while self._look().is_known and behind < _LAST_BEHIND and self._is_taken(row, behind):
            behind += 1
        return behind

    def _is_taken(self, row: _Row, behind: int) -> bool:
        places, step = self._look(), self._at(behind)
        return any(
            places.at(path, step, value) == "taken" for path, value in row.values.items() if path not in row.besides
        )

    def _at(self, behind: int) -> float:
        return self.step + behind * STEP_BETWEEN if behind else self.step

    def _look(self) -> ExistingPoints:
        if self._destination not in self._places:
            self._places[self._destination] = ExistingPoints(self._destination.folder or self.run.directory, self.step)
        return self._places[self._destination]

    # The run

    @property
    def run(self) -> Run:
        """The run that results go to now, opened when first asked for."""
        if self._destination not in self._runs:
            self._runs[self._destination] = self._destination.open()
        return self._runs[self._destination]

    @property
    def lent(self) -> Run:
        """The run for whatever else is logged in the evaluation."""
        return cast("Run", _LentRun(lambda: self.run, self))

    def make_room(self, values: Mapping[str, Any], step: float | None) -> tuple[Run, dict[str, Any]]:
        """Return the run that points of series at a step, or single values, go to, and those that are not there just so.

        Args:
            values: Path to value.
            step: None for single values.
        """
        if self.is_visiting:
            self._look().look_again()
            if any(self._stands(path, step, value) == "taken" for path, value in values.items()):
                self._leave()
        return self.run, {path: one for path, one in values.items() if self._stands(path, step, one) != "same"}

    def _stands(self, path: str, step: float | None, value: object) -> Occupancy:
        if not self.is_visiting:
            return "free"
        if step is None:
            return "taken" if self._look().has_single(path) else "free"
        return self._look().at(path, step, value)

    def fail(self, state: str, exception: BaseException | None) -> None:
        """Record why the evaluation ended, if it has a run of its own."""
        if not self.is_visiting and self._destination in self._runs:
            self.run.set_status(state, exception)

    def end(self) -> None:
        """Close what was opened."""
        self._commit()
        for destination, run in self._runs.items():
            if destination.is_lent:
                run.close()


class _LentRun(RunHandle):
    """Stands for the run of an evaluation; what would replace something there goes to a run of its own.

    Args:
        open_run: Returns the run.
        evaluation: The evaluation.
    """

    __slots__ = ("_evaluation",)

    def __init__(self, open_run: Callable[[], Run], evaluation: Evaluation) -> None:
        super().__init__(open_run)
        self._evaluation = evaluation

    def log_metrics(self, data: Mapping[str, Any], step: float, **options: Any) -> None:
        """Log metrics; the arguments are those of `Run.log_metrics`."""
        run, rest = self._evaluation.make_room(data, step)
        run.log_metrics(rest, step, **options)

    def log_string_series(self, data: Mapping[str, str], step: float, **options: Any) -> None:
        """Log texts; the arguments are those of `Run.log_string_series`."""
        run, rest = self._evaluation.make_room(data, step)
        run.log_string_series(rest, step, **options)

    def log_histograms(self, histograms: Mapping[str, Any], step: float, **options: Any) -> None:
        """Log histograms; the arguments are those of `Run.log_histograms`."""
        run, rest = self._evaluation.make_room(histograms, step)
        run.log_histograms(rest, step, **options)

    def log_files(self, files: Mapping[str, Any], step: float, **options: Any) -> None:
        """Log files; the arguments are those of `Run.log_files`."""
        run, rest = self._evaluation.make_room(files, step)
        run.log_files(rest, step, **options)

    def log_configs(self, data: Any, **options: Any) -> None:
        """Set single values; the arguments are those of `Run.log_configs`."""
        run, rest = self._evaluation.make_room(flatten(data) if data is not None else {}, None)
        run.log_configs(rest, **options)

    def assign_files(self, files: Mapping[str, Any]) -> None:
        """Set single files; the argument is that of `Run.assign_files`."""
        run, rest = self._evaluation.make_room(files, None)
        run.assign_files(rest)
