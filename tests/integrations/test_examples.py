"""The examples on real data, as users run them: killed, resumed, and forked from an older checkpoint with another learning rate."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from tests.integrations import user_scripts
from tests.integrations.user_scripts import finish

from runfork.testing.reading import History
from runfork.testing.waits import until

pytest.importorskip("sklearn")

EXAMPLES = Path(__file__).parents[2] / "examples"


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
        ["--epochs", "2"],
        "optimizer/SGD/learning_rate",
    ),
    "lightning": Example(
        ("lightning_digits.py", "digits"),
        ["--epochs", "2000"],
        [("checkpoints/epoch=0.ckpt", 22), ("checkpoints/epoch=2.ckpt", 68)],
        ["--epochs", "2"],
        "optimizer/SGD/lr",
    ),
    "transformers": Example(
        ("hf_text.py", "pydoc"),
        ["--steps", "2000"],
        [("checkpoints/checkpoint-25", 25), ("checkpoints/checkpoint-50", 50)],
        ["--steps", "35"],
        "optimizer/AdamW/lr",
    ),
}


@pytest.mark.parametrize("framework", sorted(CASES))
def test_an_example_is_killed_resumed_and_forked(framework, tmp_path):
    example = CASES[framework]

    def start(*arguments):
        return user_scripts.start(EXAMPLES / example.name[0], *arguments, framework=framework, folder=tmp_path)

    (older, first_step), (newer, second_step) = example.checkpoints
    process = start(*example.arguments)
    until(lambda: (tmp_path / newer).exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()[1][-3000:]
    process.kill()
    process.communicate()
    finish(start(*example.resumed, "--resume", older))
    finish(start(*example.resumed, "--resume", older, "--lr", "0.03"))
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
        process = user_scripts.start(EXAMPLES / "own_loop.py", *arguments, framework="lightning", folder=tmp_path)
        said.append(finish(process)[0])

    parent = said[0].split()[-1]
    assert f"forked from ('{parent}', 29)" in said[1]
