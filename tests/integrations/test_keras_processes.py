"""Keras in processes of its own: killed, interrupted, stopped; and the example script, as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integrations import user_scripts

from runfork.testing.processes import start_driver
from runfork.testing.reading import History

pytest.importorskip("tests.integrations.tiny_keras")

from tests.integrations.keras_driver import KerasDriver

from runfork.testing.waits import HANG_SECONDS

EXAMPLE = Path(__file__).parents[2] / "examples" / "keras_digits.py"

TRAIN = """
import os, signal
from tests.integrations import tiny_keras as tiny
class Stop(tiny.keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == STEP:
            os.kill(os.getpid(), SIGNAL)
            signal.pause()
backup = tiny.keras.callbacks.BackupAndRestore("backup", save_freq=3)
tiny.fit(tiny.model(), epochs=2, callbacks=[tiny.callback(run_id=NAME), backup, Stop()])
"""


def train(folder, name, *, number=0, step=-1):
    code = f"NAME, SIGNAL, STEP = {name!r}, {int(number)}, {step}\n{TRAIN}"
    process = start_driver(KerasDriver(), code, folder)
    return process, process.communicate(timeout=HANG_SECONDS)[1]


def test_killed_in_the_middle_of_an_epoch_and_restored_twice(data_directory, tmp_path):
    for name, step in (("first", 11), ("second", 14)):
        process, _ = train(tmp_path, name, number=signal.SIGKILL, step=step)
        assert -signal.SIGKILL == process.returncode
    process, errors = train(tmp_path, "third")
    found = History(data_directory)

    assert 0 == process.returncode, errors
    # Keras begins epochs anew, and a backup of a restored training with the first one: 12 steps, and 16 more
    assert (None, ("first", 9), ("second", 12)) == tuple(map(found.parent, ("first", "second", "third")))
    assert list(range(1, 12)) == sorted(found.points("first", "batch/loss"))
    assert list(range(1, 29)) == sorted(found.points("third", "batch/loss"))
    assert ["lost", "lost", "finished"] == [found.values(run)["sys/state"] for run in ("first", "second", "third")]


@pytest.mark.parametrize(("number", "state"), [(signal.SIGINT, "aborted"), (signal.SIGTERM, "preempted")])
def test_interrupted_training_says_so(data_directory, tmp_path, number, state):
    train(tmp_path, "only", number=number, step=5)
    found = History(data_directory)

    assert state == found.values("only")["sys/state"]
    assert [1, 2, 3, 4, 5] == sorted(found.points("only", "batch/loss"))


def test_example_resumes_as_a_fork(tmp_path):
    pytest.importorskip("sklearn")
    told = ""
    for arguments in (["--epochs", "1"], ["--epochs", "2", "--resume", "checkpoints/01.keras", "--lr", "0.02"]):
        process = user_scripts.start(EXAMPLE, *arguments, framework="keras", folder=tmp_path)
        told += user_scripts.finish(process)[1]

    assert re.search(r"is forked from \S+ at step 23", told)


def test_without_a_backend_one_sentence_names_what_to_install(tmp_path):
    code = "import sys; sys.modules['tensorflow'] = None\nfrom runfork_keras import RunforkCallback"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "KERAS_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=HANG_SECONDS, env=environment
    )

    assert done.returncode == 1
    assert 1 == done.stderr.count("Traceback")
    assert "pip install torch, and KERAS_BACKEND=torch" in done.stderr.splitlines()[-1]
