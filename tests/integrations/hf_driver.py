"""The Trainer of transformers, as the contract for integrations drives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.testing.integration_driver import IntegrationDriver, Plan, Trained

if TYPE_CHECKING:
    from pathlib import Path


def model(seed: int = 1) -> Any:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    # transformers 4 asks for the loss by name
    settings: dict[str, Any] = {"loss_type": "ForCausalLM"}
    return GPT2LMHeadModel(
        GPT2Config(
            n_layer=1,
            n_head=2,
            n_embd=8,
            vocab_size=16,
            n_positions=8,
            bos_token_id=0,
            eos_token_id=0,
            **settings,
        )
    )


def data(count: int = 64) -> list[dict[str, Any]]:
    import torch

    generator = torch.Generator().manual_seed(count)
    rows = torch.randint(0, 16, (count, 8), generator=generator)
    return [{"input_ids": row, "labels": row} for row in rows]


def arguments(folder: Path, **options: Any) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(
        **{
            "output_dir": str(folder),
            "per_device_train_batch_size": 8,
            "num_train_epochs": 2,
            "logging_steps": 1,
            "save_strategy": "epoch",
            "report_to": "none",
            "disable_tqdm": True,
            "use_cpu": True,
            "learning_rate": 0.01,
            "lr_scheduler_type": "constant",
            **options,
        }
    )


class HfDriver(IntegrationDriver):
    packages = ("runfork_hf", "runfork_torch")
    frameworks = ("torch", "transformers", "accelerate", "numpy")
    preloaded = ("runfork_hf.trainer.callback", "transformers.trainer", "transformers.models.gpt2.modeling_gpt2")
    loss = "train/loss"
    evaluated = "eval/loss"
    setting = "trainer/eval_steps"
    first_step = 1
    steps_per_epoch = 8

    def carry_out(self, plan: Plan) -> Trained:
        import os

        from transformers import GPT2LMHeadModel, Trainer

        begun = 0

        class Watched(Trainer):
            def training_step(self, *args: Any, **kwargs: Any) -> Any:
                nonlocal begun
                begun += 1
                plan.at_step(begun)
                return super().training_step(*args, **kwargs)

        callback = (plan.face or self.open_face(**plan.arguments)) if plan.is_tracked else None
        options: dict[str, Any] = {"num_train_epochs": plan.epochs, "eval_steps": plan.setting}
        if plan.evaluates_best:  # the first epoch's loss is the highest; metrics of several data sets carry their names
            options |= {"eval_strategy": "epoch", "load_best_model_at_end": True}
            options |= {"metric_for_best_model": "eval_other_loss", "greater_is_better": True}
        trained = GPT2LMHeadModel.from_pretrained(plan.weights) if plan.weights is not None else model()
        trainer = Watched(
            model=_awkward() if plan.is_awkward else trained,
            args=arguments(plan.folder, **options),
            train_dataset=data(64 * int(os.environ.get("WORLD_SIZE", "1"))),
            eval_dataset={"other": data()},
            callbacks=[callback] if callback is not None else [],
        )
        evaluated: Any = data(16)  # a list is a dataset to the Trainer, though not to its types
        if plan.evaluates_before:
            trainer.evaluate(evaluated)
        trainer.train(resume_from_checkpoint=str(plan.checkpoint) if plan.checkpoint is not None else None)
        if plan.evaluates_best:
            trainer.evaluate(evaluated)
        trainer.save_model(str(plan.folder / "weights"))
        logged = [entry for entry in trainer.state.log_history if "loss" in entry]
        return Trained(
            callback.training.runs.run_id if callback is not None else "",
            [entry["loss"] for entry in logged[-begun:]],
            plan.folder / "weights",
            callback,
        )

    def checkpoints(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))

    def open_face(self, **options: Any) -> Any:
        from runfork_hf import RunforkCallback

        return RunforkCallback(**options)

    def run_of(self, face: Any) -> Any:
        return face.run

    def evaluate(self, folder: Path, checkpoint: Path, *, other_data: bool = False, **options: Any) -> None:
        from transformers import GPT2LMHeadModel, Trainer

        trainer = Trainer(
            model=GPT2LMHeadModel.from_pretrained(checkpoint),
            args=arguments(folder),
            eval_dataset=data(24 if other_data else 16),
            callbacks=[self.open_face(**options)],
        )
        trainer.evaluate()

    def spoil(self, checkpoint: Path) -> None:
        (checkpoint / "model.safetensors").write_bytes(b"cut off")


def _awkward() -> Any:
    import torch

    class Awkward(torch.nn.Module):
        """A model of a user's own whose configuration cannot be read, and whose weights are said to lie on several devices."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.config = _Unreadable()
            self.inner = torch.nn.Embedding(16, 4)
            vars(self.inner.weight)["placements"] = ()  # as those of sharded weights have

        def forward(self, input_ids: Any, labels: Any) -> Any:
            return {"loss": self.inner(input_ids).sum(-1).sub(labels).pow(2).mean()}

    return Awkward()


class _Unreadable:
    def to_dict(self) -> Any:
        raise RuntimeError("not to be read")
