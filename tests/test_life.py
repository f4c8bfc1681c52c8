import json
import os
import signal
import time
from typing import Any

import pytest
from tests.run_records import state_of

from runfork import Run
from runfork.disk.layout import journals_of
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.journal.format import Kind
from runfork.reading.project import Project
from runfork.testing.journals import configs_of, points_of, records_of
from runfork.testing.waits import HANG_SECONDS, until
from runfork.writing.background import HEARTBEAT_SECONDS
from runfork.writing.termination import Terminator

OPEN = "run = Run(run_id='r', project='tests/project', source_tracking_config=None)"


def ends_of(folder):
    ends = [record for record in records_of(folder) if record.kind in (Kind.STATUS, Kind.CLOSE)]
    return [(record.kind, record.body["state"]) for record in ends]


# How a process ends


def test_a_script_that_ends_is_finished(folder, run_script):
    done = run_script(f"from runfork import Run\n{OPEN}\nrun.log_metrics({{'a': 1}}, step=1)")

    assert (done.returncode, done.stderr) == (0, "")
    assert state_of(folder) == "finished"
    assert points_of(folder, "a") == [(1, 1.0)]


def test_an_uncaught_exception_is_failed_with_its_traceback(folder, run_script):
    done = run_script(
        f"""
from runfork import Run
{OPEN}
def train():
    raise ValueError('the loss is a plane')
train()
"""
    )

    assert done.returncode == 1
    assert state_of(folder) == "failed"
    assert records_of(folder, Kind.STATUS)[-1].body == {
        "state": "failed",
        "exception": {"type": "ValueError", "message": "the loss is a plane"},
    }
    assert "in train\n    raise ValueError" in configs_of(folder)["sys/exception"]


def test_an_exception_that_was_caught_is_no_failure(folder, run_script):
    run_script(f"from runfork import Run\n{OPEN}\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    pass")

    assert state_of(folder) == "finished"


def test_a_keyboard_interrupt_is_aborted(folder, start_script):
    process = start_script(
        f"from runfork import Run\nimport time\n{OPEN}\nprint('up', flush=True)\nwhile True:\n    time.sleep(0.05)"
    )
    assert process.stdout.readline() == "up\n"
    until(lambda: "sys/hostname" in configs_of(folder))  # plugins loaded at exit make CPython forget how it was ended
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=HANG_SECONDS)

    assert process.returncode == -signal.SIGINT
    assert state_of(folder) == "aborted"


def test_sigterm_is_preempted_and_the_process_still_dies_of_it(folder, start_script):
    process = start_script(
        f"""
from runfork import Run
{OPEN}
print('up', flush=True)
step = 0
while True:
    run.log_metrics({{'a': step}}, step=step)
    step += 1
"""
    )
    assert process.stdout.readline() == "up\n"
    until(lambda: journals_of(folder))
    process.terminate()
    process.communicate(timeout=HANG_SECONDS)

    assert process.returncode == -signal.SIGTERM
    assert ends_of(folder) == [(Kind.STATUS, "preempted"), (Kind.CLOSE, "preempted")]
    assert state_of(folder) == "preempted"


def test_sigterm_in_the_middle_of_a_print_still_ends_the_process(folder, start_script):
    process = start_script(
        f"""
from runfork import Run
import os
os.environ['RUNFORK_CONSOLE'] = '1'
{OPEN}
print('up', flush=True)
while True:
    print('x' * 100, end='')
"""
    )
    assert process.stdout.readline().startswith("up")
    process.terminate()
    process.communicate(timeout=HANG_SECONDS)

    assert process.returncode == -signal.SIGTERM
    assert state_of(folder) == "preempted"


def test_a_sigterm_handler_of_the_programs_own_is_left_alone(folder, start_script):
    process = start_script(
        f"""
from runfork import Run
import os, signal, sys, time
def mine(*_):
    os.write(1, b'mine\\n')  # print() may not be entered again by a handler
    sys.exit(7)
signal.signal(signal.SIGTERM, mine)
{OPEN}
assert signal.getsignal(signal.SIGTERM) is mine
print('up', flush=True)
while True:
    time.sleep(0.05)
"""
    )
    assert process.stdout.readline() == "up\n"
    process.terminate()
    out, _ = process.communicate(timeout=HANG_SECONDS)

    assert (process.returncode, out) == (7, "mine\n")
    assert state_of(folder) == "failed"


def test_a_handler_that_was_installed_later_and_calls_ours_decides_about_the_end(folder, start_script):
    process = start_script(
        f"""
from runfork import Run
import signal, time
{OPEN}
ours = signal.getsignal(signal.SIGTERM)
is_over = False
def chained(number, frame):
    global is_over
    ours(number, frame)
    is_over = True
signal.signal(signal.SIGTERM, chained)
print('up', flush=True)
while not is_over:
    time.sleep(0.01)
run.log_metrics({{'after': 1}}, step=1)
"""
    )
    assert process.stdout.readline() == "up\n"
    process.terminate()
    process.communicate(timeout=HANG_SECONDS)

    assert process.returncode == 0
    assert points_of(folder, "after") == [(1, 1.0)]
    assert state_of(folder) == "preempted"


def test_closing_the_last_run_gives_sigterm_back(folder):
    first, second = (Run(source_tracking_config=None) for _ in range(2))
    handler = signal.getsignal(signal.SIGTERM)
    first.close()
    held = signal.getsignal(signal.SIGTERM)
    second.close()

    assert isinstance(handler, Terminator)
    assert held is handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_killed_process_is_lost_and_no_acknowledged_point_is_missing(folder, start_script):
    process = start_script(
        f"""
from runfork import Run
import sys
{OPEN}
step = 0
while True:
    run.log_metrics({{'a': step}}, step=step)
    sys.stdout.write(f'{{step}}\\n')
    sys.stdout.flush()
    step += 1
"""
    )
    last = ""
    for _ in range(500):
        last = process.stdout.readline()
    assert state_of(folder) == "running"
    process.kill()
    last = (process.communicate(timeout=HANG_SECONDS)[0].split("\n")[:-1] or [last])[-1]
    found = [step for step, _ in points_of(folder, "a")]

    assert found == list(range(len(found)))
    assert len(found) > int(last)
    assert state_of(folder) == "lost"


def test_a_forked_child_that_is_killed_does_not_make_the_run_lost(folder, run_script):
    done = run_script(
        f"""
from runfork import Run
import os
{OPEN}
run.log_metrics({{'a': 0}}, step=0)
child = os.fork()
if child == 0:
    run.log_metrics({{'a': 1}}, step=1)
    os._exit(0)
os.waitpid(child, 0)
"""
    )

    assert done.returncode == 0, done.stderr
    assert sorted(points_of(folder, "a")) == [(0, 0.0), (1, 1.0)]
    assert len(journals_of(folder)) == 2
    assert state_of(folder) == "finished"


def test_a_forked_child_that_logs_nothing_leaves_nothing(folder, run_script):
    run_script(
        f"""
from runfork import Run
import os, sys
{OPEN}
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
"""
    )

    assert len(journals_of(folder)) == 1
    assert state_of(folder) == "finished"


def test_a_spawned_process_may_continue_the_run(folder, run_script):
    done = run_script(
        f"""
import multiprocessing
from runfork import Run

def work(number):
    run = Run(run_id='r', project='tests/project', source_tracking_config=None)
    run.log_metrics({{f'worker/{{number}}': number}}, step=number)

if __name__ == '__main__':
    {OPEN}
    workers = [multiprocessing.get_context('spawn').Process(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [points_of(folder, f"worker/{number}") for number in range(2)] == [[(0, 0.0)], [(1, 1.0)]]
    assert state_of(folder) == "finished"


def test_forked_workers_of_multiprocessing_may_log(folder, run_script):
    done = run_script(
        f"""
import multiprocessing
from runfork import Run

{OPEN}
def work(number):
    run.log_metrics({{f'worker/{{number}}': number}}, step=number)

with multiprocessing.get_context('fork').Pool(2) as pool:
    pool.map(work, range(4))
run.log_metrics({{'end': 1}}, step=1)
"""
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [points_of(folder, f"worker/{number}") for number in range(4)] == [[(n, float(n))] for n in range(4)]
    assert state_of(folder) == "finished"


def test_a_daemon_thread_that_logs_until_the_end_disturbs_nothing(folder, run_script):
    done = run_script(
        f"""
from runfork import Run
import threading
{OPEN}
def log():
    step = 0
    while True:
        run.log_metrics({{'a': 1}}, step=step)
        step += 1
threading.Thread(target=log, daemon=True).start()
"""
    )

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert state_of(folder) == "finished"


# While it runs


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_run_gives_signs_of_life_whatever_else_it_writes(folder, is_busy):
    run = Run(run_id="r", source_tracking_config=None)
    until(lambda: "sys/hostname" in configs_of(folder))
    assert run._life.background is not None
    run._life.background._heartbeat -= HEARTBEAT_SECONDS

    def has_sign():
        if is_busy:
            run.log_metrics({"a": 1}, step=1)
        return records_of(folder, Kind.HEARTBEAT)

    until(has_sign)
    run.close()

    assert [record.body for record in records_of(folder, Kind.HEARTBEAT)] == [{}]


class Broken:
    """What stands for a console, and cannot be read."""

    def follow(self):
        raise OSError("this stream is gone")

    flush = stop = follow


def test_a_console_that_fails_costs_neither_signs_of_life_nor_what_is_synced(folder):
    run = Run(run_id="r", source_tracking_config=None)
    until(lambda: "sys/hostname" in configs_of(folder))
    assert run._life.background is not None
    broken: Any = Broken()
    run._life.background._console = broken
    run._life.background._heartbeat -= HEARTBEAT_SECONDS
    run.log_metrics({"a": 1}, step=1)
    until(lambda: records_of(folder, Kind.HEARTBEAT) and not run.status.unsynced_bytes)
    run._life.background._console = None
    run.close()

    assert any("this stream is gone" in problem for problem in run.status.problems)


def test_the_journal_is_synced_within_seconds(folder):
    run = Run(run_id="r", source_tracking_config=None)
    run.log_metrics({"a": 1}, step=1)
    until(lambda: run.status.unsynced_bytes == 0)
    run.close()
    status = run.status
    assert status.journal is not None

    assert status.written_bytes == status.journal.stat().st_size


def test_what_was_dropped_is_shown_under_diagnostics(folder):
    run = Run(run_id="r", source_tracking_config=None)
    with pytest.warns(match="metric 'a' was not logged"):
        run.log_metrics({"a": "high"}, step=1)
    run.close()
    configs = configs_of(folder)

    assert configs["sys/diagnostics/dropped_values"] == 1
    assert configs["sys/diagnostics/lost_records"] == 0
    assert configs["sys/diagnostics/problems"].startswith(
        "metric 'a' was not logged: a metric value must be one number"
    )


def test_nothing_is_said_about_a_run_without_problems(folder):
    with Run(run_id="r", source_tracking_config=None):
        pass

    assert not any(path.startswith("sys/diagnostics") for path in configs_of(folder))


def test_lines_with_colours_are_also_kept_with_them_at_the_same_time(folder, run_script, monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    printed = r"\x1b[31mone\n\x1b[4mtwo\x1b[0m\nthree"
    run_script(f"from runfork import Run\n{OPEN}\nprint({printed!r}.encode().decode('unicode_escape'))")
    records = records_of(folder, Kind.STRINGS)

    assert [record.body for record in records] == [
        {
            "runtime/stdout": ["one", "two"],
            "runtime/stdout_styled": ["\x1b[31mone\x1b[0m", "\x1b[0;31m\x1b[4mtwo\x1b[0m"],
        },
        {"runtime/stdout": "three"},
    ]
    with Project.open("tests/project") as project:
        project.refresh()
        keys = [SeriesKey("r", path) for path in ("runtime/stdout", "runtime/stdout_styled")]
        lines, styled = project.index.points(PointsRequest(keys))
    assert lines.values == ["one", "two", "three"]
    assert styled.steps.tolist() == lines.steps.tolist()[:2]


def test_console_lines_are_points_on_the_clock_axis(folder, run_script, monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    before = time.time_ns() // 1000
    done = run_script(f"from runfork import Run\nimport sys\n{OPEN}\nprint('hello')\nprint('oops', file=sys.stderr)")
    lines = {next(iter(record.body)): record for record in records_of(folder, Kind.STRINGS)}

    assert (done.stdout, done.stderr) == ("hello\n", "oops\n")
    assert lines["runtime/stdout"].body == {"runtime/stdout": "hello"}
    assert lines["runtime/stderr"].body == {"runtime/stderr": "oops"}
    assert all(record.clock_axis and record.step >= before for record in lines.values())


def test_a_run_made_while_streams_are_redirected_captures_what_comes_after(folder, run_script, monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    done = run_script(
        f"""
        import contextlib, io, logging, sys, time
        from runfork import Run

        kept = io.StringIO()
        with contextlib.redirect_stdout(kept):
            {OPEN}
            print("inside")
        while sys.stdout is sys.__stdout__:
            time.sleep(0.01)
        print("outside")
        assert kept.getvalue() == "inside\\n"
        run.close()
        assert sys.stdout is sys.__stdout__
        """
    )
    lines = [record.body["runtime/stdout"] for record in records_of(folder, Kind.STRINGS)]

    assert (done.stdout, done.stderr) == ("outside\n", "")
    assert lines == ["inside", "outside"]


def test_a_logger_of_the_programs_own_that_stands_at_stdout_is_captured_once(folder, run_script, monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    done = run_script(
        f"""
        import sys, time
        from runfork import Run

        {OPEN}
        class Log:
            def __init__(self, stream):
                self.stream = stream
            def write(self, text):
                return self.stream.write(text)
            def flush(self):
                self.stream.flush()
        sys.stdout = Log(sys.stdout)
        run.log_metrics({{'a': 1}}, step=1)
        while run.status.unsynced_bytes:  # until a second has passed
            time.sleep(0.01)
        print("once")
        """
    )

    assert (done.stdout, done.stderr) == ("once\n", "")
    assert [record.body["runtime/stdout"] for record in records_of(folder, Kind.STRINGS)] == ["once"]


def test_hardware_is_measured_while_the_run_is_open(folder, monkeypatch):
    monkeypatch.setenv("RUNFORK_MONITORING_SECONDS", "0.1")
    run = Run(run_id="r", source_tracking_config=None)
    until(lambda: points_of(folder, "runtime/monitoring/process/rss_memory_MiB"))
    run.close()

    assert all(value > 1 for _, value in points_of(folder, "runtime/monitoring/process/rss_memory_MiB"))


def test_the_environment_is_recorded(folder):
    with Run(run_id="r", source_tracking_config=None):
        pass
    configs = configs_of(folder)

    assert configs["sys/custom_run_id"] == "r"
    assert configs["sys/hostname"]
    assert json.dumps(configs)


def test_closing_from_a_hook_on_the_keepers_thread_does_not_wait_for_itself(folder):
    run = Run(run_id="r", source_tracking_config=None)
    before = time.monotonic()
    assert run._life.background is not None
    run._life.background._lane.tell(run.close)
    until(lambda: run.is_closed)

    assert time.monotonic() - before < 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork() is not there")
def test_a_forked_child_is_ended_by_sigterm_itself_and_not_by_a_handler(run_script, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore:This process:DeprecationWarning")  # that it has threads, from 3.12 on
    done = run_script(
        f"""
        import os, signal
        from runfork import Run

        {OPEN}
        held = signal.getsignal(signal.SIGTERM)
        child = os.fork()
        if child == 0:
            os._exit(0 if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL else 1)
        print(os.waitpid(child, 0)[1], signal.getsignal(signal.SIGTERM) is held is not signal.SIG_DFL)
        """
    )

    assert ("0 True\n", "") == (done.stdout, done.stderr)
