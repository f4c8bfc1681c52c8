"""The processes of ``runfork demo``, with trainings that take no time: forked where that is safe, and begun anew elsewhere."""

from __future__ import annotations

import os
import sys

import psutil
import pytest

from runfork.errors import RunforkError
from runfork.testing.waits import HANG_SECONDS
from runfork_lightning.demo_processes import FORK, SPAWN, trainings

TRAINING = """
import heavy, json, os, pathlib, signal, sys

def say(**values):
    print(json.dumps(values), flush=True)

def show():
    say(step=1)
    say(pid=os.getpid(), folder=os.getcwd(), arguments=sys.argv[1:], script=os.path.basename(sys.modules["__main__"].__file__))

def wait():
    print("begins ", end="", flush=True)
    print(json.dumps({"other": 1}), "is no line of its own", flush=True)
    print("3\\n{no json}")
    say(pid=os.getpid())
    signal.pause()

def tell():
    say(command=sys.orig_argv, value=os.environ.get("VALUE"), other=os.environ.get("OTHER"), typed=sys.stdin.read())

def stop():
    print("unfinished", end="", flush=True)
    raise ArithmeticError("no number")

def keep_quiet():
    print("nothing to say")

if __name__ == "__main__":
    globals()[sys.argv[1]]()
"""


@pytest.fixture(params=[FORK, SPAWN])
def method(request):
    return request.param


@pytest.fixture
def begin(method, tmp_path, monkeypatch):
    """Starts the server of such trainings."""
    (tmp_path / "training.py").write_text(TRAINING)
    (tmp_path / "heavy.py").write_text("open('imports', 'a').write('+')\n")
    monkeypatch.setenv("OTHER", "not handed on")
    environment = {"PATH": os.environ["PATH"], "VALUE": "7", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def make(timeout=HANG_SECONDS):
        return trainings("training", tmp_path, environment, method=method, timeout=timeout)

    return make


def test_each_training_has_a_process_and_imports_are_done_once_where_it_is_forked(begin, method, tmp_path):
    with begin() as processes:
        found = [processes.run(["show", str(number)]) for number in range(2)]

    assert [["show", "0"], ["show", "1"]] == [one["arguments"] for one in found]
    assert {(str(tmp_path), "training.py")} == {(one["folder"], one["script"]) for one in found}
    assert 3 == len({os.getpid(), *(one["pid"] for one in found)})
    assert {FORK: "+", SPAWN: "++"}[method] == (tmp_path / "imports").read_text()


def test_a_training_finds_the_command_and_the_environment_of_its_own_and_no_input(begin):
    with begin() as processes:
        found = processes.run(["tell", "--lr", "0.1"])

    assert [sys.executable, "-m", "training", "tell", "--lr", "0.1"] == found["command"]
    assert ("7", None, "") == (found["value"], found["other"], found["typed"])


def test_one_is_killed_at_the_first_that_it_says_and_the_next_one_trains(begin):
    with begin() as processes:
        killed = processes.run(["wait"], is_killed=True)
        gone = not psutil.pid_exists(killed["pid"])
        found = processes.run(["show"])

    assert gone
    assert ["show"] == found["arguments"]


def test_failures_say_what_the_training_said_last(begin, tmp_path):
    with begin() as processes:
        with pytest.raises(RunforkError, match=r"(?s)a training of the demo failed:\n.*ArithmeticError: no number"):
            processes.run(["stop"])
        with pytest.raises(RunforkError, match=r"a training of the demo said nothing, found .*nothing to say"):
            processes.run(["keep_quiet"])
    (tmp_path / "heavy.py").write_text("raise ImportError('half installed')\n")
    with begin() as processes:
        for _ in range(2):
            with pytest.raises(RunforkError, match=r"(?s)a training of the demo failed:\n.*half installed"):
                processes.run(["show"])


def test_one_that_takes_too_long_is_killed(begin):
    with (
        begin(timeout=0.5) as processes,
        pytest.raises(RunforkError, match=r"took longer than 0\.5 seconds; try again"),
    ):
        processes.run(["wait"])  # nobody who could write more is left when this raises
