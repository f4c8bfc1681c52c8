"""Runs whose processes cannot be seen from here, on other hosts and in containers: what a reader cannot know it does not say."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from tests.run_records import change_header, leave_open_elsewhere

from runfork import Run
from runfork.disk.layout import journals_of
from runfork.disk.liveness import LOST_AFTER_SECONDS, STRANGE_CLOCK_SECONDS
from runfork.journal.header import read_identity
from runfork.reading.project import Project
from runfork.testing.waits import HANG_SECONDS, until

LOGGING = """
import os, socket, sys, time
if sys.argv[1:]:
    socket.sethostname(sys.argv[1])
import runfork.writing.background
from runfork import Run
runfork.writing.background.HEARTBEAT_SECONDS = 0.2
run = Run(run_id='r', source_tracking_config=None)
step = 0
print('up', flush=True)
while True:
    run.log_metrics({'a': 1.0}, step=step)
    step += 1
    time.sleep(0.02)
"""
MINUTE = 60


def state(*, ahead=0.0):
    """Return the state that a new reader tells of the run, by a clock that is so many seconds ahead of this one."""
    real = time.time_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: real() + int(ahead * 1e9))
        with Project.open() as project:
            project.refresh()
            return told(project)


def told(project):
    return project.index.values(["r"], paths=["sys/state"])["r"]["sys/state"].value


@pytest.fixture
def elsewhere(folder):
    """The journal of a run on another host, whose process has not closed it."""
    with Run(run_id="r", source_tracking_config=None) as run:
        run.log_metrics({"a": 1}, step=1)
    (path,) = journals_of(folder)
    leave_open_elsewhere(path)
    return path


def grow(path):
    """Add a record, as the process elsewhere does."""
    header = read_identity(path)
    assert header is not None
    with path.open("ab") as file:
        file.write(path.read_bytes()[header[1] :])


@pytest.mark.parametrize("ahead", [-5, 0, 5])
def test_the_session_that_went_on_last_decides_though_the_clock_of_the_host_before_is_off(folder, ahead):
    real = time.time_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: real() + ahead * MINUTE * 10**9)
        with Run(run_id="r", source_tracking_config=None) as run:
            run.log_metrics({"a": 1}, step=1)
            run.set_status("preempted")
    (path,) = journals_of(folder)
    change_header(path, host="else", boot_id="another")
    with Run(run_id="r", source_tracking_config=None) as run:
        run.log_metrics({"a": 1}, step=2)

    assert state() == "finished"


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_a_clock_that_is_minutes_off_calls_nothing_lost(elsewhere, minutes):
    looks = [state(ahead=minutes * MINUTE + seconds) for seconds in (0, 10, 80)]

    assert looks == ["running"] * 3


def test_a_run_that_goes_on_is_running_however_seldom_somebody_looks(elsewhere):
    looks = []
    for look in range(4):
        grow(elsewhere)
        looks.append(state(ahead=look * 100_000))

    assert looks == ["running"] * 4


@pytest.mark.parametrize("is_one_reader", [True, False])
def test_a_run_that_stopped_elsewhere_is_lost_when_nobody_has_seen_it_grow_for_long(
    elsewhere, is_one_reader, monkeypatch
):
    if is_one_reader:
        real = time.monotonic
        with Project.open() as project:
            project.refresh()
            first = told(project)
            monkeypatch.setattr(time, "monotonic", lambda: real() + LOST_AFTER_SECONDS)
            project.refresh()
            later = told(project)
    else:
        first, later = state(), state(ahead=LOST_AFTER_SECONDS + 1)

    assert (first, later) == ("running", "lost")


def test_a_run_that_was_called_lost_and_goes_on_is_running(elsewhere):
    looks = [state(), state(ahead=LOST_AFTER_SECONDS + 1)]
    grow(elsewhere)
    looks.append(state(ahead=LOST_AFTER_SECONDS + 2))

    assert looks == ["running", "lost", "running"]


@pytest.mark.parametrize("hours", [1, 1000])
def test_at_the_first_look_only_a_file_that_is_old_by_any_clock_is_lost(elsewhere, hours):
    os.utime(elsewhere, (0, time.time() - 5 * MINUTE))
    first = state()
    with Project.open(index_uri="memory://") as project:
        os.utime(elsewhere, (0, time.time() - hours * STRANGE_CLOCK_SECONDS - 1))
        project.refresh()

        assert (first, told(project)) == ("running", "lost")


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_is_set_while_a_reader_is_there_changes_nothing(elsewhere, seconds, monkeypatch):
    real = time.time_ns
    with Project.open() as project:
        project.refresh()
        monkeypatch.setattr(time, "time_ns", lambda: real() + seconds * 1_000_000_000)
        project.refresh()

        assert told(project) == "running"


@pytest.fixture
def start_apart(tmp_path, data_directory):
    """Start the logging script in namespaces of its own; killed at the end of the test."""
    started = []

    def start(*namespaces):
        path = tmp_path / "apart.py"
        path.write_text(LOGGING)
        command = [
            "unshare",
            *namespaces,
            "--",
            sys.executable,
            str(path),
            *(["else"] if "--uts" in namespaces else []),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=HANG_SECONDS)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="a container takes root and unshare")
@pytest.mark.parametrize(
    "namespaces", [("--pid", "--fork", "--kill-child"), ("--uts",)], ids=["container", "host name"]
)
def test_a_busy_run_that_cannot_be_seen_is_running_until_it_ends(namespaces, start_apart, monkeypatch, tried):
    monkeypatch.setattr("runfork.reading.state.LOST_AFTER_SECONDS", 5.0)  # of a minute and a half
    process = start_apart(*namespaces)
    assert process.stdout.readline() == "up\n"
    looks: set[str] = set()
    enough = time.monotonic() + 6
    with Project.open() as project:

        def looked_long_enough():
            project.refresh()
            looks.update((told(project), state()))
            return time.monotonic() > enough

        def is_lost():
            project.refresh()
            return told(project) == "lost"

        until(looked_long_enough)
        process.kill()
        process.communicate(timeout=HANG_SECONDS)
        until(is_lost)

    assert looks == {"running"}
    assert state() == "lost"
    tried(
        "a busy run in a container, or under another host name, was looked at, and killed",
        times=1,
        outcome="running while it lived, by a reader that stays and by new ones; lost some time afterwards",
    )
