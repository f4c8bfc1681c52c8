"""The checkpoints that a run can be forked from: its own and its ancestors', with where they lay when they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.model.steps import MICRO
from runfork.query.documents import json_step, json_time
from runfork_server.resume_code import FRAMEWORKS, ForkPoint, resume_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.index.interface import CheckpointMark, Index
    from runfork_server.resume_code import Framework
    from runfork_server.served_project import ServedProject

_PATH = "checkpoints/path"


class Checkpoint(NamedTuple):
    """A checkpoint of a run.

    Args:
        run_id: The run that wrote it.
        mark: Its mark.
        path: Where it lay when it was written; None if nobody said.
    """

    run_id: str
    mark: CheckpointMark
    path: str | None


def checkpoints_of(project: ServedProject, run_id: str) -> list[Checkpoint]:
    """Return the checkpoints of a run and of its ancestors up to their cuts, the root's first, by step."""
    cuts = project.facts.cuts(run_id)
    marks = project.index.marks([*cuts])
    found = []
    for one, cut in cuts.items():
        kept = [mark for mark in marks.get(one, ()) if mark.step <= cut]
        paths = _paths(project.index, one, kept) if kept else {}
        found += [Checkpoint(one, mark, paths.get(mark.mark_id)) for mark in kept]
    return found


def _paths(index: Index, run_id: str, marks: Iterable[CheckpointMark]) -> dict[str, str]:
    """Return where checkpoints lay, by mark: several of one step stand a little behind each other."""
    series = index.points(PointsRequest([SeriesKey(run_id, _PATH)], inherit="own"))
    if not series or series[0].type is not AttributeType.STRING_SERIES:
        return {}
    by_step: dict[int, list[str]] = {}
    for step, text in zip(series[0].steps.tolist(), series[0].values, strict=True):
        by_step.setdefault(step // MICRO, []).append(text)
    found, taken = {}, dict.fromkeys(by_step, 0)
    for mark in marks:
        place = mark.step // MICRO
        if texts := by_step.get(place):
            found[mark.mark_id] = texts[min(taken[place], len(texts) - 1)]
            taken[place] += 1
    return found


def json_mark(mark: CheckpointMark) -> dict[str, Any]:
    """Return a mark: step, mark_id, time, epoch."""
    return {
        "step": json_step(mark.step),
        "mark_id": mark.mark_id,
        "time": json_time(mark.time),
        "epoch": mark.epoch,
    }


def json_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint: what `json_mark` says, the run that wrote it, and where it lay."""
    return {"run_id": checkpoint.run_id, **json_mark(checkpoint.mark), "checkpoint": checkpoint.path}


def resume_document(project: ServedProject, run_id: str, step: int) -> dict[str, Any]:
    """Return what to type to fork from a step that a run shows.

    Args:
        project: The project.
        run_id: The run that shows the step: the run that logged it is named in the code.
        step: Micro-steps.
    """
    owner = owner_of(project, run_id, step)
    marked = checkpoints_of(project, run_id)
    there = [one for one in marked if one.mark.step == step]
    checkpoint = there[-1] if there else None
    writer = owner if checkpoint is None else checkpoint.run_id
    framework = _framework(project.index.values([writer], paths=["sys/integration/name"]).get(writer, {}))
    number = json_step(step)
    assert number is not None
    point = ForkPoint(
        project.name,
        writer,
        number,
        None if checkpoint is None else checkpoint.mark.mark_id,
        None if checkpoint is None else checkpoint.path,
    )
    told = resume_code(framework, point)
    return {
        "framework": framework,
        "run_id": writer,
        "name": project.facts.names.get(writer, writer),
        "mark_id": point.mark_id,
        "step": number,
        "checkpoint": point.checkpoint,
        "code": told.code,
        "note": told.note,
        "trouble": None if checkpoint is not None else _trouble(project, run_id, step),
        "before": json_step(max((one.mark.step for one in marked if one.mark.step < step), default=None)),
        "after": json_step(min((one.mark.step for one in marked if one.mark.step > step), default=None)),
    }


def _trouble(project: ServedProject, run_id: str, step: int) -> str | None:
    """Return why there is nothing to fork from at a step without a checkpoint; None where there is."""
    lineage = project.facts.lineage(run_id)
    summaries = project.summaries.of(lineage)
    last = summaries[run_id].last_step if run_id in summaries else None
    first = min((one.own[0] for one in summaries.values() if one.own is not None), default=None)
    if last is None or first is None:
        return "The run has logged no steps yet."
    if first <= step <= last:
        return None
    has = f"only step {_text(first)}" if first == last else f"steps {_text(first)} to {_text(last)}"
    return f"There is no step {_text(step)}: the run has {has}."


def _text(step: int) -> str:
    return f"{json_step(step)}"


def owner_of(project: ServedProject, run_id: str, step: int) -> str:
    """Return which run of a lineage logged a step: the last one that was forked before it."""
    nodes = project.facts.nodes
    owner = run_id
    for one in project.facts.lineage(run_id)[::-1]:
        owner = one
        fork = nodes[one].fork
        if fork is None or fork.step < step:
            break
    return owner


def _framework(values: Mapping[str, Any]) -> Framework:
    value = values.get("sys/integration/name")
    return FRAMEWORKS.get(value.value, "own") if value is not None and isinstance(value.value, str) else "own"
