"""Real Lightning with a model of five weights, and what a reader makes of its runs."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "test/tiny"

PRELUDE = """
import importlib, os, sys, warnings, logging, signal, pathlib
warnings.simplefilter("ignore")
import torch
L = importlib.import_module(os.environ.get("NAMESPACE", "pytorch_lightning"))
for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric", "lightning_fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)
from runfork_lightning import RunforkLogger

class Model(L.LightningModule):
    def __init__(self, lr=0.05, batch_size=8):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch[0]).pow(2).mean()
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.layer(batch[0]).pow(2).mean(), on_step=True, on_epoch=True)

    def test_step(self, batch, batch_idx):
        self.log("test/loss", self.layer(batch[0]).pow(2).mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

def loader(count=64):
    generator = torch.Generator().manual_seed(count)
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.randn(count, 4, generator=generator)), batch_size=8
    )

def logger(**options):
    return RunforkLogger("tiny", **{"project": "test/tiny", **options})

def trainer(own_logger, **options):
    return L.Trainer(**{
        "logger": own_logger, "accelerator": "cpu", "devices": 1, "max_epochs": 2, "log_every_n_steps": 1,
        "enable_progress_bar": False, "enable_model_summary": False, **options,
    })

def model(seed=1, **options):
    torch.manual_seed(seed)
    return Model(**options)
"""
"""What the scripts of the tests begin with; `lightning` offers the same names in this process."""


class History:
    """The project as a reader sees it."""

    def __init__(self, directory: Path) -> None:
        from runfork.project import Project

        self.project = Project.open(PROJECT, directory=directory, index_uri="memory://")
        self.refresh()

    def refresh(self) -> None:
        self.project.refresh()

    @property
    def runs(self) -> list[str]:
        """Run ids, in the order of creation."""
        return [node.run_id for node in sorted(self.project.index.nodes().values(), key=lambda node: node.created)]

    def parent(self, run_id: str) -> tuple[str, float] | None:
        fork = self.project.index.nodes()[run_id].fork
        return (fork.parent, fork.step / 1e6) if fork is not None else None

    def values(self, run_id: str) -> dict[str, Any]:
        return {path: value.value for path, value in self.project.index.values([run_id])[run_id].items()}

    def points(self, run_id: str, path: str, inherit: Any = "lineage") -> dict[float, Any]:
        from runfork.index.interface import PointsRequest, SeriesKey

        found = self.project.index.points(PointsRequest([SeriesKey(run_id, path)], inherit=inherit))
        return {
            (step // 10**6 if step % 10**6 == 0 else step / 1e6): value
            for series in found
            for step, value in zip(series.steps.tolist(), series.values, strict=True)
        }

    def own_points(self, run_id: str, path: str) -> dict[float, float]:
        return self.points(run_id, path, "own")


@pytest.fixture
def store(tmp_path, monkeypatch) -> Path:
    """A data directory of its own; the console and the hardware stay out of it."""
    directory = tmp_path / ".runfork"
    for name in list(os.environ):
        if name.startswith(("RUNFORK_", "NEPTUNE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUNFORK_DIR", str(directory))
    monkeypatch.setenv("RUNFORK_CONSOLE", "0")
    monkeypatch.setenv("RUNFORK_MONITORING_SECONDS", "0")
    monkeypatch.chdir(tmp_path)
    return directory


@pytest.fixture
def history(store):
    """Reads the data directory anew at every call."""
    return lambda: History(store)


@pytest.fixture
def lightning(store):
    """The names of `PRELUDE`, in this process."""
    pytest.importorskip("pytorch_lightning")
    names: dict[str, object] = {"__name__": "prelude"}
    exec(compile(PRELUDE, "prelude.py", "exec"), names)
    here = SimpleNamespace(**names)
    loggers = []

    def logger(**options):
        loggers.append(here.RunforkLogger("tiny", **{"project": PROJECT, **options}))
        return loggers[-1]

    here.logger = logger
    yield here
    for one in loggers:
        if one.runs.run is not None:
            one.runs.run.close()


@pytest.fixture
def script(store, tmp_path):
    """Runs a script that begins with `PRELUDE` in a process of its own."""

    def start(body: str, *, namespace: str = "pytorch_lightning", **environment: str) -> subprocess.Popen[str]:
        file = tmp_path / "script.py"
        file.write_text(
            PRELUDE + '\nif __name__ == "__main__":\n' + "\n".join("    " + line for line in body.splitlines())
        )
        return subprocess.Popen(
            [sys.executable, str(file)],
            cwd=tmp_path,
            env={**os.environ, "NAMESPACE": namespace, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(body: str, *, expect: int = 0, **options: str) -> str:
        process = start(body, **options)
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == expect, err[-4000:]
        return out

    return SimpleNamespace(start=start, run=run)
