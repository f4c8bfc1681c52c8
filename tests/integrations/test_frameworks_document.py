"""The three frameworks side by side, as the README and ``docs/frameworks.md`` show them: each trains, and each forks on resume."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.integrations import user_scripts

from runfork.testing.reading import History

HOME = Path(__file__).resolve().parents[2]

LIGHTNING = """
import torch
from pytorch_lightning import LightningModule

class Model(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, batch_idx):
        return self.layer(batch).pow(2).mean()
    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.ones(64, 4), batch_size=8)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

model = Model()
"""
TRAINER = """
from tests.integrations.hf_driver import data as make_data, model as make_model
model, data = make_model(), make_data()
"""
KERAS = """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy
def build():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    return model
x, y = numpy.ones((64, 4)), numpy.ones((64, 1))
"""


def blocks(document: str) -> dict[str, str]:
    text = (HOME / document).read_text(encoding="utf-8")
    found = re.findall(r"```py\n((?:from (?:pytorch_lightning|transformers)|import keras).*?)```", text, re.DOTALL)
    return {re.split(r"[ .\n]", block)[1]: block for block in found}


def resuming(block: str) -> str:
    """Return the block with the line that resumes in the place of the one beside which it stands."""
    return re.sub(r"^.*# resume: (.*)$", r"\1", block, flags=re.MULTILINE)


def test_the_readme_shows_what_the_document_shows():
    assert {"pytorch_lightning", "transformers", "keras"} == set(blocks("README.md"))
    assert blocks("README.md") == blocks("docs/frameworks.md")


@pytest.mark.parametrize("framework", ["pytorch_lightning", "transformers", "keras"])
def test_the_lines_train_and_the_line_that_resumes_forks(framework, data_directory, tmp_path):
    ours = {name: value for name, value in os.environ.items() if name.startswith("RUNFORK_")}
    before = {"pytorch_lightning": LIGHTNING, "transformers": TRAINER, "keras": KERAS}[framework]
    block = blocks("docs/frameworks.md")[framework].replace("EPOCHS", "2")
    longer = {
        "pytorch_lightning": ('RunforkLogger("digits")', 'RunforkLogger("digits"), max_epochs=3'),
        "transformers": (
            'TrainingArguments("out")',
            'TrainingArguments("out", save_steps=8, use_cpu=True, report_to="none")',
        ),
        "keras": ("", ""),
    }[framework]
    shorter = (longer[0], longer[1].replace("max_epochs=3", "max_epochs=2"))
    for text, (old, new) in ((block, shorter), (resuming(block), longer)):
        script = tmp_path / "script.py"
        script.write_text(before + (text.replace(old, new) if old else text), encoding="utf-8")
        name = framework.removeprefix("pytorch_")
        user_scripts.finish(user_scripts.start(script, framework=name, folder=tmp_path, **ours))
    found = History(data_directory)
    first, second = found.runs
    parent = found.parent(second)

    assert parent is not None
    assert first == parent[0]
    assert {"digits"} == {found.values(run)["sys/name"] for run in (first, second)}
