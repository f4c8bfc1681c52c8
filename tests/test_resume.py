import os
import time

import pytest
from tests.run_records import leave_open_elsewhere

from runfork import Run
from runfork.disk.layout import Store, journals_of
from runfork.testing.waits import HANG_SECONDS
from runfork.writing.journal_progress import ParentState, examine_parent, last_step


@pytest.fixture
def folder(data_directory):
    return Store(data_directory).run_directory("tests/project", "p")


def parent(**kwargs):
    return Run(run_id="p", source_tracking_config=None, **kwargs)


def test_a_run_that_is_not_there_has_no_mark(folder):
    assert examine_parent(folder, "m") == ParentState(has_mark=False, has_gone_on=False, is_alive=False, is_here=False)
    assert examine_parent(folder, "m").reason_against_continuing() == "has no such mark in its journals here"


def test_a_run_that_ended_at_its_last_checkpoint_can_be_continued(folder):
    with parent() as run:
        run.log_metrics({"a": 1}, step=7)
        mark = run.checkpoint_mark(7)
        run.recorder.log_row({"cpu": 1.0}, 1_700_000_000_000_000, clock_axis=True)
    state = examine_parent(folder, mark["mark"])

    assert state == ParentState(has_mark=True, has_gone_on=False, is_alive=False, last_step=7_000_000)
    assert state.reason_against_continuing() is None


@pytest.mark.parametrize(
    "log",
    [
        lambda run: run.log_metrics({"a": 1}, step=7.5),
        lambda run: run.log_string_series({"s": "x"}, step=8),
        lambda run: run.log_files({"f": b"x"}, step=8),
    ],
)
def test_any_point_beyond_the_mark_is_going_on(folder, log):
    with parent() as run:
        mark = run.checkpoint_mark(7)
        log(run)

    assert examine_parent(folder, mark["mark"]).reason_against_continuing() == "logged points beyond this checkpoint"


def test_points_up_to_the_mark_are_not_going_on_even_if_they_come_after_it(folder):
    with parent() as run:
        run.log_metrics({"a": 1}, step=9)
        mark = run.checkpoint_mark(7)
        run.log_metrics({"val": 1}, step=7)
        run.log_configs({"b": 1})

    assert not examine_parent(folder, mark["mark"]).has_gone_on


def test_a_later_session_counts(folder):
    with parent() as run:
        mark = run.checkpoint_mark(7)
    with parent() as run:
        run.log_metrics({"a": 1}, step=8)

    assert examine_parent(folder, mark["mark"]).has_gone_on


@pytest.mark.parametrize("is_after", [False, True])
def test_what_another_process_of_the_session_logs_after_the_mark_counts(folder, is_after):
    with parent() as earlier, parent() as run:
        earlier.log_metrics({"rank": 1}, step=9)
        mark = run.checkpoint_mark(7)
        if is_after:
            earlier.log_metrics({"rank": 1}, step=8)

    assert is_after == examine_parent(folder, mark["mark"]).has_gone_on


@pytest.mark.parametrize("is_after", [False, True])
def test_another_process_is_behind_the_mark_by_place_whatever_its_times_say(folder, is_after):
    with parent() as run, parent() as rank:
        if not is_after:
            rank.log_metrics({"a": 1}, step=9, timestamp=4e9)
        mark = run.checkpoint_mark(7)
        if is_after:
            rank.log_metrics({"a": 1}, step=9, timestamp=1.0)

    assert is_after == examine_parent(folder, mark["mark"]).has_gone_on


def test_a_run_whose_process_lives_is_not_continued(folder):
    run = parent()
    mark = run.checkpoint_mark(7)
    state = examine_parent(folder, mark["mark"])
    run.close()

    assert state.reason_against_continuing() == "is still running"
    assert not examine_parent(folder, mark["mark"]).is_alive


@pytest.mark.parametrize(("age", "is_alive"), [(60, True), (200, False), (-10_000, True)])
def test_a_process_of_another_host_is_alive_until_its_journal_is_silent_by_the_clock_of_the_file(
    folder, age, is_alive, monkeypatch
):
    with parent() as run:
        mark = run.checkpoint_mark(7)
    (path,) = journals_of(folder)
    leave_open_elsewhere(path)
    os.utime(path, (0, path.stat().st_mtime - age))
    monkeypatch.setattr(time, "time_ns", lambda: 0)  # this host's clock says nothing
    monkeypatch.setattr(time, "time", lambda: 0.0)

    assert examine_parent(folder, mark["mark"]).is_alive is is_alive


def test_a_run_that_was_killed_can_be_continued(folder, start_script):
    process = start_script(
        """
        from runfork import Run
        run = Run(run_id="p", source_tracking_config=None)
        print(run.checkpoint_mark(7)["mark"], flush=True)
        input()
        """
    )
    mark = process.stdout.readline().strip()
    process.kill()
    process.wait(HANG_SECONDS)

    assert examine_parent(folder, mark).reason_against_continuing() is None


def test_journals_that_cannot_be_read_are_passed_over(folder):
    with parent() as run:
        mark = run.checkpoint_mark(7)
    (folder / "0.journal").write_bytes(b"this is no journal")
    (folder / "9.journal").write_bytes(b"")

    assert examine_parent(folder, mark["mark"]).reason_against_continuing() is None


def test_console_and_hardware_are_no_points(folder):
    with parent() as run:
        run.recorder.log_row({"cpu": 1.0}, 1_700_000_000_000_000, clock_axis=True)
        run.log_configs({"a": 1})
        before = last_step(journals_of(folder))
        run.log_metrics({"a/b": 1}, step=0)

    assert (before, last_step(journals_of(folder))) == (None, 0)


@pytest.mark.parametrize(("step", "goes_on"), [(7.000001, False), (7.000999, False), (7.1, True), (8, True)])
def test_what_is_logged_at_millionths_behind_the_mark_belongs_to_its_step(open_run, step, goes_on):
    run = open_run(run_id="parent")
    run.log_metrics({"loss": 1.0}, step=7)
    mark = run.checkpoint_mark(7)
    run.log_string_series({"checkpoints/path": "second"}, step=step)
    run.close()

    assert examine_parent(run.directory, mark["mark"]).has_gone_on is goes_on
