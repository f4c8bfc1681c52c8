import random
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.faults.mixture import Expected, found
from tests.faults.nursery import nursery
from tests.faults.victims import CALLS, CLOSED, CLOSING, LOGGING, PHASE
from tests.run_records import state_of

from runfork.disk.layout import journals_of
from runfork.reading.project import Project
from runfork.testing.journals import records_of
from runfork.testing.waits import HANG_SECONDS, until

NAME = "tests/project"
OPEN = "run = Run(run_id='r', project='tests/project', source_tracking_config=None)"
MOST_CALLS = 100


def test_sigterm_at_any_moment_ends_the_process_and_keeps_everything(tmp_path, monkeypatch, rounds, tried):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    times = rounds(20, 500)
    dice = random.Random(times)
    ends = []
    with nursery(tmp_path / "errors") as victims:
        for number in range(times):
            moment: dict[str, Any] = {"slot": PHASE, "value": CLOSING, "seconds": dice.uniform(0, 0.01)}
            if dice.random() < 0.8:
                moment = {"slot": CALLS, "value": dice.randrange(1, MOST_CALLS), "seconds": dice.uniform(0, 0.002)}
            run_id = f"run-{number}"
            fate = victims.kill(
                "log_mixture", run_id=run_id, seed=number, calls=MOST_CALLS, signal_number=signal.SIGTERM, **moment
            )
            with Project.open() as project:
                project.refresh()
                acknowledged = fate.slots[CALLS]
                seen = found(project.index, project.store, NAME, run_id)
                state = project.index.values([run_id], paths=["sys/state"])[run_id]["sys/state"].value
            assert fate.status in (-signal.SIGTERM, 0)
            expected = Expected(number).up_to(acknowledged)
            assert seen == expected.everything or seen == expected.up_to(acknowledged + 1).everything, run_id
            if fate.slots[PHASE] == LOGGING:
                assert (fate.status, state) == (-signal.SIGTERM, "preempted")
            else:
                assert state in ("preempted", "finished")
                assert state == "finished" or fate.slots[PHASE] != CLOSED
            ends.append(state)
    tried(
        "SIGTERM to a process that logs everything that can be logged",
        times=times,
        outcome=f"it died of it each time, with all that was logged; {ends.count('preempted')} runs say that they were preempted, "
        f"{ends.count('finished')} had ended",
    )


@pytest.mark.parametrize("others", [0, 2])
def test_sigterm_ends_a_process_whose_output_nobody_reads(folder, start_script, tried, others):
    process = start_script(
        f"""
import logging, os, pathlib, sys, threading, time
os.environ['RUNFORK_CONSOLE'] = '1'
from runfork import Run
logging.basicConfig(stream=sys.stdout, level=logging.INFO)
{OPEN}
def log():
    while 'pipe' not in pathlib.Path('/proc/self/wchan').read_text():  # of the main thread
        time.sleep(0.001)
    while True:
        logging.info('b' * 200)
for _ in range({others}):
    threading.Thread(target=log, daemon=True).start()
os.write(2, b'up\\n')
while True:
    run.log_metrics({{'printed': 1}}, step=1)
    print('x' * 5000)
"""
    )
    assert process.stderr.readline() == "up\n"
    until(lambda: is_waiting(process.pid))
    process.terminate()
    status = process.wait(timeout=HANG_SECONDS)
    tried(
        f"SIGTERM to a process that waits in print(), {others} other threads of which wait to log to the same pipe",
        times=1,
        outcome="it died of it, preempted",
    )

    assert status == -signal.SIGTERM
    assert state_of(folder) == "preempted"


def is_waiting(pid):
    """Whether the main thread of a process waits for somebody to read its pipe."""
    return "pipe" in Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")


def test_a_handler_may_print_while_the_program_prints(folder, start_script, monkeypatch, rounds, tried):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    times = rounds(150, 10_000)
    process = start_script(
        f"""
import os, signal, sys, threading
from runfork import Run
{OPEN}
handled = refused = 0
def handler(*_):
    global handled, refused
    handled += 1
    try:
        print('handled')
    except RuntimeError:  # "reentrant call": the interpreter's own, with or without us
        refused += 1
signal.signal(signal.SIGUSR1, handler)
def send():
    for _ in range({times}):
        before = handled
        os.kill(os.getpid(), signal.SIGUSR1)
        while handled == before:
            pass
sender = threading.Thread(target=send)
sender.start()
printed = 0
while sender.is_alive():
    print('printed')
    printed += 1
run.close()
print(handled, refused, printed, file=sys.stderr)
"""
    )
    _, errors = process.communicate(timeout=HANG_SECONDS)
    handled, refused, printed = map(int, errors.split())
    lines = [text for record in records_of(folder) for text in texts_in(record)]
    tried(
        "a signal handler prints in the middle of the program's own print()",
        times=handled,
        outcome="all was kept, whatever the interpreter showed of it",
    )

    assert process.returncode == 0
    assert handled == times
    # The interpreter's own stream may lose, double or garble what is printed within a print: what it showed says nothing.
    kept = "".join(lines)
    assert times - refused <= kept.count("handled") <= times
    assert kept.count("printed") == printed


def texts_in(record):
    body = record.body.get("runtime/stdout", []) if record.body else []
    return [body] if isinstance(body, str) else body


def test_ctrl_c_while_a_run_is_being_closed_leaves_it_aborted(folder, start_script):
    process = start_script(
        f"""
import atexit, threading
from runfork import Run
{OPEN}
run.log_metrics({{'a': 1}}, step=1)
busy, release = threading.Event(), threading.Event()
run._life.background._lane.tell(lambda: (busy.set(), release.wait(60)))
busy.wait()
atexit.register(release.set)
print('closing', flush=True)
run.close()
"""
    )
    assert process.stdout.readline() == "closing\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=HANG_SECONDS)

    assert process.returncode != 0, errors
    assert state_of(folder) == "aborted"


def test_ctrl_c_in_a_log_call_that_the_program_survives_costs_nothing(folder, start_script, rounds, tried):
    times = rounds(200, 2000)
    process = start_script(
        f"""
import os, random, signal, threading, time
from runfork import Run
{OPEN}
acknowledged = []
step = interrupted = 0
is_armed = False
def handler(*_):
    global is_armed, interrupted
    if is_armed:
        is_armed = False
        interrupted += 1
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, handler)
def interrupt():
    while interrupted < {times}:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(random.random() * 0.003)
thread = threading.Thread(target=interrupt, daemon=True)
thread.start()
while interrupted < {times}:
    try:
        is_armed = True
        step += 1
        run.log_metrics({{'a': step, f'b/{{step % 30}}': 1}}, step=step)
        acknowledged.append(step)
        is_armed = False
    except KeyboardInterrupt:
        pass
run.close()
print(*acknowledged)
"""
    )
    out, errors = process.communicate(timeout=1200)
    acknowledged = list(map(int, out.split()))
    with Project.open() as project:
        project.refresh()
        damage = [writer.damage for writer in project.index.writers().values() if writer.damage]
        steps = {step for step, _ in points_in(project)}
    tried(
        "KeyboardInterrupt in the middle of logging, caught by the program",
        times=times,
        outcome="all that was logged is there",
    )

    assert (process.returncode, errors) == (0, "")
    assert set(acknowledged) <= steps
    assert damage == []
    assert len(journals_of(folder)) == 1


def points_in(project):
    from runfork.index.interface import PointsRequest, SeriesKey
    from runfork.model.steps import MICRO

    series = project.index.points(PointsRequest([SeriesKey("r", "a")]))[0]
    return zip((series.steps // MICRO).tolist(), series.values, strict=True)
