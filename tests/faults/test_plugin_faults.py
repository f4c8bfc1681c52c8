"""Plugins that raise, hang, return anything, or log and close from inside hooks: training goes on, close() ends, all is told."""

import re
import textwrap

import pytest
from tests.faults.laboratory import ARGUMENTS, Training, hook, install
from tests.run_records import state_of

from runfork.plugins import load_plugins
from runfork.testing.journals import configs_of, points_of

CLOSE_SECONDS = 5.0
CALLER_SECONDS = 5.0
SPARE_SECONDS = 10.0
"""The machine may be busy."""

HOOKS = [name for name in ARGUMENTS if name != "find_checkpoint_mark"]
WITH_RUN = [name for name, arguments in ARGUMENTS.items() if "run" in arguments]
HANG = "import threading\nthreading.Event().wait()"

RAISED = [
    "raise ValueError('no')",
    "class Hostile(Exception):\n    def __str__(self):\n        raise RuntimeError('not even this')\nraise Hostile",
    "raise SystemExit(3)",
    "raise KeyboardInterrupt",
    "raise MemoryError",
    "raise GeneratorExit",
    "import no_such_module_anywhere",
    "def f():\n    f()\nf()",
]

WRONG = {
    "convert_value": [
        "[value]", "object", "x = []\nx.append(x)\nreturn x", "{'a': {'b': value}}", "'x' * 10**8", "lambda: 1",
        "type('X', (), {'__str__': lambda self: 7, '__float__': lambda self: 1 / 0, '__len__': lambda self: -1})()",
    ],
    "decide_resume": ["'sideways'", "7", "[]", "{}", "run"],
    "collect_system_attributes": [
        "7", "['a']", "{7: 8}", "{'': 1}", "{'a': object()}", "x = {}\nx['x'] = x\nreturn x", "{'b': 'x' * 10**8}",
        "{f'k/{number}': number for number in range(20_000)}", "(('a', number) for number in iter(int, 1))",
        "{'x': float('nan'), 'y': b'bytes', 'z': {1, 2}, 'sys/state': 'mine', 'sys/custom_run_id': 'mine', 'a': 'no number'}",
    ],
    "register_samplers": [
        "7", "[7]", "iter(int, 1)", "[type('S', (), {'sample': lambda self: 7, 'close': lambda self: None})()]",
        "[type('S', (), {'sample': lambda self: {'x': 'high', 7: 8}, 'close': lambda self: 1 / 0})()]",
        "[type('S', (), {'sample': lambda self: __import__('time').sleep(99), 'close': lambda self: None})()]",
        "[type('S', (), {'sample': lambda self: exit(), 'close': lambda self: exit()})()]",
    ],
}  # fmt: skip


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Train with each plugin, eight at a time; yields what came of each."""
    monkeypatch.setenv("RUNFORK_MONITORING_SECONDS", "0.1")

    def train(codes, **options):
        for start in range(0, len(codes), 8):
            together = [
                Training(tmp_path / f"{start + number}", code, **options)
                for number, code in enumerate(codes[start : start + 8])
            ]
            yield from [training.result() for training in together]

    return train


def check_training(told):
    assert told["points"] == [(step, float(step)) for step in range(2, told["steps"])]
    assert (told["configs"]["plain"], told["is_closed"]) == (1, True)
    assert told["close"] < CLOSE_SECONDS + SPARE_SECONDS


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_raises_disturbs_neither_training_nor_the_other_plugins(name, train, rounds, tried):
    codes = [hook(name, body) for body in RAISED[: rounds(2, len(RAISED))]]
    for told in train(codes):
        check_training(told)
        assert told["configs"]["q"] == "seven"
        assert told["others"] == ["parent", "r"]
        assert sum(f"plugin lab.{name} failed" in problem for problem in told["problems"]) == 1, told["problems"]
    tried(f"a plugin raised in {name}", times=len(codes), outcome="training and the other plugin went on; told once")


@pytest.mark.parametrize("name", ["convert_value", "decide_resume"])
def test_a_hook_that_hangs_on_the_callers_thread_is_waited_for_once(name, train, tried):
    (told,) = train([hook(name, HANG)])
    check_training(told)

    assert told["configs"]["q"] == told["configs"]["q2"] == "seven"
    assert told["waited"] < CALLER_SECONDS + SPARE_SECONDS
    assert [problem[:46] for problem in told["problems"]] == [f"plugin lab.{name} failed (StillBusyError"[:46]]
    assert told["others"] == ["parent", "r"]
    tried(f"a plugin hung in {name}", times=1, outcome="waited for once, for 5 s, and told; training went on")


def test_a_hook_that_hangs_beside_training_is_left_behind(train, tried):
    names = [name for name in HOOKS if name not in ("convert_value", "decide_resume")]
    for told in train([hook(name, HANG) for name in names], seconds=1.5):
        check_training(told)
        assert told["waited"] < CALLER_SECONDS
        assert told["problems"] == ["a plugin was still busy when the run was closed; it was left behind"]
    tried(
        f"a plugin hung in {', '.join(names)}",
        times=len(names),
        outcome="training and syncing to disk went on, close() took no more than 5 s; told once",
    )


def test_a_plugin_that_hangs_when_it_is_imported_is_left_behind(train, tried):
    (told,) = train([HANG], seconds=1.5, resumes=False)
    check_training(told)

    assert told["configs"]["q"] == "seven"
    assert told["waited"] < CALLER_SECONDS + SPARE_SECONDS
    assert told["problems"] == [
        "plugins take long to be imported; what needs them goes on without",
        "a plugin was still busy when the run was closed; it was left behind",
    ]
    tried(
        "a plugin hung while it was imported", times=1, outcome="training went on; close() took no more than 5 s; told"
    )


def test_a_plugin_that_cannot_be_imported_is_told_and_left_out(train, tried):
    codes = ["import no_such_module_anywhere", "1 / 0", "raise SystemExit", "def broken(:"]
    for told in train(codes):
        check_training(told)
        assert told["others"] == ["parent", "r"]
        assert sum(bool(re.match("plugin lab failed ", problem)) for problem in told["problems"]) == 1
    tried(
        "a plugin could not be imported", times=len(codes), outcome="told once; training and the other plugin went on"
    )


@pytest.mark.parametrize("name", WRONG)
def test_what_a_hook_should_not_return_disturbs_nothing(name, train, tried):
    codes = [hook(name, body if "return" in body else f"return {body}") for body in WRONG[name]]
    for told in train(codes, seconds=1.2 if name == "register_samplers" else 0.05):
        check_training(told)
        assert told["waited"] < CALLER_SECONDS
        assert told["configs"]["sys/custom_run_id"] == "r"
    tried(f"{name} returned what it should not", times=len(codes), outcome="training went on, close() ended in time")


CALLS = """
run.log_metrics({'hook/a': 1}, step=1)
run.log_configs({'hook/c': object})
run.log_string_series({'hook/s': 'text'}, step=1)
run.assign_files({'hook/f': b'contents'})
run.add_tags(['hook'])
run.set_status('running')
run.checkpoint_mark(1)
run.wait_for_processing()
run.status, run.directory, repr(run)
"""


def test_a_hook_may_log(train, tried):
    codes = [hook(name, f"if run.run_id == 'r':\n{textwrap.indent(CALLS.strip(), '    ')}") for name in WITH_RUN]
    for name, told in zip(WITH_RUN, train(codes, resumes=True), strict=True):
        check_training(told)
        assert not any("still busy" in problem for problem in told["problems"])
        assert ("hook/c" in told["configs"]) == (name != "after_run_closed"), name
    tried("hooks logged to their run", times=len(codes), outcome="kept, unless the run was closed already; no deadlock")


def test_a_hook_may_close_the_run(train, tried):
    codes = [hook(name, "if run.run_id == 'r':\n    run.close()") for name in WITH_RUN]
    for told in train(codes):
        assert told["is_closed"]
        assert told["close"] < CLOSE_SECONDS + SPARE_SECONDS
        assert told["points"] == [(step, float(step)) for step in range(2, 2 + len(told["points"]))]
    tried(
        "hooks closed their run",
        times=len(codes),
        outcome="closed, with every point that was logged before; no deadlock",
    )


def test_threads_do_not_add_up_however_many_runs_there_are(run_script, tmp_path, monkeypatch, rounds, tried):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    install(tmp_path / "site", hook("after_run_created", "raise ValueError"))
    count = rounds(15, 300)
    done = run_script(
        f"""
import threading
from runfork import Run
for number in range({count}):
    with Run(run_id=f'r{{number}}', source_tracking_config=None) as run:
        run.log_metrics({{'a': 1}}, step=1)
print([thread.name for thread in threading.enumerate()])
"""
    )

    assert done.stdout.strip() == "['MainThread']", done.stderr
    tried(
        "runs were opened and closed in one process, with a plugin that raises",
        times=count,
        outcome="no thread is left",
    )


LEAKS = """
import os, resource, threading
kept = [bytearray(2**26)]
for number in range(100):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
os.chdir('/')
resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    while True:
        kept.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    run.kept = kept
"""


def test_a_plugin_that_leaks_costs_no_point(run_script, folder, tmp_path, monkeypatch, tried):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    install(tmp_path / "site", hook("after_run_created", LEAKS.strip()))
    done = run_script(
        """
import time
from runfork import Run
with Run(run_id='r', source_tracking_config=None) as run:
    step, deadline = 0, time.monotonic() + 30
    while time.monotonic() < deadline and not (hasattr(run, 'kept') and step > 3000):
        run.log_metrics({'a': step}, step=step)
        step += 1
        time.sleep(0.0005)
    run.assign_files({'f': b'x'})
    run.log_configs({'plain': 1, 'odd': Run})
    run.log_histograms({'h': ([0, 1], [2])}, step=1)
    run.checkpoint_mark(step)
print(step, hasattr(run, 'kept'), *run.status.problems, sep='\\n')
"""
    )
    assert done.returncode == 0, done.stderr
    steps, has_leaked, *problems = done.stdout.splitlines()

    assert has_leaked == "True"
    assert points_of(folder, "a") == [(step, float(step)) for step in range(int(steps))]
    assert (configs_of(folder)["plain"], state_of(folder)) == (1, "finished")
    assert any("file" in problem and "Too many open files" in problem for problem in problems), problems
    tried(
        "a plugin used up all file descriptors, left 100 threads and 64 MiB behind, and changed the working directory",
        times=1,
        outcome="every point is there; the file that could not be copied was told",
    )


def test_a_checkpoint_reader_that_hangs_is_left_behind(tmp_path, monkeypatch, tried):
    install(tmp_path / "site", hook("find_checkpoint_mark", HANG))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    plugins = load_plugins(["lab"], timeout_seconds=0.2)

    assert plugins.find_checkpoint_mark(str(tmp_path)) is None
    assert plugins.failures == {"lab.find_checkpoint_mark": "StillBusyError: still busy after 0.2 seconds"}
    tried("a plugin hung in find_checkpoint_mark", times=1, outcome="left behind after the time that it is given")
