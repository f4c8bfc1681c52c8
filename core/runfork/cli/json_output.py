"""What ``--json`` writes: one document in UTF-8; its shapes stand in ``docs/cli.md`` and change only with a major version.

Steps are numbers, times ISO 8601 in UTC. JSON knows no NaN and infinities: they are the strings "NaN", "Infinity", "-Infinity".
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from runfork.model.attributes import AttributeType
from runfork.model.steps import from_micro_steps
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from runfork.model.attributes import Value
    from runfork.model.differences import Change
    from runfork.model.lineage import RunNode, StepRange

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_STEP_STATISTICS = ("first_step", "last_step")


def write_json(document: Any) -> None:
    """Write one JSON document to stdout, indented."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))


def write_json_line(document: Any) -> None:
    """Write one JSON document to stdout, on a line of its own."""
    click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))


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
            name: _json_step(number) if name in _STEP_STATISTICS else json_number(number)
            for name, number in value.statistics.items()
        }
    return document


def _json_step(micro: int | None) -> int | float | None:
    return None if micro is None else from_micro_steps(int(micro))


def json_node(node: RunNode) -> dict[str, Any]:
    """Return a run: run_id, experiment, created, fork (parent and step, or null), is_archived."""
    fork = node.fork
    return {
        "run_id": node.run_id,
        "experiment": node.experiment_name,
        "created": json_time(node.created),
        "fork": None if fork is None else {"parent": fork.parent, "step": from_micro_steps(fork.step)},
        "is_archived": node.is_archived,
    }


def json_change(change: Change) -> dict[str, Any]:
    """Return a config that a fork changed: path, kind, before, after (null where there is nothing)."""
    before, after = json_held(change.before), json_held(change.after)
    return {"path": change.path, "kind": change.kind, "before": before, "after": after}
