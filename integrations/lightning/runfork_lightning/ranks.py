"""Which process logs."""

from __future__ import annotations

__all__ = ["is_rank_zero"]


def is_rank_zero() -> bool:
    """Return whether this process is the one that logs."""
    from lightning_utilities.core.rank_zero import rank_zero_only

    return not getattr(rank_zero_only, "rank", 0)
