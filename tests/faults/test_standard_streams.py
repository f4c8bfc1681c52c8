"""What programs do to stdout and stderr: a run changes nothing of it, raises nothing, and keeps what it can see."""

import contextlib
import io
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.faults import streams

from runfork import Run
from runfork.capture.console import uncaptured
from runfork.disk.layout import Store
from runfork.journal.format import Kind
from runfork.testing.journals import batches_of, configs_of, points_of, records_of
from runfork.testing.waits import HANG_SECONDS

GROUPS = [streams.SCENARIOS[start::4] for start in range(4)]


@pytest.fixture(autouse=True)
def _captured(monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    monkeypatch.setenv("RUNFORK_PLUGINS", "")


@pytest.fixture
def store(data_directory):
    return Store(data_directory)


def lines_of(folder, path="runtime/stdout"):
    """Return the console lines of a run, in the order of their times."""
    found: list[str] = []
    for record in records_of(folder, Kind.STRINGS):
        lines = record.body.get(path, [])
        found += [lines] if isinstance(lines, str) else lines
    return found


@pytest.mark.parametrize("group", GROUPS, ids=[str(number) for number in range(len(GROUPS))])
def test_nothing_that_a_program_does_to_its_streams_goes_otherwise_because_of_a_run(group, store, tmp_path, tried):
    names = [scenario.__name__ for scenario in group]
    out = tmp_path / "outcomes.jsonl"
    script = subprocess.run(
        [sys.executable, streams.__file__, str(out), *names],
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
        cwd=tmp_path,
    )
    assert script.returncode == 0, script.stderr
    found: dict[str, Any] = defaultdict(lambda: {True: {}, False: {}})
    for line in out.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        found[told["scenario"]][told["has_run"]].update(told)

    assert len(found) == len(names) * len(streams.PLACES)
    for name, told in found.items():
        assert told[True]["ours"] == [], name
        for with_run, without in zip(told[True]["printing"], told[False]["printing"], strict=True):
            worse = [way for way, other in zip(with_run, without, strict=True) if way != other == [way[0], "ok"]]
            assert worse == [], name  # a tee offers writelines() where the stream has none
        assert told[True]["status"] == told[False]["status"], name
        folder = store.run_directory("tests/project", name)
        assert points_of(folder, "a") == [(1, 1.0)], name
        assert all(batch.damage == [] for path in folder.glob("*.journal") for batch in batches_of(path)), name
    outcomes = sum(len(phase) for told in found.values() for phase in told[True]["printing"])
    tried(
        "a program closed, replaced, wrapped, deleted, detached or broke its stdout or stderr, before, while and after a run",
        times=len(found),
        outcome=f"all {outcomes} prints and queries did what they do without a run; no journal was damaged",
    )


def test_a_closed_descriptor_is_not_given_to_a_journal(store, run_script):
    run_script(
        """
import os
os.close(0), os.close(1), os.close(2)
from runfork import Run
run = Run(run_id='r', source_tracking_config=None)
for step in range(100):
    run.log_metrics({'a': step}, step=step)
    run.log_files({'f': b'%d' % step}, step=step)
    for number in range(3):
        try:
            os.write(number, b'not a record')
        except OSError:
            pass
"""
    )
    folder = store.run_directory("tests/project", "r")
    (journal,) = folder.glob("*.journal")

    assert points_of(folder, "a") == [(step, float(step)) for step in range(100)]
    assert all(batch.damage == [] for batch in batches_of(journal))
    assert sorted(path.stat().st_size for path in (folder / "files").iterdir()) == [1] * 10 + [2] * 90


def test_a_pipe_that_nobody_reads_any_more_is_no_matter_of_a_run(store, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
import sys
from runfork import Run
run = Run(run_id='r', source_tracking_config=None)
for step in range(100_000):
    run.log_metrics({'a': step}, step=step)
    print('line', step, flush=True)
""",
        encoding="utf-8",
    )
    shown = subprocess.run(
        f"{sys.executable} {script} | head -1",
        shell=True,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=True,
        text=True,
    )
    folder = store.run_directory("tests/project", "r")
    steps = [step for step, _ in points_of(folder, "a")]

    assert shown.stdout == "line 0\n"
    assert shown.stderr.count("BrokenPipeError: [Errno 32]") >= 1
    assert "runfork:" not in shown.stderr
    assert steps == list(range(len(steps)))
    assert lines_of(folder)[:2] == ["line 0", "line 1"][: len(lines_of(folder))]
    assert records_of(folder, Kind.CLOSE)[0].body == {"state": "failed"}


def test_lines_are_kept_through_redirections_that_nest_and_end_in_the_wrong_order(store):
    stdout = sys.stdout
    first = Run(run_id="first", source_tracking_config=None)
    print("1 both streams are ours")
    aside = io.StringIO()
    with contextlib.redirect_stdout(aside):
        print("2 aside")
        second = Run(run_id="second", source_tracking_config=None)
        print("3 aside, seen by the second")
        first.close()
        print("4 aside, seen by the second")
    print("5 seen by nobody, for the first is closed")
    second.close()
    print("6")

    assert uncaptured(sys.stdout) is stdout
    sys.stdout = stdout
    assert aside.getvalue().splitlines() == ["2 aside", "3 aside, seen by the second", "4 aside, seen by the second"]
    assert lines_of(store.run_directory("tests/project", "first")) == ["1 both streams are ours"]
    assert lines_of(store.run_directory("tests/project", "second")) == [
        "3 aside, seen by the second",
        "4 aside, seen by the second",
    ]


def test_runs_that_are_closed_in_any_order_give_the_stream_back(store):
    stdout, stderr = sys.stdout, sys.stderr
    runs = [Run(run_id=f"r{number}", source_tracking_config=None) for number in range(3)]
    for number, run in [(0, runs[1]), (1, runs[0]), (2, runs[2])]:
        print(f"line {number}")
        run.close()

    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    assert [len(lines_of(store.run_directory("tests/project", f"r{number}"))) for number in range(3)] == [2, 1, 3]


def test_a_wrapper_that_was_put_over_the_capture_outlives_it(store, capsys):
    run = Run(run_id="r", source_tracking_config=None)
    captured: Any = sys.stdout
    sys.stdout = streams.Wrapper(sys.stdout)
    print("over")
    run.close()
    print("after")
    sys.stdout = captured  # as the wrapper's owner puts back what it found
    print("back")
    sys.stdout = captured.original

    assert capsys.readouterr().out == "OVER\nAFTER\nback\n"
    assert lines_of(store.run_directory("tests/project", "r")) == ["OVER"]


def test_a_run_sees_what_pytest_captures(store, capsys):
    with Run(run_id="r", source_tracking_config=None):
        print("to the test")
        print("and the errors", file=sys.stderr)
    folder = store.run_directory("tests/project", "r")

    assert capsys.readouterr() == ("to the test\n", "and the errors\n")
    assert lines_of(folder) == ["to the test"]
    assert lines_of(folder, "runtime/stderr") == ["and the errors"]


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_signal_handler_may_print_at_any_moment(name, store, run_script, rounds, tried):
    count = rounds(300, 5000)
    done = run_script(
        f"""
import io, itertools, pathlib, signal, sys
from runfork import Run
out = io.StringIO()  # files are written in C code that a handler may enter half-way
sys.{name} = out
run = Run(run_id='r', source_tracking_config=None)
fired = 0
numbers = itertools.count(1)
def handler(*_):
    global fired
    fired = number = next(numbers)
    sys.{name}.write(f'handler {{number}}\\n')
    run.log_metrics({{'fired': number}}, step=number)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
step = 0
while fired < {count}:
    sys.{name}.write(f'main {{step}}\\n')
    run.log_metrics({{'a': step}}, step=step)
    step += 1
signal.setitimer(signal.ITIMER_REAL, 0)
run.log_configs({{'steps': step}})
run.close()
pathlib.Path('shown.txt').write_text(out.getvalue())
"""
    )
    assert done.returncode == 0, done.stderr
    folder = store.run_directory("tests/project", "r")
    shown = Path(next(Path(store.directory).parent.glob("**/shown.txt"))).read_text(encoding="utf-8").splitlines()

    kept = lines_of(folder, f"runtime/{name}")
    steps = [step for step, _ in points_of(folder, "a")]

    assert sorted(kept) == sorted(shown)
    assert {step for step, _ in points_of(folder, "fired")} >= set(range(1, count + 1))
    assert steps == list(range(configs_of(folder)["steps"]))
    tried(
        f"a signal handler printed to {name} and logged while the program was printing and logging",
        times=count,
        outcome=f"all {len(shown):,} lines are kept; every point is there",
    )
