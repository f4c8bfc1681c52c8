"""Lightning, as the contract for integrations drives it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.testing.integration_driver import IntegrationDriver, Plan, Trained

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LightningDriver"]


class LightningDriver(IntegrationDriver):
    packages = ("runfork_lightning", "runfork_torch")
    frameworks = ("torch", "lightning", "pytorch_lightning", "numpy")
    preloaded = ("tests.integrations.tiny",)
    loss = "train/loss_step"
    evaluated = "test/loss"
    first_step = 0
    steps_per_epoch = 8

    def carry_out(self, plan: Plan) -> Trained:
        import torch
        from tests.integrations import tiny

        from runfork_lightning import RunforkLogger

        losses: list[float] = []

        class Watched(tiny.Model):
            def training_step(self, batch, batch_idx):
                plan.at_step(len(losses) + 1)
                loss = super().training_step(batch, batch_idx)
                losses.append(float(loss.detach()))
                return loss

        torch.manual_seed(1)
        model = Watched()
        if plan.weights is not None:
            model.load_state_dict(torch.load(plan.weights))
        logger: Any = (plan.face or RunforkLogger(**plan.arguments)) if plan.is_tracked else False
        saver = tiny.saver(dirpath=plan.folder, filename="{epoch:02d}", save_top_k=-1)
        ranks = int(os.environ.get("WORLD_SIZE", "1"))
        parallel = {"devices": ranks, "strategy": "ddp"} if ranks > 1 else {}
        trainer = tiny.trainer(
            logger, max_epochs=plan.epochs, callbacks=[saver], limit_train_batches=self.steps_per_epoch, **parallel
        )
        trainer.fit(model, tiny.loader(64 * ranks), tiny.loader(16), ckpt_path=plan.checkpoint)
        plan.folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), plan.folder / "weights.pt")
        return Trained(logger.version if logger else "", losses, plan.folder / "weights.pt", logger)

    def checkpoints(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("*.ckpt"))

    def evaluate(self, folder: Path, checkpoint: Path, **arguments: Any) -> None:
        from tests.integrations import tiny

        from runfork_lightning import RunforkLogger

        trainer = tiny.trainer(RunforkLogger(**arguments), default_root_dir=folder)
        trainer.test(tiny.model(), tiny.loader(16), ckpt_path=checkpoint, verbose=False)
