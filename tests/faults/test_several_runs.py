"""Several runs in one process: side by side, one after the other, in threads; one on a dead disk, or with a plugin that hangs."""

import signal

import pytest
from tests.faults.laboratory import hook, install
from tests.run_records import state_of

from runfork.disk.layout import Store, journals_of
from runfork.journal.format import Kind
from runfork.testing.journals import configs_of, points_of, records_of
from runfork.testing.waits import HANG_SECONDS, until

BEGIN = """
import os, threading, time
from runfork import Run

def open_run(run_id):
    return Run(run_id=run_id, project='tests/project', source_tracking_config=None)

def threads():
    return sorted(thread.name for thread in threading.enumerate() if 'runfork' in thread.name)

def wait(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
"""


@pytest.fixture
def folder_of(data_directory):
    return lambda run_id: Store(data_directory).run_directory("tests/project", run_id)


def test_runs_share_two_threads_and_each_is_kept_on_disk(folder_of, run_script):
    done = run_script(
        f"""{BEGIN}
runs = [open_run(f'r{{number}}') for number in range(20)]
for run in runs:
    run.log_metrics({{'a': 1}}, step=1)
wait(lambda: not any(run.status.unsynced_bytes for run in runs))
print(threads())
for run in runs[1:]:
    run.close()
runs[0].log_metrics({{'a': 2}}, step=2)
wait(lambda: not runs[0].status.unsynced_bytes)
print(threads())
runs[0].close()
print(threads())
"""
    )

    assert done.stdout.splitlines() == [*["['runfork background', 'runfork plugins']"] * 2, "[]"], done.stderr
    assert [state_of(folder_of(f"r{number}")) for number in range(20)] == ["finished"] * 20
    assert points_of(folder_of("r0"), "a") == [(1, 1.0), (2, 2.0)]


def test_a_run_for_each_of_fifty_folds_is_complete_and_leaves_nothing_behind(folder_of, run_script, tried):
    done = run_script(
        f"""{BEGIN}
descriptors = len(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else 0
for fold in range(50):
    with open_run(f'fold-{{fold}}') as run:
        run.log_metrics({{'a': fold}}, step=fold)
    assert len(threads()) == 0, threads()
    assert run.status.problems == ()
print(len(os.listdir('/proc/self/fd')) - descriptors if descriptors else 0)
"""
    )
    tried("runs opened and closed one after the other", times=50, outcome="each whole, and no thread or file is left")

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "0\n")
    for fold in range(50):
        assert points_of(folder_of(f"fold-{fold}"), "a") == [(fold, float(fold))]
        assert "sys/hostname" in configs_of(folder_of(f"fold-{fold}"))


def test_what_runs_took_over_is_given_back_however_threads_come_and_go(run_script, rounds, tried):
    times = rounds(20, 600)
    done = run_script(
        f"""{BEGIN}
import signal, sys
def work(number):
    for time in range({times}):
        with open_run(f'r-{{number}}-{{time}}') as run:
            run.log_metrics({{'a': 1}}, step=1)
before = sys.exit, threading.excepthook
sys.setswitchinterval(1e-6)
workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print((sys.exit, threading.excepthook) == before, signal.getsignal(signal.SIGTERM).name)
"""
    )
    tried(
        "runs opened and closed by 6 threads that take turns all the time",
        times=6 * times,
        outcome="`sys.exit`, `threading.excepthook` and SIGTERM were the program's again",
    )

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "True SIG_DFL\n")


def test_threads_may_each_open_and_close_runs(folder_of, run_script, tried):
    done = run_script(
        f"""{BEGIN}
def work(number):
    for time in range(5):
        with open_run(f'r-{{number}}-{{time}}') as run:
            for step in range(100):
                run.log_metrics({{'a': step}}, step=step)
        assert run.status.problems == (), run.status.problems
workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(threads())
"""
    )
    tried("runs opened and closed by 8 threads at once", times=40, outcome="each whole, and no thread is left")

    assert (done.stdout, done.stderr) == ("[]\n", "")
    for name in [f"r-{number}-{time}" for number in range(8) for time in range(5)]:
        assert len(points_of(folder_of(name), "a")) == 100
        assert state_of(folder_of(name)) == "finished"


DEAD_DISK = """
import runfork.writing.background
runfork.writing.background.HEARTBEAT_SECONDS = 0.5
hang, dead = threading.Event(), set()

def hanging(call):
    def call_or_hang(fd, *rest):
        if dead and os.readlink(f'/proc/self/fd/{fd}') in dead:
            hang.wait()
        return call(fd, *rest)
    return call_or_hang
"""


@pytest.mark.parametrize("call", ["fdatasync", "pwrite"])
def test_a_dead_disk_of_one_run_keeps_no_other_from_being_synced_and_giving_signs_of_life(
    folder_of, run_script, call, tried
):
    module = "runfork.journal.writer._fdatasync" if call == "fdatasync" else "runfork.journal.writer.append"
    done = run_script(
        f"""{BEGIN}{DEAD_DISK}
import runfork.journal.writer
{module} = hanging({module})
a, b, c = open_run('a'), open_run('b'), open_run('c')
wait(lambda: not any(run.status.unsynced_bytes for run in (a, b, c)))
dead.add(os.path.realpath(a.journal.path))
if {call!r} == 'fdatasync':
    a.log_metrics({{'a': 1}}, step=1)
size = b.journal.size
for step in range(3):
    b.log_metrics({{'b': step}}, step=step)
    wait(lambda: not b.status.unsynced_bytes)
    c.log_metrics({{'c': step}}, step=step)
    wait(lambda: not c.status.unsynced_bytes)
wait(lambda: b.journal.size > size + 150)
start = time.monotonic()
b.close()
print(time.monotonic() - start < 4, threads(), b.status.problems)
with open_run('later') as later:
    later.log_metrics({{'a': 1}}, step=1)
print(later.status.problems)
c.close()
print(end='', flush=True)
os._exit(0)
"""
    )
    tried(
        f"a disk that does not answer {call} under one of three runs",
        times=1,
        outcome="the others were synced, gave signs of life, and were closed at once",
    )

    stuck_and_its_successor = ["runfork background"] * 2
    assert done.stdout == f"True {[*stuck_and_its_successor, 'runfork plugins']} ()\n()\n", done.stderr
    assert [state_of(folder_of(name)) for name in ("b", "c", "later")] == ["finished"] * 3
    assert records_of(folder_of("b"), Kind.HEARTBEAT)


def test_a_plugin_that_hangs_for_one_run_holds_up_no_other(folder_of, run_script, tmp_path, monkeypatch, tried):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    body = "import threading\nif run.run_id == 'a':\n    threading.Event().wait()\nrun.log_configs({'told': 1})"
    install(tmp_path / "site", hook("after_run_created", body))
    done = run_script(
        f"""{BEGIN}
a, b = open_run('a'), open_run('b')
start = time.monotonic()
b.close()
print(time.monotonic() - start < 4, b.status.problems)
start = time.monotonic()
a.close()
print(time.monotonic() - start < 20, a.status.problems)
with open_run('c') as c:
    pass
print(c.status.problems)
"""
    )
    tried(
        "a plugin that hangs in a hook for one of several runs",
        times=1,
        outcome="the others' hooks were called at once",
    )

    assert done.stdout.splitlines() == [
        "True ()",
        "True ('a plugin was still busy when the run was closed; it was left behind',)",
        "()",
    ], done.stderr
    assert [configs_of(folder_of(name)).get("told") for name in "abc"] == [None, 1, 1]


def test_a_hook_may_close_another_run(folder_of, run_script, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    install(tmp_path / "site", hook("after_run_created", "import gc\nfrom runfork import Run\nrun.on_created()"))
    done = run_script(
        f"""{BEGIN}
Run.on_created = lambda self: None
other = open_run('other')
Run.on_created = lambda self: other.close()
start = time.monotonic()
with open_run('r') as run:
    pass
print(time.monotonic() - start < 4, other.is_closed, other.status.problems, run.status.problems)
"""
    )

    assert done.stdout == "True True () ()\n", done.stderr
    assert state_of(folder_of("other")) == "finished"


def test_sigterm_while_two_runs_are_open_preempts_both(folder_of, start_script):
    process = start_script(
        f"""{BEGIN}
a, b = open_run('a'), open_run('b')
closed = open_run('closed')
closed.close()
step = 0
print('up', flush=True)
while True:
    a.log_metrics({{'a': step}}, step=step)
    b.log_metrics({{'b': step}}, step=step)
    step += 1
"""
    )
    assert process.stdout.readline() == "up\n"
    until(lambda: len(points_of(folder_of("b"), "b")) > 10)
    process.terminate()
    process.communicate(timeout=HANG_SECONDS)

    assert process.returncode == -signal.SIGTERM
    assert [state_of(folder_of(name)) for name in ("a", "b", "closed")] == ["preempted", "preempted", "finished"]


def test_a_fork_while_two_runs_are_open_lets_the_child_log_to_both_and_to_one_of_its_own(folder_of, run_script):
    done = run_script(
        f"""{BEGIN}
a, b = open_run('a'), open_run('b')
child = os.fork()
if child == 0:
    for run in (a, b):
        run.log_metrics({{'child': 1}}, step=1)
    with open_run('own') as own:
        own.log_metrics({{'a': 1}}, step=1)
        wait(lambda: not any(run.status.unsynced_bytes for run in (a, b, own)))
    os._exit(0 if threads() == ['runfork background'] else 1)
print(os.waitpid(child, 0)[1], threads())
for run in (a, b):
    run.log_metrics({{'parent': 1}}, step=1)
wait(lambda: not any(run.status.unsynced_bytes for run in (a, b)))
"""
    )

    assert done.stdout == "0 ['runfork background', 'runfork plugins']\n", done.stderr
    for name in "ab":
        assert [points_of(folder_of(name), path) for path in ("child", "parent")] == [[(1, 1.0)], [(1, 1.0)]]
        assert len(journals_of(folder_of(name))) == 2
        assert state_of(folder_of(name)) == "finished"
    assert state_of(folder_of("own")) == "finished"


def test_runs_that_are_never_closed_end_with_the_process(folder_of, run_script):
    done = run_script(f"{BEGIN}\nruns = [open_run(name) for name in 'abc']\nopen_run('d')\nruns[1].close()\n1 / 0")

    assert done.returncode == 1
    assert [state_of(folder_of(name)) for name in "abcd"] == ["failed", "finished", "failed", "failed"]


def test_ctrl_c_while_runs_are_opened_leaves_either_a_run_or_nothing(
    folder_of, data_directory, start_script, rounds, tried
):
    times = rounds(60, 1000)
    process = start_script(
        f"""{BEGIN}
import random, signal
dice = random.Random({times})
is_armed, opened, interrupted = False, [], 0

def handler(*_):
    global is_armed
    if is_armed:
        is_armed = False
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, handler)

def interrupt():
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGINT)

open_run('first').close()  # Ctrl-C in the middle of an import may leave a lock of the interpreter's held
for number in range({times}):
    delay = dice.uniform(0, 0.004)
    sender = threading.Thread(target=interrupt)
    sender.start()
    run = None
    try:
        is_armed = True
        run = open_run(f'r{{number}}')
        is_armed = False
    except KeyboardInterrupt:
        interrupted += 1
    sender.join()
    if run is None:
        assert not os.path.exists(os.path.join(os.environ['RUNFORK_DIR'], 'tests', 'project', f'r{{number}}'))
    else:
        run.log_metrics({{'a': number}}, step=number)
        run.close()
        opened.append(number)
wait(lambda: not threads())
print(interrupted, *opened, sep='|')
"""
    )
    out, errors = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0, errors
    interrupted, *opened = out.strip().split("|")
    tried("Ctrl-C while a run was being opened", times=int(interrupted), outcome="either a run or nothing was left")

    for number in opened:
        assert points_of(folder_of(f"r{number}"), "a") == [(int(number), float(number))]
        assert state_of(folder_of(f"r{number}")) == "finished"
