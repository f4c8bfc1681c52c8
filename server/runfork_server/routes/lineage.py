"""How runs forked: a family as a tree over steps, the checkpoints in it, and how to fork from one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from runfork.errors import ArgumentError, NotFoundError
from runfork.model.attributes import AttributeType
from runfork.model.steps import to_micro_steps
from runfork.query.documents import json_member, json_step, json_time
from runfork.reading.family import read_family
from runfork_server.answers import PROJECT, answer_project
from runfork_server.arguments import Arguments
from runfork_server.checkpoints import checkpoints_of, json_checkpoint, json_mark, resume_document
from runfork_server.rows import json_difference, json_fork_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from runfork.model.attributes import Value
    from runfork.reading.family import Family, Member
    from runfork_server.served_project import ServedProject

_ENDED = "sys/modification_time"


async def read_lineage(request: Request) -> Response:
    """Answer the family of a run or an experiment, as ``runfork lineage`` draws it."""
    given = Arguments.of_query(request)
    run, experiment = given.text("run"), given.text("experiment")
    if (run is None) == (experiment is None):
        raise ArgumentError("either run or experiment must be given")
    return await answer_project(request, lambda project: _lineage(project, run, experiment))


def _lineage(project: ServedProject, run: str | None, experiment: str | None) -> dict[str, Any]:
    experiments = project.experiments()
    name: str | None
    if experiment is not None:
        if experiment not in experiments:
            raise NotFoundError(f"project {project.name!r} has no experiment {experiment!r}")
        focus, name = experiments[experiment], experiment
    else:
        assert run is not None
        focus = project.find_run(run)
        name = run if run != focus and experiments.get(run) == focus else None
    return _document(project, read_family(project.index, focus, experiment_name=name))


def _document(project: ServedProject, family: Family) -> dict[str, Any]:
    run_ids = [*family.members]
    marks = project.index.marks(run_ids)
    values = project.index.values(run_ids, paths=[_ENDED])
    return {
        "experiment": family.experiment_name,
        "focus": family.focus,
        "lineage": family.lineage,
        "runs": [
            {
                **_json_member(project, member, values.get(run_id, {})),
                "marks": [{"run_id": run_id, **json_mark(mark)} for mark in marks.get(run_id, ())],
            }
            for run_id, member in family.members.items()
        ],
    }


def _json_member(project: ServedProject, member: Member, values: Mapping[str, Value]) -> dict[str, Any]:
    run_id, facts = member.node.run_id, project.facts
    document = json_member(member)
    own = document.pop("steps")
    ended = values.get(_ENDED)
    is_over = member.state not in (None, "running") and ended is not None and ended.type is AttributeType.DATETIME
    return {
        **document,
        "fork": json_fork_in(facts, member.node.fork),
        "name": facts.names.get(run_id, run_id),
        "number": facts.numbers.get(run_id, 0),
        "run_place": facts.name_places.get(run_id, 1),
        "run_count": facts.name_counts[member.node.experiment_name] if member.node.experiment_name is not None else 1,
        "first_step": None if member.extent.own is None else json_step(member.extent.own[0]),
        "last_step": None if member.extent.own is None else json_step(member.extent.own[1]),
        "own": own,
        "changes": [json_difference(change) for change in member.changes],
        "ended": json_time(ended.value) if is_over and ended is not None else None,
    }


async def list_marks(request: Request) -> Response:
    """Answer the checkpoints that a run can be forked from: its own, and its ancestors' up to their cuts."""
    run = Arguments.of_query(request).wanted_text("run")
    return await answer_project(
        request,
        lambda project: {
            "marks": [json_checkpoint(one) for one in checkpoints_of(project, project.find_run(run))],
        },
    )


async def tell_resume_code(request: Request) -> Response:
    """Answer what to type to fork from a step that a run shows."""
    given = Arguments.of_query(request)
    run, step = given.wanted_text("run"), given.number("step")
    if step is None:
        raise ArgumentError("step must be given")
    micro = to_micro_steps(step)
    return await answer_project(request, lambda project: resume_document(project, project.find_run(run), micro))


ROUTES = [
    Route(f"{PROJECT}/lineage", read_lineage),
    Route(f"{PROJECT}/marks", list_marks),
    Route(f"{PROJECT}/resume-code", tell_resume_code),
]
