"""A model of five weights and what trains it, for tests in this process; scripts of the tests begin with this text."""

import importlib
import logging
import os
from typing import TYPE_CHECKING, Any

import torch

from runfork_lightning import RunforkLogger

if TYPE_CHECKING:
    import pytorch_lightning as L  # noqa: N812
else:
    L = importlib.import_module(os.environ.get("NAMESPACE", "pytorch_lightning"))

for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric", "lightning_fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)


class Model(L.LightningModule):
    def __init__(self, lr=0.05, batch_size=8):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch[0]).pow(2).mean()
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx) -> Any:
        self.log("val/loss", self.layer(batch[0]).pow(2).mean(), on_step=True, on_epoch=True)

    def test_step(self, batch, batch_idx):
        self.log("test/loss", self.layer(batch[0]).pow(2).mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])


def loader(count=64):
    generator = torch.Generator().manual_seed(count)
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.randn(count, 4, generator=generator)), batch_size=8
    )


def logger(**options: Any):
    options.setdefault("project", "test/tiny")
    return RunforkLogger("tiny", **options)


def saver(**options: Any) -> Any:
    return importlib.import_module(f"{L.__name__}.callbacks").ModelCheckpoint(**options)


def trainer(own_logger, **options):
    return L.Trainer(
        **{
            "logger": own_logger,
            "accelerator": "cpu",
            "devices": 1,
            "max_epochs": 2,
            "log_every_n_steps": 1,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            **options,
        }
    )


def model(seed=1, **options):
    torch.manual_seed(seed)
    return Model(**options)
