"""The tracker for Accelerate. Importing this imports accelerate and torch; `runfork_hf` does so when it is first used."""

from __future__ import annotations

from typing import Any

try:
    from accelerate import tracking
except ImportError as error:
    raise ImportError(
        f"RunforkTracker needs accelerate and torch, which could not be imported ({error}); "
        'install them: pip install "runfork[hf]"'
    ) from error

from runfork.training.arguments import Integration
from runfork_hf.accelerate.state_hooks import hooks_of
from runfork_hf.accelerate.tracker import TrackerMethods


class RunforkTracker(TrackerMethods, tracking.GeneralTracker):  # type: ignore[misc]  # noqa: D101  accelerate has no types; the docstring is below
    __doc__ = TrackerMethods.__doc__
    __module__ = "runfork_hf"  # pickles hold the path that users write

    name = "runfork"
    requires_logging_directory = False
    main_process_only = True

    _integration = Integration.installed("accelerate", "RunforkTracker")
    _start_is_called = hasattr(tracking.GeneralTracker, "start")


def track(accelerator: Any) -> None:
    """Have ``accelerator.load_state`` fork and ``accelerator.save_state`` leave marks, for its `RunforkTracker`.

    Only needed where a state is loaded before ``init_trackers``, or where the tracker cannot find its Accelerator: older versions
    call no tracker in ``init_trackers`` but for a ``config``. Calling it again changes nothing; other ranks may call it too.

    Args:
        accelerator: The ``accelerate.Accelerator``.
    """
    hooks = hooks_of(accelerator)
    for tracker in (*getattr(accelerator, "log_with", ()), *accelerator.trackers):
        if isinstance(tracker, TrackerMethods):
            tracker.meet(hooks)


def register_tracker() -> None:
    """Make ``log_with="runfork"`` known to Accelerate; calling it again changes nothing.

    Older versions of Accelerate know no trackers by name but their own: there, pass ``log_with=RunforkTracker(...)``.
    """
    register = getattr(tracking, "register_tracker_class", None)
    known = getattr(tracking, "LOGGER_TYPE_TO_CLASS", {})  # only read: a second registration warns
    if register is not None and known.get(RunforkTracker.name) is not RunforkTracker:
        register(RunforkTracker)
