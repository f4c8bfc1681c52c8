"""The launch that this process is part of: its rank, and which journals of a run were written by processes started with it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runfork.disk.liveness import boot_id, is_silent, lives_here, process_age_seconds, process_start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIGN_OF_LIFE_SECONDS = 30.0
"""A process of another host gives signs of life so often at least, with time for a slow file system to show them."""

_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_WORLDS = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")
_SHARED = (
    "TORCHELASTIC_RUN_ID",
    "MASTER_ADDR",
    "MASTER_PORT",
    "PMIX_NAMESPACE",
    "SLURM_JOB_ID",
    "SLURM_STEP_ID",
    "SLURM_RESTART_COUNT",
)


@dataclass(frozen=True)
class Launch:
    """What starts all processes of one training at once: torchrun, mpirun, srun, a program by ``multiprocessing``, or nobody.

    Args:
        rank: Which of its processes this one is; 0 where that is not known.
        key: What all its processes have in common, as a short hash; None where this process is alone.
        number: What tells this process from the others: its rank, else its process id.
    """

    rank: int = 0
    key: str | None = None
    number: int = 0

    @classmethod
    def find(cls) -> Launch:
        """Return the launch of this process."""
        world = _number(*_WORLDS) or 1
        if world < 2:  # noqa: PLR2004  (alone, as far as the environment says)
            return cls._of_siblings()
        shared = [os.environ.get(name, "") for name in _SHARED]
        if world == _number("LOCAL_WORLD_SIZE"):  # agents of several hosts count their restarts each for itself
            shared.append(os.environ.get("TORCHELASTIC_RESTART_COUNT", ""))
        rank = _number(*_RANKS) or 0
        return cls(rank, _hash(str(world), *shared), rank)

    @classmethod
    def _of_siblings(cls) -> Launch:
        """Return the launch of a process that ``multiprocessing`` started: those of the same parent."""
        module = sys.modules.get("multiprocessing.process")
        parent = module.parent_process() if module is not None else None
        if parent is None or parent.pid is None:
            return cls()
        return cls(0, _hash(str(boot_id()), str(parent.pid), str(process_start(parent.pid))), os.getpid())

    def header(self) -> dict[str, Any]:
        """Return what a journal's header says of it."""
        return {} if self.key is None else {"launch": self.key, "launch_rank": self.number}

    def is_of_same_rank(self, identity: Mapping[str, Any]) -> bool:
        """Return whether a journal was written by the process that had this rank, in this launch or in an earlier one."""
        return bool(identity.get("launch_rank", 0) == self.number)

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
        margin = 0.0 if is_closed or is_alive is False else SIGN_OF_LIFE_SECONDS
        return not is_silent(path, process_age_seconds() + margin)


def _hash(*parts: str) -> str:
    import hashlib

    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _number(*names: str) -> int | None:
    for name in names:
        text = os.environ.get(name, "")
        if text.isdecimal() and text.isascii():
            return int(text)
    return None
