"""One process writes one run. `run` is what user code calls; it is put together from parts that know each other only downward.

At the bottom is `run_journal` (who the run is, and what all is written to); on that stand `log` (what is logged), `background`
(what goes on beside training, on threads that all runs share), `life` (state and end, and what of the process tells it),
`checkpoint_marks`, and `resuming` (what a checkpoint makes of the run).

It may import errors, types, advice, time_limits, settings, model, journal, disk, hooks, plugins, capture.
"""

from __future__ import annotations

__all__ = ["BUILT_IN"]

BUILT_IN = (
    "runfork.capture.environment",
    "runfork.capture.hardware",
    "runfork.capture.unknown_values",
    "runfork.writing.resume_policy",
)
"""Our own features beside training that are plugins like everyone's, in the order in which they are registered."""
