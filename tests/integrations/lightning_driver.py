"""Lightning, as the contract for integrations drives it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runfork.testing.integration_driver import IntegrationDriver, Plan, Trained, Unreadable

if TYPE_CHECKING:
    from pathlib import Path


class LightningDriver(IntegrationDriver):
    packages = ("runfork_lightning", "runfork_torch")
    frameworks = ("torch", "lightning", "pytorch_lightning", "numpy")
    preloaded = ("pytorch_lightning", "pytorch_lightning.callbacks", "runfork_lightning.logger", "omegaconf")
    loss = "train/loss_step"
    setting = "trainer/gradient_clip_val"
    takes_several_optimizers = True
    logs_without_step = True
    evaluated = "test/loss"
    first_step = 0
    steps_per_epoch = 8

    def carry_out(self, plan: Plan) -> Trained:
        import torch
        from tests.integrations import tiny

        losses: list[float] = []

        class Watched(_kind_of(plan)):  # type: ignore[misc]
            def training_step(self, batch, batch_idx):
                plan.at_step(len(losses) + 1)
                loss = super().training_step(batch, batch_idx)
                losses.append(float(loss.detach()))
                return loss

        torch.manual_seed(1)
        model = Watched()
        if plan.weights is not None:
            model.load_state_dict(torch.load(plan.weights))
        logger: Any = (plan.face or self.open_face(**plan.arguments)) if plan.is_tracked else False
        saver = tiny.saver(dirpath=plan.folder, filename="{epoch:02d}", save_top_k=-1)
        ranks = int(os.environ.get("WORLD_SIZE", "1"))
        parallel = {"devices": ranks, "strategy": "ddp"} if ranks > 1 else {}
        if plan.evaluates_best:  # the first epoch's loss is the highest
            saver = tiny.saver(dirpath=plan.folder, filename="{epoch:02d}", monitor="val/loss_epoch", mode="max")
        trainer = tiny.trainer(
            logger,
            max_epochs=plan.epochs,
            callbacks=[saver],
            limit_train_batches=self.steps_per_epoch,
            gradient_clip_val=plan.setting,
            **parallel,
        )
        if plan.evaluates_before:
            trainer.test(model, tiny.loader(16), verbose=False)
        trainer.fit(model, tiny.loader(64 * ranks), tiny.loader(16), ckpt_path=plan.checkpoint)
        if plan.evaluates_best:
            trainer.test(ckpt_path="best", dataloaders=tiny.loader(16), verbose=False)
        plan.folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), plan.folder / "weights.pt")
        return Trained(logger.version if logger else "", losses, plan.folder / "weights.pt", logger)

    def checkpoints(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("*.ckpt"))

    def open_face(self, **arguments: Any) -> Any:
        from runfork_lightning import RunforkLogger

        return RunforkLogger(**arguments)

    def run_of(self, face: Any) -> Any:
        return face.experiment

    def evaluate(self, folder: Path, checkpoint: Path, *, other_data: bool = False, **arguments: Any) -> None:
        from tests.integrations import tiny

        trainer = tiny.trainer(self.open_face(**arguments), default_root_dir=folder)
        trainer.test(tiny.model(), tiny.loader(24 if other_data else 16), ckpt_path=checkpoint, verbose=False)

    def spoil(self, checkpoint: Path) -> None:
        import torch

        contents = torch.load(checkpoint, weights_only=False)
        contents["optimizer_states"][0]["param_groups"] = []
        torch.save(contents, checkpoint)

    def log(self, face: Any, values: dict[str, float]) -> None:
        face.log_metrics(values)


def _kind_of(plan: Plan) -> Any:
    import torch
    from tests.integrations import tiny

    class Awkward(tiny.Model):
        def __init__(self):
            super().__init__()
            self.unused = torch.nn.LazyLinear(2)
            self.sparse = torch.nn.Parameter(torch.eye(3).to_sparse())
            torch.serialization.add_safe_globals([torch.nn.parameter.UninitializedParameter])

        def on_train_start(self):
            self.trainer.optimizers[0].param_groups[0]["note"] = Unreadable()

        def training_step(self, batch, batch_idx):
            self.trainer.optimizers[0].param_groups[0].pop("note", None)  # checkpoints would hold it
            return super().training_step(batch, batch_idx)

    class Two(tiny.Model):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch, batch_idx):
            loss = self.layer(batch[0]).pow(2).mean()
            self.log("train/loss", loss, on_step=True, on_epoch=True)
            optimizers: Any = self.optimizers()
            for optimizer in optimizers:
                optimizer.zero_grad()
            self.manual_backward(loss)
            for optimizer in optimizers:
                optimizer.step()
            return loss

        def configure_optimizers(self):
            return [torch.optim.SGD([one], lr=0.05) for one in self.parameters()]

    return Awkward if plan.is_awkward else Two if plan.optimizers > 1 else tiny.Model
