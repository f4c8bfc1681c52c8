"""Runs as rows of the run table, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from runfork.index.origins import Mark, Origin, fork_of
from runfork.model.lineage import RunNode, Snapshot

__all__ = [
    "RUN_COLUMNS",
    "SAVE_RUN",
    "RunEntry",
    "read_snapshot",
    "run_entry",
    "run_row",
    "snapshot_text",
    "storable",
]

RUN_COLUMNS = (
    "run_id, created, experiment_name, born, inherit_configs, parent, step, mark, snapshot, mark_time, mark_cuts,"
    " mark_snapshot, inherited_time, is_archived, is_head, state, has_points, is_empty"
)
SAVE_RUN = (
    f"INSERT INTO run (id, {RUN_COLUMNS}) VALUES ({', '.join(['?'] * 19)}) ON CONFLICT (id) DO UPDATE SET "  # noqa: S608
    + ", ".join(f"{name} = excluded.{name}" for name in RUN_COLUMNS.split(", "))
)


def storable(text: str) -> str:
    """Return text that SQLite can hold: lone surrogates become question marks."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


@dataclass(frozen=True)
class RunEntry:
    """A run in the index.

    Args:
        id: Its number in the tables.
        run_id: Its id.
        origin: What its journals say of its beginning.
        created: When it counts as created: after its parent.
        mark: The mark that it was forked from, if its parent has it.
        inherited_time: The largest time of the step-axis metric points that it inherits, or None.
        is_archived: Whether it is archived.
        is_head: Whether it is the head of its experiment.
        state: What `set_states` was given.
        has_points: Whether it has a point on a step axis.
    """

    id: int
    run_id: str
    origin: Origin
    created: int
    mark: Mark | None = None
    inherited_time: int | None = None
    is_archived: bool = False
    is_head: bool = False
    state: str | None = None
    has_points: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it has no point on a step axis, and is not known to run."""
        return not self.has_points and self.state != "running"

    def node(self) -> RunNode:
        """Return the run as lineage sees it."""
        fork = fork_of(self.origin, self.mark, self.inherited_time)
        name = self.origin.experiment_name
        born = self.origin.created
        return RunNode(self.run_id, self.created, name, fork, self.is_archived, is_empty=self.is_empty, born=born)


def snapshot_text(snapshot: Snapshot) -> str:
    """Return a snapshot as tables hold it."""
    return json.dumps([dict(snapshot.sizes), snapshot.others])


def read_snapshot(text: str) -> Snapshot:
    """Return a snapshot that a table holds."""
    return Snapshot(*json.loads(text))


def run_row(entry: RunEntry) -> tuple[Any, ...]:
    """Return what `SAVE_RUN` takes."""
    origin, mark = entry.origin, entry.mark
    return (
        entry.id,
        entry.run_id,
        entry.created,
        None if origin.experiment_name is None else storable(origin.experiment_name),
        origin.created,
        origin.inherit_configs,
        origin.parent,
        origin.step,
        origin.mark,
        snapshot_text(origin.snapshot),
        mark.time if mark else None,
        json.dumps(dict(mark.cuts)) if mark else None,
        snapshot_text(mark.snapshot) if mark else None,
        entry.inherited_time,
        entry.is_archived,
        entry.is_head,
        entry.state,
        entry.has_points,
        entry.is_empty,
    )


def run_entry(row: tuple[Any, ...]) -> RunEntry:
    """Return the run that a row of number and `RUN_COLUMNS` holds."""
    number, run_id, created, name, born, inherit_configs, parent, step, mark_id, snapshot, *rest = row
    mark_time, mark_cuts, mark_snapshot, time, is_archived, is_head, state, has_points, _ = rest
    origin = Origin(born, name, bool(inherit_configs), parent, step, mark_id, read_snapshot(snapshot))
    mark = None if mark_time is None else Mark(mark_time, json.loads(mark_cuts), read_snapshot(mark_snapshot))
    return RunEntry(
        number, run_id, origin, created, mark, time, bool(is_archived), bool(is_head), state, bool(has_points)
    )
