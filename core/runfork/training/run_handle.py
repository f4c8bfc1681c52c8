"""What ``logger.experiment`` and ``callback.run`` return: the present run, opened when first used, also after it became another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.advice import Advised
from runfork.writing.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class RunHandle:
    """Stands for a run in everything that a `Run` can do.

    Lightning reads ``logger.experiment`` before it has loaded a checkpoint; a run that is opened only when used leaves nothing
    behind where the checkpoint turns out to belong to another run. Code that keeps the handle logs to the right run after a
    rollback too.

    Args:
        open_run: Returns the present run, opening it if need be.
        shown: Returns what is shown of it, opening nothing; None opens it and shows it.
    """

    __slots__ = ("_open_run", "_shown")

    def __init__(self, open_run: Callable[[], Run], shown: Callable[[], str] | None = None) -> None:
        self._open_run = open_run
        self._shown = shown

    # the class of what it stands for, so that isinstance(logger.experiment, Run) holds
    __class__ = property(lambda _self: Run)  # pyright: ignore[reportIncompatibleMethodOverride]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # copying, pickling and notebooks ask for such names; no reason to open a run
        return getattr(self._open_run(), name)

    if not TYPE_CHECKING:  # as a run itself: advice for who comes from another tracker
        __getitem__, __setitem__ = Advised.__getitem__, Advised.__setitem__

    def __copy__(self) -> RunHandle:
        return self

    def __deepcopy__(self, _memo: object) -> RunHandle:
        return self  # a copied model still logs to the one run

    def __reduce__(self) -> tuple[Any, ...]:
        return RunHandle, (self._open_run, self._shown)

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_run().__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return self._shown() if self._shown is not None else repr(self._open_run())


class AbsentRun(RunHandle):
    """What ranks other than 0 get for a run: a disabled one, which answers whatever it is asked, and logs nothing.

    Args:
        run_id: The id of the run that rank 0 logs to, as far as it is known.
    """

    __slots__ = ("_run", "_run_id")

    def __init__(self, run_id: str | None = None) -> None:
        super().__init__(self._disabled)
        self._run_id = run_id
        self._run: Run | None = None

    def _disabled(self) -> Run:
        if self._run is None or self._run.is_closed:  # as rank 0 opens the run again
            self._run = Run(run_id=self._run_id, mode="disabled")
        return self._run

    def __reduce__(self) -> tuple[Any, ...]:
        return AbsentRun, (self._run_id,)
