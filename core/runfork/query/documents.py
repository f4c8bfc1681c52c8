"""What runs and attributes are in JSON: of the command line's ``--json`` and of the HTTP API alike.

Steps are numbers, times ISO 8601 in UTC. JSON knows no NaN and infinities: they are the strings "NaN", "Infinity", "-Infinity".
The shapes stand in ``docs/cli.md`` and change only with a major version.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from runfork.model.attributes import AttributeType
from runfork.model.steps import from_micro_steps
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.model.attributes import Value
    from runfork.model.differences import Change
    from runfork.model.lineage import Fork, RunNode, StepRange
    from runfork.query.pages import ColumnChoice, Item
    from runfork.reading.family import Member

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_STEP_STATISTICS = ("first_step", "last_step")


def json_number(number: float | None) -> float | str | None:
    """Return a number, or the string that stands for one that JSON does not know."""
    if number is None or isinstance(number, int) or math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")


def json_time(micros: int) -> str | int:
    """Return a moment as ISO 8601 in UTC with microseconds; years that datetime cannot hold stay microseconds."""
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        return micros


def json_range(steps: StepRange | None) -> list[int | float] | None:
    """Return first and last step."""
    return None if steps is None else [from_micro_steps(steps[0]), from_micro_steps(steps[1])]


def json_content(kind: AttributeType, content: Any) -> Any:
    """Return what an attribute of a type holds."""
    if kind is AttributeType.DATETIME:
        return json_time(content)
    if isinstance(content, float):
        return json_number(content)
    if isinstance(content, FileReference):
        return {
            "name": content.name,
            "size_bytes": content.size_bytes,
            "mime_type": content.mime_type,
            "sha256": content.sha256,
        }
    if isinstance(content, Histogram):
        values = [json_number(value) for value in content.values]
        return {"type": content.kind, "edges": list(content.bin_edges), "values": values}
    return content


def json_held(value: Value | None) -> Any:
    """Return what an attribute holds, without all that is told of it; None where there is none."""
    return None if value is None else json_content(value.type, value.content)


def json_value(value: Value | None) -> dict[str, Any] | None:
    """Return an attribute: type, value (of series the last), source_run, time, and the statistics of series."""
    if value is None:
        return None
    document = {
        "type": value.type.value,
        "value": json_held(value),
        "source_run": value.source_run,
        "time": json_time(value.time),
    }
    if value.statistics is not None:
        document["statistics"] = {
            name: json_step(number) if name in _STEP_STATISTICS else json_number(number)
            for name, number in value.statistics.items()
        }
    return document


def json_step(micro: int | None) -> int | float | None:
    """Return a step as a number."""
    return None if micro is None else from_micro_steps(int(micro))


def json_node(node: RunNode) -> dict[str, Any]:
    """Return a run: run_id, experiment, created, fork (parent and step, or null), is_archived."""
    return {
        "run_id": node.run_id,
        "experiment": node.experiment_name,
        "created": json_time(node.created),
        "fork": None if node.fork is None else json_fork(node.fork),
        "is_archived": node.is_archived,
    }


def json_change(change: Change) -> dict[str, Any]:
    """Return a config that a fork changed: path, kind, before, after (null where there is nothing)."""
    before, after = json_held(change.before), json_held(change.after)
    return {"path": change.path, "kind": change.kind, "before": before, "after": after}


def json_fork(fork: Fork) -> dict[str, Any]:
    """Return where a run left its parent: parent, step."""
    return {"parent": fork.parent, "step": from_micro_steps(fork.step)}


def json_item(item: Item, columns: Sequence[ColumnChoice]) -> dict[str, Any]:
    """Return a run of a listing: what `json_node` says, is_head, run_count, state, last_step, and its values by column."""
    return {
        **json_node(item.row.node),
        "is_head": item.row.is_head,
        "run_count": item.run_count,
        "state": item.state,
        "last_step": json_step(item.last_step),
        "values": {column.title: json_cell(item, column) for column in columns},
    }


def json_cell(item: Item, column: ColumnChoice) -> Any:
    """Return what a run of a listing has in a column."""
    value = item.values.get(column.path)
    if value is None:
        return None
    content = column.content(value)
    return json_number(content) if column.aggregate is not None else json_content(value.type, content)


def json_member(member: Member) -> dict[str, Any]:
    """Return a run of a family: what `json_node` says, whether it is head, pending, in the lineage; its state, steps, changes."""
    extent = member.extent
    return {
        **json_node(member.node),
        "is_head": member.is_head,
        "is_pending": member.is_pending,
        "is_in_lineage": extent.is_in_lineage,
        "state": member.state,
        "steps": json_range(extent.own),
        "kept": json_range(extent.kept),
        "pruned": json_range(extent.pruned),
        "changes": [json_change(change) for change in member.changes],
    }
