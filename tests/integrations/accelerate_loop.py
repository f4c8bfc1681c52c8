"""A loop with Accelerate and a tiny model, for tests in this process."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("accelerate")

from accelerate import tracking
from tests.integrations.accelerate_driver import open_accelerator, prepare, train_epoch

if TYPE_CHECKING:
    from pathlib import Path

has_names = hasattr(tracking, "register_tracker_class")
needs_names = pytest.mark.skipif(not has_names, reason="this Accelerate knows no trackers by name but its own")

LOSS = "train/loss"


class Loop(SimpleNamespace):
    """An Accelerator with a tiny model, which trains eight steps in an epoch."""

    accelerator: Any
    model: Any
    progress: Any

    def epoch(self) -> None:
        train_epoch(self.accelerator, self.model, self.optimizer, self.loader, self.progress, [])

    def save(self, path: Path) -> str:
        self.accelerator.save_state(str(path))
        return str(path)

    @property
    def tracker(self) -> Any:
        return self.accelerator.trackers[-1]

    @property
    def run_id(self) -> str:
        return str(self.tracker.tracker.run_id)


def begin(accelerator: Any = None, *, inits: bool = True, **arguments: Any) -> Loop:
    accelerator = accelerator or open_accelerator(**arguments)
    model, optimizer, loader, progress = prepare(accelerator)
    loop = Loop(accelerator=accelerator, model=model, optimizer=optimizer, loader=loader, progress=progress)
    if inits:
        accelerator.init_trackers("tiny", config={"lr": 0.1}, init_kwargs={"runfork": arguments})
    return loop


def trained(folder: Path, **arguments: Any) -> Loop:
    """A loop of two epochs that saved `folder`/1 and `folder`/2, and ended."""
    loop = begin(**arguments)
    for epoch in (1, 2):
        loop.epoch()
        loop.save(folder / str(epoch))
    loop.accelerator.end_training()
    return loop
