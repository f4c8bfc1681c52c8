"""The rows of the runs table: what `runfork ls` says of a run, its name and number, and what it shows of its ancestors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.query.documents import json_fork, json_held, json_item, json_range, json_step
from runfork.query.pages import Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.index.interface import RunRow
    from runfork.model.differences import Change
    from runfork.model.lineage import Fork, StepRange
    from runfork.query.pages import ColumnChoice
    from runfork_server.served_project import Facts, ServedProject
    from runfork_server.summaries import Summary


def read_rows(
    project: ServedProject,
    rows: Sequence[RunRow],
    columns: Sequence[ColumnChoice],
    *,
    with_lineage: bool,
    with_changes: bool,
) -> list[dict[str, Any]]:
    """Return rows of the runs table.

    Args:
        project: The project.
        rows: The runs.
        columns: What of their attributes is shown.
        with_lineage: Also ``lineage``: what each shows of its ancestors.
        with_changes: Also ``changes``: the configs in which each differs from its parent.
    """
    facts = project.facts
    run_ids = [row.node.run_id for row in rows]
    paths = dict.fromkeys(column.path for column in columns)
    values = project.index.values(run_ids, paths=[*paths]) if paths else {}
    family = dict.fromkeys(run_ids)
    if with_lineage:
        for run_id in run_ids:
            family.update(dict.fromkeys(facts.lineage(run_id)))
    summaries = project.summaries.of(family)
    changes = project.summaries.changes(run_ids, facts.nodes) if with_changes else {}
    documents = []
    for row in rows:
        run_id = row.node.run_id
        summary = summaries.get(run_id)
        count = facts.name_counts[row.node.experiment_name] if row.node.experiment_name is not None else 1
        item = Item(row, values.get(run_id, {}), None, count)
        document = {
            **json_item(item, columns),
            "fork": json_fork_in(facts, row.node.fork),
            "name": facts.names.get(run_id, run_id),
            "number": facts.numbers.get(run_id, 0),
            "run_place": facts.name_places.get(run_id, 1),
            "state": None if summary is None else summary.state,
            "last_step": None if summary is None else json_step(summary.last_step),
        }
        if with_lineage:
            document["lineage"] = reaches(facts, summaries, run_id)
        if with_changes:
            document["changes"] = [json_difference(change) for change in changes.get(run_id, ())]
        documents.append(document)
    return documents


def json_fork_in(facts: Facts, fork: Fork | None) -> dict[str, Any] | None:
    """Return where a run left its parent: parent, step, and whether the parent is not here."""
    return None if fork is None else {**json_fork(fork), "is_pending": fork.parent not in facts.nodes}


def reaches(facts: Facts, summaries: Mapping[str, Summary], run_id: str) -> list[dict[str, Any]]:
    """Return what a run shows of each of its ancestors, the root first, and of itself; `summaries` are theirs."""
    found = []
    for one, cut in facts.cuts(run_id).items():
        node = facts.nodes.get(one)
        summary = summaries.get(one)
        if node is None or summary is None:
            continue
        begin = None if node.fork is None else node.fork.step
        kept, pruned = split(summary.own, begin, cut)
        found.append(
            {
                "run_id": one,
                "name": facts.names.get(one, one),
                "number": facts.numbers.get(one, 0),
                "experiment": node.experiment_name,
                "state": summary.state,
                "fork_step": json_step(begin),
                "last": None if summary.own is None else json_step(summary.own[1]),
                "kept": json_range(kept),
                "pruned": json_range(pruned),
            }
        )
    return found


def split(own: StepRange | None, begin: int | None, cut: int) -> tuple[StepRange | None, StepRange | None]:
    """Return which of its own steps a run contributes to one below it, and which lie beyond the cut.

    Args:
        own: Its first and last own step.
        begin: Where it left its parent; None for a root.
        cut: The last of its steps that the one below sees.
    """
    if own is None:
        return None, None
    low, high = (own[0] if begin is None else begin), own[1]
    low = min(low, high)
    if cut < low:
        return None, (low, high)
    if cut >= high:
        return (low, high), None
    return (low, cut), (cut, high)


def json_difference(change: Change) -> dict[str, Any]:
    """Return a config in which a run differs from its parent: path, and what each of them has there with its type."""
    sides = {"before": change.before, "after": change.after}
    told = {
        name: None if value is None else {"type": value.type.value, "value": json_held(value)}
        for name, value in sides.items()
    }
    return {"path": change.path, **told}
