"""The launch that this process is part of: its rank, and which journals of a run were written by processes started with it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runfork.status import is_silent, lives_here, process_age_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Launch", "launched_rank"]

SIGN_OF_LIFE_SECONDS = 30.0
"""A process of another host gives signs of life so often at least, with time for a slow file system to show them."""

_SHARED = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT")


def launched_rank() -> int:
    """Return which of the processes of its launch this one is: what torchrun says, else SLURM."""
    return _number("RANK", "SLURM_PROCID") or 0


@dataclass(frozen=True)
class Launch:
    """What starts all processes of one training at once: torchrun, srun, or nobody but the user.

    Args:
        rank: Which of its processes this one is.
        key: What the environments of all its processes have in common, as a short hash; None where this process is alone.
    """

    rank: int = 0
    key: str | None = None

    @classmethod
    def find(cls) -> Launch:
        """Return the launch of this process."""
        world = _number("WORLD_SIZE", "SLURM_NTASKS") or 1
        if world < 2:  # noqa: PLR2004  (alone)
            return cls()
        shared = [os.environ.get(name, "") for name in _SHARED]
        if world == _number("LOCAL_WORLD_SIZE"):  # agents of several hosts count their restarts each for itself
            shared.append(os.environ.get("TORCHELASTIC_RESTART_COUNT", ""))
        key = hashlib.sha256("\0".join([str(world), *shared]).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return cls(launched_rank(), key)

    def header(self) -> dict[str, Any]:
        """Return what a journal's header says of it."""
        return {} if self.key is None else {"launch": self.key, "launch_rank": self.rank}

    def is_of_same_rank(self, identity: Mapping[str, Any]) -> bool:
        """Return whether a journal was written by the process that had this rank, in this launch or in an earlier one."""
        return int(identity.get("launch_rank", 0)) == self.rank

    def includes(self, path: Path, identity: Mapping[str, Any], *, is_closed: bool) -> bool:
        """Return whether another process of this very launch wrote a journal.

        An earlier launch may have had the same environment (``torchrun`` started again by hand, on the same port). Its processes
        were gone before this one began: what they wrote has not grown for longer than this process lives.

        Args:
            path: The journal.
            identity: Its header.
            is_closed: Whether it ends with the record that closes it.
        """
        if self.key is None or identity.get("launch") != self.key or self.is_of_same_rank(identity):
            return False
        is_alive = lives_here(identity)
        if is_alive:
            return True
        patience = 0.0 if is_closed or is_alive is False else SIGN_OF_LIFE_SECONDS
        return not is_silent(path, process_age_seconds() + patience)


def _number(*names: str) -> int | None:
    for name in names:
        text = os.environ.get(name, "")
        if text.isdecimal() and text.isascii():
            return int(text)
    return None
