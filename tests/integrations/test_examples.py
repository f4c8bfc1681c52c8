"""The examples on real data, as users run them: killed, resumed, and forked from an older checkpoint with another learning rate."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from runfork.testing.reading import History

pytest.importorskip("sklearn")

EXAMPLES = Path(__file__).parents[2] / "examples"
LIMIT_SECONDS = 240


class Example(NamedTuple):
    """How an example is trained, until which checkpoint it is killed, and what its checkpoints are worth.

    Args:
        name: Its script and its experiment.
        arguments: For a training that is long enough to be killed.
        checkpoints: The older checkpoint and the one after which it is killed, with their steps.
        resumed: For the trainings that resume.
        rate: Where its learning rate stands.
    """

    name: tuple[str, str]
    arguments: list[str]
    checkpoints: list[tuple[str, float]]
    resumed: list[str]
    rate: str


CASES = {
    "keras": Example(
        ("keras_digits.py", "digits"),
        ["--epochs", "2000"],
        [("checkpoints/01.keras", 23), ("checkpoints/03.keras", 69)],
        ["--epochs", "4"],
        "optimizer/SGD/learning_rate",
    ),
    "lightning": Example(
        ("lightning_digits.py", "digits"),
        ["--epochs", "2000"],
        [("checkpoints/epoch=0.ckpt", 22), ("checkpoints/epoch=2.ckpt", 68)],
        ["--epochs", "4"],
        "optimizer/SGD/lr",
    ),
    "transformers": Example(
        ("hf_text.py", "pydoc"),
        ["--steps", "2000"],
        [("checkpoints/checkpoint-50", 50), ("checkpoints/checkpoint-100", 100)],
        ["--steps", "110"],
        "optimizer/AdamW/lr",
    ),
}


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("RUNFORK_", "NEPTUNE_"))}


def start(example, folder, *arguments):
    command = [sys.executable, str(EXAMPLES / example.name[0]), *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def finish(process):
    _, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert 0 == process.returncode, errors.decode()[-3000:]


@pytest.mark.parametrize("framework", sorted(CASES))
def test_an_example_is_killed_resumed_and_forked(framework, tmp_path):
    example = CASES[framework]
    (older, first_step), (newer, second_step) = example.checkpoints
    process = start(example, tmp_path, *example.arguments)
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (tmp_path / newer).exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[1].decode()[-3000:]
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    finish(start(example, tmp_path, *example.resumed, "--resume", older))
    finish(start(example, tmp_path, *example.resumed, "--resume", older, "--lr", "0.03"))
    found = History(tmp_path / ".runfork", f"local/{tmp_path.name}")
    killed, resumed, forked = found.runs

    assert "lost" == found.values(killed)["sys/state"]
    assert {(killed, first_step)} == {found.parent(run) for run in (resumed, forked)}
    assert (found.values(killed)[example.rate], 0.03) == (
        found.values(resumed)[example.rate],
        found.values(forked)[example.rate],
    )
    assert {example.name[1]} == {found.values(run)["sys/name"] for run in found.runs}
    assert max(found.own_points(killed, "train/loss")) >= second_step - 10


def test_a_loop_of_ones_own_resumes_as_a_fork(tmp_path):
    said = []
    for arguments in (["--epochs", "1"], ["--resume", "--epochs", "1", "--lr", "0.01"]):
        done = subprocess.run(
            [sys.executable, EXAMPLES / "own_loop.py", *arguments],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        said.append(done.stdout)

    parent = said[0].split()[-1]
    assert f"forked from ('{parent}', 29)" in said[1]
