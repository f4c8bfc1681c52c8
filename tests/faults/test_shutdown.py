import pytest
from tests.run_records import state_of

from runfork.disk.layout import Store, journals_of
from runfork.journal.format import Kind
from runfork.reading.fsck import inspect_store
from runfork.testing.journals import configs_of, points_of, records_of

NAME = "tests/project"
OPEN = "run = Run(run_id='r', project='tests/project', source_tracking_config=None)"


def ends_of(folder):
    return [record.body["state"] for record in records_of(folder, Kind.CLOSE)]


@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_a_subinterpreter_may_log_and_be_destroyed(folder, run_script, tried, kind):
    pytest.importorskip("_xxsubinterpreters" if _has("_xxsubinterpreters") else "_interpreters")
    done = run_script(
        f"""
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
try:
    interpreter = interpreters.create(isolated={kind == "isolated"})
except TypeError:
    interpreter = interpreters.create({kind!r})
failure = interpreters.run_string(interpreter, '''
from runfork import Run
{OPEN}
for step in range(1000):
    run.log_metrics({{"a": step}}, step=step)
''')
assert failure is None, failure
interpreters.destroy(interpreter)
print('alive')
"""
    )
    tried(
        f"points logged in a subinterpreter ({kind}) that is destroyed",
        times=1000,
        outcome="all there, the process lives on",
    )

    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
    assert points_of(folder, "a") == [(step, float(step)) for step in range(1000)]
    assert ends_of(folder) == ["finished"]


def _has(module):
    from importlib.util import find_spec

    return find_spec(module) is not None


ENDINGS = {
    "the end of the script": ("pass", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "an exception": ("raise ValueError('the loss is a plane')", 1),
    "os._exit": ("os._exit(4)", 4),
    "os.abort": ("os.abort()", -6),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_daemon_threads_log_until_the_very_end(data_directory, start_script, rounds, tried, ending):
    times = rounds(3, 100)
    code, status = ENDINGS[ending]
    done = start_script(DAEMONS.format(times=times, code=code, status=status))
    out, errors = done.communicate(timeout=1200)
    assert done.returncode == 0, errors
    acknowledged = [list(map(int, line.split())) for line in out.splitlines()]
    for number, counts in enumerate(acknowledged):
        folder = Store(data_directory).run_directory(NAME, f"run-{number}")
        for thread, count in enumerate(counts):
            found = points_of(folder, f"own/{thread}")
            assert found == [(step, float(step)) for step in range(len(found))]
            assert len(found) >= count
    problems = inspect_store(Store(data_directory), [NAME]).problems
    tried(
        f"a process ends by {ending} while three daemon threads log, the run not closed",
        times=times,
        outcome=f"all of {sum(map(sum, acknowledged)):,} calls that had returned before were there; no hang, no word",
    )

    assert len(acknowledged) == times
    assert not [problem for problem in problems if problem.is_loss]


DAEMONS = """
import mmap, os, struct, subprocess, sys

CODE = '''
import mmap, os, sys, threading, time
from runfork import Run
with open(sys.argv[1], "r+b") as file:
    counts = memoryview(mmap.mmap(file.fileno(), 24)).cast("q")
run = Run(run_id=sys.argv[2], source_tracking_config=None)
def log(thread):
    for step in range(10**9):
        run.log_metrics({{f"own/{{thread}}": step}}, step=step)
        if not run.is_closed:
            counts[thread] = step + 1
for thread in range(3):
    threading.Thread(target=log, args=(thread,), daemon=True).start()
while not min(counts):
    time.sleep(0.001)
{code}
'''
for number in range({times}):
    with open("counts", "wb") as file:
        file.write(bytes(24))
    done = subprocess.run(
        [sys.executable, "-c", CODE, "counts", f"run-{{number}}"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == {status}, done
    assert not done.stdout and "runfork" not in done.stderr.lower() and "Fatal" not in done.stderr, done.stderr
    with open("counts", "rb") as file:
        print(*struct.unpack("3q", file.read()))
"""


def test_what_is_registered_to_run_at_exit_logs_no_matter_when_it_was_registered(data_directory, folder, run_script):
    done = run_script(
        f"""
import atexit, pathlib
from runfork import Run
def log(name):
    run.log_metrics({{name: 1}}, step=1)
    run.log_configs({{f'config/{{name}}': pathlib.Path('there')}})
    run.assign_files({{f'file/{{name}}': b'result'}})
    run.add_tags([name])
    run.checkpoint_mark(1)
atexit.register(log, 'registered/before')  # and therefore called after the run's own end
{OPEN}
atexit.register(log, 'registered/after')
"""
    )
    configs = configs_of(folder)

    assert (done.returncode, done.stderr) == (0, "")
    for name in ("registered/after", "registered/before"):
        assert points_of(folder, name) == [(1, 1.0)]
        assert configs[f"config/{name}"] == "there"
    assert (
        len(records_of(folder, Kind.MARK))
        == len(records_of(folder, Kind.FILES))
        == len(records_of(folder, Kind.TAGS))
        == 2
    )
    assert ends_of(folder) == ["finished"]
    assert state_of(folder) == "finished"
    assert list(inspect_store(Store(data_directory), [NAME]).problems) == []


def test_a_handler_at_exit_may_say_how_the_run_ended_after_all(folder, run_script):
    done = run_script(
        f"""
import atexit
from runfork import Run
atexit.register(lambda: run.close('failed'))
{OPEN}
"""
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert ends_of(folder) == ["finished", "failed"]
    assert state_of(folder) == "failed"


def test_objects_that_log_when_they_are_deleted_disturb_no_shutdown(folder, run_script):
    done = run_script(
        f"""
import sys
from runfork import Run
class Meter:
    def __init__(self, name):
        self.name = name
        self.itself = self if name == 'cycle' else None
    def __del__(self):
        run.log_metrics({{f'deleted/{{self.name}}': 1}}, step=1)
        run.log_configs({{f'config/{{self.name}}': 1}})
        run.log_string_series({{f'text/{{self.name}}': 'x'}}, step=1)
        run.add_tags([self.name])
        run.close()
{OPEN}
early = Meter('early')
del early
late, cycle = Meter('late'), Meter('cycle')
sys.kept = Meter('sys')
"""
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert points_of(folder, "deleted/early") == [(1, 1.0)]
    assert ends_of(folder) == ["finished"]
    assert len(journals_of(folder)) == 1


def test_logging_after_the_end_is_told_once_counted_and_not_kept(folder, run_script):
    done = run_script(
        f"""
from runfork import Run
{OPEN}
run.close()
for step in range(100):
    run.log_metrics({{'late': 1}}, step=step)
    run.log_configs({{'late/config': 1}})
    run.add_tags(['late'])
run.set_status('failed')
run.close()
print(run.status.dropped_values)
"""
    )

    assert (done.returncode, done.stdout) == (0, "300\n")
    assert done.stderr.count("RunforkWarning") == 1
    assert points_of(folder, "late") == []
    assert ends_of(folder) == ["finished"]
