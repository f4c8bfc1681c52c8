"""Short names of runs: generated ids without the time and random part, where that still names one run only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runfork.model.identifiers import generated_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runfork.cli.console import OutputConsole
    from runfork.index.interface import Index

__all__ = ["run_names", "short_names"]


def run_names(index: Index, console: OutputConsole) -> dict[str, str]:
    """Return what to call each run: a short name on a terminal, its id where a program may read the output."""
    nodes = index.nodes()
    if not console.is_terminal:
        return {run_id: run_id for run_id in nodes}
    return short_names(nodes, (node.experiment_name for node in nodes.values() if node.experiment_name))


def short_names(run_ids: Iterable[str], experiment_names: Iterable[str] = ()) -> dict[str, str]:
    """Return what to call each run where room is scarce; it is a prefix of its id, and no other run's or experiment's.

    Args:
        run_ids: Every run of the project.
        experiment_names: Every experiment of the project.
    """
    ids = list(run_ids)
    found = {run_id: prefix for run_id in ids if (prefix := generated_prefix(run_id))}
    uses = Counter(found.values())
    taken = {*ids, *experiment_names}
    begun = {run_id for run_id in ids if run_id not in found}
    return {
        run_id: short
        if (short := found.get(run_id)) and uses[short] == 1 and short not in taken and not _begins(short, begun)
        else run_id
        for run_id in ids
    }


def _begins(short: str, ids: Iterable[str]) -> bool:
    return any(run_id.startswith(short) for run_id in ids)
