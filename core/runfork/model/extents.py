"""Extents: which steps each run of a lineage logged, and which of them its head still shows. Pure: no I/O, no clock, no lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.model.lineage import segments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork.model.lineage import RunNode

__all__ = ["Extent", "StepRange", "lineage_extents"]

StepRange = tuple[int, int]
"""First and last micro-step of something."""


@dataclass(frozen=True)
class Extent:
    """What became of the steps that one run logged, as seen from a head.

    Args:
        own: First and last step that the run logged itself; None if it logged no point.
        kept: The part of it that the head shows; None if there is none.
        pruned: The part that an ancestor logged beyond its cut; its first bound itself is kept where `kept` ends there. None if
            there is none, and of runs beside the lineage, from which nothing was taken.
        is_in_lineage: Whether the run is the head or one of its ancestors.
    """

    own: StepRange | None
    kept: StepRange | None
    pruned: StepRange | None
    is_in_lineage: bool


def lineage_extents(head: str, nodes: Mapping[str, RunNode], own: Mapping[str, StepRange | None]) -> dict[str, Extent]:
    """Return the extent of every run in `own` or in the lineage of `head`, on the step axis.

    Args:
        head: The run from which to look.
        nodes: Every known run of the project.
        own: First and last own step of each run of interest; None of one without points.
    """
    cuts = {segment.run_id: segment.high for segment in segments(head, nodes)}
    return {run_id: _extent(own.get(run_id), cuts.get(run_id)) for run_id in {**cuts, **own}}


def _extent(own: StepRange | None, cut: int | None) -> Extent:
    if own is None:
        return Extent(None, None, None, is_in_lineage=cut is not None)
    low, high = own
    if cut is None:
        return Extent(own, None, None, is_in_lineage=False)
    if cut < low:
        return Extent(own, None, own, is_in_lineage=True)
    if cut >= high:
        return Extent(own, own, None, is_in_lineage=True)
    return Extent(own, (low, cut), (cut, high), is_in_lineage=True)
