"""One process writes one run: its lineage, its log, its journal, and what goes on beside training.

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
