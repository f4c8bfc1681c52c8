"""Clocks that step back, leap ahead, stand still or never were right: order, values, lineage and states stay sound."""

import json
import time

import pytest
from tests.faults import shelf

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.reading.project import Project
from runfork.testing.waits import HANG_SECONDS

CLOCK = """
import json, sys, time
real = time.time_ns
ahead = 0
time.time_ns = lambda: real() + ahead  # what everything in this process, datetime apart, reads the time from
time.time = lambda: time.time_ns() / 1e9
def shift(seconds):
    global ahead
    ahead += int(seconds * 1e9)
def stand_still():
    now = time.time_ns()
    time.time_ns = lambda: now
from runfork import Run
import runfork
"""
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
SHIFTS = {
    "an hour back": -HOUR,
    "ten years back": -10 * YEAR,
    "a second back": -1,
    "a day ahead": DAY,
    "80 years ahead": 80 * YEAR,
}


@pytest.fixture
def sound():
    """Read the project, and check that the index in the file and the one in memory agree; returns that in memory."""
    opened = []

    def read():
        with Project.open() as project:
            project.refresh()
            found = shelf.answers(project.index)
        reference = Project.open(index_uri="memory://")
        opened.append(reference)
        reference.refresh()
        assert found == shelf.answers(reference.index)
        return reference.index

    yield read
    for project in opened:
        project.close()


def points(index, run_id, path):
    (series,) = index.points(PointsRequest([SeriesKey(run_id, path)]))
    return list(zip((series.steps / 1_000_000).tolist(), list(series.values), strict=True))


def value(index, run_id, path):
    return index.values([run_id])[run_id][path].value


@pytest.mark.parametrize("seconds", SHIFTS.values(), ids=list(SHIFTS))
def test_a_clock_that_is_set_while_a_run_logs_changes_no_order(seconds, run_script, sound, monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    done = run_script(
        CLOCK
        + f"""
run = Run('e', run_id='r', source_tracking_config=None)
for step in range(100):
    if step == 50:
        shift({seconds})
    run.log_metrics({{'a': step, 'again': step}}, step=step)
    run.log_metrics({{'again': -step}}, step=step)
    run.log_configs({{'lr': step}})
    run.log_string_series({{'s': f'text {{step}}'}}, step=step)
    run.log_metrics({{'seen': step}}, step=step, preview=True)
    run.add_tags([f't{{step}}'])
    run.remove_tags([f't{{step - 1}}'])
    print('line', step)
run.log_metrics({{'seen': 1}}, step=99)
run.close()
"""
    )
    assert done.returncode == 0, done.stderr
    index = sound()
    (lines,) = index.points(PointsRequest([SeriesKey("r", "runtime/stdout")]))

    assert points(index, "r", "a") == [(step, step) for step in range(100)]
    assert points(index, "r", "again") == [(step, -step) for step in range(100)]
    assert [text for _, text in points(index, "r", "s")] == [f"text {step}" for step in range(100)]
    assert value(index, "r", "lr") == 99
    assert set(value(index, "r", "sys/tags")) == {"t99"}
    assert list(lines.values) == [f"line {step}" for step in range(100)]
    assert (lines.steps[1:] > lines.steps[:-1]).all()
    assert value(index, "r", "sys/state") == "finished"


def test_a_clock_that_stands_still_or_never_was_set_keeps_everything_apart(run_script, sound, tried):
    for number, start in enumerate(("stand_still()", "shift(-time.time())", "shift(900 * 365 * 86400)")):
        done = run_script(
            CLOCK
            + f"""
{start}
run = Run(run_id='r{number}', source_tracking_config=None)
for step in range(20):
    run._life.background.take_lines('stdout', [f'line {{step}}'], max(0, time.time_ns() // 1000) + step)
    run.log_metrics({{'a': step}}, step=step)
    run.log_configs({{'lr': step}})
run.close()
"""
        )
        assert done.returncode == 0, done.stderr
        index = sound()

        assert points(index, f"r{number}", "a") == [(step, step) for step in range(20)]
        assert value(index, f"r{number}", "lr") == 19
        assert value(index, f"r{number}", "sys/state") == "finished"
    tried("a clock was set back or ahead, by a second to 80 years, while a run was logging", times=len(SHIFTS),
          outcome="steps, repeated steps, configs, tags and console lines keep the order of logging")  # fmt: skip
    tried(
        "a clock stood still, said 1970, or was 900 years ahead",
        times=3,
        outcome="all points and values are there and in order",
    )


@pytest.mark.parametrize("seconds", SHIFTS.values(), ids=list(SHIFTS))
def test_a_fork_inherits_by_steps_whatever_the_clock_says(seconds, run_script, sound, monkeypatch, tried):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    done = run_script(
        CLOCK
        + f"""
parent = Run('e', run_id='parent', source_tracking_config=None)
parent.log_configs({{'lr': 1}})
marks = []
for step in range(10):
    parent.log_metrics({{'a': step}}, step=step)
    print('parent', step)
    if step == 5:
        mark = parent.checkpoint_mark(step)
    time.sleep(0.002)
parent.close()
shift({seconds})
child = Run(run_id='child', resume_from=mark, source_tracking_config=None)
for step in range(6, 12):
    child.log_metrics({{'a': -step}}, step=step)
    print('child', step)
child.close()
"""
    )
    assert done.returncode == 0, done.stderr
    index = sound()
    (lines,) = index.points(PointsRequest([SeriesKey("child", "runtime/stdout")]))

    assert points(index, "child", "a") == [(step, step) for step in range(6)] + [(step, -step) for step in range(6, 12)]
    assert points(index, "parent", "a") == [(step, step) for step in range(10)]
    assert [line for line in lines.values if line.startswith("child")] == [f"child {step}" for step in range(6, 12)]
    assert index.nodes()["child"].fork.parent == "parent"
    assert value(index, "child", "lr") == 1
    assert value(index, "child", "sys/experiment/is_head") is True
    tried(
        f"a fork was made by a process whose clock was {seconds:+,} s off its parent's",
        times=1,
        outcome="it inherits points and configs up to the checkpoint, and is the head; the indexes agree",
    )


def test_a_run_that_is_continued_by_a_process_with_an_earlier_clock_keeps_its_origin_and_all_points(
    run_script, sound, tried
):
    first = """
with Run('e', run_id='root', source_tracking_config=None) as root:
    root.log_metrics({'a': 0}, step=0)
with Run('e', run_id='r', fork_run_id='root', fork_step=0, source_tracking_config=None) as run:
    run.log_metrics({'a': 1, 'b': 1}, step=1)
    run.log_configs({'lr': 1})
"""
    second = f"""
shift({-DAY})
with Run(run_id='r', source_tracking_config=None) as run:
    run.log_metrics({{'a': 2}}, step=2)
    run.log_configs({{'more': 2}})
    assert run.experiment_name == 'e'
    assert run.parent == ('root', 0)
"""
    for script in (first, second):
        done = run_script(CLOCK + script)
        assert done.returncode == 0, done.stderr
    index = sound()

    assert points(index, "r", "a") == [(0, 0), (1, 1), (2, 2)]
    assert (value(index, "r", "lr"), value(index, "r", "more")) == (1, 2)
    assert index.nodes()["r"].experiment_name == "e"
    assert value(index, "r", "sys/state") == "finished"
    tried(
        "a run was continued by a process whose clock was a day behind",
        times=1,
        outcome="its origin and all points are kept",
    )


@pytest.mark.parametrize("seconds", [-DAY, DAY], ids=["behind", "ahead"])
def test_who_is_alive_on_this_machine_does_not_depend_on_the_clock(seconds, start_script, sound, tried):
    process = start_script(
        CLOCK
        + f"""
run = Run(run_id='r', source_tracking_config=None)
shift({seconds})
run.log_metrics({{'a': 1}}, step=1)
print(json.dumps('up'), flush=True)
sys.stdin.readline()
"""
    )
    assert json.loads(process.stdout.readline()) == "up"
    with Project.open() as project:
        project.refresh()
        alive = value(project.index, "r", "sys/state")
        process.kill()
        process.wait(timeout=HANG_SECONDS)
        deadline = time.monotonic() + HANG_SECONDS
        while (dead := value(project.index, "r", "sys/state")) == "running" and time.monotonic() < deadline:
            project.refresh()

    assert (alive, dead) == ("running", "lost")
    tried(
        "a process whose clock is a day off was looked at, and killed",
        times=1,
        outcome="running while it lived, lost afterwards",
    )
