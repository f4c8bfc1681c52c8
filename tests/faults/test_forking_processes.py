import pytest
from tests.run_records import state_of

from runfork.disk.layout import Store, journals_of
from runfork.journal.format import Kind
from runfork.testing.journals import batches_of, points_of, records_of
from runfork.testing.waits import HANG_SECONDS, until

OPEN = "run = Run(run_id='r', project='tests/project', source_tracking_config=None)"


@pytest.fixture(autouse=True)
def _no_warning_of_threads(monkeypatch):
    """From Python 3.12 on, each fork of a process that has threads is warned of."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore:This process:DeprecationWarning")


def end_of(process):
    """Wait for the end of a process that may take long."""
    out, errors = process.communicate(timeout=1200)
    return process.returncode, out, errors


ENDINGS = {
    "os._exit": "os._exit(0)",
    "sys.exit": "sys.exit(0)",
    "an exception": "raise ValueError('the child fell over')",
    "SIGKILL": "os.kill(os.getpid(), 9)",
    "SIGTERM": "os.kill(os.getpid(), 15)",
    "closing the run": "run.close(); os._exit(0)",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_parent_and_child_log_whatever_the_end_of_the_child(folder, run_script, tried, ending):
    done = run_script(
        f"""
import os, sys
from runfork import Run
{OPEN}
run.log_metrics({{'before': 0}}, step=0)
child = os.fork()
who = 'parent' if child else 'child'
for step in range(500):
    run.log_metrics({{who: step, 'both': step}}, step=step)
run.log_configs({{f'who/{{who}}': True}})
if child == 0:
    {ENDINGS[ending]}
os.waitpid(child, 0)
run.log_metrics({{'after': 1}}, step=1)
"""
    )
    expected = [(step, float(step)) for step in range(500)]
    tried(
        f"calls by a process and by its forked child, ended by {ending}",
        times=1000,
        outcome="all there; the run ended as its own process did",
    )

    assert done.returncode == 0, done.stderr
    assert points_of(folder, "parent") == points_of(folder, "child") == expected
    assert sorted(points_of(folder, "both")) == sorted(expected * 2)
    assert points_of(folder, "before") == [(0, 0.0)]
    assert points_of(folder, "after") == [(1, 1.0)]
    assert state_of(folder) == "finished"


def test_a_fork_while_other_threads_open_runs_leaves_each_process_its_own_journal(folder, run_script, rounds, tried):
    times = rounds(40, 1000)
    done = run_script(
        f"""
import os, sys, threading
from runfork import Run
{OPEN}
is_over = False
def open_and_close():
    while not is_over:
        Run(project='tests/others', source_tracking_config=None).close()
threads = [threading.Thread(target=open_and_close) for _ in range(3)]
sys.setswitchinterval(1e-5)
for thread in threads:
    thread.start()
for number in range({times}):
    if (child := os.fork()) == 0:
        run.log_metrics({{'child': number}}, step=number)
        os._exit(0)
    os.waitpid(child, 0)
    run.log_metrics({{'parent': number}}, step=number)
is_over = True
for thread in threads:
    thread.join()
"""
    )
    expected = [(step, float(step)) for step in range(times)]
    tried(
        "os.fork() while three threads open runs and close them",
        times=times,
        outcome="nothing was said, and each child logged to a journal of its own",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(points_of(folder, "child")) == sorted(points_of(folder, "parent")) == expected
    assert len(journals_of(folder)) == times + 1


def test_a_fork_in_the_middle_of_opening_a_run_keeps_none_of_the_others_their_parents_journal(
    data_directory, run_script
):
    done = run_script(
        """
import os
from runfork import Run
from runfork.writing import run_journal
others = [Run(run_id=f'r{number}', project='tests/project', source_tracking_config=None) for number in range(8)]
def made(*arguments):
    if os.fork() == 0:  # as another thread may do here
        for other in others:
            other.log_metrics({'child': 1}, step=1)
        os._exit(0)
    os.wait()
    return whole(*arguments)
whole, run_journal.Recorder = run_journal.Recorder, made
Run(run_id='r', project='tests/project', source_tracking_config=None).close()
"""
    )
    folders = [Store(data_directory).run_directory("tests/project", f"r{number}") for number in range(8)]

    assert (done.returncode, done.stderr) == (0, "")
    assert [points_of(folder, "child") for folder in folders] == [[(1, 1.0)]] * 8
    assert [len(journals_of(folder)) for folder in folders] == [2] * 8


def test_a_forked_child_that_logs_nothing_and_fails_leaves_nothing(folder, run_script):
    run_script(
        f"""
import os
from runfork import Run
{OPEN}
if os.fork() == 0:
    raise ValueError('the child fell over')
os.wait()
"""
    )

    assert len(journals_of(folder)) == 1
    assert not records_of(folder, Kind.STATUS)


def test_a_fork_while_other_threads_log_leaves_no_lock_behind(folder, start_script, rounds, tried):
    times = rounds(40, 1000)
    done = end_of(
        start_script(
            f"""
import os, sys, threading, time
from runfork import Run
{OPEN}
is_over = False
def log(number):
    step = 0
    while not is_over:
        run.log_metrics({{f'thread/{{number}}': step, f'name/{{number}}/{{step % 50}}': 1}}, step=step)
        run.log_string_series({{f'text/{{number}}': 'x' * 100}}, step=step)
        if step % 7 == 0:
            run.log_configs({{f'config/{{number}}': step}})
        step += 1
        if step % 50 == 0:
            time.sleep(0.005)  # else there is more to read than to fork
threads = [threading.Thread(target=log, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
for number in range({times}):
    child = os.fork()
    if child == 0:
        run.log_metrics({{'child': number}}, step=number)
        run.log_configs({{f'child/{{number}}': number}})
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
is_over = True
for thread in threads:
    thread.join()
"""
        )
    )
    tried(
        "os.fork() while three threads log and the child logs, too", times=times, outcome="no child hung, all was there"
    )

    assert done == (0, "", "")
    assert sorted(points_of(folder, "child")) == [(number, float(number)) for number in range(times)]
    for number in range(3):
        found = points_of(folder, f"thread/{number}")
        assert found == [(step, float(step)) for step in range(len(found))]


def test_a_fork_while_the_keeper_imports_leaves_no_lock_of_a_module_behind(folder, start_script, rounds, tried):
    times = rounds(8, 100)
    done = end_of(
        start_script(
            f"""
import os, random, subprocess, sys

CODE = '''
import os, sys, time
from runfork import Run
run = Run(project="tests/project", source_tracking_config=None)
time.sleep(float(sys.argv[1]))
child = os.fork()
if child == 0:
    import importlib.metadata, psutil, pluggy, runfork.plugins, runfork.capture.environment, runfork.capture.hardware
    run.log_metrics({{"child": 1}}, step=1)
    run.log_configs({{"odd": object}})  # asks the plugins
    os._exit(0)
os.waitpid(child, 0)
'''
for number in range({times}):
    delay = 0.05 + 0.2 * (number / {times})
    subprocess.run([sys.executable, "-c", CODE, str(delay)], check=True, timeout=300)
"""
        )
    )
    tried(
        "os.fork() while the background thread imports what the child imports, too",
        times=times,
        outcome="no child hung",
    )

    assert done == (0, "", "")


def test_the_journal_of_a_forked_child_is_synced_and_gives_signs_of_life(folder, start_script):
    process = start_script(
        f"""
import os, sys, time
import runfork.writing.background
from runfork import Run
runfork.writing.background.HEARTBEAT_SECONDS = 0.5
{OPEN}
child = os.fork()
if child == 0:
    run.log_metrics({{'child': 1}}, step=1)
    while run.status.unsynced_bytes:
        time.sleep(0.01)
    os.write(1, b'synced\\n')
    sys.stdin.readline()
    os._exit(0)
os.wait()
"""
    )
    assert process.stdout.readline() == "synced\n"
    until(lambda: any(is_of_child(path) for path in journals_of(folder)))
    own = next(path for path in journals_of(folder) if is_of_child(path))
    until(lambda: Kind.HEARTBEAT in [record.kind for batch in batches_of(own) for record in batch.records])
    process.communicate("\n", timeout=HANG_SECONDS)

    assert process.returncode == 0
    assert state_of(folder) == "finished"


def is_of_child(path):
    return any("forked_by" in batch.identity for batch in batches_of(path))


def test_sigterm_finds_the_own_run_of_a_forked_child(folder, run_script):
    done = run_script(
        f"""
import os, signal, time
from runfork import Run
parents = Run(run_id='parents', project='tests/project', source_tracking_config=None)
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    {OPEN}
    os.write(writing, b'up')
    while True:
        time.sleep(0.05)
os.read(reading, 2)
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )

    assert done.stdout == "-15\n", done.stderr
    assert state_of(folder) == "preempted"


def test_the_workers_of_a_data_loader_log(folder, run_script, tried):
    pytest.importorskip("torch")
    done = run_script(
        f"""
import threading, torch
from runfork import Run
{OPEN}
class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 200
    def __getitem__(self, item):
        run.log_metrics({{'seen': item, f'worker/{{torch.utils.data.get_worker_info().id}}': item}}, step=item)
        return item
loader = torch.utils.data.DataLoader(Data(), num_workers=2, batch_size=4, multiprocessing_context='fork')
for epoch in range(2):
    for number, batch in enumerate(loader):
        run.log_metrics({{'loss': number}}, step=epoch * 50 + number)
"""
    )
    tried(
        "items loaded by two forked workers of torch's DataLoader, which log", times=400, outcome="every call was there"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(points_of(folder, "seen")) == sorted([(item, float(item)) for item in range(200)] * 2)
    assert points_of(folder, "loss") == [(step, float(step % 50)) for step in range(100)]
    assert state_of(folder) == "finished"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_are_started_anew_continue_the_run(folder, run_script, tried, method):
    done = run_script(
        f"""
import multiprocessing
from runfork import Run

def work(number):
    with Run(run_id='r', project='tests/project', source_tracking_config=None) as run:
        for step in range(100):
            run.log_metrics({{f'worker/{{number}}': step}}, step=step)

if __name__ == '__main__':
    {OPEN}
    with multiprocessing.get_context('{method}').Pool(2) as pool:
        pool.map(work, range(4))
    run.log_metrics({{'after': 1}}, step=1)
"""
    )
    tried(f"log calls by workers of a pool that was made with {method}", times=400, outcome="every call was there")

    assert (done.returncode, done.stderr) == (0, "")
    for number in range(4):
        assert points_of(folder, f"worker/{number}") == [(step, float(step)) for step in range(100)]
    assert state_of(folder) == "finished"
