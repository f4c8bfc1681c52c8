"""Handwritten digits with PyTorch Lightning. The logger is the only line that knows of runfork.

    python examples/lightning_digits.py                            # a run
    python examples/lightning_digits.py --resume last --epochs 6   # a fork of it, from its last checkpoint
    python examples/lightning_digits.py --resume checkpoints/epoch=1.ckpt --lr 0.02

Then look: ``runfork ls``, ``runfork lineage``, ``runfork plot digits train/loss``.
"""

from __future__ import annotations

import argparse

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

from runfork_lightning import RunforkLogger


class Classifier(pl.LightningModule):
    """A small classifier of 8 x 8 images."""

    def __init__(self, lr: float = 0.1, hidden: int = 32) -> None:  # noqa: ARG002  save_hyperparameters reads lr
        super().__init__()
        self.save_hyperparameters()
        self.network = torch.nn.Sequential(torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10))

    def training_step(self, batch: list[torch.Tensor], _batch_idx: int) -> torch.Tensor:
        """Return the loss of a batch."""
        images, labels = batch
        loss = torch.nn.functional.cross_entropy(self.network(images), labels)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _batch_idx: int) -> None:
        """Log loss and accuracy."""
        images, labels = batch
        scores = self.network(images)
        self.log("val/loss", torch.nn.functional.cross_entropy(scores, labels))
        self.log("val/accuracy", (scores.argmax(1) == labels).float().mean(), prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])

    def on_train_start(self) -> None:
        """Take up a learning rate given on the command line: a checkpoint restores the one it was written with."""
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.hparams["lr"]


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resume", metavar="CHECKPOINT", help='path of a checkpoint, or "last"')
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()

    pl.seed_everything(0)
    images, labels = load_digits(return_X_y=True)
    dataset = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))
    train, validation = random_split(dataset, [1437, 360], torch.Generator().manual_seed(0))

    trainer = pl.Trainer(
        logger=RunforkLogger("digits"),
        callbacks=[ModelCheckpoint(dirpath="checkpoints", filename="{epoch}", save_top_k=-1, save_last=True)],
        max_epochs=options.epochs,
        log_every_n_steps=5,
    )
    trainer.fit(
        Classifier(lr=options.lr),
        DataLoader(train, batch_size=64, shuffle=True),
        DataLoader(validation, batch_size=64),
        ckpt_path=options.resume,
    )


if __name__ == "__main__":
    main()
