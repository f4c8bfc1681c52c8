"""``runfork demo`` and the example script, as a user runs them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integrations import user_scripts

from runfork.errors import RunforkError
from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS

pytest.importorskip("pytorch_lightning")
pytest.importorskip("sklearn")
demo = pytest.importorskip("runfork_lightning.demo")

EXAMPLE = Path(__file__).parents[2] / "examples" / "lightning_digits.py"


def _runfork(folder, *arguments, **ours):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFORK_", "NEPTUNE_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from runfork.cli import main; main()", *arguments],
        cwd=folder,
        env={**environment, "COLUMNS": "160", **ours},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_demo_shows_a_killed_training_and_its_forks(tmp_path):
    done = _runfork(tmp_path, "demo", RUNFORK_MODE="disabled", RUNFORK_PROJECT="no/demo", NEPTUNE_PROJECT="no/demo")
    lines = done.stdout.splitlines()
    forks = [line for line in lines if re.match(r"[1-4] ", line)]

    assert re.search(r"killed \(SIGKILL\) in the middle of epoch 5, at step 126", forks[0])
    assert ["run 1 at step 114", "run 2 at step 206", "run 1 at step 45"] == [
        line.partition("a fork of ")[2] for line in forks[1:]
    ]
    assert any("hparams/lr: 0.1 → 0.5" in line for line in lines)
    assert 4 == len(
        re.findall(r"\b(?:lost|finished)\b", done.stdout.partition("$ runfork lineage")[2].partition("$ runfork")[0])
    )
    assert "" == done.stderr
    assert shlex.split(lines[-1])[-5:] == ["ui", "--dir", "runfork-demo/.runfork", "--project", "demo/digits"]
    rows = json.loads(_runfork(tmp_path / "runfork-demo", "ls", "--runs", "--json").stdout)

    assert 4 == rows["total"]
    found = History(tmp_path / "runfork-demo" / ".runfork", "demo/digits")
    commands = [found.values(run)["source_code/run_command"] for run in found.runs]

    assert ["first", "second", "third", "fourth"] == [
        re.findall(r" -m runfork_lightning\.demo_training .*--checkpoints \S+/(\w+)", command)[0]
        for command in commands
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"project": "a/b/c"}, "exactly one slash, found 'a/b/c'"),
        ({"directory": "file/demo"}, "the demo's folder file/demo cannot be made .*; choose another with --dir"),
    ],
)
def test_what_cannot_be_made_is_told_in_a_sentence_before_anything_is_trained(tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()

    with pytest.raises(RunforkError, match=sentence) as raised:
        demo.run_demo(**options, is_quiet=True)
    assert "\n" not in str(raised.value)
    assert ["file"] == [path.name for path in tmp_path.iterdir()]


def test_a_name_that_is_taken_by_a_file_or_a_full_folder_is_left_alone(tmp_path):
    (tmp_path / "demo").touch()
    (tmp_path / "demo-2").mkdir()
    (tmp_path / "demo-2" / "something").touch()

    assert tmp_path / "demo-3" == demo._free_folder(tmp_path / "demo")


def test_example_resumes_from_last_as_a_fork(tmp_path):
    for arguments in (["--epochs", "1"], ["--epochs", "2", "--resume", "last", "--lr", "0.02"]):
        user_scripts.finish(user_scripts.start(EXAMPLE, *arguments, framework="lightning", folder=tmp_path))
    from runfork.reading.project import Project

    with Project.open(f"local/{tmp_path.name}", directory=tmp_path / ".runfork") as project:
        project.refresh()
        head = project.find_run("digits")
        values = project.index.values([head])[head]

    assert (22.0, 0.02) == (values["sys/forking/step"].value, values["optimizer/SGD/lr"].value)
    assert 44_000_000 == (values["train/loss"].statistics or {})["last_step"]
