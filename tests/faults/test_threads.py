from pathlib import Path

from runfork.disk.layout import Store
from runfork.reading.fsck import inspect_store
from runfork.testing.journals import points_of, records_of

NAME = "tests/project"
OPEN = "run = Run(run_id='r', project='tests/project', source_tracking_config=None)"
THREADS = 8


def end_of(process):
    out, errors = process.communicate(timeout=600)
    return process.returncode, out, errors


def test_eight_threads_log_into_one_run_each_in_its_order(data_directory, folder, start_script, rounds, tried):
    steps = rounds(3000, 100_000)
    done = end_of(
        start_script(
            f"""
import sys, threading
from runfork import Run
sys.setswitchinterval(1e-5)  # threads take turns a thousand times as often as usual
{OPEN}
start = threading.Barrier({THREADS})
def log(number):
    start.wait()
    for step in range({steps}):
        run.log_metrics({{f'own/{{number}}': step, 'all': number}}, step=step)
        if step % 100 == 0:  # names that are new, and records of other kinds
            run.log_metrics({{f'new/{{number}}/{{step}}': step}}, step=step)
            run.log_string_series({{f'text/{{number}}': str(step) * 500}}, step=step)
            run.log_configs({{f'config/{{number}}': step}})
threads = [threading.Thread(target=log, args=(number,)) for number in range({THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
run.close()
"""
        )
    )
    inspection = inspect_store(Store(data_directory), [NAME])
    texts = [record.body for record in records_of(folder) if record.body and "text/0" in record.body]
    tried(
        f"rows logged by each of {THREADS} threads into one run at the same time",
        times=THREADS * steps,
        outcome="all there, each thread's in its order, no frame torn",
    )

    assert done == (0, "", "")
    assert inspection.problems == []
    assert len(points_of(folder, "all")) == THREADS * steps
    for number in range(THREADS):
        assert points_of(folder, f"own/{number}") == [(step, float(step)) for step in range(steps)]
        assert points_of(folder, f"new/{number}/100") == [(100, 100.0)]
    assert [body["text/0"] for body in texts] == [str(step) * 500 for step in range(0, steps, 100)]


def test_closing_while_threads_log_keeps_what_had_returned(data_directory, tmp_path, start_script, rounds, tried):
    times = rounds(15, 500)
    done = end_of(
        start_script(
            f"""
import sys, threading, time, warnings
from runfork import Run
warnings.simplefilter('ignore')  # that they log after the end is told once
sys.setswitchinterval(1e-4)
threads, failures = [], []
threading.excepthook = failures.append
for number in range({times}):
    run = Run(run_id=f'run-{{number}}', source_tracking_config=None)
    kept = [0] * 4
    def log(thread, run=run, kept=kept):
        for step in range(10**9):
            run.log_metrics({{f'own/{{thread}}': step}}, step=step)
            if run.is_closed:
                break
            kept[thread] = step + 1
    threads = [threading.Thread(target=log, args=(thread,)) for thread in range(len(kept))]
    for thread in threads:
        thread.start()
    time.sleep(0.001 * (number % 10))
    run.close()
    for thread in threads:
        thread.join()
    print(*kept)
assert not failures, failures
"""
        )
    )
    assert (done[0], done[2]) == (0, "")
    acknowledged = [list(map(int, line.split())) for line in done[1].splitlines()]
    for number, kept in enumerate(acknowledged):
        folder = Store(data_directory).run_directory(NAME, f"run-{number}")
        for thread, count in enumerate(kept):
            found = points_of(folder, f"own/{thread}")
            assert found == [(step, float(step)) for step in range(len(found))]
            assert len(found) >= count
    tried(
        "a run that is closed while four threads log into it",
        times=times,
        outcome=f"all of {sum(map(sum, acknowledged)):,} calls that had returned before were there; no call raised",
    )

    assert inspect_store(Store(Path(data_directory)), [NAME]).problems == []
