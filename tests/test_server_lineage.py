"""Families, checkpoints and how to fork from them, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.command_line import runner
from tests.servers import P, read_json, until_read

from runfork import Run
from runfork.cli import cli
from runfork_server.resume_code import FRAMEWORKS, ForkPoint, resume_code

if TYPE_CHECKING:
    import httpx


@pytest.fixture
def family(open_run, client: httpx.Client) -> httpx.Client:
    """A server of a root with two checkpoints, a fork of the first, and one that waits for its parent."""
    root = open_run(run_id="root", experiment_name="gull")
    root.log_configs({"lr": 0.1, "sys/integration/name": "pytorch_lightning"})
    for step in range(5):
        root.log_metrics({"loss": 1.0 / (step + 1)}, step=step)
        if step in (1, 3):
            root.log_string_series({"checkpoints/path": f"ckpt/{step}.ckpt"}, step=step)
            root.checkpoint_mark(step, mark_id=f"m{step}", epoch=step)
    root.close()
    child = open_run(run_id="child", experiment_name="gull", fork_run_id="root", fork_step=1)
    child.log_configs({"lr": 0.2})
    for step in (2, 3):
        child.log_metrics({"loss": 0.1}, step=step)
    child.checkpoint_mark(3, mark_id="own")
    open_run(run_id="waits", fork_run_id="nobody", fork_step=7)
    until_read(client, run_count=3)
    return client


def ask(client: httpx.Client, what: str, **params: Any) -> dict[str, Any]:
    return read_json(client.get(f"{P}/{what}", params=params))


def test_a_family_is_what_the_command_line_draws(family: httpx.Client) -> None:
    found = ask(family, "lineage", experiment="gull")
    (told,) = json.loads(runner().invoke(cli, ["lineage", "gull", "--json"]).stdout)["families"]

    assert [found["experiment"], found["focus"], found["lineage"]] == ["gull", "child", ["root", "child"]]
    for run, expected in zip(found["runs"], told["runs"], strict=True):
        assert run["own"] == expected["steps"]
        for name in ("run_id", "kept", "pruned", "is_head", "is_pending", "is_in_lineage", "created"):
            assert run[name] == expected[name]
        assert [one["path"] for one in run["changes"]] == [one["path"] for one in expected["changes"]]


def test_a_family_says_where_checkpoints_are_and_when_runs_ended(family: httpx.Client) -> None:
    root, child = ask(family, "lineage", run="child")["runs"]

    assert [(one["step"], one["mark_id"], one["epoch"]) for one in root["marks"]] == [(1, "m1", 1), (3, "m3", 3)]
    assert (root["ended"] is not None, child["ended"]) == (True, None)
    assert (root["first_step"], root["last_step"], root["kept"], root["pruned"]) == (0, 4, [0, 1], [1, 4])


def test_a_pending_fork_says_so(family: httpx.Client) -> None:
    (run,) = ask(family, "lineage", run="waits")["runs"]

    assert (run["is_pending"], run["fork"]) == (True, {"parent": "nobody", "step": 7, "is_pending": True})


def test_checkpoints_of_a_run_are_its_own_and_its_ancestors_up_to_their_cuts(family: httpx.Client) -> None:
    found = ask(family, "marks", run="gull")["marks"]

    told = [(one["run_id"], one["step"], one["checkpoint"]) for one in found]
    assert told == [("root", 1, "ckpt/1.ckpt"), ("child", 3, None)]


def test_the_code_names_the_checkpoint_in_the_words_of_the_framework_that_wrote_it(family: httpx.Client) -> None:
    found = ask(family, "resume-code", run="child", step=1)

    assert (found["framework"], found["run_id"], found["mark_id"]) == ("lightning", "root", "m1")
    assert "trainer.fit(model, ckpt_path='ckpt/1.ckpt')" in found["code"]


def test_where_no_checkpoint_is_the_code_names_the_run_that_logged_the_step(family: httpx.Client) -> None:
    inherited = ask(family, "resume-code", run="child", step=0)
    own = ask(family, "resume-code", run="child", step=2.0)

    assert "fork_run_id='root', fork_step=0" in inherited["code"]
    warning, code = own["code"].splitlines()
    assert warning.startswith("# load weights that belong to step 2 yourself")
    assert code == "run = Run(fork_run_id='child', fork_step=2)"
    assert (inherited["name"], own["name"], own["trouble"]) == ("root", "child", None)
    assert (own["before"], own["after"], inherited["before"]) == (1, 3, None)


def test_a_step_that_a_run_does_not_have_is_told(family: httpx.Client) -> None:
    told = [
        ask(family, "resume-code", run=run, step=step)["trouble"]
        for run, step in [("root", 3), ("root", 9), ("waits", 1)]
    ]

    assert told == [None, "There is no step 9: the run has steps 0 to 4.", "The run has logged no steps yet."]


def test_runs_tell_their_place_in_their_experiment(family: httpx.Client) -> None:
    runs = ask(family, "lineage", run="child")["runs"]
    search: dict[str, Any] = {"mode": "runs", "filter": None, "sort": [], "limit": 9}
    rows = {row["run_id"]: row for row in family.post(f"{P}/runs/search", json=search).json()["rows"]}

    assert [(run["run_place"], run["run_count"]) for run in runs] == [(1, 2), (2, 2)]
    assert [(rows[run]["run_place"], rows[run]["run_count"]) for run in ("root", "child", "waits")] == [
        (1, 2),
        (2, 2),
        (1, 1),
    ]


def test_the_code_for_loops_of_ones_own_forks(data_directory, open_run) -> None:
    open_run(run_id="r").log_metrics({"loss": 1.0}, step=4)
    code = resume_code("own", ForkPoint("tests/project", "r", 4)).code
    names: dict[str, Any] = {"Run": lambda **given: Run(run_id="s", source_tracking_config=None, **given)}
    exec(code, names)

    with names["run"] as run:
        assert run.run_id == "s"
    shown = json.loads(runner().invoke(cli, ["show", "s", "--json"]).stdout)
    assert shown["fork"] == {"parent": "r", "step": 4}


@pytest.mark.parametrize("framework", sorted({*FRAMEWORKS.values(), "own"}))
@pytest.mark.parametrize("mark", [None, "m"])
def test_all_code_is_python_whatever_runs_and_files_are_called(framework: Any, mark: str | None) -> None:
    point = ForkPoint("a/b", 'it\'s "{x}" \\ \n', 2.5, mark, "c:\\x\n'\"{y}" if mark else None)

    compile(resume_code(framework, point).code, "code", "exec")


@pytest.mark.parametrize(
    ("what", "params", "status", "told"),
    [
        ("lineage", {}, 400, "either run or experiment must be given"),
        ("lineage", {"run": "root", "experiment": "gull"}, 400, "either run or experiment must be given"),
        ("lineage", {"experiment": "tern"}, 404, "has no experiment 'tern'"),
        ("lineage", {"run": "rot"}, 404, "did you mean 'root'?"),
        ("marks", {}, 400, "run must be given"),
        ("resume-code", {"run": "root", "step": "x"}, 400, "step must be a number, found 'x'"),
        ("resume-code", {"run": "root", "step": "-1"}, 400, "-1"),
        ("resume-code", {"run": "root", "step": "nan"}, 400, "nan"),
    ],
)
def test_what_cannot_be_answered_is_told(
    family: httpx.Client, what: str, params: dict[str, str], status: int, told: str
) -> None:
    answer = family.get(f"{P}/{what}", params=params)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in answer.json()["detail"]
