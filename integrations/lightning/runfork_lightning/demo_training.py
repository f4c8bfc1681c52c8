"""The training of ``runfork demo``: what a user's script looks like, plus a place to be killed at.

Run as ``python -m runfork_lightning.demo_training``; it prints one JSON line when it is done or ready to be killed.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import warnings
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

from runfork_lightning import namespaces

L: Any = namespaces.load_framework()

TRAINING_SAMPLES, VALIDATION_SAMPLES = 1437, 360


class Classifier(L.LightningModule):  # type: ignore[misc]  # whichever Lightning is installed
    """A small classifier of the handwritten digits that come with scikit-learn."""

    wait_at: int | None = None
    """Global step at which to wait for the end."""

    def __init__(self, lr: float, hidden: int = 32) -> None:  # noqa: ARG002  save_hyperparameters reads lr
        super().__init__()
        self.save_hyperparameters()
        self.network = torch.nn.Sequential(torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10))

    def training_step(self, batch: list[torch.Tensor], _batch_idx: int) -> torch.Tensor:
        """Return the loss."""
        loss = torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _batch_idx: int) -> None:
        """Log loss and accuracy."""
        scores = self.network(batch[0])
        self.log("val/loss", torch.nn.functional.cross_entropy(scores, batch[1]))
        self.log("val/accuracy", (scores.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])

    def on_train_start(self) -> None:
        """Take up the learning rate that was asked for: a checkpoint restores the one it was written with."""
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.hparams["lr"]

    def on_train_batch_start(self, _batch: Any, _batch_idx: int) -> None:
        """Say where training is, and wait to be killed there."""
        if self.global_step == self.wait_at:
            print()  # the progress bar stands in this line
            _say(run_id=self.logger.version, step=self.global_step - 1)
            signal.pause()


def _say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    """Train as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--checkpoints", required=True, type=Path)
    parser.add_argument("--lr", required=True, type=float)
    parser.add_argument("--epochs", required=True, type=int)
    parser.add_argument("--resume")
    parser.add_argument("--wait-at", type=int)
    options = parser.parse_args()
    _be_quiet()

    L.seed_everything(0)
    images, labels = load_digits(return_X_y=True)
    dataset = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))
    parts = random_split(dataset, [TRAINING_SAMPLES, VALIDATION_SAMPLES], torch.Generator().manual_seed(0))

    logger = namespaces.load_classes().RunforkLogger(options.experiment)
    saver = L.callbacks.ModelCheckpoint(
        dirpath=options.checkpoints, filename="{epoch}", save_top_k=-1, every_n_epochs=1, enable_version_counter=False
    )
    trainer = L.Trainer(
        logger=logger,
        callbacks=[saver],
        max_epochs=options.epochs,
        log_every_n_steps=2,
        accelerator="cpu",
        devices=1,
        enable_model_summary=False,
    )
    loaders = DataLoader(parts[0], batch_size=64, shuffle=True), DataLoader(parts[1], batch_size=360)
    model = Classifier(options.lr)
    model.wait_at = options.wait_at
    trainer.fit(model, *loaders, ckpt_path=options.resume)
    parent, step = logger.experiment.parent or (None, None)
    _say(run_id=logger.version, parent=parent, fork_step=step, step=trainer.global_step - 1)


def _be_quiet() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


if __name__ == "__main__":
    main()
