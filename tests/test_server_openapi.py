"""The OpenAPI document says what the server offers, and what it answers; whatever is asked, nothing breaks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Mount, Route
from tests.consoles import Printer
from tests.servers import P, serving, until_read

from runfork import Run
from runfork.types import Histogram
from runfork_server.app import build_app
from runfork_server.openapi import describe_api
from runfork_server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

DOCUMENT = describe_api()
PROJECT = "/projects/{workspace}/{project}"
ENDLESS = "/events"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server of two runs that have something of every kind."""
    directory = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNFORK_DIR", str(directory))
        patch.setenv("RUNFORK_CONSOLE", "0")
        for run_id, parent in (("r", None), ("s", "r")):
            run = Run(
                "gull",
                project="tests/project",
                run_id=run_id,
                fork_run_id=parent,
                fork_step=None if parent is None else 1,
                source_tracking_config=None,
            )
            run.log_configs({"lr": 0.1, "note": "one\ntwo", "is_on": True, "odd": float("nan")})
            run.add_tags(["a", "b"])
            run.log_metrics({"loss": 1.0, "odd/metric": float("nan")}, step=2)
            run.log_string_series({"texts": "<script>"}, step=2)
            run.log_histograms({"hist": Histogram([0.0, 1.0, 2.0], counts=[1, 2])}, step=2)
            run.assign_files({"file": b"content"})
            Printer(run).write("\x1b[1;31mred\x1b[38;2;1;2;3m other\x1b[m\n")
            run.checkpoint_mark(2, epoch=1)
            run.close()
    with serving(directory) as client:
        until_read(client, run_count=2)
        yield client


def test_the_document_tells_every_route_and_no_other(tmp_path: Path) -> None:
    (mount,) = [route for route in build_app(ServerSettings(tmp_path)).routes if isinstance(route, Mount)]
    offered = {
        (route.path, method.lower())
        for route in mount.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }

    assert offered == {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}


def test_the_document_is_served_and_its_references_lead_somewhere(served: httpx.Client) -> None:
    answer = served.get("/api/v1/openapi.json")

    assert answer.json() == DOCUMENT
    for name in re.findall(r'"#/components/schemas/(\w+)"', answer.text):
        assert name in DOCUMENT["components"]["schemas"]


ASKED: dict[str, Any] = {
    "/info": {},
    "/projects": {},
    PROJECT: {},
    f"{PROJECT}/runs/values": {"run": "gull"},
    f"{PROJECT}/lineage": {"run": "s"},
    f"{PROJECT}/marks": {"run": "s"},
    f"{PROJECT}/resume-code": {"run": "s", "step": 2},
    f"{PROJECT}/files": {"run": "s"},
    f"{PROJECT}/series/texts": {"run": "s", "path": "texts"},
    f"{PROJECT}/series/values": {"run": "s", "path": "hist"},
    f"{PROJECT}/runs/search": {"mode": "runs", "lineage": True, "changes": True, "columns": ["lr", "file", "hist"]},
    f"{PROJECT}/attributes/search": {},
    f"{PROJECT}/differences": {"run_ids": ["r", "s"], "only_differences": False},
    f"{PROJECT}/series/at": {"run_ids": ["r", "s"], "path": "loss", "x": {"kind": "step", "value": 9}},
    f"{PROJECT}/series/extremes": {"run_ids": ["r", "s"], "path": "loss"},
}
"""What is asked of operations that answer JSON, so that as much as there is comes back."""


@pytest.mark.parametrize("path", ASKED)
def test_answers_have_the_shapes_that_the_document_says(served: httpx.Client, path: str) -> None:
    (method,) = DOCUMENT["paths"][path]
    address = "/api/v1" + path.replace(PROJECT, P.removeprefix("/api/v1"))
    given = {"params": ASKED[path]} if method == "get" else {"json": ASKED[path]}
    answer = served.request(method, address, **given)
    schema = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    closed = _closed({**schema, "components": DOCUMENT["components"]})

    assert answer.status_code == 200
    Draft202012Validator(closed).validate(answer.json())


def _closed(schema: Any) -> Any:
    """Return a schema whose objects have no members but those that it names."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _closed(one) for name, one in schema.items()}
    if "properties" in found and "required" in found and "allOf" not in found:
        found.setdefault("unevaluatedProperties", "allOf" in schema)
    return found


THERE = {
    "workspace": ["tests"],
    "project": ["project"],
    "run": ["r", "s", "gull"],
    "run_ids": ["r", "s"],
    "reference": ["r", "s"],
    "path": ["loss", "texts", "hist", "lr"],
    "paths": ["loss", "odd/metric", "texts", "hist"],
    "filter": ["lr > 0.05", "loss < 3 AND lr == 0.1"],
    "columns": ["lr", "min(loss)", "state", "nobody has it"],
    "column": ["lr", "max(loss)", "lineage", "tags"],
    "q": ["lo", "(", "a"],
}
"""What is there, beside anything else: or hardly anything that is asked would be found."""


def knowing(document: Any) -> Any:
    """Return the document with schemas that allow what is there most of the time; it says which project alone."""
    if isinstance(document, list):
        return [knowing(one) for one in document]
    if not isinstance(document, dict):
        return document
    found = {name: one if name == "responses" else knowing(one) for name, one in document.items()}
    if found.get("in") in ("path", "query") and found["name"] in THERE:
        found["schema"] = _there(found["name"], found["schema"])
    for name in THERE.keys() & found.get("properties", {}).keys():
        found["properties"][name] = _there(name, found["properties"][name])
    return found


def _there(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name in ("workspace", "project"):
        return {"enum": THERE[name]}
    if "anyOf" in schema:
        return {"anyOf": [_there(name, one) for one in schema["anyOf"] if one != {"type": "null"}]}
    if schema.get("type") == "array":
        return {**schema, "items": {"anyOf": [{"enum": THERE[name]}, schema["items"]]}}
    return {"anyOf": [{"enum": THERE[name]}, schema]}


API: Any = schemathesis.openapi.from_dict({**DOCUMENT, "paths": knowing(DOCUMENT["paths"])})


@API.exclude(path=ENDLESS).parametrize()
@settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=[*HealthCheck],
    database=None,
)
def test_whatever_is_asked_is_answered_as_the_document_says(case: Any, served: httpx.Client) -> None:
    case.call_and_validate(base_url=f"{served.base_url}/api/v1".replace("//api", "/api"), checks=CHECKS)
