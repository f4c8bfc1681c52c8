import json
import os
import shlex
import shutil
import subprocess
import sys
import time

import pytest
from tests.faults.disks import unwritable

from runfork import Run
from runfork.disk.liveness import (
    LOST_AFTER_SECONDS,
    STRANGE_CLOCK_SECONDS,
    boot_id,
    is_silent,
    lives_here,
    own_identity,
    process_start,
)
from runfork.index.interface import Writer
from runfork.journal.header import read_identity
from runfork.journal.records import JournalKey
from runfork.reading.state import Look
from runfork.reading.state import work_out_state as work_out
from runfork.testing.waits import HANG_SECONDS

NOW = 1_000_000_000_000
ELSEWHERE = {"host": "elsewhere", "pid": 1, "boot_id": "other", "process_start": 1.0}
HERE = own_identity()


def writer(name="1", identity=ELSEWHERE, *, age=10**6, state="running", is_closed=False, size=1):
    last_time = NOW - age * 1_000_000
    return Writer(JournalKey("r", name), identity, applied=size, last_time=last_time, state=state, is_closed=is_closed)


def host(name, **found):
    """The identity of a process on a machine of its own, that found some journals of these sizes."""
    return {"host": name, "pid": 1, "boot_id": f"boot of {name}:pid:[1]", "process_start": 1.0, "journals": found}


def work_out_state(writers, *, quiet_after=60):
    return work_out(writers, is_quiet=lambda one: NOW - one.last_time > quiet_after * 1_000_000)


@pytest.fixture
def ended():
    """The identity of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = {**HERE, "pid": process.pid, "process_start": process_start(process.pid)}
    process.communicate(b"\n", timeout=HANG_SECONDS)
    return identity


@pytest.mark.parametrize("state", ["finished", "failed", "aborted", "preempted"])
def test_a_session_that_said_how_it_ended_is_believed(state):
    assert state == work_out_state([writer(state=state, is_closed=True)])
    assert state == work_out_state([writer(state=state)])


def test_a_process_of_this_machine_that_lives_is_running_however_silent_it_is():
    assert work_out_state([writer(identity=HERE)]) == "running"


def test_a_process_of_this_machine_that_ended_without_a_word_is_lost(ended):
    assert work_out_state([writer(identity=ended, age=0)]) == "lost"


def test_a_process_whose_number_was_given_to_another_is_lost():
    assert work_out_state([writer(identity={**HERE, "process_start": 1.0}, age=0)]) == "lost"


def test_a_zombie_is_not_alive():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    start = process_start(child)
    os.waitpid(child, 0)

    assert start is None


@pytest.mark.parametrize(("quiet_after", "state"), [(60, "running"), (40, "lost")])
def test_a_process_elsewhere_is_lost_when_its_journal_is_quiet(quiet_after, state):
    assert state == work_out_state([writer(age=50)], quiet_after=quiet_after)


@pytest.mark.parametrize("odd", [{"pid": None}, {"pid": -1}, {"pid": 2**70}, {"pid": "1"}, {"pid": True}, {"host": 5}])
def test_a_process_that_the_header_does_not_name_rightly_is_unknown(odd):
    assert lives_here({**HERE, **odd}) is None


def test_another_boot_of_this_machine_is_elsewhere():
    assert lives_here({**HERE, "boot_id": "before"}) is None


@pytest.mark.parametrize(
    ("seconds", "is_quiet"), [(0, False), (LOST_AFTER_SECONDS - 1, False), (LOST_AFTER_SECONDS, True), (-9999, False)]
)
def test_a_journal_that_nobody_saw_grow_for_long_is_quiet(seconds, is_quiet):
    for modified in (None, NOW - 10**15, NOW + 10**15):
        assert Look(NOW, modified=modified).is_quiet(NOW + seconds * 1_000_000) is is_quiet


@pytest.mark.parametrize(
    ("age", "is_quiet"),
    [(300, False), (-300, False), (STRANGE_CLOCK_SECONDS - 1, False), (STRANGE_CLOCK_SECONDS, True), (-(10**6), False)],
)
def test_at_the_first_look_only_a_very_old_file_is_quiet(age, is_quiet):
    look = Look(NOW, is_first=True, modified=NOW - age * 1_000_000)

    assert look.is_quiet(NOW) is is_quiet
    assert look.is_quiet(NOW + LOST_AFTER_SECONDS * 1_000_000)


def test_silence_is_told_by_the_clock_of_the_file_system(tmp_path):
    path = tmp_path / "journal"
    assert is_silent(path, 60)  # it is not there
    path.touch()
    assert not is_silent(path, 60)
    os.utime(path, (0, path.stat().st_mtime - 61))
    assert is_silent(path, 60)
    os.utime(path, (0, path.stat().st_mtime + 3600))

    assert not is_silent(path, 60)
    assert [one.name for one in tmp_path.iterdir()] == ["journal"]


def test_silence_in_a_folder_that_cannot_be_written_is_told_with_room_for_another_clock(tmp_path):
    path = tmp_path / "data" / "journal"
    path.parent.mkdir()
    path.touch()
    with unwritable(path.parent):
        for age, silent in ((3000, False), (4000, True)):
            os.utime(path, (0, time.time() - age))
            assert is_silent(path, 60) is silent


HIDING = """
mount -t proc -o hidepid={hidepid} proc /proc
exec setpriv --reuid=65534 --regid=65534 --clear-groups {python} -c '
import sys, json
from runfork.disk.liveness import lives_here
print(lives_here(json.loads(sys.argv[1])), lives_here(json.loads(sys.argv[2])))
' "$1" "$2"
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="hiding processes takes root and setpriv"
)
@pytest.mark.parametrize("hidepid", [1, 2])
def test_a_process_that_the_system_hides_is_unknown_and_not_dead(hidepid, ended):
    python = shlex.quote(os.path.realpath(sys.executable))  # the environment may lie where only its owner may look
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [
            "unshare",
            "--mount",
            "sh",
            "-c",
            HIDING.format(hidepid=hidepid, python=python),
            "sh",
            json.dumps(HERE),
            json.dumps(ended),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if "mount: " in done.stderr:
        pytest.skip(f"this machine lets nobody hide processes: {done.stderr}")
    if "shared libraries" in done.stderr:
        pytest.skip(f"this Python cannot be started by another user: {done.stderr}")

    assert (done.stdout, done.stderr) == ("None False\n", "")


def test_the_newest_session_decides():
    sessions = [
        writer("1", age=100, state="failed", is_closed=True),
        writer("2", age=50, state="finished", is_closed=True),
    ]

    assert work_out_state(sessions) == "finished"
    assert work_out_state([*sessions, writer("3", age=61)]) == "finished"
    assert work_out_state([*sessions[:1], writer("3", age=65)]) == "lost"


@pytest.mark.parametrize("ahead", [10**6, 0, -(10**6)])
def test_the_session_that_found_the_others_journal_decides_whatever_their_clocks_say(ahead):
    first = writer("b", host("one"), age=1000 - ahead, state="preempted", is_closed=True, size=80)
    second = writer("a", host("two", b=80), age=1000, state="finished", is_closed=True)

    assert work_out_state([first, second]) == "finished"
    assert (
        work_out_state([writer("b", host("one"), age=1000 - ahead, size=80), second], quiet_after=-(10**7))
        == "finished"
    )
    assert work_out_state([first, writer("a", host("two", b=80), age=1000)], quiet_after=-(10**7)) == "lost"
    assert work_out_state([second, writer("c", host("three", a=1), age=10**7, state="failed")]) == "failed"


@pytest.mark.parametrize("ahead", [10**6, -(10**6)])
def test_of_sessions_side_by_side_on_two_hosts_the_worst_word_stands(ahead):
    good = writer("a", host("one"), age=2 * 10**6, state="finished", is_closed=True, size=90)
    failed = writer("b", host("two", a=50), age=2 * 10**6 - ahead, state="failed", is_closed=True)
    silent = writer("c", host("three"), age=2 * 10**6 + ahead)

    assert work_out_state([good, failed]) == "failed"
    assert work_out_state([good, silent]) == "finished"
    assert work_out_state([silent]) == "lost"


def test_sessions_of_one_machine_are_told_apart_by_its_clock():
    early = writer("b", {**host("one"), "boot_id": "boot of one:pid:[2]"}, age=20, state="failed", is_closed=True)
    late = writer("a", host("one"), age=10, state="finished", is_closed=True)

    assert work_out_state([early, late]) == "finished"


def test_a_session_notes_which_journals_it_found(data_directory):
    def header_of(run):
        identity = read_identity(run.status.journal)
        assert identity is not None
        return identity[0]

    with Run(run_id="r") as first:
        pass
    with Run(run_id="r") as second, Run(run_id="r", is_visitor=True) as visitor:
        pass

    assert {} == header_of(first)["journals"]
    assert {getattr(first.status.journal, "stem", ""): first.status.written_bytes} == header_of(second)["journals"]
    assert "journals" not in header_of(visitor)


def test_a_session_that_lives_makes_the_run_running_whatever_others_said():
    assert work_out_state([writer("1", identity=HERE), writer("2", age=0, state="failed", is_closed=True)]) == "running"


@pytest.mark.parametrize("mark", [{"rank": 1}, {"forked_by": "1"}, {"is_visitor": True}])
def test_ranks_children_and_visitors_do_not_decide(mark, ended):
    main = writer("1", age=10, state="finished", is_closed=True)

    assert work_out_state([main, writer("2", {**ended, **mark}, age=0)]) == "finished"


def test_a_run_of_which_only_other_ranks_are_known_is_what_they_say():
    assert work_out_state([writer(identity={**ELSEWHERE, "rank": 3}, state="failed", is_closed=True)]) == "failed"


def test_a_run_without_journals_is_lost():
    assert work_out_state([]) == "lost"


def test_this_process_knows_itself(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    identity = own_identity()

    assert (identity["pid"], identity["rank"]) == (os.getpid(), 3)
    assert identity["process_start"] == process_start(os.getpid())
    assert identity["boot_id"] == boot_id()
    assert lives_here(identity)


@pytest.mark.parametrize(("text", "rank"), [("0", 0), ("", 0), ("x", 0), ("-1", 0), ("²", 0)])
def test_a_rank_that_is_no_number_is_the_first(monkeypatch, text, rank):
    monkeypatch.setenv("RANK", text)

    assert rank == own_identity()["rank"]
