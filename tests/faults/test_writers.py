from tests.faults.comparison import assert_equal_contents
from tests.faults.nursery import HOME
from tests.faults.readers import value_at

from runfork.disk.layout import Store
from runfork.index.interface import PointsRequest, RunsQuery, SeriesKey
from runfork.model.steps import MICRO
from runfork.reading.project import Project
from runfork.testing.journals import points_of
from runfork.testing.waits import HANG_SECONDS, until

NAME = "tests/project"
WRITERS = 8
READERS = 2
PROCESSES = 4


def ends_well(process):
    """Wait for the end of a process; returns what it printed."""
    out, errors = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, errors) == (0, "")
    return out


def test_eight_writers_and_two_readers_never_disturb_each_other(data_directory, tmp_path, start_script, rounds, tried):
    steps = rounds(2000, 60_000)
    writers = [start_script(WRITING.format(number=number, steps=steps, home=str(HOME))) for number in range(WRITERS)]
    until(lambda: len(Store(data_directory).journals(NAME)) == WRITERS)
    stop = tmp_path / "stop"
    readers = [start_script(READING.format(stop=str(stop), home=str(HOME))) for _ in range(READERS)]
    for writer in writers:
        ends_well(writer)
    stop.touch()
    questions = [int(ends_well(reader)) for reader in readers]
    with Project.open() as project, Project.open(index_uri="memory://") as fresh:
        project.refresh()
        fresh.refresh()
        assert_equal_contents(project.index, fresh.index)
        found = counts_of(project)
    tried(
        f"points logged by {WRITERS} processes, while {READERS} others refreshed the index and asked",
        times=WRITERS * steps,
        outcome=f"each of {sum(questions):,} answers was exact and never less than the one before; no error; at the end the index "
        "equalled a new one",
    )

    assert found == {f"writer-{number}": steps for number in range(WRITERS)}


def counts_of(project):
    run_ids = [row.node.run_id for row in project.index.runs(RunsQuery()).rows]
    series = project.index.points(PointsRequest([SeriesKey(run_id, "a") for run_id in run_ids]))
    return {one.key.run_id: len(one.steps) for one in series}


WRITING = """
import sys, time
sys.path.insert(0, {home!r})
from runfork import Run
from tests.faults.readers import value_at

run = Run("writers", run_id="writer-{number}", source_tracking_config=None)
for step in range({steps}):
    run.log_metrics({{"a": value_at({number}, step)}}, step=step)
    if step % 20 == 0:
        run.log_string_series({{"note": f"step {{step}}"}}, step=step)
        time.sleep(0.02)
run.close()
"""

READING = """
import sys
sys.path.insert(0, {home!r})
from pathlib import Path
from tests.faults.readers import read

print(read(Path({stop!r})))
"""


def test_four_processes_write_one_run_at_once(data_directory, start_script, rounds, tried):
    steps = rounds(3000, 100_000)
    processes = [start_script(SHARING.format(number=number, steps=steps)) for number in range(PROCESSES)]
    for process in processes:
        assert process.stdout.readline() == "open\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        ends_well(process)
    folder = Store(data_directory).run_directory(NAME, "shared")
    with Project.open() as project:
        project.refresh()
        together = project.index.points(PointsRequest([SeriesKey("shared", "all")]))[0]
        values = project.index.values(["shared"])["shared"]
        assert [row.node.run_id for row in project.index.runs(RunsQuery()).rows] == ["shared"]
    tried(
        f"rows logged to one run by each of {PROCESSES} processes at the same time",
        times=PROCESSES * steps,
        outcome="one run, every row of every process there",
    )

    assert [points_of(folder, f"own/{number}") for number in range(PROCESSES)] == [
        [(step, float(step)) for step in range(steps)] for _ in range(PROCESSES)
    ]
    assert (together.steps // MICRO).tolist() == list(range(PROCESSES * steps))
    assert list(together.values) == [value_at(step % PROCESSES, step) for step in range(PROCESSES * steps)]
    assert values["sys/tags"].value == frozenset(f"from {number}" for number in range(PROCESSES))
    assert [values[f"config/{number}"].value for number in range(PROCESSES)] == list(range(PROCESSES))
    assert values["sys/state"].value == "finished"


SHARING = f"""
import sys
sys.path.insert(0, {str(HOME)!r})
from runfork import Run
from tests.faults.readers import value_at

run = Run("shared", run_id="shared", source_tracking_config=None)
print("open", flush=True)
sys.stdin.readline()
run.add_tags(["from {{number}}"])
run.log_configs({{{{"config/{{number}}": {{number}}}}}})
for own in range({{steps}}):
    step = own * {PROCESSES} + {{number}}
    run.log_metrics({{{{"own/{{number}}": own}}}}, step=own)
    run.log_metrics({{{{"all": value_at({{number}}, step)}}}}, step=step)
run.close()
"""
