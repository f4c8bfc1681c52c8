"""How runs end: what exceptions and exit statuses say, for ``with run:`` and for processes that leave their runs open."""

import asyncio
import bdb
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading

import psutil
import pytest
from tests.run_records import state_of

import runfork
from runfork import Run, Settings
from runfork.disk.layout import Store, journals_of
from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.model.run_ending import ending_after
from runfork.reading.fsck import inspect_store
from runfork.testing.journals import configs_of, points_of, records_of
from runfork.testing.waits import HANG_SECONDS
from runfork.testing.warm import RUN_MODULES, WarmProcess, start_warm
from runfork.training.runs import RunOptions, TrainingRuns
from runfork.training.training import Training

OPEN = "run = Run(run_id='r', project='tests/project', source_tracking_config=None)"


def raised_after(first, second):
    """Return `second` as it is when raised while `first` was handled."""
    second.__context__ = first
    return second


STATES = {
    "nothing": (None, "finished"),
    "an exception": (ValueError("no"), "failed"),
    "Ctrl-C": (KeyboardInterrupt(), "aborted"),
    "an error of the clean-up after Ctrl-C": (
        raised_after(KeyboardInterrupt(), RuntimeError("a worker died")),
        "aborted",
    ),
    "an exit after Ctrl-C": (raised_after(KeyboardInterrupt(), SystemExit(1)), "aborted"),
    "a task that is cancelled": (asyncio.CancelledError(), "aborted"),
    "a debugger that is left": (bdb.BdbQuit(), "aborted"),
    "a generator that is closed": (GeneratorExit(), "finished"),
    "no status": (SystemExit(), "finished"),
    "status None": (SystemExit(None), "finished"),
    "status 0": (SystemExit(0), "finished"),
    "status False": (SystemExit(False), "finished"),
    "status 1": (SystemExit(1), "failed"),
    "status True": (SystemExit(True), "failed"),
    "a message": (SystemExit("no such file"), "failed"),
    "a float": (SystemExit(0.0), "failed"),  # Python prints it, and exits with 1
    "the status of Ctrl-C": (SystemExit(128 + signal.SIGINT), "aborted"),
    "the status of SIGTERM": (SystemExit(128 + signal.SIGTERM), "preempted"),
}


@pytest.mark.parametrize("case", STATES)
def test_what_leaves_a_run_says_how_it_ended(case, folder):
    error, state = STATES[case]
    run = Run(run_id="r", source_tracking_config=None)
    run.__exit__(type(error) if error is not None else None, error, None)

    assert ending_after(error).state == state
    assert state_of(folder) == state


def test_an_exit_while_an_exception_is_handled_is_a_failure_of_that_exception(folder):
    def caught_as_hydra_does():
        try:
            int("a plane")
        except ValueError:
            sys.exit(1)

    with pytest.raises(SystemExit), Run(run_id="r", source_tracking_config=None):
        caught_as_hydra_does()
    told = records_of(folder, Kind.STATUS)[-1].body["exception"]
    trace = configs_of(folder)["sys/exception"]

    assert told == {"type": "ValueError", "message": "invalid literal for int() with base 10: 'a plane'"}
    assert "ValueError: invalid literal" in trace
    assert "SystemExit: 1" in trace


# Processes that leave a run open

HEAD = f"""
import atexit, os, signal, sys, threading
from runfork import Run
{OPEN}
run.log_metrics({{'a': 1}}, step=1)
"""

PROCESSES = {
    "sys.exit()": ("sys.exit()", 0, "finished"),
    "sys.exit(0)": ("sys.exit(0)", 0, "finished"),
    "sys.exit(main())": ("def main(): pass\nsys.exit(main())", 0, "finished"),
    "sys.exit(3)": ("def main(): sys.exit(3)\nmain()", 3, "failed"),
    "sys.exit('no')": ("sys.exit('no such file')", 1, "failed"),
    "exit(1)": ("exit(1)", 1, "failed"),
    "sys.exit(130)": ("sys.exit(130)", 130, "aborted"),
    "from sys import exit": ("from sys import exit\nexit(3)", 3, "failed"),
    "asyncio": ("import asyncio\nasync def main(): sys.exit(3)\nasyncio.run(main())", 3, "failed"),
    "an exit that was caught": ("try:\n    sys.exit(3)\nexcept SystemExit:\n    pass", 0, "finished"),
    "an exit of a thread": (
        "thread = threading.Thread(target=sys.exit, args=(3,))\nthread.start()\nthread.join()",
        0,
        "finished",
    ),
    "Hydra": (
        "try:\n    raise ValueError('a plane')\nexcept Exception as error:\n    print(error)\n    sys.exit(1)",
        1,
        "failed",
    ),
    "an exception": ("1 / 0", 1, "failed"),
    "an exception with a hook of the program's own": ("sys.excepthook = lambda *_: None\n1 / 0", 1, "failed"),
    "Ctrl-C": (
        "signal.raise_signal(signal.SIGINT)",
        None,
        "aborted",
    ),  # CPython forgets it where modules are imported at exit
    "Ctrl-C that was caught": (
        "try:\n    signal.raise_signal(signal.SIGINT)\nexcept KeyboardInterrupt:\n    sys.exit(0)",
        0,
        "finished",
    ),
    "an error that was only printed": (
        "import code\ncode.InteractiveInterpreter().runsource('1 / 0')\nassert sys.last_value",
        0,
        "finished",
    ),
    "an error of another thread": (
        "thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()",
        0,
        "finished",
    ),
    "os._exit(0)": ("os._exit(0)", 0, "lost"),
}


@pytest.fixture
def run_warm(data_directory, tmp_path):
    """Run a script in a process that has everything imported."""
    processes: list[WarmProcess] = []

    def run(code):
        file = tmp_path / f"script_{len(processes)}.py"
        file.write_text(textwrap.dedent(code), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = start_warm(file, modules=RUN_MODULES, cwd=tmp_path, environment=environment)
        processes.append(process)
        out, err = process.communicate(timeout=HANG_SECONDS)
        return process.returncode, out, err

    yield run
    for process in processes:
        process.kill()


@pytest.mark.parametrize("case", PROCESSES)
def test_the_end_of_a_process_says_how_its_runs_ended(case, folder, run_warm):
    code, status, state = PROCESSES[case]
    returncode, _, errors = run_warm(f"{HEAD}\n{code}")

    assert state == state_of(folder), errors
    assert returncode == status or status is None


def test_an_exit_is_told_with_the_place_it_came_from(folder, run_warm):
    run_warm(f"{HEAD}\ndef give_up():\n    sys.exit('no such data')\ngive_up()")

    assert records_of(folder, Kind.STATUS)[-1].body == {
        "state": "failed",
        "exception": {"type": "SystemExit", "message": "no such data"},
    }
    assert "in give_up\n    sys.exit('no such data')\nSystemExit: no such data" in configs_of(folder)["sys/exception"]


def test_a_typo_at_a_prompt_does_not_fail_a_run_that_is_open(folder, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(f"from runfork import Run\n{OPEN}\n", encoding="utf-8")
    prompt = "run.log_metrics({'a': 1}, step=1)\nrun.lgo_metrics\n1 / 0\nthis is no Python\n"
    done = subprocess.run(
        [sys.executable, "-i", str(script)],
        input=prompt,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert "ZeroDivisionError" in done.stderr
    assert points_of(folder, "a") == [(1, 1.0)]
    assert state_of(folder) == "finished"


def test_a_script_that_fails_before_the_prompt_has_failed(folder, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(f"from runfork import Run\n{OPEN}\nraise ValueError('a plane')", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-i", str(script)], input="", capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )

    assert records_of(folder, Kind.STATUS)[-1].body["exception"]["message"] == "a plane"
    assert state_of(folder) == "failed"


def test_a_module_that_is_run_by_name_fails_as_a_script_does(folder, tmp_path):
    (tmp_path / "training.py").write_text(f"from runfork import Run\n{OPEN}\n1 / 0", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "training"], cwd=tmp_path, capture_output=True, timeout=HANG_SECONDS, check=False
    )

    assert state_of(folder) == "failed"


def test_ctrl_c_while_the_process_ends_loses_no_end(folder, run_warm, monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    run_warm(
        f"""
        import logging, signal, sys
        from runfork import Run

        class Stream:
            is_over = False
            def write(self, text):
                return len(text)
            def flush(self):
                if self.is_over:
                    self.is_over = False
                    signal.raise_signal(signal.SIGINT)

        stream = sys.stderr = Stream()
        logging.getLogger().addHandler(logging.StreamHandler())
        {OPEN}
        run.log_metrics({{"a": 1}}, step=1)
        stream.is_over = True
        """
    )

    assert [record.body for record in records_of(folder, Kind.CLOSE)] == [{"state": "finished"}]


def test_workers_of_multiprocessing_say_nothing_of_the_run(folder, run_warm):
    returncode, _, errors = run_warm(
        f"""
        import multiprocessing, sys
        from runfork import Run

        {OPEN}
        def work(way):
            run.log_metrics({{way: 1}}, step=1)
            if way == "exit":
                sys.exit(3)
            raise ValueError(way)

        workers = [multiprocessing.get_context("fork").Process(target=work, args=(way,)) for way in ("exit", "raise")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print([worker.exitcode for worker in workers])
        """
    )

    assert returncode == 0, errors
    assert points_of(folder, "exit") == points_of(folder, "raise") == [(1, 1.0)]
    assert state_of(folder) == "finished"


# Inside a process


def test_a_thread_that_dies_fails_the_run_that_it_opened(data_directory, monkeypatch):
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    runs = {}

    def train(name):
        runs[name] = Run(run_id=name, source_tracking_config=None)
        if name == "bad":
            raise ValueError("a plane")

    main = Run(run_id="main", source_tracking_config=None)
    for name in ("good", "bad"):
        thread = threading.Thread(target=train, args=(name,))
        thread.start()
        thread.join()
    states = {run.run_id: run.status.state for run in (main, *runs.values())}
    for run in (main, *runs.values()):
        run.close()

    assert states == {"main": "running", "good": "running", "bad": "failed"}
    assert [str(arguments.exc_value) for arguments in told] == ["a plane"]
    assert threading.excepthook == told.append


def test_a_thread_that_dies_fails_its_run_whoever_set_a_hook_after_the_first_run(data_directory, monkeypatch):
    told: list[threading.ExceptHookArgs] = []
    first = Run(source_tracking_config=None)
    monkeypatch.setattr(threading, "excepthook", told.append)  # and does not ask ours
    runs = []

    def train():
        runs.append(Run(source_tracking_config=None))
        raise ValueError("a plane")

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    states = first.status.state, runs[0].status.state
    for run in (first, *runs):
        run.close()

    assert states == ("running", "failed")
    assert [str(arguments.exc_value) for arguments in told] == ["a plane"]
    assert threading.excepthook == told.append


def test_sys_exit_is_given_back_when_the_last_run_is_closed_and_can_be_pickled_meanwhile(data_directory):
    before = sys.exit, exit, quit, threading.excepthook
    first, second = (Run(source_tracking_config=None) for _ in range(2))
    first.close()
    held = sys.exit
    copy = pickle.loads(pickle.dumps(held))
    second.close()

    assert held is not before[0]
    assert copy is held
    assert repr(held) == repr(before[0])
    assert before == (sys.exit, exit, quit, threading.excepthook)


def test_who_replaced_sys_exit_after_us_is_left_there(data_directory, monkeypatch):
    monkeypatch.setattr(sys, "exit", sys.exit)
    run = Run(source_tracking_config=None)
    ours = sys.exit

    def theirs(status=None):
        ours(status)

    sys.exit = theirs
    run.close()

    assert sys.exit is theirs
    with pytest.raises(SystemExit, match="3"):
        sys.exit(3)


# Trainings of frameworks that do not tell of exceptions


def training(name):
    return Training(TrainingRuns(RunOptions(settings=Settings.from_environment()), run_id=name))


def test_a_training_that_an_exception_left_has_failed_when_the_next_begins_though_it_has_a_callback_of_its_own(
    data_directory,
):
    first, second = training("first"), training("second")
    with pytest.raises(ZeroDivisionError):
        _ = first.train(), 1 / 0
    left = first.runs.open()
    before = left.status.state
    second.begin()
    second.train()
    threads = [thread.name for thread in threading.enumerate() if "first" in thread.name]
    after = left.status.state
    second.finish()
    second.runs.open().close()

    assert (before, after, threads) == ("running", "failed", [])


def test_a_training_within_another_one_does_not_end_it(data_directory):
    outer, inner = training("outer"), training("inner")
    run = outer.train()
    run.log_metrics({"loss": 1}, step=1)
    probe = inner.train()
    inner.finish()
    run.log_metrics({"loss": 0.5}, step=2)
    outer.finish()
    for one in (run, probe):
        one.close()

    assert points_of(run.directory, "loss") == [(1, 1.0), (2, 0.5)]
    assert state_of(run.directory) == state_of(probe.directory) == "finished"


def test_trainings_on_two_threads_stand_beside_each_other(data_directory):
    first, second = training("first"), training("second")
    run = first.train()
    thread = threading.Thread(target=lambda: (second.train(), second.finish(), second.runs.open().close()))
    thread.start()
    thread.join()
    state = run.status.state
    first.finish()
    run.close()

    assert state == "running"
    assert state_of(run.directory) == "finished"


def test_a_run_that_names_no_state_is_still_open(folder):
    run = Run(run_id="r", source_tracking_config=None)
    with pytest.raises(ArgumentError, match="state must be one of"):
        run.close("done")
    run.close()

    assert state_of(folder) == "finished"


# A run that rests


def test_a_run_that_rests_is_over_for_readers_and_wakes_for_the_next_value(folder):
    run = Run(run_id="r", source_tracking_config=None)
    run.log_metrics({"a": 1}, step=1)
    run.rest()
    resting = (state_of(folder), run.is_over, run.is_closed, run.status.unsynced_bytes)
    run.log_metrics({"a": 2}, step=2)
    awake = (state_of(folder), run.is_over)
    run.close("failed")
    run.rest()

    assert resting == ("finished", True, False, 0)
    assert awake == ("running", False)
    assert state_of(folder) == "failed"
    assert points_of(folder, "a") == [(1, 1.0), (2, 2.0)]
    assert len(journals_of(folder)) == 1


def test_readers_follow_a_run_that_rests_and_wakes(data_directory):
    def seen():
        frame = runfork.fetch_metrics(runs=["r"], attributes=".*").droplevel(0)
        return {name: frame[name].dropna().to_dict() for name in frame.columns}

    run = Run(run_id="r", source_tracking_config=None)
    reads = []
    for step in range(4):
        run.log_metrics({"a": step}, step=step)
        run.rest()
        reads.append(seen())
    run.log_metrics({"b": 1}, step=1)
    reads.append(seen())
    run.close()
    problems = inspect_store(Store(data_directory), ["tests/project"]).problems

    steps = [{"a": {float(step): float(step) for step in range(count)}} for count in range(1, 5)]
    assert reads == [*steps, {**steps[-1], "b": {1.0: 1.0}}]
    assert list(problems) == []


def test_a_run_that_rests_holds_no_file_open(folder):
    before = psutil.Process().num_fds()
    run = Run(run_id="r", source_tracking_config=None)
    run.rest()
    resting = psutil.Process().num_fds()
    run.log_metrics({"a": 1}, step=1)
    run.close()

    assert resting == before
    assert points_of(folder, "a") == [(1, 1.0)]
    assert (len(journals_of(folder)), run.status.problems) == (1, ())


def test_a_run_that_rests_and_is_closed_has_one_end(folder):
    run = Run(run_id="r", source_tracking_config=None)
    run.rest("aborted")
    run.close()

    assert [record.body for record in records_of(folder, Kind.CLOSE)] == [{"state": "aborted"}]
