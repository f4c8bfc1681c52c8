import os
import re
import shutil
import signal
import sqlite3
import struct
import threading
import time
from contextlib import closing
from typing import Any
from zlib import crc32

import pytest

import runfork
from runfork import Run
from runfork.disk.watching import _TURNS
from runfork.errors import ArgumentError, NotFoundError, RunforkWarning
from runfork.journal.format import FILE_VERSION, MAGIC, Kind, encode_file_header, encode_frame, encode_json
from runfork.model.steps import NO_STEP
from runfork.reading.fsck import inspect_store
from runfork.reading.project import Project
from runfork.testing.histories import EPOCH
from runfork.testing.journals import configs_of
from runfork.testing.waits import until


def make(run_id, name=None, **kwargs):
    return Run(name, run_id=run_id, source_tracking_config=None, **kwargs)


def states(project):
    found = project.index.values(sorted(project.index.nodes()), paths=["sys/state"])
    return {run_id: values["sys/state"].value for run_id, values in found.items()}


@pytest.fixture(params=[None, "memory://"], ids=["sqlite", "memory"])
def project(request, data_directory):
    make("swift-owl-1", "birds").close()
    make("swift-owl-2", "birds").close()
    make("slow-crab-1").close()
    with Project.open(index_uri=request.param) as opened:
        opened.refresh()
        yield opened


def test_every_run_is_there_after_a_refresh(project):
    assert sorted(project.index.nodes()) == ["slow-crab-1", "swift-owl-1", "swift-owl-2"]
    assert project.experiments() == {"birds": "swift-owl-2"}


def test_a_refresh_brings_what_was_logged_since(project):
    make("new").close()
    before = set(project.index.nodes())
    project.refresh()

    assert set(project.index.nodes()) - before == {"new"}


def test_a_run_that_goes_on_after_it_was_closed_is_followed(project):
    with make("swift-owl-1") as again:
        project.refresh()
        running = states(project)
        again.log_metrics({"loss": 1.0}, step=1)
        project.refresh()
    project.refresh()

    assert running["swift-owl-1"] == "running"
    assert states(project)["swift-owl-1"] == "finished"
    assert project.index.values(["swift-owl-1"], paths=["loss"])["swift-owl-1"]["loss"].value == 1.0


def test_two_readers_that_take_turns_miss_nothing(project):
    with Project.open(index_uri=None) as other, make("long") as run:
        for step in range(6):
            run.log_metrics({"loss": float(step)}, step=step)
            (project, other)[step % 2].refresh()
        for reader in (project, other):
            reader.refresh()

            statistics = reader.index.values(["long"], paths=["loss"])["long"]["loss"].statistics
            assert statistics is not None
            assert statistics["count"] == 6


def test_a_refresh_tells_how_far_it_is(data_directory):
    for number in range(5):
        make(f"r{number}").close()
    told = []
    with Project.open(index_uri="memory://") as project:
        project.refresh(lambda done, total: told.append((done, total)))

    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.parametrize(
    ("name", "run_id"), [("swift-owl-1", "swift-owl-1"), ("birds", "swift-owl-2"), ("slow", "slow-crab-1")]
)
def test_a_run_is_found_by_id_by_experiment_and_by_the_beginning_of_its_id(project, name, run_id):
    assert run_id == project.find_run(name)


def test_a_name_that_means_several_runs_is_told_with_them(project):
    with pytest.raises(
        ArgumentError, match=re.escape("'swift' names 2 runs: swift-owl-1, swift-owl-2; give more of the run id")
    ):
        project.find_run("swift")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bords", "; did you mean 'birds'?"),
        ("zzzzzz", "; `runfork ls` shows what is there"),
        ("", "; `runfork ls` shows what"),
    ],
)
def test_a_name_that_means_no_run_is_told_with_the_closest(project, name, hint):
    with pytest.raises(
        NotFoundError, match=re.escape(f"project 'tests/project' has no run or experiment {name!r}{hint}")
    ):
        project.find_run(name)


def test_states_are_worked_out_at_every_refresh(project):
    run = make("live")
    project.refresh()
    while_open = states(project)["live"]
    run.close("failed")
    project.refresh()

    assert (while_open, states(project)["live"]) == ("running", "failed")


def test_a_journal_that_cannot_be_read_is_told_and_the_others_are_read(project, data_directory):
    folder = project.store.run_directory("tests/project", "bad")
    folder.mkdir()
    (folder / "1.journal").write_bytes(b"this is no journal at all")
    body = b'{"run_id": "newer"}'
    checksum = crc32(struct.pack("<HH", 9, len(body)) + body)
    (folder / "2.journal").write_bytes(struct.pack("<8sHHI", MAGIC, 9, len(body), checksum) + body)
    make("good").close()
    project.refresh()

    assert "good" in project.index.nodes()
    assert [path.name for path in sorted(project.unreadable)] == ["1.journal", "2.journal"]
    assert f"has journal format 9, this runfork reads up to {FILE_VERSION}" in project.unreadable[folder / "2.journal"]


def frame_of(kind, body):
    return encode_frame(kind, encode_json(body), time=EPOCH, step=NO_STEP)


IDENTITY = {"project": "tests/project", "run_id": "odd", "writer": "1", "created": EPOCH}
CREATION = {"run_id": "odd", "project": "tests/project", "experiment_name": None, "creation_time": EPOCH, "fork": None}


@pytest.mark.parametrize(
    ("identity", "kind", "body", "told"),
    [
        ({"created": "yesterday"}, Kind.CREATE, CREATION, "damaged header"),
        ({"run_id": None}, Kind.CREATE, CREATION, "damaged header"),
        ({}, Kind.CREATE, {"creation_time": "noon"}, "'creation_time' must be microseconds since 1970, found 'noon'"),
        ({}, Kind.CREATE, {**CREATION, "inherit_configs": []}, "'inherit_configs' must be true or false, found []"),
        ({}, Kind.MARK, {"mark": "\udcff"}, "'mark' must be a string, found '\\udcff'"),
        ({}, Kind.LINEAGE, {"parent": "p", "step": -1}, "'step' must be a step in micro-steps, found -1"),
        ({}, Kind.CONFIGS, {"x": ["float", 10**400]}, "'x' must hold a type and a value of it"),
        ({}, Kind.CONFIGS, {"x": ["file", 1]}, "'x' must hold a type and a value of it"),
        (
            {},
            Kind.FILES,
            {"f": {"sha256": "../../.ssh/id", "size": 1, "mime": "", "name": "f"}},
            "'f' must hold digest",
        ),
    ],
)
def test_a_record_or_header_that_is_odd_costs_itself_alone(data_directory, identity, kind, body, told):
    make("good").close()
    folder = data_directory / "tests" / "project" / "odd"
    folder.mkdir()
    lr = frame_of(Kind.CONFIGS, {"lr": ["float", 0.1]})
    (folder / "1.journal").write_bytes(encode_file_header({**IDENTITY, **identity}) + frame_of(kind, body) + lr)
    with pytest.warns(
        RunforkWarning, match="damage in the journal .*odd/1.journal was skipped; 'runfork fsck' tells more"
    ):
        listed = runfork.list_runs()
    with Project.open() as project:
        project.refresh()
        found = inspect_store(project.store, ["tests/project"])

        assert project.index.values(["odd"], paths=["lr"])["odd"]["lr"].value == 0.1
    assert sorted(listed) == ["good", "odd"]
    assert [told in problem.reason for problem in found.problems] == [True]


def test_a_journal_of_which_nothing_can_be_made_is_named_and_the_others_are_read(data_directory):
    make("good").close()
    folder = data_directory / "tests" / "project" / "odd"
    folder.mkdir()
    (folder / "1.journal").write_bytes(encode_file_header({"project": 1}))
    with pytest.warns(RunforkWarning, match="odd/1.journal could not be read: .* does not say whose journal it is"):
        assert runfork.list_runs() == ["good"]


def test_reading_a_directory_that_is_not_there_creates_nothing(data_directory):
    with Project.open("a/b") as project:
        project.refresh()

        assert project.index.nodes() == {}
    assert not data_directory.exists()


def test_two_readers_at_once_apply_each_journal_once(data_directory):
    for number in range(20):
        with make(f"r{number}") as run:
            run.log_metrics({"a": 1}, step=1)
    failures = []

    def read():
        try:
            with Project.open() as project:
                project.refresh()
                assert len(project.index.nodes()) == 20
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert failures == []


def test_an_index_that_is_damaged_under_a_reader_is_made_anew(data_directory):
    make("a").close()
    with Project.open() as project:
        project.refresh()
        path = project.store.index_path(project.name)
        assert path is not None
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)

    with Project.open() as project:
        path.write_bytes(content)
        make("b").close()
        project.refresh()

        assert sorted(project.index.nodes()) == ["a", "b"]


def test_what_lies_in_the_place_of_an_index_and_is_none_is_left_and_done_without(data_directory):
    make("a").close()
    path = data_directory / ".index" / "tests" / "project.sqlite3"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('a cat')")
    before = path.read_bytes()
    with pytest.warns(RunforkWarning, match="is not an index of runfork and was left as it is.*read without it"):
        project = Project.open()
    with project:
        project.refresh()

        assert set(project.index.nodes()) == {"a"}
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


SECOND = 1_000_000
RUN_TIMES = ["sys/creation_time", "sys/modification_time", "sys/running_time_seconds"]


@pytest.fixture
def clock(monkeypatch):
    """Set the clock of this process ahead, by seconds."""
    real = time.time_ns
    ahead: list[int] = []
    monkeypatch.setattr(time, "time_ns", lambda: real() + sum(ahead) * 1_000_000_000)
    return ahead.append


def times_of(run_id):
    """Return how long after its creation a run was modified, and how long it ran, in whole seconds."""
    with Project.open() as project:
        project.refresh()
        values = project.index.values([run_id], paths=RUN_TIMES)[run_id]
    created, modified, ran = (values[path].value for path in RUN_TIMES)
    return (modified - created) // SECOND, round(ran)


def test_durations_are_those_of_the_last_row_point_or_record(clock):
    with make("r") as run:
        until(lambda: "sys/hostname" in configs_of(run.directory))
        for log in (
            lambda: run.log_metrics({"loss": 1.0}, step=1),
            lambda: run.log_metrics({"loss": 1.0}, step=2, preview=True, preview_completion=0.5),
            lambda: run.log_string_series({"line": "text"}, step=1),
            lambda: run.log_configs({"lr": 1}),
        ):
            before = times_of("r")
            clock(100)
            log()
            after = times_of("r")

            assert [after[0] - before[0], after[1] - before[1]] == pytest.approx([100, 100], abs=5)


@pytest.mark.parametrize("given", [1.0, 4e9])
def test_times_that_a_user_gave_are_no_times_of_the_run(given):
    with make("r") as run:
        run.log_metrics({"loss": 1.0}, step=1, timestamp=given)
        run.log_string_series({"line": "text"}, step=1, timestamp=given)
        run.log_metrics({"loss": 1.0}, step=2, preview=True, preview_completion=0.5, timestamp=given)

        assert max(times_of("r")) < 50


def test_processes_that_run_side_by_side_count_once(clock, data_directory, monkeypatch):
    runs = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        runs.append(make("r"))
    clock(100)
    for run in runs:
        run.close()
    clock(1000)
    monkeypatch.delenv("RANK")
    again = make("r")
    clock(10)
    again.close()

    assert times_of("r") == pytest.approx((1110, 110), abs=5)


def test_a_question_that_cannot_be_answered_leaves_the_index_to_others(data_directory):
    make("a").close()
    with Project.open() as project:
        project.refresh()
        path = project.store.index_path(project.name)
        assert path is not None
    before = path.stat().st_ino
    limits: list[Any] = [0, -1, 2**70, 1.5]
    for limit in limits:
        with pytest.raises(ArgumentError, match="limit must be a whole number"):
            runfork.fetch_runs_table(limit=limit)

    assert path.stat().st_ino == before
    assert list(runfork.fetch_runs_table(limit=2**60).index) == ["a"]


def test_an_index_that_was_deleted_is_made_anew(data_directory):
    make("a").close()
    with Project.open() as project:
        project.refresh()
        path = project.store.index_path(project.name)
        assert path is not None
    path.unlink()

    with Project.open() as project:
        project.refresh()

        assert sorted(project.index.nodes()) == ["a"]


# What one process leaves to the next


@pytest.fixture
def settled(data_directory):
    """A project that nothing has happened to for long, as an earlier process left it."""
    for name in ("a", "b", "c"):
        with make(name) as run:
            run.log_metrics({"loss": 1.0}, step=1)
        os.utime(run.directory, (EPOCH / 1e6, EPOCH / 1e6))
    listed()
    with Project.open() as project:
        assert project.index.last_look() is not None
        yield project.store.run_directory(project.name, "a").parent


def listed():
    """Return what a new reader says of each run: its state, and how often it logged."""
    with Project.open() as project:
        project.refresh()
        return said(project)


def said(project):
    """Return what a reader says of each run now."""
    assert not project.troubles()
    found = project.index.values(sorted(project.index.nodes()), paths=["sys/state", "loss"])
    return {run_id: (values["sys/state"].value, times_logged(values)) for run_id, values in found.items()}


def times_logged(values):
    return values["loss"].statistics["count"] if "loss" in values else 0


def log_again(run_id, *, steps):
    with make(run_id) as run:
        for step in steps:
            run.log_metrics({"loss": 1.0}, step=step)
    os.utime(run.directory, (EPOCH / 1e6, EPOCH / 1e6 + 1))


UNCHANGED = dict.fromkeys("abc", ("finished", 1))


def test_a_new_process_says_the_same_where_nothing_has_changed(settled):
    assert [listed(), listed()] == [UNCHANGED, UNCHANGED]


changes = pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda _: log_again("b", steps=[2, 3]), {"b": ("finished", 3)}),
        (lambda _: log_again("d", steps=[1]), {"d": ("finished", 1)}),
        (lambda folder: shutil.rmtree(folder / "b"), {"b": None}),
        (lambda folder: next((folder / "b").glob("*.journal")).unlink(), {"b": None}),
        (lambda folder: (folder / "b").rename(folder / "elsewhere"), {}),
        (lambda folder: (folder / "b").rename(folder.parent / "elsewhere"), {"b": None}),
        (lambda folder: shutil.copytree(folder / "b", folder / "copy"), {}),
        (lambda folder: os.truncate(next((folder / "b").glob("*.journal")), 0), {"b": None}),
    ],
    ids=["grown", "new", "deleted", "emptied", "moved", "moved away", "copied", "truncated"],
)


@changes
def test_a_new_process_sees_what_has_changed_since_another_one_looked(settled, change, found):
    change(settled)
    expected = {run_id: about for run_id, about in (UNCHANGED | found).items() if about is not None}

    assert [listed(), listed()] == [expected, expected]


@changes
def test_a_reader_that_looks_often_sees_in_a_few_looks_what_has_changed_in_runs_that_were_over(settled, change, found):
    expected = {run_id: about for run_id, about in (UNCHANGED | found).items() if about is not None}
    with Project.open() as project:
        for _ in range(2):
            project.refresh(is_frequent=True)
        change(settled)
        for _ in range(_TURNS):
            project.refresh(is_frequent=True)
        seen = said(project)
        change_again = make("a")
        for _ in range(_TURNS):
            project.refresh(is_frequent=True)
        change_again.log_metrics({"loss": 2.0}, step=2)
        project.refresh(is_frequent=True)
        running = said(project)
        change_again.close()

    assert seen == expected
    assert running == expected | {"a": ("running", 2)}


def test_a_reader_that_looks_often_sees_new_and_deleted_runs_at_once(settled):
    with Project.open() as project:
        for _ in range(2):
            project.refresh(is_frequent=True)
        log_again("d", steps=[1])
        shutil.rmtree(settled / "b")
        project.refresh(is_frequent=True)

        assert said(project) == {"a": ("finished", 1), "c": ("finished", 1), "d": ("finished", 1)}


def test_a_reader_that_found_nothing_new_at_first_sees_what_comes_later(settled):
    with Project.open() as project:
        project.refresh()
        log_again("b", steps=[2])
        project.refresh()
        found = times_logged(project.index.values(["b"], paths=["loss"])["b"])

    assert found == 2
    assert listed() == UNCHANGED | {"b": ("finished", 2)}


def test_a_run_that_was_killed_is_lost_to_a_new_process_though_its_journal_is_what_it_was(settled, start_script):
    process = start_script(
        """
        from runfork import Run
        run = Run(run_id="killed", source_tracking_config=None)
        run.log_metrics({"loss": 1.0}, step=1)
        print("logged", flush=True)
        input()
        """
    )
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    running = [listed()["killed"], listed()["killed"]]
    process.kill()
    process.wait()

    assert running == [("running", 1), ("running", 1)]
    assert [listed()["killed"], listed()["killed"]] == [("lost", 1), ("lost", 1)]


def test_what_a_process_left_that_was_changed_on_disk_counts_for_nothing(settled):
    with Project.open() as project:
        path = str(project.store.index_path(project.name))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE look SET data = substr(data, 1, 30)")
        connection.commit()

    assert listed() == UNCHANGED
