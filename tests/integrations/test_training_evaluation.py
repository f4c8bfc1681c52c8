"""Where results of an evaluation stand: they add to what was recorded, and replace nothing."""

from __future__ import annotations

import json
import math
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork import Run
from runfork.disk.layout import journals_of
from runfork.settings import Settings
from runfork.testing.journals import points_of
from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS
from runfork.testing.warm import start_warm
from runfork.training.arguments import Integration, open_training
from runfork.training.existing_points import ExistingPoints
from runfork.training.loaded_checkpoint import LoadedCheckpoint
from runfork.training.run_handle import AbsentRun, RunHandle

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.training.training import Training

pytestmark = pytest.mark.usefixtures("data_directory")


def begin(name: str | None = None, **arguments: Any) -> Training:
    return open_training(name, arguments, Integration("test", "1", "Face"))  # type: ignore[arg-type]


@pytest.fixture
def mark() -> dict[str, Any]:
    """Of a run "old" of the experiment "digits" with a validation at the step of the checkpoint and at a later one."""
    with Run("digits", run_id="old") as run:
        run.log_metrics({"val/loss": 0.5, "val/nan": math.nan}, step=7)
        run.log_string_series({"val/answer": "yes"}, step=7)
        run.log_configs({"lr": 0.1})
        found = run.checkpoint_mark(7, epoch=1)
        run.log_metrics({"val/loss": 0.25}, step=15)
    return found


def evaluated(mark: dict[str, Any], name: str | None = None, **arguments: Any) -> Training:
    training = begin(name, **arguments)
    training.evaluate(LoadedCheckpoint(mark, path="/somewhere/last.ckpt"))
    return training


def other(history: History) -> str:
    (found,) = [run for run in history.runs if run != "old"]
    return found


def folder_of(data_directory: Path, run_id: str) -> Path:
    return data_directory / "tests" / "project" / run_id


def test_results_in_free_places_go_to_the_run_that_wrote_the_checkpoint(mark, data_directory):
    training = evaluated(mark)
    training.log_evaluated({"test/loss": 0.4}, {"test/answer": "no"})
    training.end_evaluation()
    history = History(data_directory)

    assert ["old"] == history.runs
    assert ({7: 0.4}, {7: "no"}) == (history.points("old", "test/loss"), history.points("old", "test/answer"))


def test_the_very_same_results_are_not_logged_again(mark, data_directory):
    before = sum(path.stat().st_size for path in data_directory.rglob("*.journal"))
    training = evaluated(mark)
    training.log_evaluated({"val/loss": 0.5, "val/nan": math.nan}, {"val/answer": "yes"})
    training.end_evaluation()

    assert before == sum(path.stat().st_size for path in data_directory.rglob("*.journal"))


@pytest.mark.parametrize(
    ("metrics", "texts"), [({"val/loss": 0.6}, {}), ({"val/nan": 1.0}, {}), ({}, {"val/answer": "no"})]
)
def test_results_whose_place_is_taken_go_to_a_run_of_their_own(mark, data_directory, metrics, texts):
    training = evaluated(mark, "digits")
    training.log_evaluated(metrics, texts)
    training.log_evaluated({"test/loss": 0.4})
    training.end_evaluation()
    history = History(data_directory)
    values = history.values(other(history))
    source = {name: values.get(f"source/{name}") for name in ("project", "run_id", "step", "epoch", "checkpoint_path")}

    assert {7: 0.5, 15: 0.25} == history.points("old", "val/loss")
    assert {} == history.points("old", "test/loss")
    assert {7: 0.4} == history.points(other(history), "test/loss")
    assert [*source.values()] == [mark["project"], "old", 7, 1, "/somewhere/last.ckpt"]
    assert "sys/name" not in values


@pytest.mark.parametrize(
    ("name", "loss", "why"), [(None, 0.6, ", which has other results there"), ("robustness", 0.5, "")]
)
def test_a_run_of_its_own_says_what_it_evaluates_and_why(mark, data_directory, capsys, monkeypatch, name, loss, why):
    monkeypatch.setenv("RUNFORK_QUIET", "0")
    training = evaluated(mark, name)
    training.log_evaluated({"val/loss": loss})
    training.log_evaluated({"test/loss": 0.4})
    training.end_evaluation()
    own = other(History(data_directory))
    told = [line for line in capsys.readouterr().err.splitlines() if "evaluation" in line]

    assert [f"runfork: run {own} holds an evaluation of run old at step 7{why}"] == told


def test_how_long_an_evaluation_took_is_no_result(mark, data_directory):
    for seconds in (1.0, 2.0):
        training = evaluated(mark)
        training.log_evaluated({"test/loss": 0.4, "test/runtime": seconds}, besides=["test/runtime"])
        training.end_evaluation()
    history = History(data_directory)

    assert (["old"], {7: 1.0}) == (history.runs, history.points("old", "test/runtime"))


def test_values_of_batches_go_where_the_whole_goes(mark, data_directory):
    training = evaluated(mark)
    for batch in range(2):
        training.log_evaluated({"val/loss_step": 1.0 * batch}, behind=batch + 1, is_partial=True)
    training.log_evaluated({"val/loss": 0.6})
    training.end_evaluation()
    history = History(data_directory)

    assert {} == history.points("old", "val/loss_step")
    assert {7.000001: 0.0, 7.000002: 1.0} == history.points(other(history), "val/loss_step")
    assert 1 == len(journals_of(folder_of(data_directory, "old")))


@pytest.mark.parametrize("is_own", [True, False])
def test_values_of_batches_are_in_the_journal_when_the_call_returns(mark, data_directory, is_own):
    training, run_id = evaluated(mark, attach_evaluations=not is_own), "old"
    for batch in range(2):
        training.log_evaluated({"val/loss_step": 1.0 * batch}, behind=batch + 1, is_partial=True)
        history = History(data_directory)  # as it were if the process were killed now
        run_id = other(history) if is_own else "old"
        assert dict([(7.000001, 0.0), (7.000002, 1.0)][: batch + 1]) == history.points(run_id, "val/loss_step")
    training.log_evaluated({"test/loss": 0.6})
    training.end_evaluation()
    history = History(data_directory)

    assert {7.000001: 0.0, 7.000002: 1.0} == history.points(run_id, "val/loss_step")
    assert {7: 0.6} == history.points(run_id, "test/loss")


def test_values_of_batches_that_do_not_stay_in_the_run_that_is_trained_leave_nothing_there(data_directory):
    training = begin(run_id="only")
    training.start()
    training.runs.open().log_metrics({"val/loss": 0.5}, step=7)
    training.steps.finish(7)
    mark = training.mark()
    for loss in (0.5, 0.6):
        training.evaluate(LoadedCheckpoint(mark))
        for batch in range(2):
            training.log_evaluated({"val/loss_step": loss * batch}, behind=batch + 1, is_partial=True)
        training.log_evaluated({"val/loss": loss})
        training.end_evaluation()
    history = History(data_directory)
    (different,) = set(history.runs) - {"only"}

    assert {7.000001: 0.0, 7.000002: 0.5} == history.points("only", "val/loss_step")
    assert {7: 0.5} == history.points("only", "val/loss")
    assert {7.000001: 0.0, 7.000002: 0.6} == history.points(different, "val/loss_step")
    assert {7: 0.6} == history.points(different, "val/loss")


def test_of_two_evaluations_at_once_the_second_one_replaces_nothing(mark, data_directory):
    first, second = evaluated(mark), evaluated(mark)
    for number, training in enumerate((first, second)):
        training.log_evaluated({f"test/{number}": 1.0})  # both have looked at what is there
    first.log_evaluated({"test/loss": 0.4})
    second.log_evaluated({"test/loss": 0.5})
    for training in (first, second):
        training.end_evaluation()
    history = History(data_directory)

    assert {7: 0.4} == history.points("old", "test/loss")
    assert {7: 0.5} == history.points(other(history), "test/loss")


EVALUATION = """
import json, os, sys
from runfork.training.arguments import Integration, open_training
from runfork.training.loaded_checkpoint import LoadedCheckpoint

training = open_training(None, {}, Integration("test", "1", "Face"))
training.evaluate(LoadedCheckpoint(json.loads(os.environ["MARK"])))
training.log_evaluated({f"test/{os.getpid()}": 1.0})
print("looked", flush=True)
input()
for number in range(20):
    training.log_evaluated({f"test/loss_{number}": float(os.getpid())})
training.end_evaluation()
"""


def test_of_many_evaluations_at_the_same_moment_none_replaces_anything(mark, data_directory, tmp_path):
    script = tmp_path / "evaluate.py"
    script.write_text(EVALUATION, encoding="utf-8")
    environment = {**os.environ, "MARK": json.dumps(mark)}
    modules = (
        "runfork.writing.run",
        "runfork.writing.background",
        "runfork.plugins",
        "runfork.training.training",
        "runfork.journal.reader",
    )
    processes = [start_warm(script, modules=modules, cwd=tmp_path, environment=environment) for _ in range(4)]
    assert ["looked"] * 4 == [process.stdout.readline().strip() for process in processes]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=HANG_SECONDS)
    paths = [f"test/loss_{number}" for number in range(20)]
    history = History(data_directory)

    assert [0] * 4 == [process.returncode for process in processes]
    for path in paths:
        logged = [value for run_id in history.runs for value in points_of(folder_of(data_directory, run_id), path)]
        assert 4 == len({value for _, value in logged}) == len(logged)
        assert 1 == len(points_of(folder_of(data_directory, "old"), path))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"run_id": "scores"}, None), ({"name": "scores"}, "scores"), ({"attach_evaluations": False}, None)],
)
def test_results_that_are_wanted_elsewhere_are_a_run_of_their_own(mark, data_directory, arguments, name):
    training = evaluated(mark, **arguments)
    training.log_evaluated({"test/loss": 0.4})
    training.end_evaluation()
    history = History(data_directory)

    assert {} == history.points("old", "test/loss")
    assert {7: 0.4} == history.points(other(history), "test/loss")
    assert name == history.values(other(history)).get("sys/name")


def test_what_is_logged_to_the_run_itself_replaces_nothing(mark, data_directory):
    training = evaluated(mark)
    run = training.runs.current()
    run.log_metrics({"test/free": 1.0}, step=0)
    run.log_configs({"test": {"note": "free"}})
    run.log_configs({"lr": 0.2})
    run.log_metrics({"test/after": 1.0}, step=0)
    training.end_evaluation()
    history = History(data_directory)

    assert (0.1, "free") == tuple(history.values("old")[path] for path in ("lr", "test/note"))
    assert ({0: 1.0}, {}) == (history.points("old", "test/free"), history.points("old", "test/after"))
    assert (0.2, {0: 1.0}) == (
        history.values(other(history))["lr"],
        history.points(other(history), "test/after"),
    )


def test_evaluations_of_weights_in_memory_follow_each_other(data_directory):
    training = begin(run_id="only")
    for loss in (0.3, 0.2):
        training.evaluate_weights()
        training.log_evaluated({"val/loss": loss})
        training.end_evaluation()
    training.start()
    training.runs.open().log_metrics({"train/loss": 1.0}, step=0)

    assert {0: 0.3, 0.000001: 0.2} == History(data_directory).points("only", "val/loss")


def trained_on_from_the_best():
    """Return a training whose best weights were those of step 4, and whose last ones are those of step 8."""
    training = begin(run_id="only")
    training.start()
    for step, weights in ((4, "best"), (8, "last")):
        training.runs.open().log_metrics({"train/loss": 1.0}, step=step)
        training.steps.finish(step)
        training.note_weights(weights)
    return training


def test_results_of_weights_that_were_put_back_stand_at_their_step(data_directory):
    training = trained_on_from_the_best()
    for weights, loss in (("best", 0.3), ("last", 0.4), ("never seen", 0.5)):
        training.evaluate_weights(weights)
        training.log_evaluated({"test/loss": loss})
        training.end_evaluation()

    assert {4: 0.3, 8: 0.4, 8.000001: 0.5} == History(data_directory).points("only", "test/loss")


def test_weights_that_were_put_back_are_evaluated_again_and_again_in_their_run(data_directory):
    training = trained_on_from_the_best()
    for loss in (0.3, 0.3, 0.4, 0.5):
        training.evaluate_weights("best")
        training.log_evaluated({"test/loss": loss})
        training.end_evaluation()
    history = History(data_directory)

    assert ["only"] == list(history.runs)
    assert {4: 0.3, 4.000001: 0.4, 4.000002: 0.5} == history.points("only", "test/loss")


def attempt(*, resumes: dict[str, Any] | None = None, baseline: float | None = None) -> tuple[str, dict[str, Any]]:
    """Train ten steps as the job that is always "job", with a checkpoint at the sixth; returns run id and mark."""
    training = begin(run_id="job")
    if baseline is not None:
        training.evaluate_weights()
        training.log_evaluated({"val/loss": baseline})
    training.begin()
    training.start(LoadedCheckpoint(resumes) if resumes is not None else None, counter=-1)
    first, mark = 0 if resumes is None else 6, {}
    for step in range(first, first + 10):
        training.runs.open().log_metrics({"train/loss": 1.0}, step=step)
        training.steps.finish(step)
        if step == first + 5:
            mark = training.mark()
    training.runs.open().close()
    return training.runs.run_id, mark


def test_a_baseline_of_a_job_that_is_started_again_hides_nothing_and_takes_no_id(data_directory):
    _, mark = attempt(baseline=0.7)
    run_id, _ = attempt(resumes=mark, baseline=0.6)
    history = History(data_directory)
    (baseline,) = set(history.runs) - {"job", run_id}

    assert run_id.startswith("job-")
    assert ("job", 5) == history.parent(run_id)
    assert {0: 0.7} == history.points("job", "val/loss")
    assert [0.6] == list(history.points(baseline, "val/loss").values())
    assert {} == history.own_points(run_id, "val/loss")


def test_an_evaluation_of_an_attempt_goes_to_it_though_the_job_has_another_id(data_directory):
    _, mark = attempt()
    run_id, mark = attempt(resumes=mark)
    training = evaluated(mark, run_id="job")
    training.log_evaluated({"test/loss": 0.4})
    training.end_evaluation()
    history = History(data_directory)

    assert ({11: 0.4}, {}) == (history.points(run_id, "test/loss"), history.points("job", "test/loss"))


def test_an_evaluation_in_disabled_mode_leaves_nothing(mark, data_directory):
    before = sorted(data_directory.rglob("*"))
    training = evaluated(mark, mode="disabled")
    training.log_evaluated({"val/loss": 0.9, "test/loss": 0.4})
    training.end_evaluation()

    assert before == sorted(data_directory.rglob("*"))


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.integers(0, 3_000_000)), st.sampled_from([0.0, 1.0])))
def test_places_are_what_the_journal_holds(tmp_path_factory, points):
    settings = Settings(directory=str(tmp_path_factory.mktemp("data")), project="a/b", console=False)
    with Run(run_id="r", settings=settings) as logged:
        for (path, micro), value in points.items():
            logged.log_metrics({path: value}, step=micro / 1_000_000)
        folder = logged.directory
    places = ExistingPoints(folder, 1)
    for path in "abcd":
        for micro in {1_000_000, 1_000_001, *(micro for _, micro in points)}:
            if 1_000_000 <= micro < 2_000_000:
                expected = "free" if (path, micro) not in points else "same" if points[path, micro] == 1 else "taken"
            else:
                expected = "taken" if any(path == known for known, _ in points) else "free"
            assert expected == places.at(path, micro / 1_000_000, 1.0)


def test_what_cannot_be_known_is_taken(tmp_path: Path):
    (tmp_path / "odd.journal").write_bytes(b"no journal at all" * 100)

    assert "taken" == ExistingPoints(tmp_path, 0).at("loss", 0, 1.0)
    assert "taken" == ExistingPoints(tmp_path, 0, max_bytes=10).at("loss", 0, 1.0)
    assert "free" == ExistingPoints(tmp_path / "nowhere", 0).at("loss", 0, 1.0)


def test_a_line_of_runs_that_is_too_long_to_be_read_is_not_known(data_directory):
    with Run(run_id="parent", source_tracking_config=None) as parent:
        parent.log_configs({"much": "x" * 100_000})
        parent.log_metrics({"loss": 1.0}, step=4)
    with Run(run_id="child", fork_run_id="parent", fork_step=4, source_tracking_config=None) as child:
        child.log_metrics({"acc": 1.0}, step=5)

    assert "taken" == ExistingPoints(child.directory, 4, max_bytes=100_000).at("other", 4, 1.0)
    assert "free" == ExistingPoints(child.directory, 4, max_bytes=200_000).at("other", 4, 1.0)
    assert "taken" == ExistingPoints(child.directory, 4).at("loss", 4, 2.0)


def test_looking_at_a_run_begins_none(data_directory):
    training = begin(run_id="seen")
    handle = RunHandle(training.runs.current, training.runs.shown)

    assert "'seen'" in repr(handle)
    assert not hasattr(handle, "_repr_html_")
    assert isinstance(handle, Run)
    assert not data_directory.exists()
    assert "seen" == handle.run_id
    assert "state='running'" in repr(handle)


def test_ranks_that_do_not_log_have_a_disabled_run(data_directory):
    run: Any = AbsentRun("shared")
    with run as entered:
        entered.log_metrics({"loss": 1.0}, step=0)

    run.log_metrics({"loss": 1.0}, step=1)

    assert ("shared", True, None) == (run.run_id, run.is_disabled, run.parent)
    assert () == run.status.problems
    assert {} == run.checkpoint_mark(3)
    assert "shared" == pickle.loads(pickle.dumps(run)).run_id
    assert not data_directory.exists()


def test_what_is_inherited_at_the_step_of_the_fork_is_not_hidden(mark, data_directory):
    with Run(run_id="child", resume_from=mark) as child:
        child_mark = child.checkpoint_mark(7)
    visiting = evaluated(child_mark)
    visiting.log_evaluated({"val/loss": 0.6})
    visiting.end_evaluation()
    training = begin(run_id="grandchild")
    training.start(LoadedCheckpoint(child_mark))
    training.evaluate_weights()
    training.log_evaluated({"val/loss": 0.7, "val/nan": math.nan})
    training.end_evaluation()
    history = History(data_directory)
    (different,) = set(history.runs) - {"old", "child", "grandchild"}

    assert {7: 0.5} == history.points("child", "val/loss")
    assert {7: 0.6} == history.points(different, "val/loss")
    assert {7: 0.5, 7.000001: 0.7} == history.points("grandchild", "val/loss")


def test_single_values_that_are_inherited_are_not_replaced(mark, data_directory):
    with Run(run_id="child", resume_from=mark) as child:
        child.log_metrics({"val/loss": 0.4}, step=8)
        child_mark = child.checkpoint_mark(8)
    training = evaluated(child_mark)
    training.runs.current().log_configs({"lr": 0.2})
    training.end_evaluation()

    assert 0.1 == History(data_directory).values("child")["lr"]


def test_results_are_logged_where_the_run_of_the_training_cannot_be_read(data_directory):
    training = begin(run_id="only")
    run = training.runs.open()
    odd = run.directory / "odd.journal"
    odd.write_bytes(b"no journal at all" * 100)
    training.evaluate_weights()
    training.log_evaluated({"val/loss": 0.3})
    training.end_evaluation()
    odd.unlink()

    assert {0: 0.3} == History(data_directory).points("only", "val/loss")
