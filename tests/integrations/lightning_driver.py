"""Lightning, as the contract for integrations drives it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.testing.integration_driver import Trained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["LightningDriver"]


class LightningDriver:
    packages = ("runfork_lightning", "runfork_torch")
    frameworks = ("torch", "lightning", "pytorch_lightning", "numpy")
    loss = "train/loss_step"
    evaluated = "test/loss"
    first_step = 0
    steps_per_epoch = 8

    def train(
        self,
        folder: Path,
        *,
        epochs: int = 2,
        checkpoint: Path | None = None,
        weights: Path | None = None,
        is_tracked: bool = True,
        at_step: Callable[[int], None] | None = None,
        face: Any = None,
        **arguments: Any,
    ) -> Trained:
        import torch
        from tests.integrations import tiny

        from runfork_lightning import RunforkLogger

        losses: list[float] = []

        class Watched(tiny.Model):
            def training_step(self, batch, batch_idx):
                if at_step is not None:
                    at_step(len(losses) + 1)
                loss = super().training_step(batch, batch_idx)
                losses.append(float(loss.detach()))
                return loss

        torch.manual_seed(1)
        model = Watched()
        if weights is not None:
            model.load_state_dict(torch.load(weights))
        logger: Any = (face or RunforkLogger(**arguments)) if is_tracked else False
        saver = tiny.saver(dirpath=folder, filename="{epoch:02d}", save_top_k=-1)
        ranks = int(os.environ.get("WORLD_SIZE", "1"))
        parallel = {"devices": ranks, "strategy": "ddp"} if ranks > 1 else {}
        before = set(self.checkpoints(folder))
        trainer = tiny.trainer(
            logger, max_epochs=epochs, callbacks=[saver], limit_train_batches=self.steps_per_epoch, **parallel
        )
        trainer.fit(model, tiny.loader(64 * ranks), tiny.loader(16), ckpt_path=checkpoint)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), folder / "weights.pt")
        return Trained(
            logger.version if logger else "",
            losses,
            [path for path in self.checkpoints(folder) if path not in before],
            folder / "weights.pt",
            logger,
        )

    def checkpoints(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("*.ckpt"))

    def evaluate(self, folder: Path, checkpoint: Path, **arguments: Any) -> None:
        from tests.integrations import tiny

        from runfork_lightning import RunforkLogger

        trainer = tiny.trainer(RunforkLogger(**arguments), default_root_dir=folder)
        trainer.test(tiny.model(), tiny.loader(16), ckpt_path=checkpoint, verbose=False)
