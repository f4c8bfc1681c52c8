"""The built-in plugin that decides what resuming makes of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.hooks import Decision, OpenRun, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping


@hookimpl(trylast=True)
def decide_resume(run: OpenRun, mark: Mapping[str, Any]) -> Decision:
    """Follow the setting ``resume_policy`` (``RUNFORK_RESUME``)."""
    del mark
    return run.settings.resume_policy  # type: ignore[return-value]
