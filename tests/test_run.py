# pyright: reportOptionalMemberAccess=false
import atexit
import copy
import math
import os
import pickle
import re
import threading
from datetime import datetime, timezone

import pytest
from tests.run_records import bodies

from runfork import Histogram, Run, Settings
from runfork.disk.layout import Store, journals_of
from runfork.errors import ArgumentError, ArgumentTypeError, RunforkWarning
from runfork.journal.format import Kind
from runfork.testing.journals import batches_of, configs_of, points_of

# Being made


def test_a_run_exists_from_the_moment_it_is_made(open_run):
    run = open_run("seagull", run_id="r", project="a/b", creation_time=datetime(2026, 1, 2, tzinfo=timezone.utc))

    assert bodies(run, Kind.CREATE) == [
        {
            "run_id": "r",
            "project": "a/b",
            "experiment_name": "seagull",
            "creation_time": 1_767_312_000_000_000,
            "inherit_configs": True,
            "fork": None,
        }
    ]
    configs = configs_of(run.directory)
    assert [configs[f"sys/{name}"] for name in ("custom_run_id", "name", "experiment/name", "creation_time")] == [
        "r",
        "seagull",
        "seagull",
        1_767_312_000_000_000,
    ]


def test_the_journals_header_names_the_process(run):
    (path,) = journals_of(run.directory)
    identity = next(batches_of(path)).identity

    assert (identity["project"], identity["run_id"], identity["pid"]) == ("tests/project", "r", os.getpid())
    assert f"{identity['writer']}.journal" == path.name
    assert set(identity) == {
        "project", "run_id", "writer", "created", "tag", "host", "pid", "boot_id", "process_start", "rank",
        "flags_times", "journals",
    }  # fmt: skip


def test_what_a_run_is_can_be_asked(open_run, data_directory):
    run = open_run("e", run_id="r", project="a/b", fork_run_id="p", fork_step=2.5)

    assert (run.run_id, run.project, run.experiment_name, run.parent) == ("r", "a/b", "e", ("p", 2.5))
    assert run.directory == Store(data_directory).run_directory("a/b", "r")
    assert (run.is_closed, run.has_points, run.is_disabled) == (False, False, False)
    assert repr(run) == "Run(run_id='r', project='a/b', experiment_name='e', state='running')"


def test_a_run_without_a_project_is_named_after_the_working_directory(open_run, monkeypatch, tmp_path):
    monkeypatch.delenv("RUNFORK_PROJECT")
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path / "digits")

    assert open_run().project == "local/digits"


def test_the_environment_names_the_run(open_run, monkeypatch):
    monkeypatch.setenv("RUNFORK_RUN_ID", "from-outside")

    assert open_run().run_id == "from-outside"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"project": "digits"}, ArgumentError, "project must have the form 'workspace/project' with exactly one slash, found 'digits'; pass for example project='local/digits'"),  # noqa: E501
        ({"project": "a/b/c"}, ArgumentError, "project must have the form 'workspace/project' with exactly one slash, found 'a/b/c'; pass for example project='local/c'"),  # noqa: E501
        ({"project": 3}, ArgumentTypeError, "project must be a string like 'workspace/project', found 3"),
        ({"run_id": "a/b"}, ArgumentError, "run_id must not contain '/', found 'a/b'; use 'a-b' instead"),
        ({"run_id": ""}, ArgumentError, "run_id must not be empty, found ''; leave it out to have one chosen"),
        ({"run_id": 7}, ArgumentTypeError, "run_id must be a string, found 7; pass '7'"),
        ({"experiment_name": " "}, ArgumentError, "experiment_name must not be empty, found ' '; leave it out to have one chosen"),
        ({"experiment_name": b"e"}, ArgumentTypeError, "experiment_name must be a string, found b'e'"),
        ({"fork_step": 3}, ArgumentError, "fork_run_id and fork_step belong together, found fork_run_id=None and fork_step=3; pass fork_run_id too"),  # noqa: E501
        ({"fork_run_id": "p"}, ArgumentError, "fork_run_id and fork_step belong together, found fork_run_id='p' and fork_step=None; pass fork_step too"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": -1}, ArgumentError, "fork_step must satisfy 0 <= fork_step < 1e12, found -1; pass the optimizer step, for example"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": math.nan}, ArgumentError, "fork_step must be a finite number, found nan; pass the optimizer step, for example"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": "5"}, ArgumentTypeError, "fork_step must be a number, found '5'; pass an int or a float, e.g. 100"),  # noqa: E501
        ({"fork_run_id": "a/b", "fork_step": 1}, ArgumentError, "fork_run_id must not contain '/', found 'a/b'; use 'a-b' instead"),
        ({"run_id": "r", "fork_run_id": "r", "fork_step": 1}, ArgumentError, "a run cannot be forked from itself, found 'r' for run_id and fork_run_id; leave out run_id for a new run"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": 1, "resume_from": {}}, ArgumentError, "pass either fork_run_id with fork_step, or resume_from, found both"),  # noqa: E501
        ({"resume_from": 3}, ArgumentTypeError, "resume_from must be a mark, a checkpoint dict or a path, found 3"),
        ({"resume_from": "gone.ckpt"}, ArgumentError, "resume_from names 'gone.ckpt', and there is no such checkpoint; pass None to begin anew"),  # noqa: E501
        ({"mode": "online"}, ArgumentError, "mode must be one of offline, disabled, found 'online'; runs are always written to disk first: leave mode out"),  # noqa: E501
        ({"creation_time": 3}, ArgumentTypeError, "creation_time must be a datetime, found 3; leave it out to begin now"),
        ({"runtime_namespace": 3}, ArgumentTypeError, "runtime_namespace must be a string, found 3; leave it out for 'runtime'"),
        ({"runtime_namespace": "/"}, ArgumentError, "runtime_namespace: an attribute path must not be empty, found ''; name it like 'train/loss'"),  # noqa: E501
        ({"settings": {"mode": "offline"}}, ArgumentTypeError, "settings must be runfork.Settings, found {'mode': 'offline'}"),
    ],
)  # fmt: skip
def test_an_argument_that_cannot_be_used_is_refused_and_nothing_is_written(data_directory, arguments, error, said):
    with pytest.raises(error, match=f"^{re.escape(said)}$"):
        Run(**arguments)

    assert not data_directory.exists()


def test_settings_may_be_passed_as_one_object(open_run, tmp_path):
    run = open_run(settings=Settings(project="x/y", directory=str(tmp_path / "elsewhere"), console=False))

    assert run.project == "x/y"
    assert run.directory.is_relative_to(tmp_path / "elsewhere")


def test_an_interrupt_while_a_run_is_made_leaves_no_run_and_no_thread(data_directory, monkeypatch):
    threads = threading.active_count()
    monkeypatch.setattr(atexit, "register", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Run(run_id="r", source_tracking_config=None)

    assert threading.active_count() == threads
    assert not Store(data_directory).run_directories("tests/project")


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_run_that_is_refused_after_it_was_begun_leaves_what_was_there_before(folder):
    Run(run_id="r", source_tracking_config=None).close()
    before = journals_of(folder)
    with pytest.raises(RunforkWarning, match="exists"):  # in tests, warnings are errors
        Run(run_id="r", fork_run_id="p", fork_step=1, source_tracking_config=None)

    assert len(before) == 1
    assert journals_of(folder) == before


# Ending


def test_a_closed_run_says_so_and_keeps_nothing_more(run):
    run.log_metrics({"a": 1}, step=1)
    run.close()
    size = run.status.written_bytes
    with pytest.warns(RunforkWarning, match="^metrics were logged after the run was closed and are not kept"):
        run.log_metrics({"a": 1}, step=2)
    run.set_status("failed")
    with pytest.warns(RunforkWarning, match=r"^checkpoint_mark\(\) was called after close\(\)"):
        run.checkpoint_mark(3)
    run.close()

    assert (run.is_closed, run.status.state, run.status.written_bytes) == (True, "finished", size)
    assert run.status.lost_records == 0
    assert bodies(run, Kind.CLOSE) == [{"state": "finished"}]


def test_the_last_state_that_was_set_is_the_final_one(run):
    run.set_status("preempted")
    run.close()

    assert bodies(run, Kind.STATUS) == [{"state": "preempted"}]
    assert bodies(run, Kind.CLOSE) == [{"state": "preempted"}]


@pytest.mark.parametrize("state", ["done", None, 3, ""])
def test_a_state_that_is_none_is_refused(run, state):
    with pytest.raises(
        ArgumentError, match="^state must be one of running, finished, failed, aborted, preempted, found "
    ):
        run.set_status(state)


def test_closing_with_a_state_that_is_none_leaves_the_run_open(run):
    with pytest.raises(ArgumentError, match="^state must be one of"):
        run.close(60)

    assert not run.is_closed


def test_terminating_is_aborting(run):
    run.terminate()

    assert bodies(run, Kind.CLOSE) == [{"state": "aborted"}]


def test_closing_from_many_threads_is_closing_once(run):
    threads = [threading.Thread(target=run.close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bodies(run, Kind.CLOSE) == [{"state": "finished"}]
    assert run.status.lost_records == 0


def test_a_scripts_neptune_call_to_close_works(run):
    run.close(timeout=60)

    assert run.is_closed


def test_leaving_the_block_closes(data_directory):
    with Run(source_tracking_config=None) as run:
        pass

    assert bodies(run, Kind.CLOSE) == [{"state": "finished"}]


@pytest.mark.parametrize(
    ("error", "state"), [(ValueError, "failed"), (KeyboardInterrupt, "aborted"), (SystemExit, "failed")]
)
def test_an_exception_that_leaves_the_block_is_recorded_and_goes_on(data_directory, error, state):
    with pytest.raises(error), Run(source_tracking_config=None) as run:
        raise error("why")

    assert bodies(run, Kind.CLOSE) == [{"state": state}]


def test_an_exception_without_readable_text_is_recorded_all_the_same(data_directory):
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    with pytest.raises(MuteError), Run(source_tracking_config=None) as run:
        raise MuteError

    assert bodies(run, Kind.STATUS)[0]["exception"] == {"type": "MuteError", "message": "its message could not be read"}


def test_waiting_is_over_at_once(run):
    run.log_metrics({"a": 1}, step=1)

    assert run.wait_for_submission(timeout=1)
    assert run.wait_for_processing()


# Threads and forks


def test_eight_threads_lose_nothing(run):
    def log(thread):
        for step in range(400):
            run.log_metrics({f"t{thread}": step, "shared": thread}, step=step)
            if step % 50 == 0:
                run.log_metrics({f"t{thread}/{step}": 1}, step=step)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(points_of(run.directory, f"t{number}") == [(s, float(s)) for s in range(400)] for number in range(8))
    assert len(points_of(run.directory, "shared")) == 3200
    assert points_of(run.directory, "t7/350") == [(350, 1.0)]


def test_a_forked_child_logs_to_a_journal_of_its_own_that_says_whose_child_it_is(run):
    run.log_metrics({"a": 0}, step=0)
    child = os.fork()
    if child == 0:
        run.log_metrics({"a": 1}, step=1)
        run.log_metrics({"b": 1}, step=1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    run.log_metrics({"a": 2}, step=2)
    parents, childs = journals_of(run.directory)

    assert sorted(points_of(run.directory, "a")) == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert next(batches_of(childs)).identity["forked_by"] == parents.stem
    assert "forked_by" not in next(batches_of(parents)).identity


def test_a_copy_of_a_run_is_the_run(run):
    assert copy.copy(run) is run
    assert copy.deepcopy({"tracker": run})["tracker"] is run


def test_a_run_that_is_sent_to_another_process_says_how_to_open_it_there(run):
    with pytest.raises(ArgumentTypeError, match=r"open it there: Run\(project='tests/project', run_id='r'\)"):
        pickle.dumps(run)


# Disabled


def test_a_disabled_run_validates_and_writes_nothing(open_run, data_directory, tmp_path):
    run = open_run("e", mode="disabled", fork_run_id="p", fork_step=1)
    run.log_metrics({"a": 1}, step=1)
    run.log_configs({"b": {"c": 1}})
    run.log_string_series({"s": "x"}, step=1)
    run.log_histograms({"h": Histogram([0, 1], counts=[1])}, step=1)
    run.log_files({"f": b"x"}, step=1)
    run.assign_files({"g": tmp_path / "gone"})
    run.add_tags(["t"])
    run.set_status("failed", ValueError("x"))
    with pytest.raises(ArgumentError):
        run.log_metrics({"a": 1}, step=-1)

    assert run.checkpoint_mark(3) == {}
    run.close()
    assert (run.is_disabled, run.is_closed) == (True, True)
    assert not data_directory.exists()


def test_a_disabled_run_is_like_a_run_in_every_attribute(open_run):
    run, disabled = open_run("e", run_id="r"), open_run("e", run_id="r", mode="disabled")
    names = [name for name in dir(run) if not name.startswith("_") and name != "journal"]

    assert {name: type(getattr(disabled, name)) for name in names} == {name: type(getattr(run, name)) for name in names}
    assert (disabled.run_id, disabled.experiment_name, disabled.directory) == ("r", "e", run.directory)


def test_a_disabled_run_lives_as_a_run_does(open_run, data_directory):
    mark = {"version": 1, "project": "tests/project", "run_id": "p", "mark": "m", "step": "3", "experiment": None}
    with open_run("e", mode="disabled", resume_from=mark) as run:
        run.log_metrics({"loss": 1.0}, step=1)
        run.set_status("failed", ValueError("x"))
        decision = run.resume(mark) if not run.has_points else "new"
    run.terminate()
    run.close()

    assert (decision, run.is_closed, run.status.state, run.status.problems) == ("new", True, "failed", ())
    assert run.wait_for_processing()
    assert not data_directory.exists()


def test_a_run_resumed_from_a_disabled_runs_mark_is_new(open_run):
    mark = open_run(mode="disabled").checkpoint_mark(3)

    assert open_run(resume_from={"runfork": mark}).parent is None
