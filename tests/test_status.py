import os
import subprocess
import sys

import pytest

from runfork.index.interface import Writer
from runfork.journal.records import JournalKey
from runfork.status import LOST_AFTER_SECONDS, boot_id, is_alive, own_identity, process_start, work_out_state

NOW = 1_000_000_000_000
ELSEWHERE = {"host": "elsewhere", "pid": 1, "boot_id": "other", "process_start": 1.0}
HERE = own_identity()


def writer(name="1", identity=ELSEWHERE, *, age=10**6, state="running", is_closed=False):
    last_time = NOW - age * 1_000_000
    return Writer(JournalKey("r", name), identity, applied=1, last_time=last_time, state=state, is_closed=is_closed)


@pytest.fixture
def ended():
    """The identity of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = {**HERE, "pid": process.pid, "process_start": process_start(process.pid)}
    process.communicate(b"\n", timeout=30)
    return identity


@pytest.mark.parametrize("state", ["finished", "failed", "aborted", "preempted"])
def test_a_session_that_said_how_it_ended_is_believed(state):
    assert state == work_out_state([writer(state=state, is_closed=True)], now=NOW)
    assert state == work_out_state([writer(state=state)], now=NOW)


def test_a_process_of_this_machine_that_lives_is_running_however_silent_it_is():
    assert work_out_state([writer(identity=HERE)], now=NOW) == "running"


def test_a_process_of_this_machine_that_ended_without_a_word_is_lost(ended):
    assert work_out_state([writer(identity=ended, age=0)], now=NOW) == "lost"


def test_a_process_whose_number_was_given_to_another_is_lost():
    assert work_out_state([writer(identity={**HERE, "process_start": 1.0}, age=0)], now=NOW) == "lost"


def test_a_zombie_is_not_alive():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    start = process_start(child)
    os.waitpid(child, 0)

    assert start is None


@pytest.mark.parametrize(
    ("age", "state"),
    [(0, "running"), (LOST_AFTER_SECONDS - 1, "running"), (LOST_AFTER_SECONDS + 1, "lost"), (-5, "running")],
)
def test_a_process_elsewhere_is_lost_when_it_has_been_silent_for_long(age, state):
    assert state == work_out_state([writer(age=age)], now=NOW)


def test_another_boot_of_this_machine_is_elsewhere():
    assert not is_alive({**HERE, "boot_id": "before"}, NOW - 10**9, now=NOW)


def test_the_newest_session_decides():
    sessions = [
        writer("1", age=100, state="failed", is_closed=True),
        writer("2", age=50, state="finished", is_closed=True),
    ]

    assert work_out_state(sessions, now=NOW) == "finished"
    assert work_out_state([*sessions, writer("3", age=LOST_AFTER_SECONDS + 1)], now=NOW) == "finished"
    assert work_out_state([*sessions[:1], writer("3", age=95)], now=NOW) == "lost"


def test_a_session_that_lives_makes_the_run_running_whatever_others_said():
    assert (
        work_out_state([writer("1", identity=HERE), writer("2", age=0, state="failed", is_closed=True)], now=NOW)
        == "running"
    )


@pytest.mark.parametrize("mark", [{"rank": 1}, {"forked_by": "1"}, {"is_visitor": True}])
def test_ranks_children_and_visitors_do_not_decide(mark, ended):
    main = writer("1", age=10, state="finished", is_closed=True)

    assert work_out_state([main, writer("2", {**ended, **mark}, age=0)], now=NOW) == "finished"


def test_a_run_of_which_only_other_ranks_are_known_is_what_they_say():
    assert (
        work_out_state([writer(identity={**ELSEWHERE, "rank": 3}, state="failed", is_closed=True)], now=NOW) == "failed"
    )


def test_a_run_without_journals_is_lost():
    assert work_out_state([], now=NOW) == "lost"


def test_this_process_knows_itself(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    identity = own_identity()

    assert (identity["pid"], identity["rank"]) == (os.getpid(), 3)
    assert identity["process_start"] == process_start(os.getpid())
    assert identity["boot_id"] == boot_id()
    assert is_alive(identity, 0, now=NOW)


@pytest.mark.parametrize(("text", "rank"), [("0", 0), ("", 0), ("x", 0), ("-1", 0), ("²", 0)])
def test_a_rank_that_is_no_number_is_the_first(monkeypatch, text, rank):
    monkeypatch.setenv("RANK", text)

    assert rank == own_identity()["rank"]
